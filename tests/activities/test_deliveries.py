"""Later attempts of one delivery, over real HTTP to the vendor's emulator."""

from typing import Any
from uuid import UUID

import pytest
from temporalio.testing import ActivityEnvironment

from activities.deliveries import Deliveries, Step, Verdict
from activities.tick import Ticks
from core import clock
from core.crypto import derive
from core.ids import uuid7
from core.messages import DeliveryMessage, Kind, TickMessage
from core.models.deliveries import Channel
from core.rules.retries import Reason
from core.rules.tokens import (
    VERIFICATION_PURPOSE,
    parse_verification_token,
    verification_token_is_genuine,
)
from tests.activities.conftest import KEY, Mailbox
from tests.reminding import Scene, scene


async def failed_once(ticks: Ticks, mailbox: Mailbox, url: str) -> Scene:
    mailbox.fault(status=500)
    at = scene(url, [clock.now()], channels=["email"])
    await ActivityEnvironment().run(ticks.run, TickMessage(Kind.REMINDERS, at.lane))
    [delivery] = at.deliveries()
    at.run(
        "INSERT INTO executions (workflow_id, type, subject_id, fairness_key)"
        " VALUES (%s, 'RetryDelivery', %s, '')",
        f"delivery:{delivery['id']}",
        at.reminders[0],
    )
    return at


async def attempt(attempts: Deliveries, at: Scene) -> Step:
    [delivery] = at.deliveries()
    message = DeliveryMessage(at.user_id, delivery["id"])
    return await ActivityEnvironment().run(attempts.attempt, message)


def its_time(at: Scene) -> None:
    at.run(
        "UPDATE deliveries SET next_attempt_at = 'yesterday' WHERE user_id = %s",
        at.user_id,
    )


def execution(at: Scene) -> dict[str, Any]:
    [row] = at.rows("SELECT * FROM executions WHERE subject_id = %s", at.reminders[0])
    return row


async def test_it_waits_for_its_time_then_sends_and_closes(
    ticks: Ticks, attempts: Deliveries, mailbox: Mailbox, database_url: str
) -> None:
    at = await failed_once(ticks, mailbox, database_url)
    step = await attempt(attempts, at)
    assert (step.verdict, step.attempts, step.reason) == (
        Verdict.AGAIN,
        1,
        Reason.VENDOR_UNAVAILABLE,
    )
    assert 3_000 < step.wait_ms < 5_600
    assert execution(at)["open"]
    its_time(at)
    assert await attempt(attempts, at) == Step(Verdict.OVER, 2, Channel.EMAIL, None, 0)
    assert not execution(at)["open"]
    assert len(mailbox.of(at.email)) == 1
    [delivery] = at.deliveries()
    assert delivery["ambiguous"] is False
    assert [line["what"] for line in delivery["log"]] == [
        "sending",
        "failed",
        "retry",
        "sending",
        "sent",
    ]
    # Run once more, as after a lost answer: nothing happens.
    assert (await attempt(attempts, at)).verdict is Verdict.OVER
    assert len(mailbox.of(at.email)) == 1


async def test_it_honours_retry_after(
    ticks: Ticks, attempts: Deliveries, mailbox: Mailbox, database_url: str
) -> None:
    at = await failed_once(ticks, mailbox, database_url)
    its_time(at)
    mailbox.fault(status=429, headers={"retry-after": "120"})
    step = await attempt(attempts, at)
    assert (step.verdict, step.reason) == (Verdict.AGAIN, Reason.VENDOR_THROTTLED)
    assert 119_000 < step.wait_ms < 122_000


async def test_waits_grow_with_what_the_vendor_failed_and_not_with_workers_that_died(
    ticks: Ticks, attempts: Deliveries, mailbox: Mailbox, database_url: str
) -> None:
    at = await failed_once(ticks, mailbox, database_url)
    at.run(
        "UPDATE deliveries SET status = 'sending', attempts = 9, next_attempt_at = NULL"
        " WHERE user_id = %s",
        at.user_id,
    )
    mailbox.fault(status=500)
    step = await attempt(attempts, at)
    assert (step.verdict, step.attempts) == (Verdict.AGAIN, 10)
    assert 14_000 < step.wait_ms < 17_000  # the second failure; the tenth would wait 15 minutes
    [delivery] = at.deliveries()
    assert delivery["ambiguous"]


