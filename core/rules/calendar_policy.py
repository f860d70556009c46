"""Which events of a calendar become todos."""

from enum import StrEnum
from typing import Final
from uuid import UUID

from core.rules import calendar_events as events
from core.rules.calendar_events import RemoteEvent
from core.rules.calendar_snapshot import of_event

TAG: Final = "#todo"
ORDINARY: Final = {"default", "fromGmail"}  # not birthdays, focus time, out of office, places


class Policy(StrEnum):
    ALL = "all"
    TAGGED = "tagged"  # those with #todo in their title or description
    NONE = "none"


class Refused(StrEnum):
    """Constant words for the connection's activity."""

    CANCELLED = "event.cancelled"
    OF_A_TODO = "event.made_for_a_todo"
    OCCURRENCE = "event.one_occurrence"
    KIND = "event.other_kind"
    DECLINED = "event.declined"
    DONE = "event.done"
    POLICY = "event.not_wanted"
    NOT_TAGGED = "event.not_tagged"


def refused(event: RemoteEvent, policy: Policy, connection_id: UUID) -> Refused | None:
    """Why an event without a link becomes no todo; null when it becomes one.

    A copy of one of our events, by a person or by Google when a series is split in two, still has
    our tags but an id that is not ours: it is an event of its own, and counts as tagged.
    """
    tags = events.tags(event.private)
    ours = tags is not None and tags.connection_id == str(connection_id)
    # What another connection made is that one's: two that import one another never come to rest.
    made = tags is not None and tags.origin == events.OF_TODO and not (ours and not _own(event))
    tagged = TAG in f"{event.summary} {event.description}".casefold() or ours
    rules = (
        (event.cancelled, Refused.CANCELLED),
        (made, Refused.OF_A_TODO),
        (event.recurring_event_id is not None, Refused.OCCURRENCE),
        (event.event_type not in ORDINARY, Refused.KIND),
        (event.declined, Refused.DECLINED),
        (policy is Policy.NONE, Refused.POLICY),
        (policy is Policy.TAGGED and not tagged, Refused.NOT_TAGGED),
    )
    found = next((reason for applies, reason in rules if applies), None)
    return found or (Refused.DONE if of_event(event).done else None)


def adopts(event: RemoteEvent) -> UUID | None:
    """The todo that an event was made for, by whatever connection.

    After connecting anew, an event of a todo that has no link yet becomes its event (origin
    `todo`, no base), instead of standing beside a second one.
    """
    tags = events.tags(event.private)
    if event.cancelled or tags is None or tags.origin != events.OF_TODO:
        return None
    try:
        todo_id, connection_id = UUID(tags.todo_id), UUID(tags.connection_id)
    except ValueError:
        return None
    return todo_id if events.is_own_id(event.id, connection_id, todo_id) else None


def _own(event: RemoteEvent) -> bool:
    """Whether its id is one that we chose, by what its own tags say."""
    return adopts(event) is not None
