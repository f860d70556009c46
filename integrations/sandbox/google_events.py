"""One calendar: its events with their versions, listed whole or from a sync token on.

https://developers.google.com/workspace/calendar/api/v3/reference/events and …/guides/sync. Events
are kept as they are shown, with every field that was written, also those nobody here knows.
"""

import base64
import re
import secrets
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from typing import Any, Final

import orjson

from integrations.sandbox import google_times as times
from integrations.sandbox.google_errors import Refused
from integrations.sandbox.google_times import When

ID: Final = re.compile(r"[a-v0-9]{5,1024}")
MOST: Final = 50_000  # events of one calendar, deleted ones too
MOST_PROPERTIES: Final = 300
MAX_NAME, MAX_VALUE, MAX_PROPERTIES, MAX_DESCRIPTION = 44, 1024, 32 * 1024, 8192
CANCELLED: Final = "cancelled"
STATES: Final = ("confirmed", "tentative", CANCELLED)
TYPES: Final = ("default", "focusTime", "outOfOffice", "workingLocation", "birthday")
READ_ONLY: Final = frozenset(
    {
        "kind",
        "etag",
        "id",
        "htmlLink",
        "created",
        "updated",
        "creator",
        "organizer",
        "iCalUID",
        "recurringEventId",
        "originalStartTime",
        "eventType",
        "locked",
        "hangoutLink",
        "sequence",
    }
)

Resource = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Listing:
    """What a page or sync token says: `since` null lists the whole calendar."""

    since: int | None = None
    show_deleted: bool = False
    position: int = 0
    as_of: int = 0  # the changes that the first page knew


@dataclass(frozen=True, slots=True)
class Page:
    events: list[Resource]
    next_page_token: str | None
    next_sync_token: str | None


