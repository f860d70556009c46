"""A digest that goes to a channel of Slack instead of to its person."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import httpx2
import pytest
from pydantic import SecretStr
from temporalio.testing import ActivityEnvironment

from activities.channels import Channels, SlackVendor, Vendor
from activities.deliveries import Deliveries, Verdict
from core import clock
from core.crypto import Keyring
from core.messages import DeliveryMessage
from core.models.connections import Provider
from core.models.deliveries import Channel
from core.services import connections
from core.services.connections import Draft
from integrations.http import vendor_client
from integrations.http_transport import Limits
from integrations.slack import Slack
from tests.digesting import ZONE, Reading, reading
from tests.teams import sql
from tests.todos import make

__all__ = ["reading"]  # a fixture
MONDAY = date(2030, 9, 2)
DAY = timedelta(days=1)
RING = Keyring((b"c" * 32,))


@dataclass(frozen=True, slots=True)
class Desk(Reading):
    """Somebody in Berlin who is in Slack."""

    http: httpx2.Client
    slack: Vendor
    member: str
    connection_id: UUID

    @property
    def vendors(self) -> Any:
        return {Channel.EMAIL: self.box, Channel.SLACK: self.slack}

    def channel(self, *, is_member: bool = True) -> str:
        given = {"name": "standup", "is_member": is_member}
        return str(self.http.post("/slack/channels", json=given).json()["id"])

    def posted(self, channel: str) -> list[str]:
        found = self.http.get(f"/slack/channels/{channel}/messages").json()
        return [each["text"] for each in found]

    async def choose(self, channel: str | None) -> None:
        await sql(
            self.url,
            "UPDATE connections SET digest_channel = %s WHERE id = %s",
            channel,
            self.connection_id,
        )

    async def connection(self) -> dict[str, Any]:
        statement = "SELECT to_jsonb(c) FROM connections c WHERE id = %s"
        return await self._one_of(statement)

    async def _one_of(self, statement: str) -> dict[str, Any]:
        [(found,)] = await sql(self.url, statement, self.connection_id)
        assert isinstance(found, dict)
        return found

    async def told(self) -> list[str]:
        rows = await sql(
            self.url,
            "SELECT title FROM notifications WHERE user_id = %s AND kind = 'connection_paused'",
            self.person.id,
        )
        return [title for (title,) in rows]


@pytest.fixture
async def desk(reading: Reading, sandbox: httpx2.Client) -> AsyncIterator[Desk]:
    sandbox.delete("/faults")
    email = f"{uuid4().hex}@example.com"
    member = sandbox.post("/slack/members", json={"name": "Alice", "email": email}).json()["id"]
    token = SecretStr(f"xoxb-{uuid4().hex}")
    draft = Draft(Provider.SLACK, uuid4().hex, member, token)
    own = reading.person.id
    async with reading.app_db.transaction() as tx:
        tx.act_in([own])
        key = await connections.put(tx, own, own, draft, ring=RING, now=clock.now())
    async with vendor_client(Limits(timeout=1)) as client:
        web = Slack(client, f"{str(sandbox.base_url).rstrip('/')}/slack/api/")
        yield Desk(
            reading.person,
            reading.url,
            reading.app_db,
            reading.worker_db,
            reading.lane,
            reading.box,
            sandbox,
            SlackVendor(reading.app_db, RING, web),
            member,
            key,
        )


async def wish(desk: Desk, on: date = MONDAY, at: str = "07:30") -> datetime:
    preferences = {"channels": {"digest": ["in_app"]}}
    answer = await desk.person.patch("/me", json={"name": "Alice", "preferences": preferences})
    assert answer.status_code == 200, answer.text
    await make(desk.person, "Water <!channel> plants", due={"date": on.isoformat()})
    return await desk.wish(on, at=at)


async def test_it_goes_to_the_channel_and_says_whose_it_is(desk: Desk) -> None:
    at, channel = await wish(desk), desk.channel()
    await desk.choose(channel)
    assert await desk.tick(at) == 1
    [text] = desk.posted(channel)
    assert text == "Alice\nYour day: 1 today\nWater &lt;!channel&gt; plants"
    assert desk.posted(desk.member) == []
    rows = {row["channel"]: row["status"] for row in await desk.deliveries()}
    assert rows == {"in_app": "sent", "slack": "sent"}
    # Once a period, whatever is chosen meanwhile.
    await desk.choose(desk.channel())
    await desk.wish(MONDAY, at="07:30")
    await desk.tick(at)
    assert len(desk.posted(channel)) == 1
    # Taken back, it goes by what the preferences say.
    await desk.choose(None)
    await make(desk.person, "Feed the cat", due={"date": (MONDAY + DAY).isoformat()})
    at = await desk.wish(MONDAY + DAY, at="07:30")
    assert await desk.tick(at) == 1
    assert len(desk.posted(channel)) == 1
    assert desk.posted(desk.member) == []


async def test_a_lost_answer_is_looked_up_in_the_channel(desk: Desk) -> None:
    # By the real clock, as Slack's: what was posted is looked for since the digest was due.
    earlier = clock.now().astimezone(ZoneInfo(ZONE)) - timedelta(minutes=40)
    await wish(desk, earlier.date(), f"{earlier:%H:%M}")
    channel = desk.channel()
    await desk.choose(channel)
    fault = {"vendor": "slack", "kind": "chat.postMessage", "times": 1, "drop": "after"}
    assert desk.http.post("/faults", json=fault).status_code == 201
    await desk.tick(clock.now())
    [row] = [each for each in await desk.deliveries() if each["channel"] == "slack"]
    assert (row["status"], row["ambiguous"]) == ("pending", True)
    await sql(
        desk.url,
        "UPDATE deliveries SET next_attempt_at = 'yesterday' WHERE id = %s",
        row["id"],
    )
    attempts = Deliveries(desk.app_db, Channels(desk.vendors), dev=True)
    message = DeliveryMessage(desk.person.id, UUID(row["id"]))
    step = await ActivityEnvironment().run(attempts.attempt, message)
    assert step.verdict is Verdict.OVER
    assert len(desk.posted(channel)) == 1
    [row] = [each for each in await desk.deliveries() if each["channel"] == "slack"]
    assert row["status"] == "sent"


@pytest.mark.parametrize("lost", ["archived", "not invited"])
async def test_a_channel_that_is_closed_is_told_once_and_reminders_go_on(
    desk: Desk, lost: str
) -> None:
    at, channel = await wish(desk), desk.channel(is_member=lost == "archived")
    desk.http.patch(f"/slack/channels/{channel}?archived={lost == 'archived'}")
    await desk.choose(channel)
    await desk.tick(at)
    [row] = [each for each in await desk.deliveries() if each["channel"] == "slack"]
    assert (row["status"], row["error"]) == ("failed", "address_gone")
    connection = await desk.connection()
    assert (connection["status"], connection["digest_channel"]) == ("active", None)
    [said] = await desk.told()
    assert "invite the app, or choose another" in said
