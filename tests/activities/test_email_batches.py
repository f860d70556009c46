"""E-mails of one moment in one call, over real HTTP; and what a faulty call does to the ledger."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from typing import Any
from uuid import UUID

import orjson
import pytest
from pydantic import SecretStr
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from activities.channels import Channels, EmailVendor
from activities.email_batches import EmailBatches
from activities.reminders import Reminders
from activities.tick import Ticks
from core import clock
from core.db import Database
from core.errors import VendorError
from core.messages import Kind, TickMessage
from core.models.deliveries import Channel
from integrations.email_links import Links
from integrations.emails import Emails
from integrations.http import vendor_client
from integrations.sendgrid import Email, SendGrid
from tests.activities.conftest import KEY, Mailbox
from tests.reminding import Scene, scene

LANE = 90
PEOPLE = 30


@pytest.fixture
async def sendgrid(mailbox: Mailbox) -> AsyncIterator[SendGrid]:
    async with vendor_client() as client:
        yield SendGrid(client, SecretStr("SG.key"), mailbox.url, "Todo <todo@example.com>")


@pytest.fixture
def batches(sendgrid: SendGrid) -> EmailBatches:
    return EmailBatches(sendgrid, most=1000)


@pytest.fixture
def rows(mailbox: Mailbox) -> Callable[[], list[dict[str, Any]]]:
    """The vendor's ledger of this test."""
    since = mailbox.http.get("/latest.json").json()["seq"]

    def read() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = mailbox.http.get(
            "/ledger.json", params={"since": since}
        ).json()
        return [orjson.loads(row["request"]["body"]) for row in found]

    return read


Rows = Callable[[], list[dict[str, Any]]]


def email(to: str, text: str = "Buy milk", **changes: Any) -> Email:
    values: dict[str, Any] = {
        "to": to,
        "to_name": None,
        "subject": "Reminder",
        "text": text,
        "html": f"<p>{text}</p>",
        "delivery_id": UUID(int=7),
        "workspace_id": UUID(int=8),
        "category": "reminder",
        "headers": {},
    }
    return Email(**values | changes)


def people(count: int) -> list[Email]:
    return [email(f"p{nth}@example.com", f"Number {nth}") for nth in range(count)]


async def send(batches: EmailBatches, mails: list[Email]) -> list[str | BaseException]:
    return await asyncio.gather(*map(batches.send, mails), return_exceptions=True)


def sizes(calls: list[dict[str, Any]]) -> list[int]:
    return [len(call["personalizations"]) for call in calls]


async def test_what_is_sent_at_once_goes_as_one_call(batches: EmailBatches, rows: Rows) -> None:
    [sent] = set(await send(batches, people(250)))
    assert isinstance(sent, str)
    assert sent
    assert sizes(rows()) == [250]


async def test_one_alone_is_an_ordinary_call(batches: EmailBatches, rows: Rows) -> None:
    assert await batches.send(email("a@example.com"))
    [call] = rows()
    assert call["content"][0]["value"] == "Buy milk"
    assert "substitutions" not in call["personalizations"][0]


async def test_while_a_call_is_under_way_others_wait_for_each_other(
    sendgrid: SendGrid, mailbox: Mailbox, rows: Rows
) -> None:
    batches = EmailBatches(sendgrid, most=1000, gather_s=0.3)  # a busy machine gets more
    mailbox.fault(delay_ms=2000)
    first = asyncio.create_task(send(batches, people(2)))
    await mailbox.met()
    others = []
    for mail in people(10):
        others.append(asyncio.create_task(batches.send(mail)))
        await asyncio.sleep(0)  # each in a turn of its own
    await asyncio.gather(*others)
    assert not first.done()  # and nobody waits for an answer that is not theirs
    await first
    assert sorted(sizes(rows())) == [2, 10]


async def test_calls_are_bounded_and_take_an_address_once(sendgrid: SendGrid, rows: Rows) -> None:
    batches = EmailBatches(sendgrid, most=100)
    same = [email("ada@example.com", str(nth)) for nth in range(3)]
    assert not any(isinstance(each, Exception) for each in await send(batches, people(250) + same))
    assert sorted(sizes(rows())) == [1, 1, 51, 100, 100]


async def test_one_bad_address_fails_alone(
    batches: EmailBatches, mailbox: Mailbox, rows: Rows
) -> None:
    mails = people(20)
    mails[7] = email("no address")
    results = await send(batches, mails)
    [failure] = [each for each in results if isinstance(each, BaseException)]
    assert failure is results[7]
    assert isinstance(failure, VendorError)
    assert failure.permanent
    assert sizes(rows()) == [20, *[1] * 20]
    assert mailbox.of("p3@example.com")[-1]["text"] == "Number 3"


@pytest.mark.parametrize("fault", [{"status": 400, "body": "\x00<html>{"}, {"status": 413}])
async def test_a_refused_call_is_made_again_one_by_one(
    batches: EmailBatches, mailbox: Mailbox, rows: Rows, fault: dict[str, object]
) -> None:
    mailbox.fault(**fault)
    assert all(isinstance(each, str) for each in await send(batches, people(20)))
    assert sizes(rows()) == [20, *[1] * 20]