@dataclass(slots=True)
class Calendar:
    """`role`: owner or reader. `changed` is called after each change."""

    id: str
    account: str
    summary: str
    zone: str
    role: str = "owner"
    primary: bool = False
    changed: Callable[["Calendar"], None] = lambda _: None
    events: dict[str, Resource] = field(default_factory=dict)  # nothing is ever taken out
    _changes: "OrderedDict[str, int]" = field(default_factory=OrderedDict)
    _seq: int = 0
    # By chance, so that tokens of a sandbox before this one have expired: its events are gone.
    _epoch: int = field(default_factory=lambda: secrets.randbelow(2**31))

    @property
    def etag(self) -> str:
        return f'"p{self._epoch}{self._seq:012d}"'

    def expire(self) -> None:
        """Every sync and page token given so far is answered 410."""
        self._epoch += 1

    def list(self, listing: Listing, size: int) -> Page:
        if listing.position == 0:
            listing = Listing(listing.since, listing.show_deleted, 0, self._seq)
        found = self._all(listing) if listing.since is None else self._later(listing)
        served = list(islice(found, size + 1))
        if len(served) > size:
            position = served[size - 1][0]
            after = Listing(listing.since, listing.show_deleted, position, listing.as_of)
            return Page([each for _, each in served[:size]], self._token("page", after), None)
        # From what the first page knew: what changed meanwhile is told again, never missed.
        token = self._token("sync", Listing(since=listing.as_of, show_deleted=True))
        return Page([each for _, each in served], None, token)

    def listing(self, kind: str, token: str) -> Listing:
        """What a token stands for. Raises Refused: 410 when it has expired."""
        try:
            padded = token + "=" * (-len(token) % 4)
            given = orjson.loads(base64.b64decode(padded, b"-_", validate=True))
            said, calendar, epoch, *rest = given
            listing = Listing(*rest)
        except (ValueError, TypeError):
            said = calendar = epoch = listing = None
        if listing is None or (said, calendar) != (kind, self.id):
            raise Refused(400, "invalid", f"Invalid {kind} token value.")
        if epoch != self._epoch:
            raise Refused(410)
        return listing

    def get(self, event_id: str) -> Resource:
        """Also a deleted one. Instances of recurring events are made when they are asked for."""
        found = self.events.get(event_id) or self._instance(event_id)
        if found is None:
            raise Refused(404)
        return found

    def insert(self, given: Resource) -> Resource:
        self._may_write()
        event_id = given.get("id") or secrets.token_hex(13)
        if not isinstance(event_id, str) or not ID.fullmatch(event_id):
            raise Refused(400, "invalid", "Invalid resource id value.")
        if event_id in self.events:
            raise Refused(409)
        if given.get("eventType", "default") not in TYPES:
            raise Refused(400, "invalid", "Invalid event type.")
        kept = {"id": event_id, "iCalUID": given.get("iCalUID") or f"{event_id}@google.com"}
        kept["eventType"] = given.get("eventType", "default")
        return self._write(kept | self._own(), given)

    def patch(self, event_id: str, given: Resource, if_match: str | None) -> Resource:
        """Objects are merged, null takes a field away, lists are replaced."""
        found = self._to_change(event_id, if_match)
        return self._write(
            found, _merged(found, {k: v for k, v in given.items() if k not in READ_ONLY})
        )

    def update(self, event_id: str, given: Resource, if_match: str | None) -> Resource:
        """What is not given is no more."""
        return self._write(self._to_change(event_id, if_match), given)

    def delete(self, event_id: str, if_match: str | None) -> None:
        found = self._to_change(event_id, if_match)
        if found["status"] == CANCELLED:
            raise Refused(410, "deleted", "Resource has been deleted")
        self._store(found | {"status": CANCELLED})

    def put(self, resource: Resource) -> Resource:
        """As somebody else did it: an invitation, another organizer, another type of event."""
        own = {"id": secrets.token_hex(13), "eventType": "default"} | self._own()
        kept = own | {k: v for k, v in resource.items() if k in READ_ONLY}
        if not all(isinstance(kept[name], dict) for name in ("creator", "organizer")):
            raise Refused(400, "invalid", "Invalid organizer.")
        kept.setdefault("iCalUID", f"{kept['id']}@google.com")
        return self._write(kept, resource)

    def instances(self, event_id: str, since: datetime, until: datetime) -> Iterator[Resource]:
        """Of a recurring event, by their original starts; exceptions in place of what they were."""
        master = self.events.get(event_id)
        if master is None or master["status"] == CANCELLED or "recurrence" not in master:
            return
        for when in times.occurrences(master, since, until):
            key = f"{event_id}_{when.key}"
            yield self.events.get(key) or self._made(master, when)

    def _to_change(self, event_id: str, if_match: str | None) -> Resource:
        self._may_write()
        found = self.get(event_id)
        if if_match is not None and if_match not in ("*", found["etag"]):
            raise Refused(412)
        return found

    def _may_write(self) -> None:
        if self.role != "owner":
            says = "You need to have writer access to this calendar."
            raise Refused(403, "requiredAccessLevel", says)

    def _own(self) -> Resource:
        me = {"email": self.account, "self": True}
        return {"creator": me, "organizer": me, "created": _now(), "sequence": 0}

    def _write(self, before: Resource, given: Resource) -> Resource:
        """The fields that are only read from `before`, all others from `given`; checked, stored."""
        kept = {k: v for k, v in before.items() if k in READ_ONLY}
        written = {k: v for k, v in given.items() if k not in READ_ONLY and v is not None}
        after = {"status": "confirmed", "reminders": {"useDefault": True}} | written | kept
        if after["status"] not in STATES:
            raise Refused(400, "invalid", "Invalid value for: status")
        if len(str(after.get("description", ""))) > MAX_DESCRIPTION:
            raise Refused(400, "invalid", "The description is too long.")
        _check_properties(after.get("extendedProperties", {}))
        attendees = after.get("attendees", [])
        if not isinstance(attendees, list) or not all(isinstance(x, dict) for x in attendees):
            raise Refused(400, "invalid", "Invalid attendees.")
        if "recurrence" in after:
            if "recurringEventId" in after:
                raise Refused(400, "invalid", "An instance has no recurrence.")
            times.check_recurrence(after["recurrence"])
            if not after["recurrence"]:
                del after["recurrence"]
        start, end = times.read(after, self.zone)
        after |= {"start": start.shown(self.zone), "end": end.shown(self.zone)}
        if after["start"] != before.get("start", after["start"]):
            after["sequence"] = after.get("sequence", 0) + 1
        return self._store(after)

    def _store(self, after: Resource) -> Resource:
        if after["id"] not in self.events and len(self.events) >= MOST:
            raise Refused(403, "quotaExceeded", "Calendar usage limits exceeded.")
        self._seq += 1
        event_id = after["id"]
        stored = after | {
            "kind": "calendar#event",
            "etag": f'"{self._epoch + 3}{self._seq:015d}"',
            "updated": _now(),
            "htmlLink": f"https://www.google.com/calendar/event?eid={event_id}",
        }
        self.events[event_id] = stored
        self._changes[event_id] = self._seq
        self._changes.move_to_end(event_id)
        self._drop_exceptions(stored)
        self.changed(self)
        return stored

    def _drop_exceptions(self, master: Resource) -> None:
        """Those whose original start does not occur any more, all of them when it is deleted."""
        if "recurringEventId" in master:
            return
        prefix = f"{master['id']}_"
        exceptions = (
            [each for key, each in self.events.items() if key.startswith(prefix)]
            if "recurrence" in master
            else []
        )
        for each in exceptions:
            if each["status"] != CANCELLED and (
                master["status"] == CANCELLED or self._instance(each["id"]) is None
            ):
                self._store(each | {"status": CANCELLED})

    def _instance(self, event_id: str) -> Resource | None:
        named = times.instance_of(event_id)
        if named is None:
            return None
        master = self.events.get(named[0])
        if master is None or "recurrence" not in master or master["status"] == CANCELLED:
            return None
        at = named[1].at
        when = next(times.occurrences(master, at, at), None)
        return self._made(master, when) if when and event_id.endswith(f"_{when.key}") else None

    def _made(self, master: Resource, when: When) -> Resource:
        start, end = times.read(master, self.zone)
        left_out = ("recurrence",)
        shown = {k: v for k, v in master.items() if k not in left_out}
        return shown | {
            "id": f"{master['id']}_{when.key}",
            "recurringEventId": master["id"],
            "originalStartTime": when.shown(self.zone),
            "start": when.shown(self.zone),
            "end": When(when.at + (end.at - start.at), end.zone).shown(self.zone),
        }

    def _all(self, listing: Listing) -> Iterator[tuple[int, Resource]]:
        """In the order in which they were made, so that nothing is missed between two pages."""
        rows = islice(self.events.values(), listing.position, None)
        for position, each in enumerate(rows, listing.position + 1):
            if each["status"] != CANCELLED or listing.show_deleted or self._is_gap(each):
                yield position, _listed(each)

    def _later(self, listing: Listing) -> Iterator[tuple[int, Resource]]:
        """In the order of their changes."""
        since = max(listing.since or 0, listing.position)
        later: list[tuple[int, str]] = []
        for key in reversed(self._changes):
            if self._changes[key] <= since:
                break
            later.append((self._changes[key], key))
        for change, key in reversed(later):
            yield change, _listed(self.events[key])

    def _is_gap(self, event: Resource) -> bool:
        """A cancelled instance of an event that still recurs is listed without being asked for."""
        master = self.events.get(event.get("recurringEventId", ""))
        return master is not None and master["status"] != CANCELLED

    def _token(self, kind: str, listing: Listing) -> str:
        rest = [listing.since, listing.show_deleted, listing.position, listing.as_of]
        content = orjson.dumps([kind, self.id, self._epoch, *rest])
        return base64.urlsafe_b64encode(content).decode()


