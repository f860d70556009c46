"""`voicetodo repeat | skip | move`, and what the other commands tell of todos that come back."""

import typing
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
import pytest

from api.commands import repeat, todos
from core.rules import recurrence, rrule
from core.services import series
from tests.commanding import Ran, Run

FRIDAY = "2030-09-06 9:00"
PLANTS = ("Water the plants", "--due", FRIDAY, "--repeat", "every weekday at 9")


def added(alice: Run, *arguments: str) -> Any:
    ran = alice("add", *arguments, "--json")
    assert ran.code == 0, ran.err
    return ran.document


def told(ran: Ran) -> list[str]:
    """The lines for a person, their columns one space apart."""
    assert ran.code == 0, ran.err
    return [" ".join(line.split()) for line in ran.out.splitlines() if line.strip()]


def due(todo: dict[str, Any]) -> tuple[str, str | None, str | None]:
    return todo["due"]["date"], todo["due"]["time"], todo["due"]["timezone"]


def test_adds_one_that_begins_where_the_words_say(alice: Run) -> None:
    todo = added(alice, "Water the plants", "--repeat", "every weekday at 9")
    assert todo["recurrence"]["rrule"] == "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR"
    first = datetime.fromisoformat(todo["due_at"])
    assert first > datetime.now(UTC)
    there = first.astimezone(ZoneInfo("Europe/Berlin"))
    assert (there.hour, there.weekday() < 5) == (9, True)
    assert todo["due"]["timezone"] is None
    ruled = added(alice, "b", "--rrule", "FREQ=MONTHLY;BYMONTHDAY=31", "--due", "2030-01-31")
    assert ruled["recurrence"]["skip"] == "omit"
    assert due(ruled) == ("2030-01-31", None, None)


def test_a_day_takes_the_time_of_the_words(alice: Run) -> None:
    options = ("--repeat", "every day at 9", "--due", "2030-09-06")
    assert due(added(alice, "a", *options)) == ("2030-09-06", "09:00", None)
    fixed = added(alice, "b", *options, "--zone", "Asia/Tokyo", "--remind", "email")
    assert due(fixed) == ("2030-09-06", "09:00", "Asia/Tokyo")
    assert fixed["reminders"][0]["next_fire_at"] == fixed["due_at"]


def test_understands_and_speaks_other_languages(alice: Run, database_url: str) -> None:
    todo = added(alice, "Blumen", "--due", FRIDAY)
    german = ("repeat", todo["id"], "jeden Montag um 9 Uhr")
    assert alice(*german).code == 1
    named = alice(*german, "--language", "de", "--json").document
    assert named["todo"]["recurrence"]["rrule"] == "FREQ=WEEKLY;BYDAY=MO"
    me = alice("whoami", "--json").document["id"]
    with psycopg.connect(database_url) as connection:
        connection.execute("UPDATE users SET locale = 'de' WHERE id = %s", [me])
    assert alice(*german, "--json").document["explained"] == "jeden Montag um 09:00 Uhr"
    added(alice, "Wäsche", "--due", FRIDAY, "--repeat", "jeden Tag um 9 Uhr")
    assert "repeats jeden Tag um 09:00 Uhr" in told(alice("show", "Wäsche"))


def test_completing_tells_the_next_one(alice: Run) -> None:
    added(alice, *PLANTS)
    assert told(alice("done", "Water")) == ["✔ Water the plants; next: Mon 9 Sep 2030 09:00"]
    assert told(alice("done", "Water")) == ["✔ Water the plants; next: Tue 10 Sep 2030 09:00"]
    document = alice("done", "Water", "--json").document
    assert due(document["next"]) == ("2030-09-11", "09:00", None)
    reopened = alice("reopen", "Water", "--json").document
    assert reopened["id"] == document["completed"]["id"]
    assert due(alice("show", "Water", "--json").document) == ("2030-09-10", "09:00", None)
    plain = added(alice, "Call mum")
    assert told(alice("done", plain["id"])) == ["✔ Call mum"]


def test_lists_and_shows_that_it_repeats(alice: Run, database_url: str) -> None:
    todo = added(alice, *PLANTS)
    added(alice, "Call mum")
    with psycopg.connect(database_url) as connection:
        connection.execute("UPDATE todos SET missed = 3 WHERE id = %s", [todo["id"]])
    lines = {line.split()[1]: line for line in told(alice("list")) if line.startswith("○")}
    plants = lines[todo["id"].replace("-", "")[-8:]]
    assert plants.endswith("↻ missed 3")
    assert [line for line in lines.values() if "↻" in line or "missed" in line] == [plants]
    shown = told(alice("show", "Water"))
    assert {"repeats every weekday at 09:00", "missed 3"} <= {*shown}
    assert "repeats" not in alice("show", "Call mum").out


