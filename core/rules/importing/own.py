"""Our own export: `todos.json` (`core/rules/exporting/todos.schema.json`), or its whole archive.

Its order is read as it is written: lists and series before the todos that name them. An entry that
is not as the schema says is rejected, and the others go on.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import BinaryIO, Final

from core.rules.importing import archive, encodings, saying, texts
from core.rules.importing import own_values as values
from core.rules.importing.json_rows import Broken, Scanner, decoded
from core.rules.importing.own_values import Entry
from core.rules.importing.records import (
    Code,
    Document,
    Format,
    Item,
    ListRecord,
    Past,
    Record,
    Rejected,
    Repeats,
    Scene,
)

NAME: Final = "voicetodo-export"
VERSION: Final = 1
_READ: Final = {"lists", "series", "occurrences", "todos"}
_OTHERS: Final = "given to another member: here nobody has it yet"


def read(file: BinaryIO, scene: Scene) -> Iterator[Item]:
    with archive.todos(file) as found:
        if isinstance(found, Rejected):
            yield found
            return
        encoding = encodings.of(found)
        reader = _Reader(scene, [encoding.said] if encoding.said else [])
        with encodings.opened(found, encoding) as text:
            yield from reader.document(Scanner(text))
        yield reader.summary()


@dataclass(slots=True)
class _Series:
    repeats: Repeats | None
    todo_ref: str | None
    lost: str | None = None
    history: list[Past] = field(default_factory=list)


class _Reader:
    def __init__(self, scene: Scene, said: list[str]) -> None:
        self._scene = scene
        self._said = said
        self._lists: dict[str, str] = {}
        self._series: dict[str, _Series] = {}
        self._deleted = 0
        self._redacted = 0

    def summary(self) -> Document:
        if self._deleted:
            self._said.append(f"{self._deleted} deleted todos or lists stay deleted")
        if self._redacted:
            self._said.append(f"{self._redacted} todos of other members: it does not tell them")
        return Document(Format.OWN, {}, tuple(self._said))

    def document(self, scanner: Scanner) -> Iterator[Item]:
        try:
            yield from self._members(scanner)
        except Broken as broken:
            yield Rejected(broken.line, Code.MALFORMED, f"not JSON from here on: {broken.reason}")

    def _members(self, scanner: Scanner) -> Iterator[Item]:
        if scanner.peek() != "{":
            yield Rejected(0, Code.FORMAT, "not a todos.json of ours")
            return
        begun = False
        for key in scanner.members():
            if key in _READ and scanner.peek() == "[":
                if not begun:
                    yield Rejected(0, Code.FORMAT, f"it does not begin with the format {NAME}")
                    return
                yield from self._entries(scanner, key)
                continue
            value = decoded(scanner.value())
            if key == "format":
                begun = value == NAME
            elif key == "version" and value != VERSION:
                yield Rejected(0, Code.FORMAT, f"only version {VERSION} of it can be read")
                return
        if not begun:
            yield Rejected(0, Code.FORMAT, f"it does not have the format {NAME}")

    def _entries(self, scanner: Scanner, key: str) -> Iterator[Item]:
        for line in scanner.elements():
            text = scanner.value()
            entry = decoded(text)
            shown = "" if isinstance(text, Code) else texts.excerpt(text)
            if isinstance(entry, Code):
                yield Rejected(line, entry, f"an entry of {key} cannot be read", shown)
                continue
            try:
                item = self._entry(key, entry, line)
            except values.WRONG as error:
                reason = f"an entry of {key} is not as the schema says ({values.why(error)})"
                yield Rejected(line, Code.MALFORMED, reason, shown)
                continue
            if item is not None:
                yield item

    def _entry(self, key: str, entry: Entry, line: int) -> Item | None:
        match key:
            case "lists":
                return self._list(entry, line)
            case "series":
                self._series[values.ref(entry["id"])] = self._of_series(entry)
            case "occurrences":
                past = values.past(entry)
                series = self._series.get(values.ref(entry["series_id"]))
                if series is not None:
                    series.history.append(past)
            case _:
                return self._todo(entry, line)
        return None

    def _list(self, entry: Entry, line: int) -> ListRecord | None:
        if entry["deleted_at"] is not None:
            self._deleted += 1
            return None
        lost: list[str] = []
        name = texts.name(values.string(entry["name"]), lost)
        if name is None:
            raise ValueError("a list without a name")
        ref = values.ref(entry["id"])
        self._lists[ref] = name
        return ListRecord(line, ref, name, values.position(entry["position"]), tuple(lost))

    def _of_series(self, entry: Entry) -> _Series:
        todo = entry["todo_id"]
        series = _Series(None, None if todo is None else values.ref(todo))
        repeats = values.repeats(entry)
        if saying.repeats(repeats.recurrence, repeats.start, self._scene.zone) is None:
            series.lost = f"it repeats by {texts.excerpt(repeats.rrule)}, which never occurs"
        else:
            series.repeats = repeats
        return series

    def _todo(self, entry: Entry, line: int) -> Record | None:
        if entry["deleted_at"] is not None:
            self._deleted += 1
            return None
        if entry["redacted"] is True:
            self._redacted += 1
            return None
        record = values.todo(entry, line)
        lost = list(record.lost)
        list_id = entry["list_id"]
        list_name = self._lists.get(values.ref(list_id)) if list_id is not None else None
        if list_id is not None and list_name is None:
            lost.append("the list that it was in is not in the file")
        if entry["assignee"] == "another member":
            lost.append(_OTHERS)
        series = self._series.get(record.series_ref) if record.series_ref else None
        repeats = None
        if series is None:
            lost += ["its series is not in the file: it does not repeat"] * bool(record.series_ref)
        elif series.todo_ref == record.ref:
            repeats = series.repeats and replace(series.repeats, history=tuple(series.history))
            lost += [series.lost] if series.lost else []
        return replace(
            record,
            list_name=list_name,
            series_ref=record.series_ref if series and series.repeats else None,
            repeats=repeats,
            lost=tuple(lost),
        )
