"""CSV (RFC 4180) with a header, a row at a time; quotes that nobody closed cost one row only."""

import csv
import re
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import TextIOWrapper
from typing import Final

from core.rules.importing import encodings, texts
from core.rules.importing.encodings import Line
from core.rules.importing.records import MAX_ROW, Code, Rejected

_MOST_REREAD: Final = 16 * 1024 * 1024  # characters: else each open quote may cost a row of them
_CLOSING: Final = re.compile(r'(?:[^"]+|"")*+"')


@dataclass(frozen=True, slots=True)
class Row:
    """`line` is its first. Columns that the row does not have are empty."""

    line: int
    cells: Mapping[str, str]

    def __getitem__(self, name: str) -> str:
        return self.cells.get(name, "")


def _head(line: Line) -> str:
    """What may be the header: no blank line, nor what tells Excel how cells are kept apart."""
    text = (line.text or "").lstrip("\ufeff")
    return "" if not text.strip(" ,;\t\r\n") or text.upper().startswith("SEP=") else text


class Rows:
    """`header` has the names in capitals; empty where there is none."""

    def __init__(self, text: TextIOWrapper) -> None:
        self._lines = encodings.lines(text)
        self._back: deque[Line] = deque()
        self._may_reread = _MOST_REREAD
        self._delimiter = ","
        head = next((line for line in map(_head, self._lines) if line), "")
        self._delimiter = max(",;\t", key=head.count)
        self.header = tuple(cell.strip().upper() for cell in self._cells(head) or ())

    def __iter__(self) -> Iterator[Row | Rejected]:
        while (line := self._next()) is not None:
            if line.text is None:
                reason = f"the line is longer than {MAX_ROW} characters"
                yield Rejected(line.number, Code.TOO_LONG, reason)
                continue
            row = self._row(line, line.text)
            if isinstance(row, Rejected) or any(cell.strip() for cell in row.cells.values()):
                yield row

    def _next(self) -> Line | None:
        return self._back.popleft() if self._back else next(self._lines, None)

    def _row(self, first: Line, text: str) -> Row | Rejected:
        """The row that begins here. Of a bad one all lines but the first are read again."""
        pieces = [text]
        taken: list[Line] = []
        size = len(text)
        is_open = self._leaves_open(text, within=False)
        while is_open and size <= MAX_ROW and (line := self._next()) is not None:
            taken.append(line)
            size += len(line.text or "") + (MAX_ROW if line.text is None else 0)
            pieces.append(line.text or "")
            is_open = self._leaves_open(pieces[-1], within=True)
        cells = (
            None if is_open or size > MAX_ROW else self._cells("".join(pieces), strict=bool(taken))
        )
        if cells is not None:
            return Row(first.number, dict(zip(self.header, cells, strict=False)))
        shown = texts.excerpt(text)
        if not taken and not is_open:
            return Rejected(first.number, Code.TOO_LONG, "a cell of it is too long", shown)
        reason = "its quotes are not closed"
        if self._may_reread >= size:
            self._may_reread -= size
            self._back.extendleft(reversed(taken))
        elif taken:
            reason += f": {len(taken)} lines after it are lost as well"
        return Rejected(first.number, Code.MALFORMED, reason, shown)

    def _cells(self, text: str, *, strict: bool = False) -> Sequence[str] | None:
        """Null where quotes do not fit, or a cell is larger than `csv` takes."""
        try:
            rows = list(csv.reader([text], delimiter=self._delimiter, strict=strict))
        except csv.Error:
            return None
        return (*rows, [])[0] if len(rows) <= 1 else None

    def _leaves_open(self, text: str, *, within: bool) -> bool:
        """Whether a quoted cell goes on after this line. Quotes begin a cell or are text."""
        at = 0
        while True:
            if within or text.startswith('"', at):
                closing = _CLOSING.match(text, at if within else at + 1)
                if closing is None:
                    return True
                at = closing.end()
                within = False
            at = text.find(self._delimiter, at) + 1
            if not at:
                return False