@pytest.mark.parametrize(
    ("fault", "permanent", "ambiguous"),
    [
        ({"status": 401}, False, False),
        ({"status": 429, "headers": {"retry-after": "30"}}, False, False),
        ({"status": 503, "body": "<html>"}, False, False),
        ({"drop": "before"}, False, True),
        ({"drop": "after"}, False, True),
    ],
)
async def test_any_other_failure_is_everybodys_and_nobody_is_asked_again(
    batches: EmailBatches,
    mailbox: Mailbox,
    fault: dict[str, object],
    *,
    permanent: bool,
    ambiguous: bool,
) -> None:
    mailbox.fault(**fault, times=1)
    since = mailbox.http.get("/latest.json").json()["seq"]
    for result in await send(batches, people(20)):
        assert isinstance(result, VendorError)
        assert (result.permanent, result.ambiguous) == (permanent, ambiguous)
    seen = mailbox.http.get("/latest.json").json()["seq"] - since
    assert seen == (0 if fault == {"drop": "before"} else 1)


async def test_cancelled_before_its_call_began_it_does_not_go_out(
    batches: EmailBatches, rows: Rows
) -> None:
    tasks = [asyncio.create_task(batches.send(each)) for each in people(3)]
    await asyncio.sleep(0)
    tasks[1].cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    [call] = rows()
    assert [each["to"][0]["email"] for each in call["personalizations"]] == [
        "p0@example.com",
        "p2@example.com",
    ]


async def test_one_that_cannot_be_written_breaks_no_other(batches: EmailBatches) -> None:
    broken, *others = await send(batches, [email("x@example.com", "\ud800"), *people(3)])
    assert isinstance(broken, Exception)
    assert all(isinstance(each, str) for each in others)


# With the ledger behind it


@pytest.fixture
def ticks(app_db: Database, worker_db: Database, batches: EmailBatches) -> Ticks:
    emails = Emails(Links.of("https://todo.example", KEY))
    channels = Channels({Channel.EMAIL: EmailVendor(emails, batches)})
    handlers = {Kind.REMINDERS: Reminders(app_db, channels, dev=False)}
    return Ticks(worker_db, handlers, lanes=1, life_s=1.0)


async def tick(ticks: Ticks) -> int:
    return await ActivityEnvironment().run(ticks.run, TickMessage(Kind.REMINDERS, LANE))


def crowd(database_url: str) -> list[Scene]:
    now = clock.now()
    return [scene(database_url, [now], channels=["email"], lane=LANE) for _ in range(PEOPLE)]


def ledger(at: list[Scene]) -> set[tuple[str, str | None, bool]]:
    [*found] = (each.deliveries() for each in at)
    assert all(len(each) == 1 for each in found)
    return {(row["status"], row["error"], row["ambiguous"]) for [row] in found}


async def test_each_delivery_knows_its_message(
    ticks: Ticks, mailbox: Mailbox, database_url: str, rows: Rows
) -> None:
    at = crowd(database_url)
    assert await tick(ticks) == PEOPLE
    assert sizes(rows()) == [PEOPLE]
    assert ledger(at) == {("sent", None, False)}
    for each in at:
        [delivery] = each.deliveries()
        [mail] = mailbox.of(each.email)
        assert mail["delivery_id"] == str(delivery["id"])
        assert mail["subject"] == "Reminder: Water <b>plant</b> 0"
        assert delivery["vendor_id"]


@pytest.mark.parametrize(
    ("fault", "reason", "ambiguous", "mails"),
    [
        ({"status": 429}, "vendor_unavailable", False, 0),
        ({"status": 503}, "vendor_unavailable", False, 0),
        ({"drop": "before"}, "vendor_unavailable", True, 0),
        ({"drop": "after"}, "vendor_unavailable", True, 1),
    ],
)
async def test_a_call_that_failed_is_everybodys_in_the_ledger(
    ticks: Ticks,
    mailbox: Mailbox,
    database_url: str,
    fault: dict[str, object],
    *,
    reason: str,
    ambiguous: bool,
    mails: int,
) -> None:
    mailbox.fault(**fault)
    at = crowd(database_url)
    with suppress(ApplicationError):  # the tick may say that the vendor fails
        await tick(ticks)
    assert ledger(at) == {("pending", reason, ambiguous)}
    assert all(each.deliveries()[0]["next_attempt_at"] for each in at)
    assert {len(mailbox.of(each.email)) for each in at} == {mails}
    for each in at:  # the lane is everybody's here
        each.run("DELETE FROM reminders WHERE workspace_id = %s", each.user_id)


async def test_a_bad_address_fails_alone_in_the_ledger(
    ticks: Ticks, mailbox: Mailbox, database_url: str
) -> None:
    at = crowd(database_url)
    at[4].run("UPDATE users SET email = 'x@-' WHERE id = %s", at[4].user_id)
    assert await tick(ticks) == PEOPLE
    assert ledger(at[4:5]) == {("failed", "vendor_rejected", False)}
    others = at[:4] + at[5:]
    assert ledger(others) == {("sent", None, False)}
    assert {len(mailbox.of(each.email)) for each in others} == {1}
