"""The components of an iCalendar file (RFC 5545), one at a time.

What stands in a component that has no end is taken as it is; a line that is no property is told.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from core.rules.importing import texts
from core.rules.importing.encodings import Line
from core.rules.importing.records import MAX_ROW

_NAME: Final = re.compile(r"([A-Za-z0-9-]+)([;:])")
_PARAMETER: Final = re.compile(
    r'([A-Za-z0-9-]+)(?:=((?:"[^"]*"|[^";:,]*)(?:,(?:"[^"]*"|[^";:,]*))*))?([;:])'
)
_ESCAPED: Final = re.compile(r"\\(.)", re.DOTALL)
_PARTED: Final = re.compile(r"((?:\\.|\\\Z|[^\\,]+)*+)(?:,|\Z)", re.DOTALL)
_CIRCUMFLEX: Final = {"^n": "\n", "^^": "^", "^'": '"'}  # RFC 6868
_WITHIN: Final = {"VALARM", "STANDARD", "DAYLIGHT"}
_CALENDAR: Final = "VCALENDAR"
_OUTER: Final = {_CALENDAR, "VTODO", "VEVENT", "VJOURNAL", "VTIMEZONE"}
_MOST_TOLD: Final = 5
_MOST_WITHIN: Final = 100


@dataclass(frozen=True, slots=True)
class Property:
    """`value` as it stands there: `text` of it is without escapes."""

    name: str
    parameters: Mapping[str, str]
    value: str

    @property
    def text(self) -> str:
        return unescaped(self.value)

    @property
    def parts(self) -> list[str]:
        """What commas keep apart."""
        return [unescaped(match[1]) for match in _PARTED.finditer(self.value) if match[1]]


@dataclass(slots=True)
class Component:
    """`too_long`: its properties are not kept. `lost` tells of lines that are none."""

    name: str
    line: int
    properties: list[Property] = field(default_factory=list)
    within: "list[Component]" = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    too_long: bool = False

    def first(self, name: str) -> Property | None:
        return next((each for each in self.properties if each.name == name), None)

    def all(self, name: str) -> list[Property]:
        return [each for each in self.properties if each.name == name]

    def value(self, name: str) -> str:
        found = self.first(name)
        return found.value.strip() if found else ""

    def text(self, name: str) -> str:
        found = self.first(name)
        return found.text if found else ""


def unescaped(value: str) -> str:
    return _ESCAPED.sub(lambda match: "\n" if match[1] in "nN" else match[1], value)


def components(lines: Iterable[Line]) -> Iterator[Component | Property]:
    """Each with what it contains, when it ends; the calendar's own properties between them."""
    gatherer = _Gatherer()
    for line in _unfolded(lines):
        if line.text is None:
            gatherer.overlong()
            continue
        found = gatherer.take(line.text, line.number)
        if found is not None:
            yield found
    last = gatherer.end("the file ends within it")
    if last is not None:
        yield last


class _Gatherer:
    def __init__(self) -> None:
        self._component: Component | None = None
        self._inner: Component | None = None
        self._passed_over = 0  # levels within that nobody knows
        self._size = 0

    def overlong(self) -> None:
        if self._component is not None:
            self._component.too_long = True

    def end(self, lost: str | None = None) -> Component | None:
        ended, self._component = self._component, None
        if ended is not None and lost is not None:
            ended.lost.append(lost)
        return ended

    def take(self, text: str, number: int) -> Component | Property | None:
        """What is complete with this line."""
        word, _, argument = text.partition(":")
        word, name = word.strip().upper(), argument.strip().upper()
        if word == "BEGIN" and name in _OUTER:
            ended = self.end("it has no end in the file")
            self._component = None if name == _CALENDAR else Component(name, number)
            self._inner, self._passed_over, self._size = None, 0, 0
            return ended or (Property(word, {}, name) if name == _CALENDAR else None)
        if self._component is None:
            return None if word in {"BEGIN", "END"} else _property(text)
        if word == "END" and name in {self._component.name, _CALENDAR}:
            return self.end()
        self._size += len(text)
        if self._component.too_long or self._size > MAX_ROW:
            self._component.too_long = True
            self._component.properties.clear()
            self._component.within.clear()
        else:
            self._within(self._component, text, word, name, number)
        return None

    def _within(self, component: Component, text: str, word: str, name: str, number: int) -> None:
        if word == "BEGIN":
            room = self._inner is None and len(component.within) < _MOST_WITHIN
            if name in _WITHIN and room and not self._passed_over:
                self._inner = Component(name, number)
                component.within.append(self._inner)
            else:
                self._passed_over += 1
        elif word == "END" and self._passed_over:
            self._passed_over -= 1
        elif word == "END":
            self._inner = None
        elif not self._passed_over:
            _keep(text, self._inner or component, component)


def _keep(text: str, into: Component, told: Component) -> None:
    found = _property(text)
    if found is not None:
        into.properties.append(found)
    elif text.strip() and len(told.lost) < _MOST_TOLD:
        told.lost.append(f"a line that says nothing: {texts.excerpt(text)!r}")


def _unfolded(lines: Iterable[Line]) -> Iterator[Line]:
    """RFC 5545 §3.1; of a long one that is folded, each number is that of its first line."""
    number, pieces, size = 0, [""], 0
    for line in lines:
        text = None if line.text is None else line.text.rstrip("\r\n")
        if text is not None and text[:1] in {" ", "\t"} and number:
            size += len(text)
            if size <= MAX_ROW:
                pieces.append(text[1:])
            continue
        if number:
            yield Line(number, "".join(pieces) if size <= MAX_ROW else None)
        number, pieces = line.number, [text or ""]
        size = len(text) if text is not None else MAX_ROW + 1
    if number:
        yield Line(number, "".join(pieces) if size <= MAX_ROW else None)


def _property(line: str) -> Property | None:
    head = _NAME.match(line)
    if head is None:
        return None
    parameters: dict[str, str] = {}
    at, mark = head.end(), head[2]
    while mark == ";":
        found = _PARAMETER.match(line, at)
        if found is None:
            return None
        if found[2] is not None:
            parameters[found[1].upper()] = _plain(found[2])
        at, mark = found.end(), found[3]
    return Property(head[1].upper(), parameters, line[at:])


def _plain(value: str) -> str:
    value = value.replace('"', "")
    return re.sub(r"\^[n^']", lambda match: _CIRCUMFLEX[match[0]], value)
