"""What todo apps keep in a browser: our own app's document, and arrays as TodoMVC's.

`{todos: [{id, text, description, priority, completed, category, createdAt, completedAt}],
preferences}`, `[{id, title, completed}]`, or all of a browser's localStorage, whose values are
JSON in strings and stand under any name.
"""

import json
from collections.abc import Iterator, Mapping
from io import StringIO
from typing import Any, BinaryIO, Final

from core.rules.importing import encodings, texts
from core.rules.importing.json_rows import Broken, Scanner, decoded
from core.rules.importing.local_todos import LOOKED_AT, Entries, is_todo, listed
from core.rules.importing.records import MAX_ROW, Code, Document, Format, Item, Rejected, Scene

MAX_VALUE: Final = 12 * 1024 * 1024  # of a string in localStorage; browsers stop at 10 MiB
_NESTED: Final = 4  # {"state": {"todos": […]}}; and so often JSON may stand in a string of JSON
_PAIR: Final = ("key", "value")
_SCALARS: Final = 60  # members of an object that may be a todo


def read(file: BinaryIO, scene: Scene) -> Iterator[Item]:
    encoding = encodings.of(file)
    reader = _Reader(scene, [encoding.said] if encoding.said else [])
    with encodings.opened(file, encoding) as text:
        yield from reader.document(Scanner(text))
    yield reader.summary()


class _Reader:
    def __init__(self, scene: Scene, said: list[str]) -> None:
        self._entries = Entries(scene)
        self._said = said
        self._preferences: Mapping[str, Any] = {}
        self._found = False

    def summary(self) -> Document:
        return Document(Format.LOCALSTORAGE, self._preferences, tuple(self._said))

    def document(self, scanner: Scanner) -> Iterator[Item]:
        try:
            if scanner.peek() == "[":
                yield from self._array(scanner, line=None, named=True)
            elif scanner.peek() == "{":
                yield from self._object(scanner, 0)
            elif scanner.peek() == '"':
                yield from self._stored("todos", decoded(scanner.value(MAX_VALUE)), 1, 0)
            else:
                yield Rejected(0, Code.FORMAT, "neither an array of todos nor an object with one")
                return
            if scanner.peek():
                reason = "what follows the end of the document is not read"
                yield Rejected(scanner.line, Code.MALFORMED, reason)
        except Broken as broken:
            self._found = True
            yield Rejected(broken.line, Code.MALFORMED, f"not JSON from here on: {broken.reason}")
        if not self._found:
            yield Rejected(0, Code.FORMAT, "there are no todos in it")

    def _array(self, scanner: Scanner, *, line: int | None, named: bool) -> Iterator[Item]:
        """`named`: all of it is to be todos. Of others only what looks like one is."""
        self._found = self._found or named
        for own_line in scanner.elements():
            text = scanner.value()
            entry = decoded(text)
            stored = _pair(entry)
            if stored is not None:
                key, value = stored
                yield from self._stored(key, value, line or own_line, 0)
            elif named or is_todo(entry) or listed(entry):
                self._found = True
                yield from self._entries.read(entry, line or own_line, text)

    def _object(self, scanner: Scanner, depth: int, line: int | None = None) -> Iterator[Item]:
        scalars: dict[str, Any] = {}
        begun = line or scanner.line
        for key in scanner.members():
            kind = scanner.peek()
            if key == "preferences" and depth <= 1:
                self._prefer(decoded(scanner.value()))
            elif kind == "[" and (depth == 0 or key not in LOOKED_AT):
                yield from self._array(scanner, line=line, named=key == "todos")
            elif kind == "{" and depth < _NESTED:
                yield from self._object(scanner, depth + 1, line)
            else:
                at = line or scanner.line
                value = decoded(scanner.value(MAX_VALUE if kind == '"' else MAX_ROW))
                if kind == '"' and (depth == 0 or _is_document(key, value)):
                    yield from self._stored(key, value, at, depth)
                if len(scalars) < _SCALARS:
                    scalars[key] = value
        if is_todo(scalars):
            self._found = True
            yield from self._entries.read(scalars, begun, "")

    def _stored(self, key: str, value: Any, line: int, depth: int) -> Iterator[Item]:
        """A value of localStorage. What is no JSON is something else that a page remembers."""
        if isinstance(value, Code):
            yield Rejected(line, value, f"the value of {texts.excerpt(key)!r} cannot be read")
            return
        if key == "preferences":
            self._prefer(value)
            return
        scanner = Scanner(StringIO(value))
        try:
            if scanner.peek() == "[":
                yield from self._array(scanner, line=line, named=key == "todos")
            elif scanner.peek() == "{":
                yield from self._object(scanner, depth + 1, line)
            elif scanner.peek() == '"' and depth < _NESTED:  # a value that was put into JSON twice
                yield from self._stored(key, decoded(scanner.value(MAX_VALUE)), line, depth + 1)
        except Broken as broken:
            if key == "todos":
                reason = f"not JSON in the value of 'todos': {broken.reason}"
                yield Rejected(line, Code.MALFORMED, reason)

    def _prefer(self, value: Any) -> None:
        found = decoded(value) if isinstance(value, str) and not isinstance(value, Code) else value
        if not isinstance(found, dict):
            self._said.append("the preferences cannot be read")
            return
        try:
            written = json.dumps(found, ensure_ascii=False, allow_nan=False).encode()
        except ValueError:
            written = b"\\u0000"
        if b"\\u0000" in written:
            self._said.append("the preferences hold what cannot be stored")
        else:
            self._preferences = found


def _is_document(key: str, value: Any) -> bool:
    """Whether a string within an object may be JSON: not the text of a todo that looks so."""
    return key not in LOOKED_AT and isinstance(value, str) and value.lstrip()[:1] in {"[", "{"}


def _pair(entry: Any) -> tuple[str, str] | None:
    """A key of localStorage with its value, as `Object.entries` and browsers' tools list them."""
    if isinstance(entry, dict) and len(entry) == len(_PAIR) and "value" in entry:
        pair = (entry.get("key", entry.get("name")), entry["value"])
    elif isinstance(entry, list) and len(entry) == len(_PAIR):
        pair = (entry[0], entry[1])
    else:
        return None
    key, value = pair
    return (key, value) if isinstance(key, str) and isinstance(value, str) else None
