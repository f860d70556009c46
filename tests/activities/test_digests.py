"""Digests, from the wish to the message: what they say, once a period, wherever a worker dies."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

from temporalio.testing import ActivityEnvironment

from activities.channels import Channels
from activities.deliveries import Deliveries, Verdict
from core.messages import DeliveryMessage
from core.rules.digests import Section
from core.services import due_reminders
from tests.digesting import ZONE, Reading, reading
from tests.sandboxes import sandbox
from tests.teams import sql
from tests.todos import make

__all__ = ["reading"]  # a fixture
MONDAY = date(2030, 9, 2)
DAY = timedelta(days=1)


def on(days: int, time: str | None = None, zone: str | None = None) -> dict[str, Any]:
    due: dict[str, Any] = {"date": (MONDAY + days * DAY).isoformat()}
    return due | ({"time": time, "timezone": zone} if time else {})


async def test_sections_are_the_persons_days(reading: Reading) -> None:
    alice = reading.person
    await make(alice, "long ago", due=on(-9))
    await make(alice, "this morning", due=on(0, "07:00"))
    await make(alice, "all day", due=on(0))
    await make(alice, "tonight", due=on(0, "23:30"))
    await make(alice, "already tomorrow here", due=on(0, "18:30", "America/New_York"))
    await make(alice, "in a week", due=on(7, "23:00"))
    await make(alice, "later", due=on(8))
    await make(alice, "whenever")
    at = await reading.wish(MONDAY, at="07:30")
    for days in (0, 1, 2, 4):  # three days in a row up to yesterday … with today's
        done = await make(alice, f"done {days}")
        await reading.complete(done, at - days * DAY - timedelta(minutes=5))
    assert await reading.tick(at - timedelta(seconds=1)) == 0
    assert await reading.tick(at) == 1
    [sent] = reading.box.got
    digest = sent.digest
    assert digest is not None
    assert {part.section: [item.title for item in part.items] for part in digest.parts} == {
        Section.OVERDUE: ["long ago", "this morning"],
        Section.TODAY: ["all day", "tonight"],
        Section.UPCOMING: ["already tomorrow here", "in a week"],
        Section.COMPLETED: ["done 0"],  # the first one tells of the last day
    }
    assert (digest.streak, digest.on, digest.zone) == (3, MONDAY, ZONE)
    assert sent.title == (
        "Your day: 2 overdue, 2 today, 2 in the next 7 days, 1 done, 3 days in a row"
    )
    assert await reading.periods() == [("2030-09-02", "told")]
    [row] = await reading.deliveries()
    assert (row["status"], row["channel"], row["attempts"]) == ("sent", "email", 1)
    after = await reading.row()
    assert (after["period"], after["due_on"]) == ("2030-09-03", "2030-09-03")


async def test_what_was_completed_since_the_last_one(reading: Reading) -> None:
    at = await reading.wish(MONDAY, at="07:30")
    await make(reading.person, "always", due=on(-1))
    first = await make(reading.person, "before")
    await reading.complete(first, at - timedelta(minutes=1))
    await reading.tick(at)
    second = await make(reading.person, "after")
    await reading.complete(second, at + timedelta(minutes=1))
    assert await reading.tick(at + DAY) == 1
    told = [
        [item.title for part in each.digest.parts for item in part.items][-1]
        for each in reading.box.got
        if each.digest
    ]
    assert told == ["before", "after"]


async def test_an_empty_one_is_passed_over(reading: Reading) -> None:
    at = await reading.wish(MONDAY)
    await make(reading.person, "some day", due=on(30))
    assert await reading.tick(at) == 1
    assert (reading.box.got, await reading.deliveries()) == ([], [])
    assert await reading.periods() == [("2030-09-02", "skipped")]
    assert (await reading.row())["period"] == "2030-09-03"


async def test_many_are_counted(reading: Reading) -> None:
    at = await reading.wish(MONDAY)
    for nth in range(23):
        await make(reading.person, f"n{nth:02d}", due=on(-1 - nth))
    await reading.tick(at)
    digest = reading.box.got[0].digest
    assert digest is not None
    [part] = digest.parts
    assert (len(part.items), part.total, part.more) == (20, 23, 3)
    assert part.items[0].title == "n22"  # the longest overdue first


async def test_others_muted_and_sandboxes_todos_are_left_out(
    reading: Reading, bob: Any, database_url: str
) -> None:
    alice = reading.person
    await make(bob, "not hers", due=on(0))
    muted = await make(alice, "muted", due=on(0), list="Noise")
    answer = await alice.patch("/me", json={"preferences": {"muted_lists": [muted["list_id"]]}})
    assert answer.status_code == 200
    at = await reading.wish(MONDAY)
    apart = await sandbox(alice)
    made = await alice.post(f"/todos?workspace_id={apart}", json={"title": "apart", "due": on(0)})
    assert made.status_code == 201
    team = await _team(database_url, alice, bob)
    for title, assignee in (("hers there", alice.id), ("his there", bob.id), ("nobody's", None)):
        await sql(
            database_url,
            "INSERT INTO todos (workspace_id, id, title, position, due_on, due_at, assignee_id,"
            " created_by) VALUES (%s, gen_random_uuid(), %s, 1, %s, %s, %s, %s)",
            team,
            title,
            MONDAY,
            at,
            assignee,
            bob.id,
        )
    await reading.tick(at)
    digest = reading.box.got[0].digest
    assert digest is not None
    assert [item.title for part in digest.parts for item in part.items] == ["hers there"]


async def _team(url: str, *members: Any) -> Any:
    [(team,)] = await sql(
        url,
        "INSERT INTO workspaces (id, kind, name, created_at)"
        " VALUES (gen_random_uuid(), 'team', '', now()) RETURNING id",
    )
    for each in members:
        await sql(
            url,
            "INSERT INTO memberships (user_id, workspace_id, role, created_at)"
            " VALUES (%s, %s, 'member', now())",
            each.id,
            team,
        )
    return team


async def test_one_period_is_told_once_whatever_the_plan_becomes(reading: Reading) -> None:
    await make(reading.person, "always", due=on(-1))
    at = await reading.wish(MONDAY, at="07:30")
    await reading.tick(at)
    later = await reading.wish(MONDAY, at="09:00")
    assert await reading.tick(later) == 1
    assert len(reading.box.got) == 1
    assert (await reading.row())["period"] == "2030-09-03"
    week = await reading.wish(MONDAY, frequency="weekly", at="10:00")  # another period
    await reading.tick(week)
    assert [period for period, _ in await reading.periods()] == ["2030-09-02", "2030-W36"]
    assert len(reading.box.got) == 2


async def test_channels_of_ones_own_choice(reading: Reading) -> None:
    await make(reading.person, "Öl wechseln", due=on(0))
    wishes = {"preferences": {"channels": {"digest": ["in_app", "sms"]}}, "locale": "de-AT"}
    await reading.person.patch("/me", json=wishes)
    at = await reading.wish(MONDAY)
    await reading.tick(at)
    rows = {row["channel"]: row for row in await reading.deliveries()}
    assert {name: row["status"] for name, row in rows.items()} == {
        "in_app": "sent",
        "sms": "cancelled",
    }
    [told] = (await reading.person.get("/notifications")).json()["data"]
    assert (told["kind"], told["title"]) == ("digest", "Ihr Tag: 1 heute")


async def test_one_armed_for_another_zone_waits_for_its_hour_here(reading: Reading) -> None:
    await make(reading.person, "always", due=on(-1))
    at = await reading.wish(MONDAY)
    early = at - timedelta(hours=7)
    await sql(
        reading.url,
        "UPDATE digests SET armed_zone = 'Asia/Tokyo', next_at = %s WHERE id = %s",
        early,
        reading.person.id,
    )
    assert await reading.tick(early) == 1
    assert (reading.box.got, await reading.periods()) == ([], [])
    assert await reading.tick(at) == 1
    assert len(reading.box.got) == 1


async def test_nothing_is_told_in_a_pause_nor_a_day_late(reading: Reading) -> None:
    await make(reading.person, "always", due=on(-1))
    until = {"paused_until": f"{MONDAY}T06:00:00Z"}
    await reading.person.patch("/me", json={"preferences": until})
    at = await reading.wish(MONDAY)
    await reading.tick(at)
    assert await reading.tick(at + DAY + timedelta(hours=25)) == 1
    assert [status for _, status in await reading.periods()] == ["paused", "missed"]
    assert reading.box.got == []
    assert (await reading.row())["period"] == "2030-09-05"


async def test_a_killed_worker_leaves_one_that_is_sent_again_under_its_name(
    reading: Reading,
) -> None:
    await make(reading.person, "always", due=on(-1))
    at = await reading.wish(MONDAY)
    await reading.begin(at)  # and then nothing
    [row] = await reading.deliveries()
    assert row["status"] == "sending"
    assert await reading.tick(at) == 0  # the dead one's lease
    await sql(
        reading.url,
        "UPDATE leases SET until = 'yesterday' WHERE row_id = %s",
        reading.person.id,
    )
    assert await reading.tick(at + timedelta(seconds=20)) == 1
    [again] = await reading.deliveries()
    assert (again["id"], again["status"], again["attempts"]) == (row["id"], "sent", 2)
    assert again["ambiguous"]
    assert len(reading.box.got) == 1


async def test_where_the_vendor_tells_what_became_of_it_that_is_waited_for(
    reading: Reading,
) -> None:
    await make(reading.person, "always", due=on(-1))
    at = await reading.wish(MONDAY)
    await reading.begin(at)  # and then nothing
    await sql(
        reading.url,
        "UPDATE leases SET until = 'yesterday' WHERE row_id = %s",
        reading.person.id,
    )
    later = at + timedelta(seconds=20)
    assert await reading.tick(later, patience=timedelta(minutes=2)) == 1
    [waits] = await reading.deliveries()
    assert (waits["status"], waits["ambiguous"], reading.box.got) == ("pending", True, [])
    next_at = datetime.fromisoformat(waits["next_attempt_at"])
    assert next_at == later + timedelta(minutes=2)
    step = await _attempt(reading, waits, next_at)
    assert (step.verdict, len(reading.box.got)) == (Verdict.OVER, 1)


async def test_a_passing_failure_is_tried_again_with_what_is_true_then(reading: Reading) -> None:
    todo = await make(reading.person, "soon done", due=on(-1))
    await make(reading.person, "stays", due=on(-1))
    at = await reading.wish(MONDAY)
    reading.box.failures = 1
    await reading.tick(at)
    [row] = await reading.deliveries()
    assert row["status"] == "pending"
    assert (await reading.row())["period"] == "2030-09-03"
    await reading.complete(todo, at + timedelta(seconds=1))
    step = await _attempt(reading, row, at + timedelta(minutes=1))
    assert step.verdict is Verdict.OVER
    [sent] = reading.box.got
    assert sent.digest is not None
    assert [item.title for part in sent.digest.parts for item in part.items] == [
        "stays",
        "soon done",
    ]
    assert sent.digest.total(Section.COMPLETED) == 1


async def test_a_later_attempt_finds_it_unwanted(reading: Reading) -> None:
    todo = await make(reading.person, "the only one", due=on(-1))
    at = await reading.wish(MONDAY)
    reading.box.failures = 1
    await reading.tick(at)
    [row] = await reading.deliveries()
    await sql(reading.url, "DELETE FROM todos WHERE id = %s", todo["id"])
    await _attempt(reading, row, at + timedelta(minutes=1))
    [over] = await reading.deliveries()
    assert (over["status"], over["error"]) == ("cancelled", "nothing_left")

    await make(reading.person, "another", due=on(-1))
    reading.box.failures = 1
    await reading.tick(at + DAY)
    second = (await reading.deliveries())[-1]
    await reading.person.patch("/me", json={"preferences": {"digest": None}})
    await _attempt(reading, second, at + DAY + timedelta(minutes=1))
    over = (await reading.deliveries())[-1]
    assert (over["status"], over["error"]) == ("cancelled", "digest_off")
    assert (await reading.row())["next_at"] is None


async def test_one_that_was_left_behind_is_rescued(reading: Reading) -> None:
    await make(reading.person, "always", due=on(-1))
    at = await reading.wish(MONDAY)
    reading.box.failures = 1
    await reading.tick(at)
    [row] = await reading.deliveries()
    await sql(reading.url, "DELETE FROM outbox WHERE subject_id = %s", reading.person.id)
    old = datetime.now(UTC) - timedelta(minutes=3)
    await sql(reading.url, "UPDATE deliveries SET updated_at = %s WHERE id = %s", old, row["id"])
    async with reading.worker_db.transaction() as tx:
        due_reminders.rescue(tx)
    [(asked,)] = await sql(
        reading.url, "SELECT workflow_id FROM outbox WHERE subject_id = %s", reading.person.id
    )
    assert asked == f"delivery:{row['id']}"


async def _attempt(reading: Reading, row: dict[str, Any], at: datetime) -> Any:
    channels = Channels(reading.vendors, now=lambda: at)
    attempts = Deliveries(reading.app_db, channels, dev=True, now=lambda: at)
    message = DeliveryMessage(reading.person.id, row["id"])
    return await ActivityEnvironment().run(attempts.attempt, message)
