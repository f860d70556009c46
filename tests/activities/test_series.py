"""Occurrences left undone make way, by each policy, whenever somebody looks."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from time import process_time
from typing import Any

import pytest
from temporalio.testing import ActivityEnvironment

from activities.series import Series
from activities.shift import Hand
from activities.tick import Ticks
from core import clock, due
from core.messages import Kind, TickMessage
from core.services.due_series import SOURCE
from tests.courses import NINE, Course, course
from tests.teams import sql
from tests.todos import make, read

__all__ = ["course"]  # a fixture
MONDAY = datetime(2030, 9, 2, 7, tzinfo=UTC)  # 09:00 in Berlin
DAY = timedelta(days=1)


async def test_roll_moves_the_todo_to_the_new_occurrence(course: Course) -> None:
    todo = await course.begin(recurrence={"rrule": "FREQ=DAILY"}, tags=["a"])
    assert (await course.series())["next_at"] == MONDAY + DAY
    assert await course.tick(MONDAY + DAY - timedelta(seconds=1)) == 0
    assert await course.tick(MONDAY + DAY) == 1
    rolled = await read(course.person, todo["id"])
    assert (rolled["due"]["date"], rolled["missed"], rolled["status"]) == (
        "2030-09-03",
        1,
        "pending",
    )
    assert await course.occurrences() == [("2030-09-02", "missed"), ("2030-09-03", "open")]
    assert (await course.series())["next_at"] == MONDAY + 2 * DAY
    assert await course.tick(MONDAY + DAY) == 0
    events = (await course.person.get("/events")).json()["data"]
    assert [each["type"] for each in events][-2:] == ["recurrence.updated", "todo.updated"]
    assert events[-1]["actor_id"] is None


async def test_every_weekday_at_nine_through_a_weekend(course: Course) -> None:
    friday = {**NINE, "date": "2030-09-06"}
    todo = await course.begin(due=friday, recurrence={"rrule": "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR"})
    for hour in range(1, 72):
        assert await course.tick(MONDAY + 4 * DAY + timedelta(hours=hour)) == 0
    assert await course.tick(MONDAY + 7 * DAY) == 1
    assert (await read(course.person, todo["id"]))["due"]["date"] == "2030-09-09"


async def test_after_a_long_outage_it_jumps_and_counts(course: Course) -> None:
    todo = await course.begin(recurrence={"rrule": "FREQ=DAILY"})
    assert await course.tick(MONDAY + 100 * DAY + timedelta(hours=5)) == 1
    rolled = await read(course.person, todo["id"])
    assert rolled["missed"] == 100
    assert rolled["due"]["date"] == (MONDAY + 100 * DAY).date().isoformat()
    assert len(await course.occurrences()) == 2  # no row for each of the hundred


async def test_a_minutely_rule_of_decades_takes_no_longer(course: Course) -> None:
    due_then = {**NINE, "date": "1990-01-01"}
    await course.begin(due=due_then, recurrence={"rrule": "FREQ=MINUTELY"})
    begun = process_time()
    assert await course.tick(MONDAY) == 1
    assert process_time() - begun < 2  # to walk through the minutes of decades takes longer
    [todo] = await course.todos()
    assert (todo["missed"], todo["due"]["time"]) == (1000, "09:00")


async def test_keep_leaves_it_overdue(course: Course) -> None:
    todo = await course.begin(recurrence={"rrule": "FREQ=DAILY", "pile_up": "keep"})
    assert (await course.series())["next_at"] is None
    assert await course.tick(MONDAY + 9 * DAY) == 0
    assert (await read(course.person, todo["id"]))["due"]["date"] == "2030-09-02"


async def test_all_makes_a_further_todo_for_each(course: Course) -> None:
    todo = await course.begin(recurrence={"rrule": "FREQ=DAILY", "pile_up": "all"}, tags=["plants"])
    await make(course.person, "sub", parent_id=todo["id"])
    await course.tick(MONDAY + DAY)
    await course.tick(MONDAY + 2 * DAY)
    found = [each for each in await course.todos() if each["parent_id"] is None]
    assert [each["due"]["date"][-2:] for each in found] == ["02", "03", "04"]
    assert {tuple(each["tags"]) for each in found} == {("plants",)}
    assert len(await course.todos()) == 6  # each has its subtask
    done = (await course.person.post(f"/todos/{found[0]['id']}/complete")).json()
    assert done["next"] is None  # the newest goes on, not an older one
    assert (await course.person.post(f"/todos/{found[0]['id']}/reopen")).status_code == 200
    assert len(await course.todos()) == 6


async def test_all_makes_at_most_thirty_and_says_how_many_it_left_out(course: Course) -> None:
    await course.begin(recurrence={"rrule": "FREQ=DAILY", "pile_up": "all"})
    await course.tick(MONDAY + 100 * DAY + timedelta(hours=1))  # winter by then
    found = await course.todos()
    assert len(found) == 31
    assert found[-1]["due"]["date"] == (MONDAY + 100 * DAY).date().isoformat()
    assert (await course.series())["left_out"] == 70
    answer = await course.person.get(f"/series/{found[0]['series_id']}")
    assert answer.json()["left_out"] == 70


async def test_it_rolls_with_the_next_ones_first_reminder(course: Course) -> None:
    todo = await course.begin(
        recurrence={"rrule": "FREQ=DAILY"}, reminders=[{"before": "PT1H"}, {"before": "PT2H"}]
    )
    fires = MONDAY + DAY - timedelta(hours=2)
    assert (await course.series())["next_at"] == fires
    await course.tick(fires)
    rolled = await read(course.person, todo["id"])
    assert (rolled["due"]["date"], rolled["missed"]) == ("2030-09-03", 1)
    assert [each["next_fire_at"] for each in rolled["reminders"]] == [
        each["next_fire_at"] for each in todo["reminders"]
    ]  # rolling is none of theirs: they are armed by the rule


async def test_a_reminder_that_comes_later_lets_it_roll_sooner(course: Course) -> None:
    todo = await course.begin(recurrence={"rrule": "FREQ=DAILY"})
    made = await course.person.post(f"/todos/{todo['id']}/reminders", json={"before": "PT3H"})
    await course.tick(clock.now())  # it looks once more, and does not move yet
    assert (await course.series())["next_at"] == MONDAY + DAY - timedelta(hours=3)
    await course.person.patch(f"/reminders/{made.json()['id']}", json={"before": "PT1H"})
    await course.tick(clock.now())
    assert (await course.series())["next_at"] == MONDAY + DAY - timedelta(hours=1)
    await course.person.delete(f"/reminders/{made.json()['id']}")
    await course.tick(clock.now())
    assert (await course.series())["next_at"] == MONDAY + DAY
    assert (await read(course.person, todo["id"]))["missed"] == 0


async def test_not_before_the_one_before_has_passed(course: Course) -> None:
    todo = await course.begin(recurrence={"rrule": "FREQ=DAILY"}, reminders=[{"before": "P3D"}])
    assert (await course.series())["next_at"] == MONDAY
    await course.tick(MONDAY)
    assert (await read(course.person, todo["id"]))["due"]["date"] == "2030-09-03"


async def test_an_all_day_one_rolls_at_its_owners_midnight(course: Course) -> None:
    todo = await course.begin(due={"date": "2030-09-02"}, recurrence={"rrule": "FREQ=DAILY"})
    midnight = datetime(2030, 9, 2, 22, tzinfo=UTC)
    assert (await course.series())["next_at"] == midnight
    await course.tick(midnight)
    assert (await read(course.person, todo["id"]))["due"]["date"] == "2030-09-03"


async def test_one_moved_beyond_the_next_waits_for_the_one_after(course: Course) -> None:
    todo = await course.begin(recurrence={"rrule": "FREQ=WEEKLY"})
    later = {**NINE, "date": "2030-09-12"}  # a Thursday, after the Monday of the next one
    await course.person.post(f"/todos/{todo['id']}/move", json={"due": later})
    assert (await course.series())["next_at"] == MONDAY + 14 * DAY
    await course.tick(MONDAY + 14 * DAY)
    assert (await read(course.person, todo["id"]))["due"]["date"] == "2030-09-16"
    assert await course.occurrences() == [("2030-09-02", "missed"), ("2030-09-16", "open")]


async def test_rolling_does_its_subtasks_anew(course: Course) -> None:
    todo = await course.begin(recurrence={"rrule": "FREQ=DAILY"})
    sub = await make(course.person, "sub", parent_id=todo["id"], due={"date": "2030-09-01"})
    await course.person.post(f"/todos/{sub['id']}/complete")
    await course.tick(MONDAY + DAY)
    again = await read(course.person, sub["id"])
    assert (again["status"], again["due"]["date"]) == ("pending", "2030-09-02")


async def test_what_this_one_alone_had_is_gone_with_it(course: Course) -> None:
    todo = await course.begin(recurrence={"rrule": "FREQ=DAILY"})
    await course.person.patch(
        f"/todos/{todo['id']}", params={"scope": "this"}, json={"title": "guests"}
    )
    await course.tick(MONDAY + DAY)
    assert (await read(course.person, todo["id"]))["title"] == todo["title"]


@pytest.mark.parametrize("verb", ["complete", "skip", "move", "pause", "stop", "delete"])
async def test_a_change_while_it_is_claimed_wins(course: Course, verb: str) -> None:
    todo = await course.begin(recurrence={"rrule": "FREQ=DAILY"})
    at = MONDAY + DAY
    async with course.worker_db.transaction() as tx:
        claimed = await due.claim(tx, SOURCE, course.lane, now=at, horizon=timedelta(0), limit=9)
    path = f"/todos/{todo['id']}"
    act: dict[str, Callable[[], Any]] = {
        "delete": lambda: course.person.delete(path),
        "move": lambda: course.person.post(
            f"{path}/move", json={"due": {**NINE, "date": "2030-09-20"}}
        ),
        "pause": lambda: course.person.post(f"/series/{todo['series_id']}/pause"),
        "stop": lambda: course.person.post(f"/series/{todo['series_id']}/stop"),
    }
    answer = await act.get(verb, lambda: course.person.post(f"{path}/{verb}"))()
    assert answer.status_code < 300, answer.text
    before = await course.series()
    await Series(course.app_db, now=lambda: at).work(claimed, Hand())
    after = await course.series()
    assert {**after, "updated_at": None} == {**before, "updated_at": None}
    assert not [each for each in await course.occurrences() if each[1] == "missed"]


async def test_one_that_the_database_refuses_does_not_stop_the_others(course: Course) -> None:
    good = await course.begin(recurrence={"rrule": "FREQ=DAILY"})
    bad = await course.begin(recurrence={"rrule": "FREQ=DAILY"})
    worse = await course.begin(recurrence={"rrule": "FREQ=DAILY"})
    await sql(
        course.url,
        "INSERT INTO occurrences (workspace_id, series_id, turn, recurrence_id, planned_on, due_at)"
        " VALUES (%s, %s, 0, '2030-09-03T09:00:00', '2030-09-03', now())",
        course.person.id,
        bad["series_id"],
    )
    await sql(
        course.url,
        "UPDATE series SET holidays = 'nowhere', shift = 'after' WHERE id = %s",
        worse["series_id"],
    )
    await course.tick(MONDAY + DAY)
    assert (await read(course.person, good["id"]))["missed"] == 1
    assert (await read(course.person, bad["id"]))["missed"] == 0  # the twin was refused
    rows = await sql(course.url, "SELECT next_at FROM series WHERE id = %s", worse["series_id"])
    assert rows == [(None,)]
    assert await course.tick(MONDAY + DAY) == 0  # the refused one rests for some minutes


async def test_the_tick_takes_it_by_the_real_clock(course: Course) -> None:
    """Started a day ago, at this time of the day: the next one is due in a moment."""
    now = clock.now()
    begins = (now + timedelta(seconds=1.2)).replace(microsecond=0) - DAY
    todo = await course.begin(
        due={"date": begins.date().isoformat(), "time": f"{begins:%H:%M:%S}", "timezone": "UTC"},
        recurrence={"rrule": "FREQ=DAILY"},
    )
    ticks = Ticks(
        course.worker_db, {Kind.SERIES: Series(course.app_db)}, lanes=1_000_000, life_s=2.0
    )
    await ActivityEnvironment().run(ticks.run, TickMessage(Kind.SERIES, course.lane))
    rolled = await read(course.person, todo["id"])
    assert rolled["missed"] == 1
    settled = await sql(
        course.url,
        "SELECT settled_at FROM occurrences WHERE status = 'missed' AND todo_id = %s",
        todo["id"],
    )
    late = settled[0][0] - (begins + DAY)
    assert timedelta(0) <= late < timedelta(minutes=1)
