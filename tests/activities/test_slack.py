"""Slack and text messages from the due second to the vendor's emulator, through the ledger."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx2
import pytest
from pydantic import SecretStr
from temporalio.testing import ActivityEnvironment

from activities.channels import Channels, SlackVendor, SmsVendor
from activities.deliveries import Deliveries, Step, Verdict
from activities.reminders import Reminders
from activities.tick import Ticks
from core import clock
from core.crypto import Keyring
from core.db import Database
from core.messages import DeliveryMessage, Kind, TickMessage
from core.models.connections import Provider
from core.models.deliveries import Channel
from core.rules.retries import Reason
from core.rules.tokens import phone_code
from core.services import connections
from core.services.connections import Draft
from integrations.http import vendor_client
from integrations.http_transport import Limits
from integrations.slack import Slack
from integrations.twilio import Twilio
from tests.patience import until
from tests.reminding import Scene, scene

KEY = b"c" * 32
RING = Keyring((KEY,))


@dataclass(frozen=True, slots=True)
class Desk:
    """A worker whose vendors are the sandbox's Slack and Twilio."""

    url: str
    http: httpx2.Client
    app_db: Database
    worker_db: Database
    channels: Channels
    dev: bool = True

    def fault(self, **fault: object) -> None:
        answer = self.http.post("/faults", json={"vendor": "slack", "times": 1, **fault})
        assert answer.status_code == 201, answer.text

    def channel(self) -> str:
        return str(self.http.post("/slack/channels", json={"name": "plants"}).json()["id"])

    def posted(self, channel: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.http.get(f"/slack/channels/{channel}/messages").json()
        return found

    def texts(self, to: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.http.get("/sms.json", params={"to": to}).json()
        return found

    async def connect(self, at: Scene, address: str, token: str | None = None) -> str:
        token = token or f"xoxb-{uuid4().hex}"
        draft = Draft(Provider.SLACK, uuid4().hex, address, SecretStr(token))
        async with self.app_db.transaction() as tx:
            tx.act_in([at.user_id])
            await connections.put(tx, at.user_id, at.user_id, draft, ring=RING, now=clock.now())
        return token

    async def tick(self, at: Scene) -> None:
        handlers = {Kind.REMINDERS: Reminders(self.app_db, self.channels, dev=self.dev)}
        ticks = Ticks(self.worker_db, handlers, lanes=1, life_s=1.0)
        await ActivityEnvironment().run(ticks.run, TickMessage(Kind.REMINDERS, at.lane))

    async def again(self, at: Scene, channel: str = "slack") -> Step:
        """The next attempt, whose time has come."""
        at.run(
            "UPDATE deliveries SET next_attempt_at = 'yesterday' WHERE user_id = %s",
            at.user_id,
        )
        [delivery] = at.deliveries(channel)
        attempts = Deliveries(self.app_db, self.channels, dev=self.dev)
        message = DeliveryMessage(at.user_id, delivery["id"])
        return await ActivityEnvironment().run(attempts.attempt, message)


@pytest.fixture
async def desk(
    sandbox: httpx2.Client, app_db: Database, worker_db: Database
) -> AsyncIterator[Desk]:
    sandbox.delete("/faults")
    url = str(sandbox.base_url).rstrip("/")
    async with vendor_client(Limits(timeout=1)) as client:
        slack = SlackVendor(app_db, RING, Slack(client, f"{url}/slack/api/"))
        account = f"AC{uuid4().hex}"
        sms = SmsVendor(Twilio(client, account, SecretStr("secret"), url, "+15005550006"), KEY)
        channels = Channels({Channel.SLACK: slack, Channel.SMS: sms})
        yield Desk(url, sandbox, app_db, worker_db, channels)


async def test_a_reminder_arrives_in_slack(desk: Desk, database_url: str) -> None:
    at, to = scene(database_url, [clock.now()], channels=["slack"]), desk.channel()
    await desk.connect(at, to)
    await desk.tick(at)
    [shown] = desk.posted(to)
    [delivery] = at.deliveries("slack")
    assert (delivery["status"], delivery["ambiguous"]) == ("sent", False)
    assert delivery["vendor_id"] == f"{to}:{shown['ts']}"
    assert shown["metadata"]["event_payload"] == {"delivery_id": str(delivery["id"])}
    assert "Water &lt;b&gt;plant&lt;/b&gt; 0" in shown["text"]
    assert at.notifications() == []


async def test_one_that_is_being_disconnected_is_none(desk: Desk, database_url: str) -> None:
    at, to = scene(database_url, [clock.now()], channels=["slack"]), desk.channel()
    await desk.connect(at, to)
    at.run("UPDATE connections SET status = 'disconnecting' WHERE user_id = %s", at.user_id)
    await desk.tick(at)
    [delivery] = at.deliveries("slack")
    assert (delivery["status"], delivery["error"]) == ("cancelled", "not_connected")
    assert desk.posted(to) == []


async def test_without_a_connection_it_is_cancelled_and_said(desk: Desk, database_url: str) -> None:
    at = scene(database_url, [clock.now()], channels=["slack", "sms"])
    await desk.tick(at)
    for channel, reason in (("slack", "not_connected"), ("sms", "no_phone")):
        [delivery] = at.deliveries(channel)
        assert (delivery["status"], delivery["error"]) == ("cancelled", reason)
    assert [each["kind"] for each in at.notifications()] == ["delivery_failed"] * 2


@pytest.mark.parametrize(
    "fault",
    [
        {"status": 429, "headers": {"Retry-After": "1"}},
        {"status": 502, "body": {}},
        {"status": 200, "body": "garbage"},
        {"status": 200, "body": {"ok": False, "error": "internal_error"}},
        {"drop": "before"},
        {"drop": "after"},
        {"delay_ms": 1300},
    ],
)
async def test_whatever_happens_it_is_seen_once(
    desk: Desk, database_url: str, fault: dict[str, Any]
) -> None:
    at, to = scene(database_url, [clock.now()], channels=["slack"]), desk.channel()
    await desk.connect(at, to)
    desk.fault(**fault)
    await desk.tick(at)
    [delivery] = at.deliveries("slack")
    assert delivery["status"] == "pending"
    assert len(at.outbox()) == 1
    await asyncio.sleep(1.1)  # Retry-After
    if "delay_ms" in fault:  # until it is carried out, late
        await until(lambda: desk.posted(to))
    assert await desk.again(at) == Step(Verdict.OVER, 2, Channel.SLACK, None, 0)
    [shown] = desk.posted(to)
    [delivery] = at.deliveries("slack")
    assert (delivery["status"], delivery["vendor_id"]) == ("sent", f"{to}:{shown['ts']}")
    assert delivery["ambiguous"] is ("headers" not in fault)


@pytest.mark.parametrize("posted", [True, False])
async def test_a_worker_killed_while_sending_is_seen_once(
    desk: Desk,
    database_url: str,
    posted: bool,  # noqa: FBT001 - a column of the table
) -> None:
    """As it stands in the ledger then: `sending`, by a lease that ran out."""
    at, to = scene(database_url, [clock.now()], channels=["slack"]), desk.channel()
    await desk.connect(at, to)
    due_at = at.rows("SELECT next_at FROM reminders WHERE id = %s", at.reminders[0])[0]["next_at"]
    if not posted:
        desk.fault(drop="before")
    await desk.tick(at)
    at.run(
        "UPDATE deliveries SET status = 'sending', sent_at = NULL, vendor_id = NULL,"
        " ambiguous = false, attempts = 1, next_attempt_at = NULL WHERE user_id = %s",
        at.user_id,
    )
    at.run("UPDATE reminders SET next_at = %s WHERE id = %s", due_at, at.reminders[0])
    at.run("DELETE FROM outbox WHERE fairness_key = %s", str(at.user_id))
    await asyncio.sleep(1)
    await desk.tick(at)
    [delivery] = at.deliveries("slack")
    assert (delivery["status"], delivery["ambiguous"]) == ("sent", True)
    assert len(desk.posted(to)) == 1


async def test_a_revoked_token_pauses_and_is_told_once(desk: Desk, database_url: str) -> None:
    since = desk.http.get("/latest.json").json()["seq"]
    at, to = scene(database_url, [clock.now()] * 8, channels=["slack"]), desk.channel()
    token = await desk.connect(at, to)
    desk.http.post("/slack/revoked", json={"token": token})
    await desk.tick(at)
    for _ in range(20):
        waiting = at.rows(
            "SELECT id FROM deliveries WHERE user_id = %s AND status = 'pending'", at.user_id
        )
        if not waiting:
            break
        at.run(
            "UPDATE deliveries SET next_attempt_at = 'yesterday' WHERE user_id = %s",
            at.user_id,
        )
        attempts = Deliveries(desk.app_db, desk.channels, dev=True)
        message = DeliveryMessage(at.user_id, waiting[0]["id"])
        await ActivityEnvironment().run(attempts.attempt, message)
    rows = desk.http.get("/ledger.json", params={"since": since, "vendor": "slack"}).json()
    assert len(rows) <= 3
    assert {(each["status"], each["error"]) for each in at.deliveries("slack")} == {
        ("failed", "needs_reauth")
    }
    kinds = [each["kind"] for each in at.notifications()]
    assert kinds.count("connection_paused") == 1
    [stored] = at.rows("SELECT * FROM connections WHERE user_id = %s", at.user_id)
    assert (stored["status"], stored["problem"]) == ("needs_reauth", "Slack answered token_revoked")
    # Connected again, the next one arrives.
    await desk.connect(at, to)
    later = scene(database_url, [clock.now()], channels=["slack"])
    await desk.connect(later, to)
    await desk.tick(later)
    assert len(desk.posted(to)) == 1


async def test_an_archived_channel_pauses_as_well(desk: Desk, database_url: str) -> None:
    at, to = scene(database_url, [clock.now()], channels=["slack"]), desk.channel()
    await desk.connect(at, to)
    desk.http.patch(f"/slack/channels/{to}?archived=true")
    await desk.tick(at)
    [delivery] = at.deliveries("slack")
    assert (delivery["status"], delivery["error"]) == ("failed", Reason.ADDRESS_GONE)
    [stored] = at.rows("SELECT * FROM connections WHERE user_id = %s", at.user_id)
    assert stored["status"] == "needs_address"


async def test_it_waits_in_quiet_hours(desk: Desk, database_url: str) -> None:
    at, to = scene(database_url, [clock.now()], channels=["slack"]), desk.channel()
    await desk.connect(at, to)
    now = clock.now()
    start, end = (f"{now + timedelta(hours=hours):%H:%M}" for hours in (-1, 1))
    at.run(
        "UPDATE users SET preferences = jsonb_build_object('quiet_hours',"
        " jsonb_build_object('start', %s::text, 'end', %s::text)) WHERE id = %s",
        start,
        end,
        at.user_id,
    )
    await desk.tick(at)
    assert [each["status"] for each in at.deliveries("slack")] == ["held"]
    assert desk.posted(to) == []


async def test_a_text_message_arrives_once(desk: Desk, database_url: str) -> None:
    at = scene(database_url, [clock.now()], channels=["sms"])
    number = f"+49170{uuid4().int % 10**7:07d}1"
    at.run("UPDATE users SET phone = %s WHERE id = %s", number, at.user_id)
    desk.fault(vendor="twilio", drop="after")
    await desk.tick(at)
    [text] = desk.texts(number)
    assert text["body"].startswith("Reminder: Water <b>plant</b> 0\nYou asked to be reminded")
    assert (await desk.again(at, "sms")).verdict is Verdict.OVER
    assert len(desk.texts(number)) == 1
    [delivery] = at.deliveries("sms")
    assert (delivery["status"], delivery["ambiguous"]) == ("sent", True)
    assert delivery["vendor_id"] == text["sid"]


async def test_a_number_that_unsubscribed_fails_in_words(desk: Desk, database_url: str) -> None:
    at = scene(database_url, [clock.now()], channels=["sms"])
    at.run("UPDATE users SET phone = '+491701230009' WHERE id = %s", at.user_id)
    await desk.tick(at)
    [delivery] = at.deliveries("sms")
    assert (delivery["status"], delivery["error"]) == ("failed", Reason.ADDRESS_GONE)
    assert [each["kind"] for each in at.notifications()] == ["delivery_failed"]


async def test_an_unverified_number_gets_nothing_in_production(
    desk: Desk, database_url: str
) -> None:
    production = Desk(desk.url, desk.http, desk.app_db, desk.worker_db, desk.channels, dev=False)
    at = scene(database_url, [clock.now()], channels=["sms"])
    number = f"+49170{uuid4().int % 10**7:07d}2"
    at.run("UPDATE users SET phone = %s WHERE id = %s", number, at.user_id)
    await production.tick(at)
    [delivery] = at.deliveries("sms")
    assert (delivery["status"], delivery["error"]) == ("failed", Reason.PHONE_UNVERIFIED)
    assert desk.texts(number) == []


async def test_a_token_sealed_with_another_key_asks_to_connect_again(
    desk: Desk, database_url: str
) -> None:
    at = scene(database_url, [clock.now()], channels=["slack"])
    await desk.connect(at, desk.channel())
    at.run("UPDATE connections SET secret = 'not sealed' WHERE user_id = %s", at.user_id)
    await desk.tick(at)
    [delivery] = at.deliveries("slack")
    assert (delivery["status"], delivery["error"]) == ("failed", Reason.NEEDS_REAUTH)


async def test_a_code_goes_to_a_number_that_is_not_verified_yet(
    desk: Desk, database_url: str
) -> None:
    at = scene(database_url, [])
    number = f"+49170{uuid4().int % 10**7:07d}3"
    at.run("UPDATE users SET phone = %s WHERE id = %s", number, at.user_id)
    delivery_id = uuid4()
    at.run(
        "INSERT INTO deliveries (workspace_id, id, kind, subject_id, user_id, channel, status,"
        " due_at) VALUES (%s, %s, 'verification', %s, %s, 'sms', 'pending', now())",
        at.user_id,
        delivery_id,
        at.user_id,
        at.user_id,
    )
    production = Desk(desk.url, desk.http, desk.app_db, desk.worker_db, desk.channels, dev=False)
    assert (await production.again(at, "sms")).verdict is Verdict.OVER
    [text] = desk.texts(number)
    code = phone_code(KEY, delivery_id, number)
    assert text["body"] == f"{code} is your code for Voice Todo. Tell it to nobody."
    at.run("UPDATE deliveries SET status = 'pending' WHERE id = %s", delivery_id)
    at.run("UPDATE users SET phone_verified_at = now() WHERE id = %s", at.user_id)
    await production.again(at, "sms")
    [delivery] = at.deliveries("sms")
    assert (delivery["status"], delivery["error"]) == ("cancelled", Reason.ALREADY_VERIFIED)
