"""A calendar that is as hostile as one can be: it answers late, old, twice, partly, or not at all.

What it does not do is lie about conditions: an etag that does not fit is refused, an id that was
used once stays used, as Google promises.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, Final

Event = dict[str, Any]
PAGE: Final = 3


class Lost(Exception):
    """No answer: nobody knows whether it was done."""


class Expired(Exception):
    """The sync token is forgotten: 410."""


class Changed(Exception):
    """412."""


class There(Exception):
    """409."""


class Gone(Exception):
    """404 or 410."""


@dataclass(slots=True)
class Faults:
    """How often each kind was met."""

    chance: float = 0.0
    met: dict[str, int] = field(default_factory=dict)

    def strikes(self, rng: Random, kind: str, share: float = 1.0) -> bool:
        if rng.random() >= self.chance * share:
            return False
        self.met[kind] = self.met.get(kind, 0) + 1
        return True

    def met_by_the_way(self, kind: str) -> None:
        self.met[kind] = self.met.get(kind, 0) + 1


@dataclass(slots=True)
class Provider:
    """`clock` is its own; it says `updated` by it."""

    rng: Random
    faults: Faults
    clock: Callable[[], datetime]
    wrote: Callable[[Event], None]  # told of every write of the sync that took effect
    hid: Callable[[str], None]  # told of every deleted event that it would not show
    history: list[Event] = field(default_factory=list)
    expired_before: int = 0
    under_way: list[Callable[[], Event]] = field(default_factory=list)

    def now_of(self, event_id: str) -> Event | None:
        return next((each for each in reversed(self.history) if each["id"] == event_id), None)

    def living(self) -> list[Event]:
        latest = {each["id"]: each for each in self.history}
        return [each for each in latest.values() if each["status"] != "cancelled"]

    def put(self, event: Event) -> Event:
        """A version that is new; by people, too."""
        at = self.clock()
        if self.history:  # its own clock does not run backwards
            before = datetime.fromisoformat(self.history[-1]["updated"])
            at = max(at, before + timedelta(milliseconds=1))
        event |= {"etag": f'"{len(self.history) + 1}"', "updated": at.isoformat()}
        self.history.append(deepcopy(event))
        return deepcopy(event)

    def list(
        self, token: int | None, page: tuple[int, int] | None
    ) -> tuple[list[Event], tuple[int, int] | None, int]:
        """Some events, the next page, the next token; without a token all that are there.

        `page` is where to go on, and up to where this listing knows the history.
        """
        if token is not None and (token < self.expired_before or self._strikes("410", 0.3)):
            self.expired_before = len(self.history)
            raise Expired
        if self._strikes("no answer to a listing"):
            raise Lost
        known = len(self.history)
        if self._strikes("old listing"):
            known = max(token or 0, known - self.rng.randint(1, 6))
        begin, known = page or (0, known)
        latest = {each["id"]: each for each in self.history[:known]}
        since = {each["id"] for each in self.history[token or 0 : known]}
        found = [
            each
            for each in latest.values()
            if each["id"] in since and (token is not None or each["status"] != "cancelled")
        ]
        some = [_bare(each) for each in found[begin : begin + PAGE]]
        if self._strikes("reordered"):
            self.rng.shuffle(some)
        if some and self._strikes("twice in one listing"):
            some.append(_bare(self.rng.choice(found)))
        following = (begin + PAGE, known) if begin + PAGE < len(found) else None
        return some, following, known

    def get(self, event_id: str) -> Event:
        if self._strikes("no answer to a get"):
            raise Lost
        event = self.now_of(event_id)
        if event is None:
            raise Gone
        if event["status"] == "cancelled" and self._strikes("404 for deleted"):
            self.hid(event_id)
            raise Gone
        return deepcopy(event)

    def insert(self, event_id: str, body: Mapping[str, Any]) -> Event:
        def act() -> Event:
            if self.now_of(event_id) is not None:
                raise There
            event = {"id": event_id, "status": "confirmed", "organizer": {"self": True}}
            return self._write(_merged(event, body))

        return self._call(act)

    def patch(self, event_id: str, body: Mapping[str, Any], etag: str | None) -> Event:
        def act() -> Event:
            return self._write(_merged(self._fitting(event_id, etag), body))

        return self._call(act)

    def delete(self, event_id: str, etag: str | None) -> Event:
        def act() -> Event:
            event = self._fitting(event_id, etag)
            return self._write(event | {"status": "cancelled"})

        return self._call(act)

    def arrive(self) -> None:
        """What nobody waits for any more comes in."""
        if self.under_way:
            with suppress(Gone, Changed, There):
                self.under_way.pop(self.rng.randrange(len(self.under_way)))()

    def _fitting(self, event_id: str, etag: str | None) -> Event:
        event = self.now_of(event_id)
        if event is None or event["status"] == "cancelled":
            raise Gone
        if etag is not None and event["etag"] != etag:
            self.faults.met_by_the_way("412")
            raise Changed
        return deepcopy(event)

    def _call(self, act: Callable[[], Event]) -> Event:
        if self._strikes("request lost"):
            raise Lost
        if self._strikes("request late"):
            self.under_way.append(act)
            raise Lost
        answer = act()
        if self._strikes("answer lost"):
            raise Lost
        return answer

    def _write(self, event: Event) -> Event:
        written = self.put(event)
        self.wrote(written)
        return written

    def _strikes(self, kind: str, share: float = 1.0) -> bool:
        return self.faults.strikes(self.rng, kind, share)


def _bare(event: Event) -> Event:
    """Of a deleted one listings promise the id alone."""
    if event["status"] == "cancelled":
        return {name: event[name] for name in ("id", "status", "etag")}
    return deepcopy(event)


def _merged(event: Event, body: Mapping[str, Any]) -> Event:
    """As PATCH does: null removes, objects are merged, lists are replaced; in its own spelling."""
    for name, value in body.items():
        if value is None:
            event.pop(name, None)
        elif isinstance(value, Mapping):
            event[name] = _merged(dict(event.get(name) or {}), value)
        else:
            event[name] = deepcopy(value)
    if "dateTime" in event and str(event["dateTime"]).endswith("+00:00"):
        event["dateTime"] = str(event["dateTime"]).replace("+00:00", "Z")
    return event


def epoch() -> datetime:
    return datetime(2026, 11, 2, 8, tzinfo=UTC)
