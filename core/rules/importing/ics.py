"""iCalendar files (RFC 5545): their VTODOs, however many calendars stand one after the other.

The file is gone through twice: RELATED-TO, the occurrences of a series that were changed or done,
and time zones may stand anywhere in it.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import BinaryIO, Final

from core.rules.importing import (
    encodings,
    ics_alarms,
    ics_folds,
    ics_moments,
    ics_times,
    texts,
)
from core.rules.importing.ics_lines import Component, Property, components
from core.rules.importing.ics_series import Changed, after_changes
from core.rules.importing.ics_zones import Zones
from core.rules.importing.parents import Cuts, settled
from core.rules.importing.records import (
    MAX_ROW,
    MAX_ROWS,
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
_NO_TODOS: Final = {"VEVENT": "an appointment", "VJOURNAL": "a journal entry"}
_NO_TASKS: Final = "there are no tasks in it: appointments become no todos"
_OLD: Final = "it is in vCalendar 1.0, which is not read: export it as iCalendar (2.0)"
_TOLD: Final = {
    "ATTENDEE": "somebody who takes part",
    "ORGANIZER": "who called for it",
    "CONTACT": "a contact",
    "RESOURCES": "what it needs",
    "GEO": "a place on the map",
}


def read(file: BinaryIO, scene: Scene) -> Iterator[Item]:
    with ics_folds.mended(file) as mended:
        yield from _read(mended, scene)


def _read(file: BinaryIO, scene: Scene) -> Iterator[Item]:
    encoding = encodings.of(file)
    index = _Index(Zones(scene.zone, scene.now.year))
    with encodings.opened(file, encoding) as text:
        for found in components(encodings.lines(text)):
            index.learn(found, scene)
    index.settle()
    reader = _Reader(scene, index)
    with encodings.opened(file, encoding) as text:
        for found in components(encodings.lines(text)):
            yield from reader.items(found)
    if not reader.found:
        yield Rejected(0, Code.FORMAT, "there is no VTODO in it")
    said = [encoding.said] if encoding.said else []
    said += [_NO_TASKS] if reader.found and not reader.tasks else []
    yield Document(Format.ICS, lost=(*said, *index.zones.said))


class _Refs:
    """The same in both readings, also of todos without a UID that are alike."""

    def __init__(self) -> None:
        self._alike: dict[str, int] = {}

    def of(self, todo: Component, uid: str) -> str:
        if uid:
            return _ref(uid, todo)
        ref = texts.digest(*(f"{each.name}:{each.value}" for each in todo.properties))
        nth = self._alike[ref] = self._alike.get(ref, 0) + 1
        return ref if nth == 1 else texts.digest(ref, str(nth))


@dataclass(slots=True)
class _Index:
    """`changed` by UID; `parents` are what parents say of their children, `cuts` what of all that
    would be no tree.
    """

    zones: Zones
    changed: dict[str, list[Changed]] = field(default_factory=dict)
    repeating: set[str] = field(default_factory=set)
    parents: dict[str, str] = field(default_factory=dict)
    parent_of: dict[str, str | None] = field(default_factory=dict)
    cuts: Cuts = field(default_factory=dict)
    _refs: _Refs = field(default_factory=_Refs)
    _rows: int = 0

    def settle(self) -> None:
        named = {ref: above or self.parents.get(ref) for ref, above in self.parent_of.items()}
        self.cuts = settled(named) if any(named.values()) else {}
        self.parent_of.clear()

    def learn(self, found: Component | Property, scene: Scene) -> None:
        if isinstance(found, Property):
            return
        if found.name == "VTIMEZONE":
            self.zones.learn(found)
        elif found.name == "VTODO":
            uid = found.text("UID").strip()
            prop = found.first("RECURRENCE-ID")
            self._rows += 1
            if self._rows <= MAX_ROWS and _title(found):
                ref = self._refs.of(found, uid)
                self.parent_of.setdefault(ref, next(_parents(found), None))
            for related in found.all("RELATED-TO"):
                if _kind(related) == "CHILD":
                    self.parents.setdefault(texts.ref(related.text.strip()), texts.ref(uid))
            if uid and prop is None and found.first("RRULE"):
                self.repeating.add(uid)
            elif uid and prop is not None:
                self._changed(uid, prop, found, scene)

    def _changed(self, uid: str, prop: Property, found: Component, scene: Scene) -> None:
        status = found.value("STATUS").upper()
        done = status == "COMPLETED" or bool(found.value("COMPLETED"))
        at = ics_moments.instant(found.value("COMPLETED"), scene.zone)
        changed = Changed(_ref(uid, found), prop, done=done and status != "CANCELLED", done_at=at)
        self.changed.setdefault(uid, []).append(changed)


class _Reader:
    def __init__(self, scene: Scene, index: _Index) -> None:
        self._scene = scene
        self._index = index
        self._list: str | None = None
        self._refs = _Refs()
        self._is_old = False
        self.found = False
        self.tasks = False

    def items(self, found: Component | Property) -> Iterator[Item]:
        if isinstance(found, Property):
            self._of_calendar(found)
            return
        if found.name == "VTIMEZONE":
            return
        self.found = True
        if found.name != "VTODO":
            shown = texts.excerpt(found.text("SUMMARY"))
            reason = f"{_NO_TODOS[found.name]} ({found.name}), and no task"
            yield Rejected(found.line, Code.NOT_A_TODO, reason, shown)
            return
        self.tasks = True
        if self._is_old:
            yield Rejected(found.line, Code.FORMAT, _OLD, texts.excerpt(found.text("SUMMARY")))
        elif found.too_long:
            reason = f"a VTODO of more than {MAX_ROW} characters"
            yield Rejected(found.line, Code.TOO_LONG, reason)
        else:
            item = self._todo(found)
            if item is not None:
                yield item

    def _of_calendar(self, found: Property) -> None:
        """What several that stand one after the other say differs."""
        if found.name == "BEGIN":
            self._list, self._is_old = None, False
        elif found.name == "VERSION":
            self._is_old = found.value.strip() == "1.0"
        elif found.name in _NAMES:
            self._list = texts.name(found.text, [])

    def _todo(self, todo: Component) -> Item | None:
        lost = list(todo.lost)
        title, description = texts.headed(_title(todo), _description(todo), lost)
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
        ref = self._refs.of(todo, uid)
        record = Record(
            line=todo.line,
            ref=ref,
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
            parent_ref=self._parent(ref, todo, lost),
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

    def _parent(self, ref: str, todo: Component, lost: list[str]) -> str | None:
        found = [*_parents(todo)]
        others = (k for k in map(_kind, todo.all("RELATED-TO")) if k not in {"PARENT", "CHILD"})
        lost += [f"that it is related ({kind.lower()}) to another todo" for kind in others]
        if len(found) > 1:
            lost.append("further parents: it stands below the first")
        if ref in self._index.cuts:
            parent, why = self._index.cuts[ref]
            lost.append(why)
            return parent
        return found[0] if found else self._index.parents.get(ref)

    def _instant(self, todo: Component, name: str, lost: list[str]) -> datetime | None:
        raw = todo.value(name)
        found = ics_moments.instant(raw, self._scene.zone) if raw else None
        if raw and found is None:
            lost.append(f"{name} {texts.excerpt(raw)!r} was not understood")
        return found


def _title(todo: Component) -> str:
    """Without a summary the first line of what describes it."""
    summary = texts.line(todo.text("SUMMARY"))
    return summary or texts.line(todo.text("DESCRIPTION").strip().partition("\n")[0])


def _ref(uid: str, todo: Component) -> str:
    occurrence = todo.value("RECURRENCE-ID")
    return texts.ref(f"{uid}#{occurrence}" if occurrence else uid)


def _kind(related: Property) -> str:
    return texts.excerpt(related.parameters.get("RELTYPE", "PARENT")).upper()


def _parents(todo: Component) -> Iterator[str]:
    for related in todo.all("RELATED-TO"):
        if _kind(related) == "PARENT" and related.text.strip():
            yield texts.ref(related.text.strip())


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
        lost.append("an attached file" if attached == 1 else f"{attached} attached files")


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