def test_shows_what_comes_and_what_became_of_the_last(alice: Run) -> None:
    todo = added(alice, *PLANTS)
    alice("skip", "Water")
    alice("done", "Water")
    lines = told(alice("repeat", "Water"))
    assert lines[:4] == [
        "title Water the plants",
        "repeats every weekday at 09:00",
        "due 10 Sep 2030 09:00",
        "undone moves on to the next one, and counts what was missed",
    ]
    assert lines[4:6] == ["next Wed 11 Sep 2030 09:00", "Thu 12 Sep 2030 09:00"]
    assert lines[-2:] == [
        "was Mon 9 Sep 2030 09:00 completed",
        "Fri 6 Sep 2030 09:00 skipped",
    ]
    document = alice("repeat", "Water", "--json").document
    assert document["todo"]["series_id"] == document["series"]["id"] == todo["series_id"]
    assert [each["local"] for each in document["next"][:2]] == [
        "2030-09-11T09:00",
        "2030-09-12T09:00",
    ]
    assert [each["status"] for each in document["occurrences"]] == ["completed", "skipped"]


def test_what_comes_does_not_drift_from_where_it_began(alice: Run) -> None:
    """The last of a short month is no new start: it was the 31st, and is again."""
    options = ("--rrule", "RSCALE=GREGORIAN;FREQ=MONTHLY;SKIP=BACKWARD", "--due", "2030-01-31")
    todo = added(alice, "Pay the rent", *options)
    alice("done", todo["id"])
    document = alice("repeat", "Pay", "--json").document
    assert due(document["todo"]) == ("2030-02-28", None, None)
    assert [each["local"] for each in document["next"][:2]] == ["2030-03-31", "2030-04-30"]
    lines = told(alice("repeat", "Pay"))
    assert {"next Sun 31 Mar 2030", "Tue 30 Apr 2030 skip", "was Thu 31 Jan 2030 completed"} <= {
        *lines
    }


def test_begins_a_series_at_the_todos_own_time(alice: Run) -> None:
    todo = added(alice, "Call mum", "--due", FRIDAY)
    begun = alice("repeat", "Call mum", "every 2 weeks on monday", "--json").document
    assert due(begun["todo"]) == ("2030-09-09", "09:00", None)
    assert begun["explained"].startswith("every 2 weeks on Monday")
    daily = alice("repeat", todo["id"], "every day", "--json").document
    assert due(daily["todo"]) == ("2030-09-09", "09:00", None)
    later = alice("repeat", todo["id"], "every day at 18:30", "--json").document
    assert due(later["todo"]) == ("2030-09-09", "18:30", None)
    elsewhere = alice("repeat", todo["id"], "every day", "--due", "2030-10-01 7:00", "--json")
    assert due(elsewhere.document["todo"]) == ("2030-10-01", "07:00", None)


def test_begins_from_today_where_there_is_no_time_to_come(alice: Run) -> None:
    today = datetime.now(ZoneInfo("Europe/Berlin")).date()
    added(alice, "undated")
    undated = alice("repeat", "undated", "every day", "--json").document["todo"]
    added(alice, "old", "--due", "2020-01-01 9:00", "--zone", "Europe/Berlin")
    old = alice("repeat", "old", "every day", "--json").document["todo"]
    near = {(today + timedelta(days=days)).isoformat() for days in (0, 1)}  # around midnight
    assert due(undated)[0] in near
    assert undated["due"]["time"] is None
    assert due(old)[0] in near
    assert due(old)[1:] == ("09:00", "Europe/Berlin")


def test_policies(alice: Run) -> None:
    added(alice, "Pay the rent", "--due", "2030-01-31")
    words = ("every 31st", "--anchor", "completion", "--skip", "forward", "--pile-up", "keep")
    made = alice("repeat", "Pay", *words, "--json").document["todo"]["recurrence"]
    assert (made["anchor"], made["skip"], made["pile_up"]) == ("completion", "forward", "keep")
    off = ("--holidays", "DE", "--shift", "before", "--anchor", "schedule")
    changed = alice("repeat", "Pay", *off, "--json").document
    rule = changed["todo"]["recurrence"]
    assert (rule["holidays"], rule["shift"], rule["pile_up"]) == ("DE", "before", "keep")
    assert rule["rrule"] == made["rrule"]
    assert "holidays" in changed["explained"]
    assert "undone stays until it is done" in told(alice("repeat", "Pay"))
    other = alice("repeat", "Pay", "every 1st", "--json").document["todo"]["recurrence"]
    assert {**other, "rrule": rule["rrule"], "skip": rule["skip"]} == rule
    without = alice("repeat", "Pay", "--holidays", "none", "--shift", "none", "--json").document
    assert without["todo"]["recurrence"]["holidays"] is None


def test_from_its_doing_on(alice: Run) -> None:
    added(alice, "Cut hair", "--due", "2030-09-06", "--repeat", "every! 3 weeks")
    document = alice("repeat", "Cut hair", "--json").document
    assert document["series"]["recurrence"]["anchor"] == "completion"
    assert [each["local"] for each in document["next"][:2]] == ["2030-09-27", "2030-10-18"]


