"""What the mail service tells afterwards, from the sandbox's own webhook to the ledger."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any
from uuid import UUID

import pytest
from fastapi import FastAPI
from pydantic import SecretStr
from temporalio.testing import ActivityEnvironment

from activities.channels import Channels, EmailVendor
from activities.deliveries import Deliveries, Step, Verdict
from activities.reminders import Reminders
from activities.tick import Ticks
from api.main import create_app
from core import clock
from core.db import Database
from core.ids import uuid7
from core.messages import DeliveryMessage, Kind, TickMessage
from core.models.deliveries import Channel, DeliveryKind
from core.rules.retries import EVENT_WITHIN, Reason
from core.services import account_mails
from core.settings import Settings
from integrations.email_links import Links
from integrations.emails import Emails
from integrations.http import vendor_client
from integrations.sandbox import app as sandbox_app
from integrations.sendgrid import SendGrid
from tests import plain
from tests.activities.conftest import KEY, Mailbox
from tests.patience import PATIENCE_S
from tests.reminding import Scene, scene
from tests.serving import serve

PATH = "/api/v1/webhooks/sendgrid"


@pytest.fixture(scope="module")
def telling(app: FastAPI) -> Iterator[Mailbox]:
    """A sandbox that tells an API of its own process's thread, over loopback."""
    settings: Settings = app.state.settings
    with (
        serve(create_app(settings)) as api,
        serve(sandbox_app.create_app(settings, events_to=api + PATH)) as url,
        plain.client(url) as http,
    ):
        yield Mailbox(url, http)


@pytest.fixture
async def channels(telling: Mailbox) -> AsyncIterator[Channels]:
    telling.http.delete("/faults")
    async with vendor_client() as client:
        sendgrid = SendGrid(client, SecretStr("SG.key"), telling.url, "Todo <todo@example.com>")
        vendor = EmailVendor(Emails(Links.of("https://todo.example", KEY)), sendgrid)
        yield Channels({Channel.EMAIL: vendor}, patience=EVENT_WITHIN)


@pytest.fixture
def ticks(app_db: Database, worker_db: Database, channels: Channels) -> Ticks:
    handlers = {Kind.REMINDERS: Reminders(app_db, channels, dev=False)}
    return Ticks(worker_db, handlers, lanes=1, life_s=1.0)


@pytest.fixture
def attempts(app_db: Database, channels: Channels) -> Deliveries:
    return Deliveries(app_db, channels, dev=False)


async def fire(ticks: Ticks, at: Scene) -> None:
    await ActivityEnvironment().run(ticks.run, TickMessage(Kind.REMINDERS, at.lane))


async def attempt(attempts: Deliveries, user_id: UUID, delivery_id: UUID) -> Step:
    message = DeliveryMessage(user_id, delivery_id)
    return await ActivityEnvironment().run(attempts.attempt, message)


async def until(at: Scene, status: str) -> dict[str, Any]:
    """The one e-mail's row, once it is so."""
    ends = time.monotonic() + PATIENCE_S
    while True:
        [delivery] = at.deliveries()
        if delivery["status"] == status or time.monotonic() > ends:
            assert delivery["status"] == status, delivery["log"]
            return delivery
        await asyncio.sleep(0.05)


def story(delivery: dict[str, Any]) -> list[str]:
    return [line["what"] for line in delivery["log"]]


def called(url: str, name: str) -> Scene:
    """With a reminder by e-mail that is due, to an address that the sandbox knows by its name."""
    at = scene(url, [clock.now()], channels=["email"])
    at.run(
        "UPDATE users SET email = %s, email_verified_at = now() - interval '1 day' WHERE id = %s",
        f"{name}.{at.user_id.hex}@example.com",
        at.user_id,
    )
    return at


def address_of(at: Scene) -> str:
    [found] = at.rows("SELECT email FROM users WHERE id = %s", at.user_id)
    return str(found["email"])


async def test_an_answer_that_was_lost_is_not_sent_again(
    ticks: Ticks, attempts: Deliveries, telling: Mailbox, database_url: str
) -> None:
    at = scene(database_url, [clock.now()], channels=["email"])
    telling.fault(drop="after")
    began = time.monotonic()
    await fire(ticks, at)
    delivery = await until(at, "sent")
    assert time.monotonic() - began < EVENT_WITHIN.total_seconds() / 2
    assert delivery["ambiguous"] is False
    assert story(delivery)[:5] == ["sending", "failed", "ambiguous", "retry", "confirmed"]
    assert (await attempt(attempts, at.user_id, delivery["id"])).verdict is Verdict.OVER
    assert len(telling.of(at.email)) == 1


async def test_without_word_it_is_sent_when_patience_ends(
    ticks: Ticks, attempts: Deliveries, telling: Mailbox, database_url: str
) -> None:
    at = scene(database_url, [clock.now()], channels=["email"])
    telling.fault(drop="before")
    await fire(ticks, at)
    delivery = await until(at, "pending")
    step = await attempt(attempts, at.user_id, delivery["id"])
    assert step.verdict is Verdict.AGAIN
    assert EVENT_WITHIN.total_seconds() - 3 < step.wait_ms / 1000 < EVENT_WITHIN.total_seconds() + 4
    at.run(
        "UPDATE deliveries SET next_attempt_at = 'yesterday' WHERE user_id = %s",
        at.user_id,
    )
    assert (await attempt(attempts, at.user_id, delivery["id"])).verdict is Verdict.OVER
    assert len(telling.of(at.email)) == 1


