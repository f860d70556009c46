"""iCalendar files (RFC 5545): their VTODOs, however many calendars stand one after the other.

The file is gone through twice: RELATED-TO, the occurrences of a series that were changed or done,
and time zones may stand anywhere in it.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import BinaryIO, Final

from core.rules.importing import encodings, ics_alarms, ics_moments, ics_times, texts
from core.rules.importing.ics_lines import Component, Property, components
from core.rules.importing.ics_series import Changed, after_changes
from core.rules.importing.ics_zones import Zones
from core.rules.importing.records import (
    MAX_ROW,
    Code,
    Document,
    Format,
    Item,
    Record,
    Rejected,
    Scene,
)

_NAMES: Final = {"X-WR-CALNAME", "NAME"}
_MAX_LOCATION: Final = 500
_MOST_POSITION: Final = 1e15
_HIGH, _MEDIUM, _LOW = 5, 6, 10  # RFC 5545 §3.8.1.9: below each
_PRIORITIES: Final = {"HIGH": "high", "MEDIUM": "medium", "LOW": "low"}
_LIST: Final = "X-VOICETODO-LIST"
_ALL: Final = "100"
_TOLD: Final = {
    "ATTENDEE": "somebody who takes part",
    "ORGANIZER": "who called for it",
    "CONTACT": "a contact",
    "RESOURCES": "what it needs",
    "GEO": "a place on the map",
}


def read(file: BinaryIO, scene: Scene) -> Iterator[Item]:
    encoding = encodings.of(file)
    index = _Index(Zones(scene.zone, scene.now.year))
    with encodings.opened(file, encoding) as text:
        for found in components(encodings.lines(text)):
            index.learn(found, scene)
    reader = _Reader(scene, index)
    with encodings.opened(file, encoding) as text:
        for found in components(encodings.lines(text)):
            yield from reader.items(found)
    if not reader.found:
        yield Rejected(0, Code.FORMAT, "there is no VTODO in it")
    said = [encoding.said] if encoding.said else []
    yield Document(Format.ICS, lost=(*said, *index.zones.said))


@dataclass(slots=True)
class _Index:
    """`changed` by UID; `parents` are what parents say of their children."""

    zones: Zones
    changed: dict[str, list[Changed]] = field(default_factory=dict)
    repeating: set[str] = field(default_factory=set)
    parents: dict[str, str] = field(default_factory=dict)

    def learn(self, found: Component | Property, scene: Scene) -> None:
        if isinstance(found, Property):
            return
        if found.name == "VTIMEZONE":
            self.zones.learn(found)
        elif found.name == "VTODO":
            uid = found.text("UID").strip()
            for related in found.all("RELATED-TO"):
                if related.parameters.get("RELTYPE", "").upper() == "CHILD":
                    self.parents.setdefault(texts.ref(related.text.strip()), texts.ref(uid))
            prop = found.first("RECURRENCE-ID")
            if uid and prop is None and found.first("RRULE"):
                self.repeating.add(uid)
            elif uid and prop is not None:
                self._changed(uid, prop, found, scene)

    def _changed(self, uid: str, prop: Property, found: Component, scene: Scene) -> None:
        status = found.value("STATUS").upper()
        done = status == "COMPLETED" or bool(found.value("COMPLETED"))
        at = ics_moments.instant(found.value("COMPLETED"), scene.zone)
        ref = texts.ref(f"{uid}#{prop.value.strip()}")
        changed = Changed(ref, prop, done=done and status != "CANCELLED", done_at=at)
        self.changed.setdefault(uid, []).append(changed)


class _Reader:
    def __init__(self, scene: Scene, index: _Index) -> None:
        self._scene = scene
        self._index = index
        self._list: str | None = None
        self._alike: dict[str, int] = {}
        self.found = False

    def items(self, found: Component | Property) -> Iterator[Item]:
        if isinstance(found, Property):
            if found.name in _NAMES:
                self._list = texts.name(found.text, [])
            return
        if found.name == "VTIMEZONE":
            return
        self.found = True
        if found.name != "VTODO":
            shown = texts.excerpt(found.text("SUMMARY"))
            reason = f"a {found.name}, not a VTODO"
            yield Rejected(found.line, Code.NOT_A_TODO, reason, shown)
        elif found.too_long:
            reason = f"a VTODO of more than {MAX_ROW} characters"
            yield Rejected(found.line, Code.TOO_LONG, reason)
        else:
            item = self._todo(found)
            if item is not None:
                yield item

    def _todo(self, todo: Component) -> Item | None:
        lost = list(todo.lost)
        raw = todo.text("SUMMARY") or _first_line(todo.text("DESCRIPTION"))
        title, description = texts.headed(raw, _description(todo), lost)
        if not title:
            shown = texts.excerpt(todo.text("UID"))
            return Rejected(todo.line, Code.TITLE_MISSING, "a VTODO without SUMMARY", shown)
        uid = todo.text("UID").strip()
        occurrence = todo.first("RECURRENCE-ID")
        status = todo.value("STATUS").upper()
        if occurrence is not None and status == "CANCELLED" and uid in self._index.repeating:
            return None  # its series leaves it out
        times = ics_times.read(todo, self._scene, self._index.zones.of, lost)
        done = _is_done(todo, status, lost)
        _tell(todo, lost)
        record = Record(
            line=todo.line,
            ref=self._ref(todo, uid),
            title=title,
            description=description,
            done=done,
            completed_at=self._instant(todo, "COMPLETED", lost) if done else None,
            created_at=self._instant(todo, "CREATED", lost),
            updated_at=self._instant(todo, "LAST-MODIFIED", lost),
            priority=_priority(todo, lost),
            list_name=texts.name(todo.text(_LIST), lost) or self._list,
            tags=texts.tags((t for p in todo.all("CATEGORIES") for t in p.parts), lost),
            due=times.due,
            repeats=times.repeats,
            series_ref=texts.ref(uid) if times.repeats and uid else None,
            reminders=ics_alarms.read(todo, times, self._scene, self._index.zones.of, lost),
            parent_ref=self._parent(todo, uid, lost),
            position=_position(todo.value("X-APPLE-SORT-ORDER")),
            location=texts.line(todo.text("LOCATION"))[:_MAX_LOCATION] or None,
            source_id=texts.line(uid)[:200] or None,
        )
        if occurrence is not None:
            record = self._of_series(record, occurrence, uid, lost)
        elif record.repeats is not None:
            changed = self._index.changed.get(uid, [])
            zone_of = self._index.zones.of
            record = after_changes(record, changed, times.moved, self._scene, zone_of, lost)
        return replace(record, lost=tuple(dict.fromkeys(lost)))

    def _of_series(self, record: Record, prop: Property, uid: str, lost: list[str]) -> Record:
        if uid not in self._index.repeating:
            return record
        if "THISANDFUTURE" in prop.parameters.get("RANGE", "").upper():
            lost.append("a change of this occurrence and all later ones: it is one of this alone")
        if record.done:
            return replace(record, series_ref=texts.ref(uid))
        lost.append("it is an occurrence that was changed: it stands beside its series")
        return record

    def _ref(self, todo: Component, uid: str) -> str:
        occurrence = todo.value("RECURRENCE-ID")
        if uid:
            return texts.ref(f"{uid}#{occurrence}" if occurrence else uid)
        ref = texts.digest(*(f"{each.name}:{each.value}" for each in todo.properties))
        nth = self._alike[ref] = self._alike.get(ref, 0) + 1
        return ref if nth == 1 else texts.digest(ref, str(nth))

    def _parent(self, todo: Component, uid: str, lost: list[str]) -> str | None:
        found: list[str] = []
        for related in todo.all("RELATED-TO"):
            kind = related.parameters.get("RELTYPE", "PARENT").upper()
            if kind == "PARENT" and related.text.strip():
                found.append(texts.ref(related.text.strip()))
            elif kind != "CHILD":
                lost.append(f"that it is related ({texts.excerpt(kind.lower())}) to another todo")
        if len(found) > 1:
            lost.append("further parents: it stands below the first")
        return found[0] if found else self._index.parents.get(texts.ref(uid))

    def _instant(self, todo: Component, name: str, lost: list[str]) -> datetime | None:
        raw = todo.value(name)
        found = ics_moments.instant(raw, self._scene.zone) if raw else None
        if raw and found is None:
            lost.append(f"{name} {texts.excerpt(raw)!r} was not understood")
        return found


def _first_line(description: str) -> str:
    return description.strip().partition("\n")[0]


def _description(todo: Component) -> str:
    """With what has no place of its own in a todo, and is text."""
    beside = [each.text for each in todo.all("COMMENT")]
    beside += [
        each.value for name in ("URL", "ATTACH") for each in todo.all(name) if _is_link(each)
    ]
    return "\n\n".join([todo.text("DESCRIPTION"), *beside]).strip()


def _is_link(prop: Property) -> bool:
    return prop.value.lower().startswith(("http://", "https://", "mailto:"))


def _tell(todo: Component, lost: list[str]) -> None:
    """What a todo has no place for."""
    for name, what in _TOLD.items():
        prop = todo.first(name)
        if prop is not None:
            lost.append(f"{what}: {texts.excerpt(prop.text)}")
    attached = sum(not _is_link(each) for each in todo.all("ATTACH"))
    if attached:
        lost.append(f"{attached} files that are attached to it")


def _is_done(todo: Component, status: str, lost: list[str]) -> bool:
    percent = todo.value("PERCENT-COMPLETE")
    if status == "CANCELLED":
        lost.append("it was cancelled: here it is completed")
        return True
    if status == "COMPLETED" or (not status and (todo.value("COMPLETED") or percent == _ALL)):
        return True
    if status == "IN-PROCESS":
        lost.append("it is in process: here it is open")
    if percent not in {"", "0"}:
        lost.append(f"that {texts.excerpt(percent)} % of it are done")
    return False


def _priority(todo: Component, lost: list[str]) -> str:
    raw = todo.value("PRIORITY")
    number = int(raw) if raw.isascii() and raw.isdigit() and len(raw) == 1 else None
    if number is None:
        found = _PRIORITIES.get(raw.upper())
        lost += [f"the priority {texts.excerpt(raw)!r}"] if raw and found is None else []
        return found or "none"
    if number == 0:
        return "none"
    return "high" if number < _HIGH else "medium" if number < _MEDIUM else "low"


def _position(raw: str) -> float | None:
    """The order that Apple's Reminders, Tasks.org and Nextcloud keep."""
    if not raw.removeprefix("-").isdigit() or not raw.isascii() or len(raw) > 15:  # noqa: PLR2004 (what a float holds)
        return None
    return float(raw)
