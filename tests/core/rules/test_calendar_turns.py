from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from core.rules import calendar_events as events
from core.rules.calendar_events import Moment, RemoteEvent
from core.rules.calendar_plans import Link, Op, Reason
from core.rules.calendar_snapshot import Snapshot, Standing, TodoView, When, of_todo
from core.rules.calendar_turns import Became, Left, TurnPlan, plan_turn
from core.rules.recurrence import Recurrence
from core.rules.rrule import parse
from core.rules.series import Plan as Series

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
BERLIN = "Europe/Berlin"
START = Moment(date(2026, 11, 3), time(9), None)
STANDS = Moment(date(2026, 11, 24), time(9), None)
SERIES = Series(Recurrence(parse("FREQ=WEEKLY")), START, BERLIN)
INSTANCE = "master_20261124T080000Z"


def todo(**changes: Any) -> TodoView:
    stands = Standing(SERIES, STANDS, "Bins")
    view = TodoView(UUID(int=2), 4, "Bins", "", STANDS, False, False, NOW, BERLIN, stands)
    return replace(view, **changes)


def link(base: Snapshot | None = None) -> Link:
    master = Snapshot(
        "Bins",
        When(replace(START, zone=BERLIN), ("RRULE:FREQ=WEEKLY",)),
        done=False,
        lasts=timedelta(minutes=20),
    )
    return Link(UUID(int=1), "master", base=base or master)


def instance(day: int = 24, **changes: Any) -> RemoteEvent:
    at = {"dateTime": f"2026-11-{day}T09:00:00+01:00", "timeZone": BERLIN}
    event = {"id": "x", "recurringEventId": "master", "originalStartTime": at, "summary": "Bins"}
    later = {"updated": "2026-11-21T12:30:00Z", "etag": '"4"'}
    return events.read(event | {"start": at, "end": at} | later | changes, zone="UTC")


def quiet(made: TurnPlan) -> bool:
    return made.todo is None and not made.events


def test_an_occurrence_where_the_rule_has_it_is_written_nowhere() -> None:
    assert quiet(plan_turn(link(), todo()))
    assert quiet(plan_turn(link(), todo(), [instance()]))


def test_moved_here_it_is_an_exception_there_once() -> None:
    later = replace(STANDS, at=time(11))
    made = plan_turn(link(), todo(due=later))
    assert [each.event_id for each in made.events] == [INSTANCE]
    body = made.events[0].body or {}
    assert body["start"]["dateTime"] == "2026-11-24T11:00:00+01:00"
    assert body["end"]["dateTime"] == "2026-11-24T11:20:00+01:00"
    base = link().base
    assert base is not None
    assert quiet(plan_turn(link(replace(base, turn=made.base)), todo(due=later)))


def test_an_exception_is_patched_as_the_calendar_knows_it() -> None:
    """As long as the master where both are timed; else half an hour, or the day."""
    moved = todo(due=replace(STANDS, at=time(11)), done=False)
    made = plan_turn(link(), moved, [instance()])
    (write,) = made.events
    assert (write.op, write.etag) == (Op.PATCH, '"4"')
    assert (write.body or {})["status"] == "confirmed"
    assert (write.body or {})["summary"] == "Bins"
    base = link().base
    assert base is not None
    endless = link(replace(base, lasts=None))
    (write,) = plan_turn(endless, moved).events
    assert (write.body or {})["end"]["dateTime"] == "2026-11-24T11:30:00+01:00"
    (write,) = plan_turn(link(), todo(due=replace(STANDS, at=None))).events
    assert (write.body or {})["end"]["date"] == "2026-11-25"


def test_moved_there_it_moves_here_and_goes_on_floating() -> None:
    start = {"dateTime": "2026-11-25T18:00:00+01:00", "timeZone": BERLIN}
    made = plan_turn(link(), todo(), [instance(start=start)])
    assert made.events == ()
    assert made.todo is not None
    assert made.todo.due == Moment(date(2026, 11, 25), time(18), None)
    assert (made.todo.title, made.todo.done, made.todo.skips) == (None, False, False)


def test_left_out_there_it_is_skipped_here_unless_it_was_edited() -> None:
    gone = instance(status="cancelled")
    made = plan_turn(link(), todo(), [gone])
    assert made.todo is not None
    assert made.todo.skips
    edited = plan_turn(link(), todo(due=replace(STANDS, at=time(11))), [gone])
    assert edited.todo is None
    assert (edited.events[0].body or {})["status"] == "confirmed"


def test_marked_there_it_is_done_here() -> None:
    made = plan_turn(link(), todo(), [instance(summary="✓ Bins")])
    assert made.todo is not None
    assert (made.todo.done, made.todo.title) == (True, None)


def test_renamed_here_alone_only_its_instance_is() -> None:
    made = plan_turn(link(), todo(title="Bins, and the glass"))
    assert (made.events[0].body or {})["summary"] == "Bins, and the glass"
    turn = of_todo(todo()).turn
    assert turn is not None
    assert turn.title is None  # with the master's name it follows the master


def test_done_here_it_looks_done_there() -> None:
    (write,) = plan_turn(link(), todo(done=True), [instance()]).events
    body = write.body or {}
    assert (body["summary"], body["transparency"], body["colorId"]) == (
        "✓ Bins",
        "transparent",
        "8",
    )


def test_what_became_of_those_it_has_left() -> None:
    left = [
        Left(replace(START, on=date(2026, 11, 3)), Became.DONE),
        Left(replace(START, on=date(2026, 11, 10)), Became.SKIPPED),
        Left(replace(START, on=date(2026, 11, 17)), Became.PASSED),
    ]
    made = plan_turn(link(), todo(), left=left)
    done, skipped = made.events
    assert done.event_id == "master_20261103T080000Z"
    assert done.body == {"summary": "✓ Bins", "transparency": "transparent", "colorId": "8"}
    assert (done.op, skipped.op) == (Op.PATCH, Op.PATCH)
    assert (skipped.event_id, skipped.body) == (
        "master_20261110T080000Z",
        {"status": "cancelled"},
    )


def test_a_later_one_moved_there_is_said_not_to_be_carried_over() -> None:
    start = {"dateTime": "2026-12-01T18:00:00+01:00", "timeZone": BERLIN}
    original = {"dateTime": "2026-12-01T09:00:00+01:00", "timeZone": BERLIN}
    made = plan_turn(link(), todo(), [instance(start=start, originalStartTime=original)])
    assert quiet(made)
    assert made.reasons == (Reason.OTHER_OCCURRENCE,)
