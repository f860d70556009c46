"""What is written for what changed: a table by table look at `plan`, wire format in and out."""

import json
from collections.abc import Mapping
from dataclasses import asdict, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID

import pytest

from core.rules import calendar_events as events
from core.rules.calendar_events import Moment, RemoteEvent
from core.rules.calendar_merge import plan
from core.rules.calendar_plans import Act, Link, Missing, Op, Plan, Reason
from core.rules.calendar_snapshot import (
    Snapshot,
    Standing,
    TodoView,
    Turn,
    When,
    from_json,
    to_json,
)
from core.rules.recurrence import PileUp, Recurrence
from core.rules.rrule import parse
from core.rules.series import Plan as Series

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
CONNECTION, TODO = UUID(int=1), UUID(int=2)
BERLIN = "Europe/Berlin"
NINE = Moment(date(2026, 11, 24), time(9), None)
LATER = "2026-11-21T12:30:00Z"
Event = dict[str, Any]


def todo(**changes: Any) -> TodoView:
    view = TodoView(TODO, 1, "Milk", "two litres", NINE, False, False, NOW, BERLIN)
    return replace(view, **changes)


def series(rule: str, due: Moment = NINE, start: Moment = NINE, **more: Any) -> TodoView:
    recurrence = Recurrence(parse(rule), **more)
    return todo(due=due, series=Standing(Series(recurrence, start, BERLIN), due, "Milk"))


def at_google(made: Plan, over: Mapping[str, Any] = {}, **changes: Any) -> Event:
    """The event once this plan is written: over what was there, as PATCH merges it."""
    assert made.event is not None
    event = dict(over) | {"id": made.event.event_id, "status": "confirmed", "etag": '"1"'}
    body = made.event.body or {}
    event |= {name: value for name, value in body.items() if value is not None}
    return event | {"updated": "2026-11-21T12:00:05Z"} | changes


def read(event: Event) -> RemoteEvent:
    return events.read(event, zone=BERLIN)


def linked(view: TodoView) -> tuple[Link, Event]:
    """A pair that says the same, after the first insert was answered."""
    link = Link.first(CONNECTION, view.id)
    made = plan(link, view, Missing.UNREAD, now=NOW)
    event = at_google(made)
    base = made.heard(read(event))
    assert base is not None
    return replace(link, etag='"1"', base=from_json(to_json(base))), event


def moved(event: Event, wall: str, zone: str = BERLIN) -> Event:
    start = {"dateTime": wall, "timeZone": zone}
    end = datetime.fromisoformat(wall) + timedelta(minutes=45)
    return event | {"start": start, "end": {**start, "dateTime": end.isoformat()}, "updated": LATER}


def test_a_todo_becomes_an_event_that_is_known_again() -> None:
    link, event = linked(todo())
    assert event["start"] == {"dateTime": "2026-11-24T09:00:00+01:00", "timeZone": BERLIN}
    assert event["end"]["dateTime"] == "2026-11-24T09:30:00+01:00"
    assert event["description"] == "two litres"
    assert event["reminders"] == {"useDefault": False, "overrides": []}
    for seen in (read(event), Missing.UNREAD):
        echo = plan(link, todo(), seen, now=NOW)
        assert (echo.event, echo.todo, echo.over) == (None, None, False)


def test_a_floating_todo_that_comes_back_moved_goes_on_floating() -> None:
    link, event = linked(todo())
    made = plan(link, todo(), read(moved(event, "2026-11-24T10:00:00+01:00")), now=NOW)
    assert made.event is None
    assert made.todo is not None
    assert made.todo.due == Moment(date(2026, 11, 24), time(10), None)
    abroad = moved(event, "2026-11-24T10:00:00+05:45", "Asia/Kathmandu")
    made = plan(link, todo(), read(abroad), now=NOW)
    assert made.todo is not None
    assert made.todo.due == Moment(date(2026, 11, 24), time(10), "Asia/Kathmandu")