async def test_it_shows_that_it_lives_while_a_vendor_dawdles(
    ticks: Ticks, attempts: Deliveries, mailbox: Mailbox, database_url: str
) -> None:
    at = await failed_once(ticks, mailbox, database_url)
    its_time(at)
    mailbox.fault(delay_ms=2500)
    environment = ActivityEnvironment()
    beats: list[object] = []
    environment.on_heartbeat = lambda *_: beats.append(None)
    [delivery] = at.deliveries()
    message = DeliveryMessage(at.user_id, delivery["id"])
    assert (await environment.run(attempts.attempt, message)).verdict is Verdict.OVER
    assert len(beats) == 2


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (
            "UPDATE todos SET status = 'completed', completed_at = now() WHERE workspace_id = %s",
            Reason.TODO_COMPLETED,
        ),
        ("UPDATE todos SET deleted_at = now() WHERE workspace_id = %s", Reason.TODO_DELETED),
        ("UPDATE reminders SET arm_no = 2 WHERE workspace_id = %s", Reason.REMINDER_CHANGED),
        ("DELETE FROM reminders WHERE workspace_id = %s", Reason.REMINDER_CHANGED),
        ("UPDATE users SET status = 'disabled' WHERE id = %s", Reason.ACCOUNT_CLOSED),
        ("DELETE FROM memberships WHERE workspace_id = %s", Reason.NO_LONGER_MEMBER),
    ],
)
async def test_no_longer_wanted_it_is_cancelled(
    ticks: Ticks,
    attempts: Deliveries,
    mailbox: Mailbox,
    database_url: str,
    change: str,
    reason: Reason,
) -> None:
    at = await failed_once(ticks, mailbox, database_url)
    at.run(change, at.user_id)
    assert await attempt(attempts, at) == Step(Verdict.OVER, 1, Channel.EMAIL, reason, 0)
    [delivery] = at.deliveries()
    assert (delivery["status"], delivery["error"]) == ("cancelled", reason)
    assert delivery["log"][-1]["what"] == "cancelled"
    assert not execution(at)["open"]
    assert mailbox.of(at.email) == []


async def test_after_a_day_it_is_missed_and_shown(
    ticks: Ticks, attempts: Deliveries, mailbox: Mailbox, database_url: str
) -> None:
    at = await failed_once(ticks, mailbox, database_url)
    at.run(
        "UPDATE deliveries SET due_at = due_at - interval '24 hours' WHERE user_id = %s", at.user_id
    )
    step = await attempt(attempts, at)
    assert (step.verdict, step.reason) == (Verdict.OVER, Reason.TOO_LATE)
    assert at.deliveries()[0]["status"] == "missed"
    assert [each["kind"] for each in at.notifications()] == ["reminder_missed"]
    assert mailbox.of(at.email) == []


async def test_the_last_wait_ends_with_the_usefulness(
    ticks: Ticks, attempts: Deliveries, mailbox: Mailbox, database_url: str
) -> None:
    at = await failed_once(ticks, mailbox, database_url)
    its_time(at)
    at.run(
        "UPDATE deliveries SET due_at = due_at - interval '23:59:00', attempts = 30"
        " WHERE user_id = %s",
        at.user_id,
    )
    mailbox.fault(status=500)
    step = await attempt(attempts, at)
    assert step.attempts == 31
    assert step.wait_ms <= 60_000


async def test_killed_while_sending_is_flagged(
    ticks: Ticks, attempts: Deliveries, mailbox: Mailbox, database_url: str
) -> None:
    at = await failed_once(ticks, mailbox, database_url)
    at.run(
        "UPDATE deliveries SET status = 'sending', next_attempt_at = NULL, attempts = 2"
        " WHERE user_id = %s",
        at.user_id,
    )
    assert (await attempt(attempts, at)).attempts == 3
    [delivery] = at.deliveries()
    assert (delivery["status"], delivery["ambiguous"]) == ("sent", True)


async def test_a_verification_goes_to_an_unverified_address(
    attempts: Deliveries, mailbox: Mailbox, database_url: str
) -> None:
    at = scene(database_url, [], verified=False)
    key = uuid7()
    at.run(
        "INSERT INTO deliveries (workspace_id, id, kind, subject_id, user_id, channel, status,"
        " due_at) VALUES (%s, %s, 'verification', %s, %s, 'email', 'pending', now())",
        at.user_id,
        key,
        at.user_id,
        at.user_id,
    )
    assert (await attempt(attempts, at)).verdict is Verdict.OVER
    [mail] = mailbox.of(at.email)
    prefix = "https://todo.example/verify-email?token="
    token = mail["text"].partition(prefix)[2].split()[0]
    assert f'href="{prefix}{token}"' in mail["html"]
    assert parse_verification_token(token) == key
    mac_key = derive(KEY, VERIFICATION_PURPOSE)
    assert verification_token_is_genuine(mac_key, token, key, at.email or "")
    assert not verification_token_is_genuine(mac_key, token, key, "other@example.com")
    assert mail["category"] == "verification"


async def test_one_that_was_verified_meanwhile_is_not_sent(
    attempts: Deliveries, mailbox: Mailbox, database_url: str
) -> None:
    at = scene(database_url, [clock.now()])
    at.run(
        "INSERT INTO deliveries (workspace_id, id, kind, subject_id, user_id, channel, status,"
        " due_at) VALUES (%s, %s, 'verification', %s, %s, 'email', 'pending', now())",
        at.user_id,
        uuid7(),
        at.user_id,
        at.user_id,
    )
    assert (await attempt(attempts, at)).reason is Reason.ALREADY_VERIFIED
    assert mailbox.of(at.email) == []


async def test_a_delivery_that_is_gone_is_over(attempts: Deliveries) -> None:
    message = DeliveryMessage(uuid7(), UUID(int=7))
    step = await ActivityEnvironment().run(attempts.attempt, message)
    assert step == Step(Verdict.OVER, 0, None, None, 0)
