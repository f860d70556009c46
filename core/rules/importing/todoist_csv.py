"""A project of Todoist as CSV: what its "Export as a CSV file" writes, and its templates.

todoist.com/help/articles/format-a-csv-file-to-import-into-todoist: TYPE is task, section or note
(of the task above), PRIORITY 1 is the highest, INDENT counts from 1, labels stand as `@label` in
CONTENT, DATE is in the words of DATE_LANG. Sections become lists.

The file has no ids. A task is named by the file's rows as a whole and its own place in them: so
the same file is known again in whatever way it was saved, and no other file's task is taken for it.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from hashlib import sha256
from typing import Any, BinaryIO, Final

from core.rules import zones
from core.rules.importing import encodings, saying, texts
from core.rules.importing.csv_rows import Row, Rows
from core.rules.importing.records import (
    MAX_DEPTH,
    Code,
    Document,
    Format,
    Item,
    ListRecord,
    Record,
    Rejected,
    Scene,
)
from core.rules.importing.saying import Said

_NEEDED: Final = {"TYPE", "CONTENT"}
_LABEL: Final = re.compile(r"(?<!\S)@([^\s@]+)")
_FILE: Final = re.compile(r"\[\[file (\{.{0,2000}?\})\]\]", re.DOTALL)
_PERSON: Final = re.compile(r"\s*\(\d+\)$")
_PRIORITIES: Final = {"1": "high", "2": "medium", "3": "low", "4": "none", "": "none"}
_DATES: Final = ("DATE", "DUE_DATE", "DUE")  # the others in files that are written for Todoist
_LANGUAGES: Final = ("DATE_LANG", "DUE_DATE_LANG")
_KNOWN: Final = {
    *("TYPE", "CONTENT", "DESCRIPTION", "IS_COLLAPSED", "PRIORITY", "INDENT", "AUTHOR"),
    *("RESPONSIBLE", "TIMEZONE", "DURATION", "DURATION_UNIT", "DEADLINE", "DEADLINE_LANG"),
    *(*_DATES, *_LANGUAGES, "LABELS", "PROJECT", ""),
}
_APART: Final = re.compile(r"[,;|\s]+")
_NO_BOX: Final = "* "


def read(file: BinaryIO, scene: Scene) -> Iterator[Item]:
    encoding = encodings.of(file)
    said = [encoding.said] if encoding.said else []
    with encodings.opened(file, encoding) as text:
        fingerprint = _fingerprint(Rows(text))
    with encodings.opened(file, encoding) as text:
        rows = Rows(text)
        if not set(rows.header) >= _NEEDED:
            yield Rejected(0, Code.FORMAT, "its first line does not name TYPE and CONTENT")
            return
        yield from _Project(scene, fingerprint).items(rows)
    yield Document(Format.TODOIST_CSV, lost=tuple(said))


def _fingerprint(rows: Rows) -> str:
    """Of all that is said in it, however it was saved."""
    hashed = sha256()
    for row in rows:
        if isinstance(row, Row):
            said = {name: texts.text(value) for name, value in row.cells.items() if value.strip()}
            hashed.update(json.dumps(said, sort_keys=True).encode())
    return hashed.hexdigest()


class _Project:
    def __init__(self, scene: Scene, fingerprint: str) -> None:
        self._scene = scene
        self._fingerprint = fingerprint
        self._section: str | None = None
        self._above: list[Record] = []  # the last task of each level
        self._sections = 0
        self._nth = 0

    def items(self, rows: Rows) -> Iterator[Item]:
        """A task is told when all that belongs to it was read: its notes follow it."""
        task: Record | None = None
        for row in rows:
            if isinstance(row, Row) and task is not None and _kind(row) == "note":
                task = _noted(task, row)
                continue
            if task is not None:
                yield task
                task = None
            item = row if isinstance(row, Rejected) else self._item(row)
            if isinstance(item, Record):
                task = item
            elif item is not None:
                yield item
        if task is not None:
            yield task

    def _item(self, row: Row) -> Item | None:
        match _kind(row):
            case "task":
                return self._task(row)
            case "section":
                return self._begin(row)
            case "meta":  # how the project is shown
                return None
            case "note":
                return _refused(row, Code.NOT_A_TODO, "a comment on the project, not on a task")
            case _:
                return _refused(row, Code.NOT_A_TODO, "neither a task, a section nor a note")

    def _begin(self, row: Row) -> Item:
        lost: list[str] = []
        self._above = []
        self._section = texts.name(row["CONTENT"], lost)
        if self._section is None:
            return _refused(row, Code.TITLE_MISSING, "a section without a name")
        self._sections += 1
        ref = texts.digest(self._fingerprint, "section", str(self._sections))
        return ListRecord(row.line, ref, self._section, None, tuple(lost))

    def _task(self, row: Row) -> Item:
        lost: list[str] = []
        content, tags = _labelled(row["CONTENT"], row["LABELS"], lost)
        title, description = texts.headed(content, row["DESCRIPTION"], lost)
        if not title:
            return _refused(row, Code.TITLE_MISSING, "a task without content")
        said = self._due(row, lost)
        lost += _left_out(row, deadline=bool(said.due or said.repeats))
        self._nth += 1
        parent = self._parent(row, lost)
        task = Record(
            line=row.line,
            ref=texts.digest(self._fingerprint, "task", str(self._nth)),
            title=title,
            description=description,
            priority=_priority(row["PRIORITY"], lost),
            list_name=self._section or texts.name(row["PROJECT"], lost),
            tags=tags,
            due=said.due,
            repeats=said.repeats,
            parent_ref=parent.ref if parent else None,
            lost=(*lost, *said.lost),
        )
        self._above.append(task)
        return task

    def _parent(self, row: Row, lost: list[str]) -> Record | None:
        """Cuts the levels below it off."""
        raw = row["INDENT"].strip() or "1"
        level = int(raw) if raw.isascii() and raw.isdigit() and len(raw) <= 3 else 0  # noqa: PLR2004 (none is as deep)
        if level == 0:
            lost.append(f"the indent {texts.excerpt(raw)!r}")
        if level > MAX_DEPTH:
            lost.append(f"it was nested deeper than {MAX_DEPTH}: it stands as deep as it can")
        del self._above[max(0, min(level, MAX_DEPTH) - 1) :]
        return self._above[-1] if self._above else None

    def _due(self, row: Row, lost: list[str]) -> Said:
        date, language = _one_of(row, _DATES), _one_of(row, _LANGUAGES)
        if not date and (date := row["DEADLINE"].strip()):
            language = row["DEADLINE_LANG"]
        if not date:
            return Said()
        zone = row["TIMEZONE"].strip() or None
        if zone is not None:
            try:
                zones.zone(zone)
            except ValueError:
                lost.append(f"the time zone {texts.excerpt(zone)!r} is unknown: it has none here")
                zone = None
        return saying.read(date, self._scene, zone=zone, language=language)


def _kind(row: Row) -> str:
    return row["TYPE"].strip().lower()


def _one_of(row: Row, names: tuple[str, ...]) -> str:
    return next((found for name in names if (found := row[name].strip())), "")


def _labelled(raw: str, labels: str, lost: list[str]) -> tuple[str, tuple[str, ...]]:
    """Content that is nothing but labels stays as it is: a task needs a title."""
    content = texts.line(raw)
    if content.startswith(_NO_BOX):
        lost.append("that it cannot be completed")
        content = content.removeprefix(_NO_BOX)
    bare = texts.line(_LABEL.sub(" ", content))
    beside = [each.removeprefix("@") for each in _APART.split(labels)]
    if not bare:
        return content, texts.tags(beside, lost)
    return bare, texts.tags([*_LABEL.findall(content), *beside], lost)


def _priority(raw: str, lost: list[str]) -> str:
    found = _PRIORITIES.get(raw.strip().lower().removeprefix("p"))
    if found is None:
        lost.append(f"the priority {texts.excerpt(raw)!r}")
    return found or "none"


def _left_out(row: Row, *, deadline: bool) -> Iterator[str]:
    if person := _PERSON.sub("", texts.line(row["RESPONSIBLE"])):
        yield f"given to {texts.excerpt(person)}: here nobody has it yet"
    if length := texts.line(row["DURATION"]):
        unit = "days" if texts.line(row["DURATION_UNIT"]).startswith("day") else "minutes"
        yield f"how long it takes: {texts.excerpt(f'{length} {unit}')}"
    if deadline and _one_of(row, _DATES) and (last := texts.line(row["DEADLINE"])):
        yield f"the deadline {texts.excerpt(last)}: it is due at its date"
    others = [name for name, cell in row.cells.items() if cell.strip() and name not in _KNOWN]
    if others:
        yield f"not kept: {texts.excerpt(', '.join(others))}"


def _noted(task: Record, row: Row) -> Record:
    """A comment, below the description, with its day where it has one."""
    lost = list(task.lost)
    note = texts.text(_FILE.sub(_attached, row["CONTENT"]))
    day = texts.line(row["DATE"])[:10]
    headed = f"[{day}] {note}" if day and note else note
    _, description = texts.headed("", f"{task.description}\n\n{headed}", lost)
    return replace(task, description=description, lost=tuple(lost))


def _attached(match: re.Match[str]) -> str:
    try:
        found: Any = json.loads(match[1])
    except (ValueError, RecursionError):
        return match[0]
    if not isinstance(found, dict):
        return match[0]
    told = (found.get(name) for name in ("file_name", "file_url"))
    return " ".join(each for each in told if isinstance(each, str)) or match[0]


def _refused(row: Row, code: Code, reason: str) -> Rejected:
    shown = ", ".join(cell for cell in row.cells.values() if cell)
    return Rejected(row.line, code, reason, texts.excerpt(shown))