def test_a_time_that_the_gap_leaves_out_is_no_edit_when_it_comes_back() -> None:
    view = todo(due=Moment(date(2027, 3, 28), time(2, 30), BERLIN))
    link, event = linked(view)
    assert event["start"]["dateTime"] == "2027-03-28T03:30:00+02:00"
    made = plan(link, view, read(event), now=NOW)
    assert (made.event, made.todo) == (None, None)


def test_each_side_gets_only_what_the_other_one_changed() -> None:
    link, event = linked(todo())
    there = moved(event, "2026-11-24T10:00:00+01:00") | {"attendees": [{"email": "b@x.test"}]}
    here = todo(version=2, title="Oat milk")
    made = plan(link, here, read(there), now=NOW)
    assert made.event is not None
    assert made.event.op is Op.PATCH
    assert set(made.event.body or {}) == {"summary", "extendedProperties"}
    assert made.todo is not None
    assert (made.todo.title, made.todo.version) == (None, 2)
    # Killed after the todo was written: only the event is left to write.
    after = replace(here, version=3, due=made.todo.due)
    again = plan(replace(link, base=made.agreed), after, read(there), now=NOW)
    assert again.todo is None
    assert again.event is not None
    assert set(again.event.body or {}) == {"summary", "extendedProperties"}


@pytest.mark.parametrize(
    ("updated", "winner"),
    [(NOW, Reason.EVENT_WON), (NOW + timedelta(hours=1), Reason.TODO_WON)],
)
def test_of_one_field_the_later_one_wins(updated: datetime, winner: Reason) -> None:
    link, event = linked(todo())
    here = todo(version=2, title="Oat milk", updated=updated)
    made = plan(link, here, read(event | {"summary": "Cream", "updated": LATER}), now=NOW)
    assert made.reasons == (winner,)
    assert (made.todo is None) == (winner is Reason.TODO_WON)
    assert (made.event is None) == (winner is Reason.EVENT_WON)


def test_at_the_same_instant_the_todo_wins() -> None:
    link, event = linked(todo())
    same = datetime.fromisoformat(LATER)
    here = todo(version=2, title="Oat milk", updated=same)
    made = plan(link, here, read(event | {"summary": "Cream", "updated": LATER}), now=NOW)
    assert made.reasons == (Reason.TODO_WON,)


def test_a_write_whose_answer_was_lost_is_known_by_its_tags() -> None:
    link, event = linked(todo())
    here = todo(version=2, title="Oat milk")
    lost = plan(link, here, Missing.UNREAD, now=NOW)
    there = at_google(lost, event, etag='"2"')
    again = plan(link, here, read(there), now=NOW)
    assert (again.event, again.todo) == (None, None)
    # Somebody renamed it since: that is the newer one, though clocks say otherwise.
    renamed = there | {"summary": "Cream", "updated": "2026-11-21T12:00:06Z"}
    made = plan(link, replace(here, updated=NOW + timedelta(days=1)), read(renamed), now=NOW)
    assert made.event is None
    assert made.todo is not None
    assert made.todo.title == "Cream"


def test_what_is_spelled_otherwise_there_is_written_once_and_never_again() -> None:
    link = Link.first(CONNECTION, TODO)
    made = plan(link, todo(), Missing.UNREAD, now=NOW)
    answer = read(at_google(made, summary="MILK"))
    link = replace(link, etag=answer.etag, base=made.heard(answer))
    listed = plan(link, todo(), answer, now=NOW)
    assert listed.event is None
    assert listed.todo is not None
    assert listed.todo.title == "MILK"
    link = replace(link, base=listed.agreed)
    after = plan(link, todo(version=2, title="MILK"), answer, now=NOW)
    assert (after.event, after.todo) == (None, None)


