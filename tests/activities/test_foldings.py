"""Too many pushes a minute become one that lists them; an unread one becomes an e-mail."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from temporalio.testing import ActivityEnvironment

from activities.channels import Channels
from activities.deliveries import Deliveries, Step, Verdict
from activities.reminders import Reminders
from activities.shift import Hand
from core import due
from core.actor import Actor
from core.db import Database
from core.messages import DeliveryMessage
from core.models.deliveries import Channel
from core.services import explanations
from core.services.due_reminders import SOURCE
from tests.digesting import Letterbox
from tests.reminding import Scene, scene

BROWSER = {"endpoint": "https://push.invalid/x", "p256dh": "p", "auth": "a"}
NOW = datetime.now(UTC)
MINUTE = timedelta(minutes=1)


class Worker:
    def __init__(self, app_db: Database, worker_db: Database) -> None:
        self.box = Letterbox()
        self.mail = Letterbox()
        self._app_db, self._worker_db = app_db, worker_db

    def channels(self, at: datetime) -> Channels:
        return Channels({Channel.PUSH: self.box, Channel.EMAIL: self.mail}, now=lambda: at)

    async def tick(self, of: Scene, at: datetime, *, batch: int = 200) -> int:
        asked_at = asyncio.get_running_loop().time()
        async with self._worker_db.transaction() as tx:
            claimed = await due.claim(tx, SOURCE, of.lane, now=at, horizon=timedelta(0), limit=1000)
        hand = Hand()
        for each in claimed:
            hand.take(each, asked_at=asked_at)
        handler = Reminders(self._app_db, self.channels(at), dev=True, now=lambda: at)
        batches = [claimed[n : n + batch] for n in range(0, len(claimed), batch)]
        await asyncio.gather(*(handler.work(each, hand) for each in batches))
        return len(claimed)

    async def attempt(self, of: Scene, delivery_id: UUID, at: datetime) -> Step:
        attempts = Deliveries(self._app_db, self.channels(at), dev=True, now=lambda: at)
        message = DeliveryMessage(of.user_id, delivery_id)
        return await ActivityEnvironment().run(attempts.attempt, message)


@pytest.fixture
def worker(app_db: Database, worker_db: Database) -> Worker:
    return Worker(app_db, worker_db)


def statuses(rows: Sequence[dict[str, Any]]) -> dict[str, int]:
    return {
        status: [r["status"] for r in rows].count(status) for status in {r["status"] for r in rows}
    }


def parts(at: Scene) -> tuple[list[dict[str, Any]], list[dict[str, Any]], list[dict[str, Any]]]:
    """Sent one by one, folded, and the summaries."""
    rows = at.deliveries("push")
    one_by_one = [r for r in rows if r["kind"] == "reminder" and not r["folded_into"]]
    return (
        one_by_one,
        [r for r in rows if r["folded_into"]],
        [r for r in rows if r["kind"] == "summary"],
    )


def wish(at: Scene, preferences: str) -> None:
    at.run("UPDATE users SET preferences = %s::jsonb WHERE id = %s", preferences, at.user_id)


async def test_beyond_ten_a_minute_they_are_listed_in_one(
    worker: Worker, database_url: str
) -> None:
    at = scene(database_url, [NOW] * 25, channels=["push"], browser=BROWSER)
    assert await worker.tick(at, NOW, batch=7) == 25  # four batches at a time
    alone, folded, [summary] = parts(at)
    assert (len(alone), len(folded), len(worker.box.got)) == (10, 15, 10)
    assert {row["folded_into"] for row in folded} == {summary["id"]}
    assert statuses(folded) == {"pending": 15}
    assert (summary["status"], summary["next_attempt_at"]) == (
        "pending",
        NOW + timedelta(seconds=5),
    )
    [asked] = at.outbox()
    assert asked["workflow_id"] == f"delivery:{summary['id']}"
    assert at.waiting() == 0
    step = await worker.attempt(at, summary["id"], NOW)
    assert step.verdict is Verdict.AGAIN
    await worker.attempt(at, summary["id"], NOW + timedelta(seconds=6))
    sent = worker.box.got[-1]
    assert (sent.title, len(sent.titles), len(worker.box.got)) == ("15 reminders", 15, 11)
    alone, folded, _ = parts(at)
    assert statuses(alone + folded) == {"sent": 25}
    told = {send.title for send in worker.box.got[:-1]} | set(sent.titles)
    assert len(told) == 25  # none lost, none twice
    assert folded[0]["log"][-1]["detail"] == f"with the summary {summary['id']}"


async def test_more_of_the_minute_join_the_summary_or_wait_for_the_next(
    worker: Worker, database_url: str
) -> None:
    first = [NOW] * 12
    at = scene(
        database_url,
        [*first, NOW + timedelta(seconds=2), NOW + timedelta(seconds=9)],
        channels=["push"],
        browser=BROWSER,
    )
    await worker.tick(at, NOW)
    await worker.tick(at, NOW + timedelta(seconds=2))
    _, folded, [summary] = parts(at)
    assert len(folded) == 3
    await worker.attempt(at, summary["id"], NOW + timedelta(seconds=6))
    assert len(worker.box.got[-1].titles) == 3
    await worker.tick(at, NOW + timedelta(seconds=9))
    _, folded, [_, later] = parts(at)
    assert len(folded) == 4
    assert later["next_attempt_at"] == summary["next_attempt_at"] + MINUTE


async def test_a_summary_that_fails_says_so_of_all_it_lists(
    worker: Worker, database_url: str
) -> None:
    at = scene(database_url, [NOW] * 12, channels=["push"], browser=BROWSER)
    await worker.tick(at, NOW)
    _, _, [summary] = parts(at)
    worker.box.failures = 1
    late = NOW + timedelta(seconds=6)
    assert (await worker.attempt(at, summary["id"], late)).verdict is Verdict.AGAIN
    _, folded, _ = parts(at)
    assert statuses(folded) == {"pending": 2}
    worker.box.failures, worker.box.permanent = 1, True
    await worker.attempt(at, summary["id"], late + MINUTE)
    _, folded, [summary] = parts(at)
    assert {(r["status"], r["error"]) for r in [*folded, summary]} == {
        ("failed", "vendor_rejected")
    }


async def test_what_was_done_meanwhile_is_not_listed(worker: Worker, database_url: str) -> None:
    at = scene(database_url, [NOW] * 12, channels=["push"], browser=BROWSER)
    await worker.tick(at, NOW)
    _, folded, [summary] = parts(at)
    at.run(
        "UPDATE todos SET status = 'completed', completed_at = now() WHERE id = %s",
        folded[0]["todo_id"],
    )
    await worker.attempt(at, summary["id"], NOW + timedelta(seconds=6))
    assert len(worker.box.got[-1].titles) == 1
    _, folded, _ = parts(at)
    assert statuses(folded) == {"sent": 1, "cancelled": 1}


async def test_urgent_ones_go_out_one_by_one(worker: Worker, database_url: str) -> None:
    at = scene(database_url, [NOW] * 15, channels=["push"], browser=BROWSER)
    at.run("UPDATE reminders SET urgent = true WHERE user_id = %s", at.user_id)
    await worker.tick(at, NOW)
    assert len(worker.box.got) == 15


ESCALATES = '{"escalation": {"after": "PT10M", "to": "email"}}'


async def test_a_push_that_nobody_reads_is_mailed(worker: Worker, database_url: str) -> None:
    at = scene(database_url, [NOW], channels=["push"], browser=BROWSER)
    wish(at, ESCALATES)
    await worker.tick(at, NOW)
    [mail] = at.deliveries("email")
    later = NOW + timedelta(minutes=10)
    assert (mail["kind"], mail["status"]) == ("escalation", "pending")
    assert mail["next_attempt_at"] == later
    assert [row["workflow_id"] for row in at.outbox()] == [f"delivery:{mail['id']}"]
    assert [row["kind"] for row in at.notifications()] == ["reminder"]  # where it can be read
    step = await worker.attempt(at, mail["id"], NOW + MINUTE)
    assert (step.verdict, step.wait_ms) == (Verdict.AGAIN, 9 * 60_000)
    await worker.attempt(at, mail["id"], later)
    assert len(worker.mail.got) == 1
    [mail] = at.deliveries("email")
    assert (mail["status"], mail["attempts"]) == ("sent", 1)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ("UPDATE notifications SET read_at = now() WHERE user_id = %s", "read"),
        (
            "UPDATE todos SET status = 'completed', completed_at = now() WHERE workspace_id = %s",
            "todo_completed",
        ),
        ("UPDATE reminders SET arm_no = arm_no + 1 WHERE user_id = %s", "reminder_changed"),
    ],
)
async def test_an_escalation_ends_with_its_reason(
    worker: Worker, database_url: str, change: str, reason: str
) -> None:
    at = scene(database_url, [NOW], channels=["push"], browser=BROWSER)
    wish(at, ESCALATES)
    await worker.tick(at, NOW)
    at.run(change, at.user_id)
    [mail] = at.deliveries("email")
    await worker.attempt(at, mail["id"], NOW + timedelta(minutes=10))
    [mail] = at.deliveries("email")
    assert (mail["status"], mail["error"], worker.mail.got) == ("cancelled", reason, [])


async def test_nothing_escalates_that_was_mailed_anyway(worker: Worker, database_url: str) -> None:
    at = scene(database_url, [NOW], channels=["push", "email"], browser=BROWSER)
    wish(at, ESCALATES)
    await worker.tick(at, NOW)
    assert [row["kind"] for row in at.deliveries("email")] == ["reminder"]


@pytest.mark.parametrize("paused", [True, False])
async def test_muted_and_paused_ones_are_only_shown_in_the_app(
    worker: Worker, database_url: str, *, paused: bool
) -> None:
    at = scene(database_url, [NOW], channels=["push", "email"], browser=BROWSER)
    if paused:
        wish(at, f'{{"paused_until": "{(NOW + MINUTE).isoformat()}"}}')
    else:
        [made] = at.rows(
            "INSERT INTO lists (workspace_id, id, name, position)"
            " VALUES (%s, gen_random_uuid(), 'Noise', 1) RETURNING id",
            at.user_id,
        )
        at.run("UPDATE todos SET list_id = %s WHERE id = %s", made["id"], at.todos[0])
        wish(at, f'{{"muted_lists": ["{made["id"]}"]}}')
    await worker.tick(at, NOW)
    assert (worker.box.got, worker.mail.got) == ([], [])
    expected = "paused" if paused else "list_muted"
    rows = at.deliveries("push") + at.deliveries("email")
    assert {(row["status"], row["error"]) for row in rows} == {("cancelled", expected)}
    assert [row["kind"] for row in at.notifications()] == ["reminder"]
    assert (at.waiting(), at.leases()) == (0, 0)


async def test_why_tells_of_summaries_escalations_and_mutes(
    worker: Worker, app_db: Database, database_url: str
) -> None:
    at = scene(database_url, [NOW] * 11, channels=["push"], browser=BROWSER)
    wish(at, ESCALATES)
    await worker.tick(at, NOW)
    _, [folded], [summary] = parts(at)
    actor = Actor(at.user_id, at.user_id)

    async def sentences() -> str:
        async with app_db.transaction(read_only=True) as tx:
            tx.act_in([at.user_id], at.user_id)
            story = await explanations.why(tx, actor, folded["subject_id"], now=NOW)
        return "\n".join(story.sentences)

    told = await sentences()
    assert "in one message with others of that minute it goes out at" in told
    assert "unless it is read or done before, it goes out at" in told
    await worker.attempt(at, summary["id"], NOW + timedelta(seconds=6))
    assert "delivered 6.0 s later, in one message with others." in await sentences()
