"""Somebody with todos and a calendar that is kept in step with them: both sides, by hand."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID, uuid4

import httpx2

from bench.chaos.owner import ZONE, Owner
from bench.chaos.stack import Stack
from tests.allowing import refresh_token

ENDED: Final = frozenset({"succeeded", "failed", "cancelled"})  # of a job
LASTS: Final = timedelta(minutes=30)
LOOK_EVERY_S: Final = 0.2
SLOW: Final[Mapping[str, object]] = {"delay_ms": 60, "times": 1_000_000}
_OVER: Final = """
    SELECT s.state = 'idle' AND s.last_synced_at IS NOT NULL AND s.seq >= f.seq AND s.job_id IS NULL
           AND coalesce(s.poked_at <= s.last_synced_at, true)
           AND NOT EXISTS (SELECT FROM calendar_links l WHERE l.connection_id = s.id AND l.dirty)
    FROM calendar_syncs s JOIN feeds f USING (workspace_id) WHERE s.id = %(id)s
"""
_EVENTS: Final = """
    SELECT todo_id::text, event_id FROM calendar_links
    WHERE connection_id = %(id)s AND state = 'linked' AND base IS NOT NULL
"""


@dataclass(slots=True)
class Diary:
    """Todos are her own through the API; events are changed as others would, in a browser."""

    stack: Stack
    owner: Owner
    vendor: httpx2.Client
    account: str = field(default_factory=lambda: f"{uuid4().hex[:12]}@sandbox.test")
    id: str = ""  # of the connection

    @classmethod
    def of(cls, stack: Stack, url: str, name: str = "dora") -> "Diary":
        """Of somebody new at this API, not connected yet."""
        owner = Owner.registered(url, name)
        stack.closes(owner.http)
        return cls(stack, owner, stack.closes(stack.vendor()))

    def connect(self, policy: str = "all") -> None:
        """All the way through the consent page. `policy`: which events become todos."""
        self.id = self.owner.connect(self.vendor, "google-calendar", self.account)
        self.owner.must("PATCH", f"/integrations/{self.id}", json={"events_become_todos": policy})

    def todo(self, title: str, at: datetime) -> str:
        """A new todo, due at this wall time; its id."""
        made = self.owner.must("POST", "/todos", json={"title": title, "due": due(at)})
        return str(made["id"])

    def event(self, title: str, at: datetime) -> str:
        """A new event; its id."""
        return str(self._there("POST", "", {"summary": title, **times(at)})["id"])

    def change(self, event_id: str, **body: Any) -> None:
        self._there("PATCH", f"/{event_id}", body)

    def remove(self, event_id: str) -> None:
        self._there("DELETE", f"/{event_id}")

    def pairs(self) -> dict[str, str]:
        """Todo -> its event, of those that agreed on something."""
        found = self.stack.rows(_EVENTS, id=self.id)
        return {todo_id: event_id for todo_id, event_id in found if todo_id is not None}

    def events(self) -> list[dict[str, Any]]:
        """All that stand in the calendar."""
        found = self._there("GET", "")
        return [each for each in found if each["status"] != "cancelled"]

    def todos(self) -> list[dict[str, Any]]:
        """All that are not deleted."""
        found: list[dict[str, Any]] = []
        path = "/todos?limit=100"
        while True:
            page = self.owner.must("GET", path)
            found += page["data"]
            if not page["has_more"]:
                return found
            path = f"/todos?limit=100&cursor={page['next_cursor']}"

    def status(self) -> dict[str, Any]:
        """As she is shown it."""
        found: dict[str, Any] = self.owner.must("GET", f"/integrations/{self.id}")
        return found

    def script(self, *faults: Mapping[str, object]) -> None:
        """These faults of the calendar, instead of those that are left."""
        self.stack.script(*({"vendor": "google_calendar", **each} for each in faults))

    def latest(self) -> int:
        return int(self.vendor.get("/latest.json").json()["seq"])

    def calls(self, since: int) -> list[dict[str, Any]]:
        """What reached the calendar's provider after this row of its ledger, by anybody."""
        asked = {"since": str(since), "vendor": "google_calendar"}
        found: list[dict[str, Any]] = self.vendor.get("/ledger.json", params=asked).json()
        return found

    def is_over(self) -> bool:
        """Nothing is known that would have to be carried over."""
        found = self.stack.rows(_OVER, id=self.id)
        return bool(found and found[0][0])

    def until_over(self, seconds: float) -> float:
        """Wait, no longer than that; the seconds it took."""
        began = time.monotonic()
        while not self.is_over() and time.monotonic() < began + seconds:
            time.sleep(LOOK_EVERY_S)
        return time.monotonic() - began

    def sync(self, seconds: float = 120) -> None:
        """Asked for by hand, to its end."""
        job = self.owner.must("POST", f"/integrations/{self.id}/sync")["id"]
        ends = time.monotonic() + seconds
        while time.monotonic() < ends:
            if self.owner.must("GET", f"/jobs/{job}")["status"] in ENDED:
                return
            time.sleep(LOOK_EVERY_S)
        raise RuntimeError(f"not in step after {seconds:.0f} s: {self.status()['sync']}")

    def by_hand(self) -> str:
        """A refresh token of the same account that is not ours: a bare client's."""
        return refresh_token(self.vendor, self.account)

    def _there(self, method: str, path: str, body: object = None) -> Any:
        answer = self.vendor.request(
            method, f"/google/client/events{path}", params={"account": self.account}, json=body
        )
        answer.raise_for_status()
        return answer.json() if answer.content else None


def due(at: datetime) -> dict[str, str]:
    """Of a todo."""
    return {"date": at.date().isoformat(), "time": f"{at:%H:%M}", "timezone": ZONE}


def times(at: datetime) -> dict[str, Any]:
    """Of an event."""
    return {
        "start": {"dateTime": at.isoformat(), "timeZone": ZONE},
        "end": {"dateTime": (at + LASTS).isoformat(), "timeZone": ZONE},
    }


def origins(events: Sequence[Mapping[str, Any]]) -> list[UUID]:
    """The todos that events say they were made for."""
    found = (each.get("extendedProperties", {}).get("private", {}) for each in events)
    return [UUID(each["vt_todo"]) for each in found if "vt_todo" in each]