def test_an_unanswered_write_that_says_what_an_earlier_one_said_is_ours_too() -> None:
    link, event = linked(todo())
    marked = event | {"summary": "✓ Milk", "etag": '"2"', "updated": LATER}
    done = plan(link, todo(), read(marked), now=NOW)
    link = replace(link, etag='"2"', base=done.agreed)
    lost = plan(link, todo(version=3), Missing.UNREAD, now=NOW)
    there = at_google(lost, marked, etag='"3"', updated="2026-11-21T12:40:00Z")
    again = plan(link, todo(version=4, done=True), read(there), now=NOW)
    assert again.todo is None
    assert again.event is not None
    assert (again.event.body or {})["summary"] == "✓ Milk"


def test_tags_of_another_connection_are_nobodys_excuse() -> None:
    link, event = linked(todo())
    other = replace(link, connection_id=UUID(int=9))
    made = plan(other, todo(), read(event | {"summary": "Cream", "updated": LATER}), now=NOW)
    assert made.todo is not None
    assert made.todo.title == "Cream"


def test_an_older_listing_is_left_alone() -> None:
    link, event = linked(todo())
    old = event | {"summary": "Cream", "updated": "2026-11-21T11:00:00Z"}
    made = plan(link, todo(), read(old), now=NOW)
    assert made.stale
    assert (made.event, made.todo) == (None, None)


def test_done_looks_done_and_back_as_it_looked_before() -> None:
    link, event = linked(todo())
    event |= {"colorId": "5", "updated": LATER}
    seen = plan(link, todo(), read(event), now=NOW)
    link = replace(link, base=seen.agreed)
    done = plan(link, todo(version=2, done=True), Missing.UNREAD, now=NOW)
    body = done.event.body if done.event else None
    assert body is not None
    assert (body["summary"], body["transparency"]) == ("✓ Milk", "transparent")
    assert body["colorId"] == "8"
    link = replace(link, base=done.base)
    undone = plan(link, todo(version=3), read(at_google(done, event, updated=LATER)), now=NOW)
    body = undone.event.body if undone.event else None
    assert body is not None
    assert (body["summary"], body["transparency"], body["colorId"]) == ("Milk", "opaque", "5")


def test_a_mark_in_the_calendar_completes() -> None:
    link, event = linked(todo())
    made = plan(link, todo(), read(event | {"summary": "✓ Milk", "updated": LATER}), now=NOW)
    assert made.todo is not None
    assert (made.todo.done, made.todo.title) == (True, None)


def test_the_length_that_somebody_gave_is_kept_when_it_moves() -> None:
    link, event = linked(todo())
    longer = event | {"end": {"dateTime": "2026-11-24T11:00:00+01:00", "timeZone": BERLIN}}
    seen = plan(link, todo(), read(longer | {"updated": LATER}), now=NOW)
    assert seen.todo is None
    link = replace(link, base=seen.agreed)
    later = Moment(date(2026, 11, 25), time(14), None)
    made = plan(link, todo(version=2, due=later), Missing.UNREAD, now=NOW)
    assert made.event is not None
    assert (made.event.body or {})["end"]["dateTime"] == "2026-11-25T16:00:00+01:00"
    all_day = Moment(date(2026, 11, 25), None, None)
    made = plan(link, todo(version=2, due=all_day), Missing.UNREAD, now=NOW)
    assert made.event is not None
    body = made.event.body or {}
    assert body["start"] == {"date": "2026-11-25", "dateTime": None, "timeZone": None}
    assert body["end"]["date"] == "2026-11-26"


def test_deletions_go_over_and_edits_are_stronger() -> None:
    link, event = linked(todo())
    gone = plan(link, todo(), Missing.GONE, now=NOW)
    assert gone.todo is not None
    assert (gone.todo.act, gone.deletes, gone.over) == (Act.DELETE, "todo", True)
    edited = plan(link, todo(version=2, title="Oat milk"), Missing.GONE, now=NOW)
    assert edited.event is not None
    assert (edited.event.op, edited.event.generation) == (Op.INSERT, 1)
    assert edited.event.event_id != link.event_id
    done = plan(link, todo(version=2, done=True), Missing.GONE, now=NOW)
    assert (done.event, done.todo, done.over) == (None, None, True)
    deleted = plan(link, todo(version=2, deleted=True), Missing.UNREAD, now=NOW)
    assert deleted.event is not None
    assert (deleted.event.op, deleted.event.etag, deleted.deletes) == (Op.DELETE, '"1"', "event")
    there = read(event | {"summary": "Cream", "updated": LATER})
    back = plan(link, todo(version=2, deleted=True), there, now=NOW)
    assert back.event is None
    assert back.todo is not None
    assert (back.todo.act, back.todo.title) == (Act.RESTORE, "Cream")