def _listed(event: Resource) -> Resource:
    """Of cancelled ones a listing keeps what names them."""
    if event["status"] != CANCELLED:
        return event
    named = ("kind", "etag", "id", "status", "recurringEventId", "originalStartTime")
    return {name: event[name] for name in named if name in event}


def _merged(before: Resource, given: Resource) -> Resource:
    after = dict(before)
    for name, value in given.items():
        if isinstance(value, dict):
            inner = after.get(name)
            after[name] = _merged(inner if isinstance(inner, dict) else {}, value)
        elif value is None:
            after.pop(name, None)
        else:
            after[name] = value
    return after


def _check_properties(given: object) -> None:
    """https://developers.google.com/workspace/calendar/api/guides/extended-properties."""
    sides = list(given.values()) if isinstance(given, dict) else [None]
    count = 0
    for side in sides:
        if not isinstance(side, dict) or not all(isinstance(v, str) for v in side.values()):
            raise Refused(400, "invalid", "Invalid extended properties.")
        if any(len(k) > MAX_NAME or len(v) > MAX_VALUE for k, v in side.items()):
            raise Refused(400, "invalid", "An extended property is too long.")
        count += len(side)
    if count > MOST_PROPERTIES or len(orjson.dumps(sides)) > MAX_PROPERTIES:
        raise Refused(400, "invalid", "There are too many extended properties.")


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
