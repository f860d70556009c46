"""One todo as apps in browsers keep it: the names that they have for the same things."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final

from core.rules.importing import local_values as values
from core.rules.importing import saying, texts
from core.rules.importing.local_values import Entry
from core.rules.importing.records import MAX_ROW, Code, Item, Record, Rejected, Repeats, Scene
from core.rules.reminders import Due

_IDS: Final = ("id", "_id", "uuid", "key")
_TITLES: Final = (
    *("text", "title", "content", "task", "name", "todo", "summary", "subject", "label"),
)
_NOTES: Final = ("description", "notes", "note", "details", "desc")
_DONE: Final = (
    *("completed", "done", "isCompleted", "isDone", "checked", "complete", "isComplete"),
    *("is_completed", "is_done", "finished"),
)
_LISTS: Final = ("category", "list", "listName", "project")
_TAGS: Final = ("tags", "labels", "categories")
_SUBTASKS: Final = ("subtasks", "children")
_CREATED: Final = ("createdAt", "created_at", "created", "dateCreated", "timestamp")
_COMPLETED: Final = ("completedAt", "completed_at", "completedDate", "doneAt")
_UPDATED: Final = ("updatedAt", "updated_at", "updated", "modifiedAt")
_DUE: Final = ("dueDate", "due", "due_date", "dueAt", "deadline")
_PARENTS: Final = ("parentId", "parent_id", "parent")
_REPEATS: Final = ("recurrence", "recurring", "repeat", "repeats", "rrule", "frequency")
_PLACES: Final = ("position", "order")
LOOKED_AT: Final = frozenset(
    (
        *(*_IDS, *_TITLES, *_NOTES, *_DONE, *_LISTS, *_TAGS, *_SUBTASKS, *_CREATED, *_COMPLETED),
        *(*_UPDATED, *_DUE, *_PARENTS, *_REPEATS, *_PLACES, "priority", "status", "location"),
        *("importance", "dueTime", "due_time", "time"),
        *("important", "isImportant", "starred", "isStarred", "flagged", "isFlagged"),
    )
)
_ONE_OF_EACH: Final = (
    *(_TITLES, _NOTES, _LISTS, _TAGS, _SUBTASKS, _DUE, _PARENTS, _REPEATS, _PLACES),
)
_PASSED_OVER: Final = {"editing", "isEditing", "selected"}  # the state of a page
_LONG_ID: Final = 12  # shorter ones count from one in every browser anew
_MOST_POSITION: Final = 1e15
_NO_REPEATS: Final = {"none", "never", "no", "false", "once"}
_BELOW: Final = ("items", "tasks", "todos")


def is_todo(entry: object) -> bool:
    """Whether it looks like one: it says what to do, and whether that is done."""
    if not isinstance(entry, Mapping):
        return False
    says = any(isinstance(entry.get(name), str) for name in (*_TITLES, *_NOTES))
    is_flagged = any(isinstance(entry.get(name), bool) for name in _DONE)
    return says and (is_flagged or values.says_state(entry))


def listed(entry: object) -> tuple[str, list[Any]] | None:
    """A list with its todos, as apps with several of them write one."""
    if not isinstance(entry, Mapping) or any(name in entry for name in _DONE):
        return None
    below = values.first(entry, _BELOW)
    if not isinstance(below, list) or not all(isinstance(each, Mapping) for each in below):
        return None
    return values.written(entry, ("title", "name", "displayName", "listName")), below


class Entries:
    """Reads one after the other; knows which without an id were alike."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._nth = 0
        self._alike: dict[str, int] = {}

    def read(
        self, entry: Any, line: int, text: str | Code, list_name: str | None = None
    ) -> Iterator[Item]:
        """The todo and its subtasks, or why it is none. `text` is what stood in the file.

        `list_name` is that of todos which name none.
        """
        found = listed(entry)
        if found is not None and list_name is None:
            name, below = found
            for each in below:
                yield from self.read(each, line, text, name)
            return
        self._nth += 1
        nth = self._nth
        if isinstance(entry, Code):
            why = f"is longer than {MAX_ROW} characters" if entry is Code.TOO_LONG else "is no JSON"
            shown = "" if isinstance(text, Code) else texts.excerpt(text)
            yield Rejected(line, entry, f"entry {nth} {why}", shown)
            return
        if list_name and isinstance(entry, Mapping):
            entry = {"list": list_name, **entry}
        yield from self._todo(entry, line, f"entry {nth}", None)

    def _todo(self, entry: Any, line: int, which: str, parent: Record | None) -> Iterator[Item]:
        if isinstance(entry, str):
            entry = {"title": entry}
        if not isinstance(entry, Mapping):
            shown = texts.excerpt(str(entry)[:1000])
            yield Rejected(line, Code.MALFORMED, f"{which} is not a todo", shown)
            return
        lost: list[str] = []
        said, notes = values.written(entry, _TITLES), values.written(entry, _NOTES)
        if not texts.line(said):  # as calendars have it: its first line says what it is
            said, _, notes = notes.strip().partition("\n")
        title, description = texts.headed(said, notes, lost)
        if not title:
            shown = texts.excerpt(repr(entry)[:1000])
            yield Rejected(line, Code.TITLE_MISSING, f"{which} says nothing to do", shown)
            return
        record = self._record(entry, line, title, description, lost, parent)
        yield record
        below = values.first(entry, _SUBTASKS)
        for nth, each in enumerate(below if isinstance(below, list) else (), 1):
            yield from self._todo(each, line, f"subtask {nth} of {which}", record)

    def _record(
        self,
        entry: Entry,
        line: int,
        title: str,
        description: str,
        lost: list[str],
        parent: Record | None,
    ) -> Record:
        zone = self._scene.zone
        source_id = _id(values.first(entry, _IDS))
        done = values.done(entry, _DONE, _COMPLETED)
        lost += values.told_state(entry)
        due, repeats = self._when(entry, lost)
        above = parent.ref if parent else _parent(entry, lost)
        lost += [f"not kept: {names}"] if (names := _others(entry)) else []
        position = values.first(entry, _PLACES)
        return Record(
            line=line,
            ref=self._ref(entry, source_id, title, parent),
            title=title,
            description=description,
            done=done,
            completed_at=_completed_at(entry, zone, lost) if done else None,
            created_at=_instant(entry, _CREATED, zone, lost),
            updated_at=_instant(entry, _UPDATED, zone, lost),
            priority=values.priority(entry, lost),
            list_name=_list(entry, lost) or (parent.list_name if parent else None),
            tags=_tags(entry, lost),
            due=due,
            repeats=repeats,
            parent_ref=above,
            position=float(position) if _counts(position) else None,
            location=texts.line(values.written(entry, ("location",)))[:500] or None,
            source_id=source_id,
            lost=tuple(lost),
        )

    def _ref(self, entry: Entry, source_id: str | None, title: str, parent: Record | None) -> str:
        """An id that may be another browser's, too, counts together with when it was made."""
        if source_id is not None and len(source_id) >= _LONG_ID:
            return texts.ref(source_id)
        made = values.first(entry, _CREATED)
        of = (source_id or "", title if made is None else str(made)[:100])
        ref = texts.digest(*of, title if source_id is None else "", parent.ref if parent else "")
        nth = self._alike[ref] = self._alike.get(ref, 0) + 1
        return ref if nth == 1 or source_id is not None else texts.digest(ref, str(nth))

    def _when(self, entry: Entry, lost: list[str]) -> tuple[Due | None, Repeats | None]:
        due = values.due(entry, _DUE, self._scene.zone, lost)
        raw = values.first(entry, _REPEATS)
        if not raw or (isinstance(raw, str) and raw.strip().lower() in _NO_REPEATS):
            return due, None
        if not isinstance(raw, str):
            lost.append(f"it repeats: {texts.excerpt(repr(raw)[:1000])}")
            return due, None
        read = saying.read(raw, self._scene, zone=None, language="en")
        if read.repeats is None:
            lost.append(f"it repeats: {texts.excerpt(raw)}")
            return due, None
        if due is None:
            lost += read.lost
            return read.due, read.repeats
        kept = saying.repeats(read.repeats.recurrence, due, self._scene.zone)
        lost += read.lost if kept else [f"it repeats: {texts.excerpt(raw)}"]
        return due, kept


