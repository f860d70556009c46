"""Push through quiet hours with a real vendor behind it: here the mail one, over loopback."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from pydantic import SecretStr
from temporalio.testing import ActivityEnvironment

from activities.channels import Channels, EmailVendor
from activities.reminders import Reminders
from activities.tick import Ticks
from core import clock
from core.db import Database
from core.messages import Kind, TickMessage
from core.models.deliveries import Channel
from integrations.email_links import Links
from integrations.emails import Emails
from integrations.http import vendor_client
from integrations.sendgrid import SendGrid
from tests.activities.conftest import KEY, Mailbox
from tests.reminding import scene


@pytest.fixture
async def pushing(app_db: Database, worker_db: Database, mailbox: Mailbox) -> AsyncIterator[Ticks]:
    """A worker whose push messages arrive in the mailbox."""
    async with vendor_client() as client:
        sendgrid = SendGrid(client, SecretStr("SG.key"), mailbox.url, "Todo <todo@example.com>")
        emails = Emails(Links.of("https://todo.example", KEY))
        channels = Channels({Channel.PUSH: EmailVendor(emails, sendgrid)})
        handlers = {Kind.REMINDERS: Reminders(app_db, channels, dev=False)}
        yield Ticks(worker_db, handlers, lanes=1, life_s=1.0)


async def test_push_waits_until_quiet_hours_end(
    pushing: Ticks, mailbox: Mailbox, database_url: str
) -> None:
    async def tick() -> int:
        return await ActivityEnvironment().run(pushing.run, TickMessage(Kind.REMINDERS, at.lane))

    for seconds in (4, 20, 100):  # a busy machine gets more
        now = clock.now()
        end = (now + timedelta(seconds=seconds)).replace(microsecond=0)
        at = scene(database_url, [now], channels=["in_app", "push"])
        at.run(
            "UPDATE users SET preferences = jsonb_build_object("
            "'quiet_hours', jsonb_build_object('start', %s::text, 'end', %s::text)) WHERE id = %s",
            (end - timedelta(hours=8)).time().isoformat(),
            end.time().isoformat(),
            at.user_id,
        )
        assert await tick() == 1
        [held] = at.deliveries("push")
        if clock.now() < end:
            break
    assert (held["status"], held["next_attempt_at"]) == ("held", end)
    assert mailbox.of(at.email) == []
    assert [each["kind"] for each in at.notifications()] == ["reminder"]
    await asyncio.sleep(max((end - clock.now()).total_seconds() - 0.5, 0))
    assert await tick() == 1
    [sent] = at.deliveries("push")
    assert (sent["status"], sent["attempts"], sent["due_at"]) == ("sent", 1, end)
    assert sent["sent_at"] >= end
    [message] = mailbox.of(at.email)
    assert message["delivery_id"] == str(sent["id"])
    assert (len(at.notifications()), at.waiting(), at.leases()) == (1, 0, 0)