def test_pauses_resumes_and_stops(alice: Run) -> None:
    added(alice, *PLANTS)
    assert "status paused" in told(alice("repeat", "Water", "--pause"))
    assert "repeats every weekday at 09:00 (paused)" in told(alice("show", "Water"))
    resumed = alice("repeat", "Water", "--resume", "--json").document
    assert resumed["series"]["status"] == "active"
    assert "status ended" in told(alice("repeat", "Water", "--stop"))
    ended = alice("repeat", "Water", "--json").document
    assert (ended["todo"]["recurrence"], ended["next"]) == (None, [])
    assert told(alice("done", "Water")) == ["✔ Water the plants"]
    assert alice("undo").code == alice("undo").code == 0
    assert alice("show", "Water", "--json").document["recurrence"] is not None


def test_skips_and_moves_this_one_alone(alice: Run) -> None:
    added(alice, *PLANTS)
    assert told(alice("skip", "Water")) == ["↷ Water the plants; next: Mon 9 Sep 2030 09:00"]
    moved = alice("move", "Water", "2030-09-10", "--json").document
    assert due(moved) == ("2030-09-10", "09:00", None)
    assert told(alice("move", "Water", "2030-09-09 17:00"))[0].endswith("Mon 9 Sep 2030 17:00")
    assert "Tue 10 Sep 2030 09:00" in alice("done", "Water").out
    tokyo = added(alice, "Call", "--due", FRIDAY, "--zone", "Asia/Tokyo", "--repeat", "every week")
    there = alice("move", tokyo["id"], "2030-09-07", "--json").document
    assert due(there) == ("2030-09-07", "09:00", "Asia/Tokyo")
    here = alice("move", tokyo["id"], "2030-09-07 8:00", "--json").document
    assert due(here) == ("2030-09-07", "08:00", "Europe/Berlin")


def test_edits_and_removes_with_a_scope(alice: Run) -> None:
    todo = added(alice, *PLANTS)["id"]
    this = alice("edit", todo, "--title", "Only today", "--scope", "this", "--json").document
    assert this["title"] == "Only today"
    following = alice("done", todo, "--json").document["next"]
    assert following["title"] == "Water the plants"
    options = ("--due", "2030-09-09 17:00", "--scope", "following")
    assert alice("edit", following["id"], *options).code == 0
    assert alice("edit", following["id"], "--title", "Ferns", "--scope", "all").code == 0
    assert alice("show", todo, "--json").document["title"] == "Ferns"
    assert alice("rm", following["id"], "--scope", "this").code == 0
    moved_on = alice("show", following["id"], "--json").document
    assert due(moved_on) == ("2030-09-10", "17:00", None)
    assert alice("rm", following["id"]).code == 0
    assert alice("show", following["id"]).code == 1


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("add", "a", "--repeat", "every blue moon"), 1, "not a recurring date"),
        (("add", "a", "--repeat", "every 3 workdays"), 2, "no rule says that"),
        (("add", "a", "--repeat", "every day", "--rrule", "FREQ=DAILY"), 2, "in words"),
        (("add", "a", "--repeat", "every day at 9", "--due", "fri 10:00"), 2, "say it once"),
        (("add", "a", "--rrule", "FREQ=SECONDLY"), 1, "SECONDLY is not supported"),
        (("repeat", "Call mum"), 1, "does not repeat"),
        (("repeat", "Call mum", "--pause"), 1, "does not repeat"),
        (("repeat", "Call mum", "--pile-up", "keep"), 1, "does not repeat"),
        (("repeat", "Call mum", "every day", "--stop"), 2, "one at a time"),
        (("repeat", "Call mum", "--pause", "--stop"), 2, "one at a time"),
        (("repeat", "Call mum", "--due", "tomorrow"), 2, "are about a rule"),
        (("repeat", "Call mum", "--scope", "all"), 2, "about a change"),
        (("repeat", "Call mum", "every day", "--holidays", "XX"), 1, "XX"),
        (("repeat", "Nobody", "every day"), 1, "no todo of yours"),
        (("skip", "Call mum"), 1, "recur"),
        (("move", "Call mum", "soonish"), 2, "not a time"),
    ],
)
def test_refusals(alice: Run, arguments: tuple[str, ...], code: int, said: str) -> None:
    added(alice, "Call mum")
    ran = alice(*arguments)
    assert (ran.code, ran.out, ran.err.count("\n")) == (code, "", 1), ran
    assert said in ran.err
    assert [todo["title"] for todo in alice("list", "--json").document["data"]] == ["Call mum"]


def test_the_names_are_those_of_the_api() -> None:
    for ours, theirs in (
        (repeat.Anchor, recurrence.Anchor),
        (repeat.Skip, rrule.Skip),
        (repeat.PileUp, recurrence.PileUp),
        (repeat.Shift, recurrence.Shift),
        (todos.Scope, series.Scope),
    ):
        known = typing.cast("typing.Iterable[str]", theirs)
        assert [*map(str, ours)] == [*map(str, known)]
