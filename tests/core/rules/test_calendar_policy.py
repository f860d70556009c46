from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from core.rules import calendar_events as events
from core.rules.calendar_deletions import apart, held
from core.rules.calendar_events import RemoteEvent, Tags
from core.rules.calendar_policy import Policy, Refused, adopts, refused

CONNECTION, TODO = UUID(int=1), UUID(int=2)


def event(**changes: Any) -> RemoteEvent:
    day = {"start": {"date": "2026-11-21"}, "end": {"date": "2026-11-22"}}
    return events.read({"id": "theirs", "summary": "Dentist", **day} | changes, zone="UTC")


def tagged(connection: UUID = CONNECTION, origin: str = events.OF_TODO) -> dict[str, Any]:
    private = events.tagged(Tags(origin, str(TODO), str(connection), 1, {"title": "x"}))
    return {"extendedProperties": {"private": private}}


@pytest.mark.parametrize(
    ("changes", "policy", "reason"),
    [
        ({}, Policy.ALL, None),
        ({}, Policy.NONE, Refused.POLICY),
        ({}, Policy.TAGGED, Refused.NOT_TAGGED),
        ({"summary": "Dentist #Todo"}, Policy.TAGGED, None),
        ({"description": "call first #todo"}, Policy.TAGGED, None),
        ({"status": "cancelled"}, Policy.ALL, Refused.CANCELLED),
        ({"eventType": "birthday"}, Policy.ALL, Refused.KIND),
        ({"eventType": "focusTime"}, Policy.ALL, Refused.KIND),
        ({"eventType": "workingLocation"}, Policy.ALL, Refused.KIND),
        ({"recurringEventId": "master"}, Policy.ALL, Refused.OCCURRENCE),
        (
            {"attendees": [{"self": True, "responseStatus": "declined"}]},
            Policy.ALL,
            Refused.DECLINED,
        ),
        ({"attendees": [{"responseStatus": "declined"}]}, Policy.ALL, None),
        ({"summary": "✓ Dentist"}, Policy.ALL, Refused.DONE),
        # Ours, and another connection's: two that import one another never come to rest.
        ({"id": events.event_id(CONNECTION, TODO, 3), **tagged()}, Policy.ALL, Refused.OF_A_TODO),
        (tagged(UUID(int=9)), Policy.ALL, Refused.OF_A_TODO),
        # A copy that a person made of ours is an event of its own.
        (tagged(), Policy.TAGGED, None),
        (tagged(), Policy.NONE, Refused.POLICY),
        (tagged(UUID(int=9), events.OF_EVENT), Policy.ALL, None),
    ],
)
def test_which_events_become_todos(
    changes: dict[str, Any], policy: Policy, reason: Refused | None
) -> None:
    assert refused(event(**changes), policy, CONNECTION) is reason


def test_after_connecting_anew_an_event_finds_its_todo() -> None:
    other = UUID(int=9)
    left = event(id=events.event_id(other, TODO, 0), **tagged(other))
    assert adopts(left) == TODO
    assert adopts(replace(left, id="copied")) is None
    assert adopts(event()) is None


def test_many_deletions_wait_for_a_person() -> None:
    at_once = [(0, 0), (4, 4), (1, 5), (10, 50)]
    waiting = [(2, 5), (11, 50), (11, 500), (3, 14)]
    assert not any(held(deletions, links) for deletions, links in at_once)
    assert all(held(deletions, links) for deletions, links in waiting)


def test_deletions_of_one_sync_are_counted_together() -> None:
    assert apart([1, 2], links=100) == ([1, 2], ())
    assert apart([1, 2], links=100, before=9) == ((), [1, 2])