def test_what_is_due_no_more_leaves_the_calendar_and_stays_a_todo() -> None:
    link, _ = linked(todo())
    made = plan(link, todo(version=2, due=None), Missing.UNREAD, now=NOW)
    assert made.event is not None
    assert (made.event.op, made.todo, made.over) == (Op.DELETE, None, True)


def test_a_deletion_of_ours_takes_no_restored_todo_along() -> None:
    link, _ = linked(todo())
    made = plan(replace(link, leaving=True), todo(version=3), Missing.GONE, now=NOW)
    assert made.todo is None
    assert made.event is not None
    assert (made.event.op, made.event.generation) == (Op.INSERT, 1)


@pytest.mark.parametrize(
    "view",
    [todo(), todo(version=2, done=True), todo(version=2, deleted=True), todo(version=2, due=None)],
    ids=["as written", "done", "deleted", "not due"],
)
def test_an_event_that_is_gone_before_we_heard_of_it_is_known_to_have_been(view: TodoView) -> None:
    """Its id is taken: a todo that comes back gets another event, and not its deletion."""
    link = Link.first(CONNECTION, TODO)
    event = at_google(plan(link, todo(), Missing.UNREAD, now=NOW))
    gone = plan(link, view, read(event | {"status": "cancelled", "updated": LATER}), now=NOW)
    assert (gone.event, gone.over) == (None, True)
    assert gone.agreed is not None
    assert from_json(to_json(gone.agreed)) == gone.agreed


def test_an_event_that_we_delete_before_we_heard_of_it_is_known_to_have_been() -> None:
    link = Link.first(CONNECTION, TODO)
    event = at_google(plan(link, todo(), Missing.UNREAD, now=NOW))
    made = plan(link, todo(version=2, deleted=True), read(event), now=NOW)
    assert made.event is not None
    assert (made.event.op, made.deletes, made.over) == (Op.DELETE, "event", True)
    assert made.agreed is not None


def test_a_series_is_one_event_and_going_on_is_no_edit() -> None:
    view = series("FREQ=WEEKLY")
    link, event = linked(view)
    assert event["recurrence"] == ["RRULE:FREQ=WEEKLY"]
    on = series("FREQ=WEEKLY", due=replace(NINE, on=date(2026, 12, 1)))
    made = plan(link, replace(on, version=2), read(event), now=NOW)
    assert (made.event, made.todo) == (None, None)


def test_a_series_begun_anew_where_it_stands_says_the_same() -> None:
    link, event = linked(series("FREQ=WEEKLY"))
    anew = replace(NINE, on=date(2026, 12, 1))
    made = plan(link, series("FREQ=WEEKLY;BYDAY=TU", anew, anew), read(event), now=NOW)
    assert (made.event, made.todo) == (None, None)


def test_a_skip_that_never_comes_about_is_no_reason() -> None:
    first = replace(NINE, on=date(2026, 12, 1))
    said = "FREQ=MONTHLY;BYMONTHDAY=1;RSCALE=GREGORIAN;SKIP=BACKWARD"  # as words are understood
    view = series(said, first, first)
    link, event = linked(view)
    assert event["recurrence"] == ["RRULE:FREQ=MONTHLY;BYMONTHDAY=1"]
    made = plan(link, view, read(event), now=NOW)
    assert (made.event, made.todo, made.reasons) == (None, None, ())


