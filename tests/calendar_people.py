"""What people do to todos and events, each edit with a value that was never used."""

from collections import Counter
from datetime import date, datetime, timedelta
from typing import Any, Final
from uuid import UUID, uuid4

from core.rules import calendar_events as events
from core.rules.calendar_snapshot import MARK, of_event
from tests.calendar_known import ZONE, Event, Known
from tests.calendars import times
from tests.core.rules.calendar_sim.judging import Subject, key_of

FIRST: Final = datetime(2031, 5, 1, 6)  # noqa: DTZ001 - a wall


class People(Known):
    """Whoever writes sees what stands there, and does nothing if that changed meanwhile."""

    def _fresh(self) -> int:
        self._used += 1
        return self._used

    def _title(self) -> str:
        return f"{self._rng.choice(('Milk', 'Ärzte', '牛奶'))} {self._fresh()}"

    def _due(self, *, timed: bool = False) -> tuple[date, str | None]:
        """A wall time that was never used."""
        nth = self._fresh()
        if not timed and self._rng.random() < 0.2:
            return (FIRST + timedelta(days=100 + nth)).date(), None
        at = FIRST + timedelta(minutes=nth)
        return at.date(), at.time().isoformat("minutes")

    async def _makes_todo(self, **more: Any) -> None:
        on, at = self._due(timed=bool(more))
        due = {"date": on.isoformat(), "time": at, "timezone": ZONE if at else None}
        body = {"title": self._title(), "due": due, **more}
        answer = await self._at.person.post("/todos", json=body)
        assert answer.status_code == 201, answer.text
        subject = Subject(edits=Counter(todo=1))
        if more:
            self._recurs.add(id(subject))
        self._subjects.append(subject)
        self._of_todo[UUID(answer.json()["id"])] = subject

    async def _makes_event(self) -> None:
        body = {"id": f"hand{uuid4().hex}", "summary": self._title(), **self._there()}
        subject = Subject(edits=Counter(event=1))
        self._subjects.append(subject)
        self._of_event[body["id"]] = subject
        assert self._door("POST", "", body) is not None

    def _there(self, *, timed: bool = False) -> Event:
        on, at = self._due(timed=timed)
        cleared = {"date": None} if at else {"dateTime": None, "timeZone": None}
        found: Event = times(f"{on}T{at}" if at else on.isoformat(), ZONE)
        return {name: {**cleared, **each} for name, each in found.items()}

    async def _edits_todo(self) -> None:
        known = await self._ours()
        if not known:
            return
        todo_id = self._rng.choice(list(known))
        subject, person = self._of_todo[todo_id], self._at.person
        answer = await person.get(f"/todos/{todo_id}")
        if answer.status_code == 404:
            await self._restores(todo_id, subject)
            return
        todo, if_match = answer.json(), {"If-Match": answer.headers["etag"]}
        recurs = todo["recurrence"] is not None
        chosen = self._rng.choice(
            ("title", "done") if recurs else ("title", "due", "due", "done", "delete", "none")
        )
        path = f"/todos/{todo_id}"
        if chosen == "title":
            title = self._title()
            scope = {"params": {"scope": "following"}} if recurs else {}
            answer = await person.patch(path, json={"title": title}, headers=if_match, **scope)
            self._followed(answer, subject, "title", (todo["title"],), (title,))
        elif chosen in {"due", "none"}:
            subject_none = ("none", self._fresh())
            on, at = self._due()
            due = {"date": on.isoformat(), "time": at, "timezone": ZONE if at else None}
            body = {"due": None if chosen == "none" else due}
            answer = await person.patch(path, json=body, headers=if_match)
            before, after = self._key(subject, todo["due"]), self._key(subject, body["due"])
            if chosen == "none":
                after = subject_none
                if answer.is_success:
                    subject.none = subject_none
            self._followed(answer, subject, "when", before, after)
        elif chosen == "done":
            verb = "reopen" if todo["status"] == "completed" else "complete"
            answer = await person.post(f"{path}/{verb}", headers=if_match)
        else:
            subject.agreed_then = await self._is_calm(subject)
            answer = await person.delete(path, headers=if_match)
            self._removed[todo_id] = answer.headers.get("change-set", "")
        if answer.is_success:
            what = {"delete": "deleted", "done": "marked"}.get(chosen, "edited")
            self._told(subject, "todo", what)

    async def _restores(self, todo_id: UUID, subject: Subject) -> None:
        change_set = self._removed.pop(todo_id, "")
        if not change_set:
            return
        await self._at.person.post("/undo", json={"change_set": change_set})
        if (await self._at.person.get(f"/todos/{todo_id}")).is_success:
            self._told(subject, "todo", "restored")

    async def _edits_event(self) -> None:
        await self._ours()
        found = [each for each in self._all() if self._of(each) is not None]
        if not found:
            return
        event = self._rng.choice(found)
        subject = self._of(event)
        assert subject is not None
        recurs = id(subject) in self._recurs
        chosen = self._rng.choice(("title", "start", "start", "done", "delete", "others"))
        if event["status"] == "cancelled":
            if not recurs:
                await self._brings_back(event, subject)
        elif chosen in {"title", "others"} or not recurs:
            await self._edits(event, subject, chosen)

    async def _edits(self, event: Event, subject: Subject, chosen: str) -> None:
        there = of_event(events.read(event, zone=ZONE))
        if chosen == "others":  # nothing of ours, but another etag
            self._changes(event, {"location": f"Room {self._fresh()}"})
        elif chosen == "title":
            title = self._title()
            if self._changes(event, {"summary": MARK * there.done + title}):
                subject.after.setdefault("title", {})[title,] = (there.title,)
                self._told(subject, "event", "edited")
        elif chosen == "start":
            body = self._there()
            if answer := self._changes(event, body):
                now = of_event(events.read(answer, zone=ZONE))
                before, after = key_of(subject, there), key_of(subject, now)
                subject.after.setdefault("when", {})[after] = before
                self._told(subject, "event", "edited")
        elif chosen == "done":
            summary = there.title if there.done else f"{MARK}{there.title}"
            if self._changes(event, {"summary": summary}):
                self._told(subject, "event", "marked")
        else:
            calm = await self._is_calm(subject)
            if self._changes(event, {"status": "cancelled"}):
                subject.event_deleted = True
                subject.agreed_then = calm
                self._told(subject, "event", "deleted")

    async def _brings_back(self, event: Event, subject: Subject) -> None:
        """From the bin of the calendar: one of a todo that is known to be gone, too."""
        ended = await self._sql(
            "SELECT 1 FROM calendar_links WHERE workspace_id = %s AND event_id = %s"
            " AND state = 'ended' AND todo_id IS NOT NULL AND base IS NOT NULL",
            event["id"],
        )
        if not ended or not await self._is_calm(None):
            return
        if self._changes(event, {"status": "confirmed"}):
            self._met("event brought back")
            subject.event_deleted = True  # as it was, whatever its todo was edited to
            self._told(subject, "event", "brought back")