def _id(raw: Any) -> str | None:
    if isinstance(raw, str):
        return raw or None
    return str(raw) if isinstance(raw, int | float) and not isinstance(raw, bool) else None


def _counts(raw: Any) -> bool:
    is_number = isinstance(raw, int | float) and not isinstance(raw, bool)
    return is_number and abs(raw) <= _MOST_POSITION


def _completed_at(entry: Entry, zone: str, lost: list[str]) -> datetime | None:
    """Some write it where others write that it is done."""
    found = _instant(entry, _COMPLETED, zone, lost)
    flag = entry.get("completed")
    return values.instant(flag, zone) if found is None and isinstance(flag, str) else found


def _instant(entry: Entry, names: tuple[str, ...], zone: str, lost: list[str]) -> datetime | None:
    raw = values.first(entry, names)
    if raw is None or raw == "" or isinstance(raw, bool):
        return None
    found = values.instant(raw, zone)
    if found is None:
        lost.append(f"{names[0]} {texts.excerpt(str(raw)[:1000])!r} was not understood")
    return found


def _list(entry: Entry, lost: list[str]) -> str | None:
    raw = values.first(entry, _LISTS)
    if isinstance(raw, Mapping):
        raw = raw.get("name")
    return texts.name(raw, lost) if isinstance(raw, str) else None


def _tags(entry: Entry, lost: list[str]) -> tuple[str, ...]:
    raw = values.first(entry, _TAGS)
    if isinstance(raw, str):
        return texts.tags(raw.split(","), lost)
    named = [each.get("name") if isinstance(each, Mapping) else each for each in raw or ()]
    return texts.tags([each for each in named if isinstance(each, str)], lost)


def _parent(entry: Entry, lost: list[str]) -> str | None:
    raw = values.first(entry, _PARENTS)
    parent = _id(raw)
    if parent is None:
        lost += [f"its parent, {texts.excerpt(str(raw)[:1000])}: it stands by itself"] * bool(raw)
        return None
    if len(parent) >= _LONG_ID:
        return texts.ref(parent)
    lost.append(f"its parent, {texts.excerpt(parent)}: it stands by itself")
    return None


def _others(entry: Entry) -> str:
    """What is not looked at; and of several names for the same thing those that say another."""
    names = [str(n) for n, v in entry.items() if v and n not in LOOKED_AT and n not in _PASSED_OVER]
    for group in _ONE_OF_EACH:
        said, *others = [name for name in group if entry.get(name)] or [""]
        names += (name for name in others if entry[name] != entry[said])
    return texts.excerpt(", ".join(names))