def test_a_rule_changed_there_stands_at_what_is_next() -> None:
    view = series("FREQ=WEEKLY", start=replace(NINE, on=date(2026, 11, 3)))
    link, event = linked(view)
    there = moved(event, "2026-11-02T10:00:00+01:00") | {
        "recurrence": ["RRULE:FREQ=DAILY;COUNT=30"]
    }
    made = plan(link, view, read(there), now=NOW)
    assert made.event is None
    assert made.todo is not None
    assert made.todo.due == Moment(date(2026, 11, 22), time(10), None)
    assert made.todo.recurrence is not None
    assert made.todo.recurrence.rule == parse("FREQ=DAILY;COUNT=10")


@pytest.mark.parametrize("pile_up", [each for each in PileUp if each is not PileUp.ALL])
def test_what_a_rule_of_theirs_cannot_say_stays_as_it_was(pile_up: PileUp) -> None:
    view = series("FREQ=WEEKLY", pile_up=pile_up)
    link, event = linked(view)
    there = event | {"recurrence": ["RRULE:FREQ=DAILY"], "updated": LATER}
    made = plan(link, view, read(there), now=NOW)
    assert made.todo is not None
    assert made.todo.recurrence is not None
    assert made.todo.recurrence.pile_up is pile_up


@pytest.mark.parametrize(
    "turn", [None, Turn(NINE, "Oat milk", None, done=True), Turn(NINE, None, NINE, done=False)]
)
def test_what_is_kept_comes_back_whole(turn: Turn | None) -> None:
    """Field by field: equality leaves out what is only carried along."""
    kept = Snapshot(
        "Milk",
        When(NINE, ("RRULE:FREQ=DAILY",)),
        done=False,
        turn=turn,
        lasts=timedelta(minutes=45),
        color="8",
        transparency="transparent",
        updated=NOW,
        hashes={"title": "x"},
    )
    assert asdict(from_json(json.loads(json.dumps(to_json(kept))))) == asdict(kept)


@pytest.mark.parametrize(
    "view",
    [
        series("FREQ=HOURLY"),
        series("FREQ=MONTHLY;BYMONTHDAY=31;RSCALE=GREGORIAN;SKIP=BACKWARD"),
        series("FREQ=WEEKLY", pile_up=PileUp.ALL),
        series("FREQ=WEEKLY;BYDAY=MO"),
    ],
)
def test_what_cannot_be_said_is_one_event_and_told(view: TodoView) -> None:
    made = plan(Link.first(CONNECTION, TODO), view, Missing.UNREAD, now=NOW)
    assert made.reasons == (Reason.NOT_EXPRESSIBLE,)
    assert made.event is not None
    assert "recurrence" not in (made.event.body or {})
    assert view.repeats is not None
    assert view.repeats.reasons


def test_a_rule_that_we_cannot_follow_is_left_alone_on_both_sides() -> None:
    link, event = linked(todo())
    there = event | {"recurrence": ["EXRULE:FREQ=DAILY", "RRULE:FREQ=DAILY"], "updated": LATER}
    made = plan(link, todo(), read(there), now=NOW)
    assert (made.event, made.todo, made.reasons) == (None, None, (Reason.NOT_UNDERSTOOD,))
    link = replace(link, base=made.agreed)
    here = todo(version=2, due=replace(NINE, at=time(11)))
    after = plan(link, here, read(there), now=NOW)
    assert (after.event, after.todo) == (None, None)


def test_an_event_becomes_a_todo_and_nothing_goes_back() -> None:
    event = moved(
        {"id": "theirs", "etag": '"7"', "summary": " Dentist ", "description": "bring it"},
        "2026-11-24T10:00:00+01:00",
    )
    link = Link(CONNECTION, "theirs", origin=events.OF_EVENT)
    made = plan(link, None, read(event), now=NOW)
    assert made.event is None
    assert made.todo is not None
    assert (made.todo.act, made.todo.title, made.todo.notes) == (Act.CREATE, "Dentist", "bring it")
    here = todo(title="Dentist", due=made.todo.due)
    after = plan(replace(link, etag='"7"', base=made.agreed), here, Missing.UNREAD, now=NOW)
    assert (after.event, after.todo) == (None, None)