@pytest.mark.parametrize("by_tick", [True, False])
async def test_a_worker_that_died_while_sending_leaves_one_e_mail(
    ticks: Ticks,
    attempts: Deliveries,
    telling: Mailbox,
    database_url: str,
    by_tick: bool,  # noqa: FBT001 - a column of the table
) -> None:
    """Taken over by the next tick or by a workflow: either waits for word."""
    at = scene(database_url, [clock.now()], channels=["email"])
    for _ in range(2):
        telling.http.post(
            "/faults", json={"vendor": "sendgrid_events", "times": 1, "delay_ms": 1500}
        )
    await fire(ticks, at)
    at.run(
        "UPDATE deliveries SET status = 'sending', vendor_id = NULL, sent_at = NULL,"
        " log = log - 1 WHERE user_id = %s",
        at.user_id,
    )
    if by_tick:
        at.run(
            "UPDATE reminders r SET next_at = d.due_at FROM deliveries d"
            " WHERE d.subject_id = r.id AND r.user_id = %s",
            at.user_id,
        )
        await fire(ticks, at)
    else:
        [delivery] = at.deliveries()
        step = await attempt(attempts, at.user_id, delivery["id"])
        assert step.verdict is Verdict.AGAIN
    delivery = await until(at, "sent")
    assert story(delivery)[:4] == ["sending", "ambiguous", "retry", "confirmed"]
    assert delivery["ambiguous"] is False
    assert at.waiting() == 0
    assert len(telling.of(at.email)) == 1


async def test_late_doubled_and_out_of_order_changes_nothing(
    ticks: Ticks, telling: Mailbox, database_url: str
) -> None:
    at = scene(database_url, [clock.now()], channels=["email"])
    for fault in (
        {"kind": "processed", "delay_ms": 900},
        {"kind": "delivered", "drop": "after"},
    ):
        told = {"vendor": "sendgrid_events", "times": 1, **fault}
        assert telling.http.post("/faults", json=told).status_code == 201
    await fire(ticks, at)
    await asyncio.sleep(1.8)
    delivery = await until(at, "sent")
    async with asyncio.timeout(PATIENCE_S):
        while len(story(delivery)) < 3:
            delivery = await until(at, "sent")
    assert story(delivery) == ["sending", "sent", "delivered"]


async def test_an_address_that_mail_comes_back_from_gets_no_more(
    ticks: Ticks, telling: Mailbox, database_url: str
) -> None:
    at = called(database_url, "bounce")
    await fire(ticks, at)
    delivery = await until(at, "failed")
    assert delivery["error"] == Reason.BOUNCED
    told = [each["kind"] for each in at.notifications()]
    assert told == ["email_suppressed"]
    at.run(
        "UPDATE reminders SET next_at = now(), arm_no = 2, at_on = now()::date,"
        " at_time = now()::time WHERE user_id = %s",
        at.user_id,
    )
    await fire(ticks, at)
    _, second = at.deliveries()
    assert (second["status"], second["error"]) == ("failed", Reason.ADDRESS_SUPPRESSED)
    assert len(telling.of(address_of(at))) == 1


async def test_who_turned_e_mails_off_gets_none_by_any_reminder(
    ticks: Ticks, telling: Mailbox, database_url: str
) -> None:
    at = scene(database_url, [clock.now()], channels=["email"])
    at.run(
        'UPDATE users SET preferences = \'{"channels": {"reminder": ["in_app"]},'
        ' "unsubscribed": ["reminder"]}\' WHERE id = %s',
        at.user_id,
    )
    await fire(ticks, at)
    [delivery] = at.deliveries()
    assert (delivery["status"], delivery["error"]) == ("cancelled", Reason.UNSUBSCRIBED)
    assert telling.of(at.email) == []


async def test_a_new_sign_in_is_told_with_its_device(
    app_db: Database, attempts: Deliveries, telling: Mailbox, database_url: str
) -> None:
    at = scene(database_url, [clock.now()])
    session = uuid7()
    at.run(
        "INSERT INTO sessions (id, user_id, user_agent, expires_at)"
        " VALUES (%s, %s, 'Netscape <1>', now())",
        session,
        at.user_id,
    )
    for _ in range(2):  # told once
        async with app_db.transaction() as tx:
            tx.act_in([at.user_id], at.user_id)
            kind = DeliveryKind.NEW_SIGN_IN
            await account_mails.send(tx, at.user_id, kind, session, about="device", now=clock.now())
    [waiting] = at.outbox()
    assert waiting["workflow_type"] == "SendMail"
    [delivery] = at.deliveries()
    assert (await attempt(attempts, at.user_id, delivery["id"])).verdict is Verdict.OVER
    [mail] = telling.of(at.email)
    assert mail["subject"] == "New sign-in to your account"
    assert "Device: Netscape <1>" in mail["text"]
    assert mail["headers"] == {}
