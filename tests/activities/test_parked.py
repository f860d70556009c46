"""Of many that failed at once none is lost, none gets a workflow, and other channels go out."""

from collections.abc import AsyncIterator, Iterator
from datetime import timedelta

import pytest
from pydantic import SecretStr
from temporalio.testing import ActivityEnvironment

from activities.channels import Channels, EmailVendor
from activities.circuits import FIRST_WAIT_S, MANY, Circuits
from activities.parked import Parked
from activities.reminders import Reminders
from activities.shift import Handler
from activities.tick import Ticks
from core import clock
from core.db import Database
from core.messages import Kind, TickMessage
from core.models.deliveries import Channel
from core.services import due_reminders
from integrations.email_links import Links
from integrations.emails import Emails
from integrations.http import vendor_client
from integrations.sendgrid import SendGrid
from tests.activities.conftest import KEY, Mailbox, Time
from tests.reminding import Scene, scene

COUNT = 60


@pytest.fixture
async def channels(mailbox: Mailbox, time: Time) -> AsyncIterator[Channels]:
    async with vendor_client() as client:
        sendgrid = SendGrid(client, SecretStr("SG.key"), mailbox.url, "Todo <todo@example.com>")
        emails = Emails(Links.of("https://todo.example", KEY))
        vendors = {Channel.EMAIL: EmailVendor(emails, sendgrid)}
        yield Channels(vendors, circuits=Circuits(time))


@pytest.fixture
async def ticks(app_db: Database, worker_db: Database, channels: Channels) -> Ticks:
    handlers: dict[Kind, Handler] = {
        Kind.REMINDERS: Reminders(app_db, channels, dev=False),
        Kind.PARKED: Parked(app_db, channels, dev=False),
    }
    return Ticks(worker_db, handlers, lanes=1, life_s=1.0)


@pytest.fixture(autouse=True)
def alone(database_url: str) -> Iterator[None]:
    """Parked ones of other tests are of no lane of ours."""
    yield
    scene(database_url, []).run("DELETE FROM parked_deliveries")


async def tick(ticks: Ticks, at: Scene) -> None:
    await ActivityEnvironment().run(ticks.run, TickMessage(Kind.REMINDERS, at.lane))


async def again(ticks: Ticks) -> int:
    return await ActivityEnvironment().run(ticks.run, TickMessage(Kind.PARKED, 0))


def parked(at: Scene) -> int:
    [row] = at.rows(
        "SELECT count(*) AS n FROM parked_deliveries WHERE workspace_id = %s", at.user_id
    )
    return int(row["n"])


def its_time(at: Scene) -> None:
    past = "now() - interval '1 second'"
    at.run(f"UPDATE deliveries SET next_attempt_at = {past} WHERE user_id = %s", at.user_id)  # noqa: S608 - a constant
    at.run(f"UPDATE parked_deliveries SET next_at = {past} WHERE workspace_id = %s", at.user_id)  # noqa: S608 - as above


async def test_most_wait_in_the_ledger_and_go_out_when_it_is_back(
    ticks: Ticks, mailbox: Mailbox, time: Time, database_url: str
) -> None:
    mailbox.fault(status=503, times=1000)
    at = scene(database_url, [clock.now()] * COUNT)
    await tick(ticks, at)
    assert {each["status"] for each in at.deliveries()} == {"pending"}
    assert {each["status"] for each in at.deliveries("in_app")} == {"sent"}
    assert (at.waiting(), at.leases()) == (0, 0)  # the reminders themselves are over
    assert len(at.outbox()) <= MANY + 1  # of what fades
    assert parked(at) == COUNT - len(at.outbox())
    its_time(at)
    await again(ticks)  # the circuit is open: nobody is called, nothing is written
    assert {each["attempts"] for each in at.deliveries()} == {1}
    mailbox.http.delete("/faults")
    time.at += FIRST_WAIT_S
    its_time(at)
    await again(ticks)  # one finds out
    assert [each["status"] for each in at.deliveries()].count("sent") == 1
    its_time(at)
    await again(ticks)
    assert parked(at) == 0
    sent = [each for each in at.deliveries() if each["status"] == "sent"]
    assert len(sent) == COUNT - len(at.outbox())
    assert len(mailbox.of(at.email)) == len(sent)


async def test_what_is_parked_is_not_rescued(
    ticks: Ticks, mailbox: Mailbox, worker_db: Database, database_url: str
) -> None:
    mailbox.fault(status=503, times=1000)
    at = scene(database_url, [clock.now()] * COUNT)
    await tick(ticks, at)
    queued = len(at.outbox())
    at.run(
        "UPDATE deliveries SET updated_at = now() - %s WHERE user_id = %s",
        timedelta(hours=1),
        at.user_id,
    )
    async with worker_db.transaction() as tx:
        due_reminders.rescue(tx)
    assert len(at.outbox()) == queued


async def test_no_longer_wanted_it_goes(
    ticks: Ticks, mailbox: Mailbox, channels: Channels, time: Time, database_url: str
) -> None:
    mailbox.fault(status=503, times=1000)
    at = scene(database_url, [clock.now()] * COUNT)
    await tick(ticks, at)
    at.run(
        "UPDATE todos SET status = 'completed', completed_at = now() WHERE workspace_id = %s",
        at.user_id,
    )
    its_time(at)
    time.at += FIRST_WAIT_S  # somebody else's message finds out that the vendor is back
    assert channels.circuits.admit("email", at.user_id) is None
    channels.circuits.answered("email", at.user_id)
    await again(ticks)
    assert parked(at) == 0
    statuses = [each["status"] for each in at.deliveries()]
    assert statuses.count("cancelled") == COUNT - len(at.outbox())
    assert mailbox.of(at.email) == []
