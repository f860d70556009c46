"""JSON of any size, an entry at a time.

The scanner knows brackets and strings only; what stands between them is read by `json`. So a bad
entry is one bad entry, as long as its brackets close; where they or a string do not, it is passed
over up to the next line that begins as its own did.
"""

import json
import re
from collections.abc import Iterator
from typing import Any, Final, Protocol

from core.rules.importing.records import MAX_ROW, Code

_PIECE: Final = 64 * 1024
_MAX_DEPTH: Final = 40
_MOST_OPEN: Final = 200_000  # brackets that are kept in mind to find an entry's end
_MOST_REREAD: Final = 8 * 1024 * 1024  # characters: else every bad entry may cost a row of them
_SPACE: Final = re.compile(r"[^ \t\r\n\ufeff]")
_OUTSIDE: Final = re.compile(r'["\[\]{}]')
_WITHIN: Final = re.compile(r'(?:[^"\\\r\n]++|\\[^\r\n])*+')
_SCALAR_END: Final = re.compile(r"[,\]}\s]")
_PAIRS: Final = {"]": "[", "}": "{"}


class Text(Protocol):
    def read(self, size: int, /) -> str: ...


class Broken(ValueError):
    """Not JSON from this line on: nothing after it can be told apart."""

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(reason)
        self.line = line
        self.reason = reason


class Scanner:
    """A reading position. Who takes `elements` or `members` reads each value before the next."""

    def __init__(self, text: Text) -> None:
        self._text = text
        self._buffer = ""
        self._at = 0
        self._counted = 0
        self._line = 1
        self._indent: str | None = ""  # what stands before on this line; null: not only blanks
        self._found_again = False
        self._may_reread = _MOST_REREAD

    @property
    def line(self) -> int:
        self._line += self._buffer.count("\n", self._counted, self._at)
        self._counted = self._at
        return self._line

    def peek(self) -> str:
        """The next character that is no blank; empty at the end."""
        while True:
            match = _SPACE.search(self._buffer, self._at)
            self._at, begin = match.start() if match else len(self._buffer), self._at
            self._indented(self._buffer[begin : self._at])
            if match:
                return match[0]
            if not self._more():
                return ""

    def elements(self) -> Iterator[int]:
        """The line of each element of this array."""
        for _ in self._parts("[", "]"):
            yield self.line

    def members(self) -> Iterator[str]:
        """The key of each member of this object."""
        for _ in self._parts("{", "}"):
            key = decoded(self.value()) if self.peek() == '"' else None
            if not isinstance(key, str):
                raise Broken(self.line, "a key is missing")
            self._take(":")
            self.peek()
            yield key

    def value(self, most: int = MAX_ROW) -> str | Code:
        """The text of the next value: not yet JSON for sure. Or why it is passed over."""
        begun, first, indent = self.line, self.peek(), self._indent
        if first in {"", ",", "]", "}", ":"}:
            raise Broken(begun, "a value is missing")
        self._indent = None
        taken = _Taken(most)
        if first not in '"[{':
            self._upto(_SCALAR_END, taken)
            return taken.result()
        stack: list[str] = []
        while len(stack) <= _MOST_OPEN:
            mark = self._upto(_OUTSIDE, taken, include=True)
            if mark == '"':
                if not self._string(taken):
                    return self._again(taken, indent, Broken(begun, "a string has no end"))
            elif mark in _PAIRS:
                if stack.pop() != _PAIRS[mark]:
                    return self._again(taken, indent, Broken(begun, "brackets do not match"))
            elif mark:
                stack.append(mark)
                taken.deep = taken.deep or len(stack) > _MAX_DEPTH
            else:
                return self._again(taken, indent, Broken(begun, "the file ends within this entry"))
            if not stack:
                return taken.result()
        return self._again(taken, indent, Broken(begun, "it is nested without an end"))

    def _parts(self, opening: str, closing: str) -> Iterator[None]:
        self._take(opening)
        while self.peek() not in {closing, ""}:  # also after a comma too many
            yield
            if self._found_again:
                self._found_again = False
            elif self.peek() == ",":
                self._take(",")
            else:
                break
        self._take(closing)

    def _take(self, char: str) -> None:
        found = self.peek()
        if found != char:
            seen = f"not {found!r}" if found else "and the file ends"
            raise Broken(self.line, f"{char!r} is expected here, {seen}")
        self._at += 1
        self._indent = None

    def _string(self, taken: "_Taken") -> bool:
        """From within it to after its end; false where its line ends first."""
        while True:
            match = _WITHIN.match(self._buffer, self._at)
            end = match.end() if match else self._at
            is_whole = self._buffer.startswith('"', end)
            taken.add(self._buffer[self._at : end + is_whole])
            self._at = end + is_whole
            if is_whole:
                return True
            # What is left of it here is nothing, or a backslash whose character comes next.
            left = len(self._buffer) - self._at
            if left > 1 or (left and self._buffer[self._at] != "\\") or not self._more():
                return False

    def _again(self, taken: "_Taken", indent: str | None, broken: Broken) -> Code:
        """Go on with the next line that begins with a bracket after the same blanks."""
        if indent is None:
            raise broken
        found = re.compile(rf"\n{indent}(?=[\[{{])")
        self._indent = indent
        begun = taken.text()
        if match := found.search(begun) if len(begun) <= self._may_reread else None:
            self._may_reread -= len(begun)
            self._back(begun[match.end() :])
            return Code.MALFORMED
        while True:
            match = found.search(self._buffer, self._at)
            if match:
                self._at = match.end()
                self._found_again = True
                return Code.MALFORMED
            self._at = max(self._at, len(self._buffer) - len(indent) - 2)
            if not self._more():
                raise broken

    def _back(self, text: str) -> None:
        """To before this text, which was taken last."""
        self._line = self.line - text.count("\n")
        self._buffer = text + self._buffer[self._at :]
        self._at = self._counted = 0
        self._found_again = True

    def _upto(self, mark: re.Pattern[str], taken: "_Taken", *, include: bool = False) -> str:
        """Takes what stands before the mark, which it answers; empty at the file's end."""
        while True:
            match = mark.search(self._buffer, self._at)
            end = (match.end() if include else match.start()) if match else len(self._buffer)
            taken.add(self._buffer[self._at : end])
            self._at = end
            if match:
                return match[0]
            if not self._more():
                return ""

    def _more(self) -> bool:
        piece = self._text.read(_PIECE)
        _ = self.line  # counts what is dropped now
        self._buffer = self._buffer[self._at :] + piece
        self._at = self._counted = 0
        return bool(piece)

    def _indented(self, blanks: str) -> None:
        _, newline, after = blanks.rpartition("\n")
        if newline:
            self._indent = after
        elif self._indent is not None:
            self._indent += after


class _Taken:
    """The text of a value, up to a length."""

    def __init__(self, most: int) -> None:
        self._left = most
        self._pieces: list[str] = []
        self.deep = False

    def add(self, piece: str) -> None:
        self._left -= len(piece)
        if self._left >= 0:
            self._pieces.append(piece)
        else:
            self._pieces.clear()

    def text(self) -> str:
        """Empty when it is too long."""
        return "".join(self._pieces)

    def result(self) -> str | Code:
        if self._left < 0:
            return Code.TOO_LONG
        return Code.MALFORMED if self.deep else self.text()


def decoded(text: str | Code) -> Any:
    """The value; a `Code` stays one, and what is not JSON is `Code.MALFORMED`."""
    if isinstance(text, Code):
        return text
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return Code.MALFORMED
