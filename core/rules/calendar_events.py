"""An event of Google Calendar as we read and write it: wall times with zones, tags of our own.

https://developers.google.com/workspace/calendar/api/v3/reference/events
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from hashlib import sha256
from types import MappingProxyType
from typing import Any, Final
from uuid import UUID

from core.rules import zones
from core.rules.reminders import Due

# All day without `at`. Of an event, `zone` is null only when it is all day.
Moment = Due

CONFIRMED: Final = "confirmed"
CANCELLED: Final = "cancelled"
OF_TODO: Final = "todo"  # `vt_origin`: the event was made for a todo
OF_EVENT: Final = "event"
_DIGITS: Final = "0123456789abcdefghijklmnopqrstuv"  # what Google takes in ids (RFC 2938 base32hex)
_PREFIX: Final = "vt"
_DIGEST: Final = 26  # digits: 130 bits
_NONE: Final[Mapping[str, str]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class RemoteEvent:
    """`start` and `end` are null only of cancelled events: listings may keep just their id.

    `end` is exclusive, as Google has it. `private` is extendedProperties.private. `declined`
    says that the person of the calendar is an attendee who will not come.
    """

    id: str
    etag: str
    status: str  # confirmed, tentative, cancelled
    summary: str
    description: str
    start: Moment | None
    end: Moment | None
    recurrence: tuple[str, ...]
    recurring_event_id: str | None
    original_start: Moment | None
    private: Mapping[str, str]
    updated: datetime | None
    transparency: str
    color_id: str | None
    event_type: str
    organizer_self: bool
    declined: bool = False

    @property
    def cancelled(self) -> bool:
        return self.status == CANCELLED


@dataclass(frozen=True, slots=True)
class Tags:
    """What we wrote into an event: for which todo, from which connection, at what version.

    `hashes` has one digest for each field: a field whose digest still fits was not touched by
    anybody else since we wrote it.
    """

    origin: str
    todo_id: str
    connection_id: str
    version: int
    hashes: Mapping[str, str]


def event_id(connection_id: UUID, todo_id: UUID, generation: int) -> str:
    """The same for the same todo, so that inserting twice is answered 409 by Google.

    An id is never free again, also not after the event is deleted: `generation` counts the events
    that a todo has had.
    """
    digest = sha256(connection_id.bytes + todo_id.bytes).digest()
    return f"{_PREFIX}{_base32(int.from_bytes(digest), _DIGEST)}{_base32(generation, 2)}"


def is_own_id(text: str, connection_id: UUID, todo_id: UUID) -> bool:
    """Whether it is one that `event_id` makes, of any generation. Copies of events have others."""
    own = event_id(connection_id, todo_id, 0)
    return text[:-2] == own[:-2] and len(text) == len(own)


def read(resource: Mapping[str, Any], *, zone: str) -> RemoteEvent:
    """`zone` is the calendar's. Raises `ValueError` for what is no event.

    A dateTime is read on the wall of its timeZone, or of the calendar's when that is unknown here.
    """
    try:
        recurrence = tuple(map(str, resource.get("recurrence") or ()))
        moments = {
            name: _moment(resource.get(name), zone, recurs=bool(recurrence))
            for name in ("start", "end", "originalStartTime")
        }
        cancelled = resource.get("status") == CANCELLED
        if not cancelled and (moments["start"] is None or moments["end"] is None):
            raise ValueError("an event has a start and an end")
        properties = resource.get("extendedProperties") or {}
        private = properties.get("private") or {}
        attendees = resource.get("attendees") or ()
        return RemoteEvent(
            id=str(resource["id"]),
            etag=str(resource.get("etag") or ""),
            status=str(resource.get("status") or CONFIRMED),
            summary=str(resource.get("summary") or ""),
            description=str(resource.get("description") or ""),
            start=moments["start"],
            end=moments["end"],
            recurrence=recurrence,
            recurring_event_id=resource.get("recurringEventId"),
            original_start=moments["originalStartTime"],
            private={str(name): str(value) for name, value in private.items()},
            updated=_instant(resource["updated"]) if resource.get("updated") else None,
            transparency=str(resource.get("transparency") or "opaque"),
            color_id=resource.get("colorId"),
            event_type=str(resource.get("eventType") or "default"),
            organizer_self=bool((resource.get("organizer") or {}).get("self", False)),
            declined=any(
                each.get("self") and each.get("responseStatus") == "declined" for each in attendees
            ),
        )
    except (KeyError, TypeError, AttributeError, OverflowError) as error:
        raise ValueError("this is no event") from error


def written(moment: Moment, *, over: bool = False) -> dict[str, str | None]:
    """A start or end. `over`: the one written over may be of the other kind, which null removes.

    With the offset beside the zone, so that nobody has to guess at times that come twice or never.
    """
    if moment.at is None:
        day: dict[str, str | None] = {"date": moment.on.isoformat()}
        return day | {"dateTime": None, "timeZone": None} if over else day
    name = moment.zone or "UTC"
    at = zones.instant(moment.on, moment.at, name).astimezone(zones.zone(name))
    timed: dict[str, str | None] = {"dateTime": at.isoformat(), "timeZone": name}
    return timed | {"date": None} if over else timed


def shown(moment: Moment) -> Moment:
    """As it will be read once it was written: a time that a gap leaves out is shown after it."""
    if moment.at is None:
        return Moment(moment.on, None, None)
    name = moment.zone or "UTC"
    wall = zones.wall(zones.instant(moment.on, moment.at, name), name)
    return Moment(wall.date(), wall.time().replace(microsecond=0), name)


def tags(private: Mapping[str, str]) -> Tags | None:
    """Null for events that carry none of ours, or not all."""
    try:
        return Tags(
            origin=private["vt_origin"],
            todo_id=private["vt_todo"],
            connection_id=private["vt_connection"],
            version=int(private["vt_version"]),
            hashes=dict(each.split(":", 1) for each in private["vt_hash"].split()),
        )
    except (KeyError, ValueError):
        return None


def tagged(tags: Tags) -> dict[str, str]:
    """`tags` of it gives them back."""
    return {
        "vt_origin": tags.origin,
        "vt_todo": tags.todo_id,
        "vt_connection": tags.connection_id,
        "vt_version": str(tags.version),
        "vt_hash": " ".join(f"{name}:{value}" for name, value in sorted(tags.hashes.items())),
    }


def _moment(value: Mapping[str, Any] | None, zone: str, *, recurs: bool) -> Moment | None:
    if not value:
        return None
    if value.get("date"):
        return Moment(date.fromisoformat(value["date"]), None, None)
    if not value.get("dateTime"):
        return None
    name = _known(value.get("timeZone"), zone)
    at = datetime.fromisoformat(value["dateTime"])
    if at.tzinfo is None:
        return Moment(at.date(), _to_second(at.time()), name)
    wall = zones.wall(at, name)
    # Of a time that comes twice a wall time means the first: the second one is said in UTC.
    if not recurs and zones.instant(wall.date(), wall.time(), name) != at:
        name, wall = "UTC", at.astimezone(UTC).replace(tzinfo=None)
    return Moment(wall.date(), _to_second(wall.time()), name)


def _known(*names: str | None) -> str:
    return next((name for name in names if name in zones.known()), "UTC")


def _to_second(at: time) -> time:
    return at.replace(microsecond=0)


def _instant(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _base32(number: int, digits: int) -> str:
    """Its last so many digits."""
    text = ""
    for _ in range(digits):
        number, digit = divmod(number, len(_DIGITS))
        text = _DIGITS[digit] + text
    return text
