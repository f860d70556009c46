"""What is told of an import: it grows with each slice, and stands in its row.

The whole of it is small however large the file was: the rows themselves have pages of their own.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Self

from core.models.imports import Outcome
from core.services.import_rows import Line

MOST_NAMED: Final = 100  # of rejected rows, of sentences, of lists


@dataclass(slots=True)
class Report:
    """`total` is null until the file was read once.

    `lost` has by sentence how many rows that is said of, and the line of the first (0: of none).
    """

    total: int | None = None
    again: bool = False  # something waits for a second reading
    counts: dict[str, int] = field(default_factory=lambda: {each.value: 0 for each in Outcome})
    lists: list[str] = field(default_factory=list)
    rejected: list[dict[str, Any]] = field(default_factory=list)
    lost: dict[str, list[int]] = field(default_factory=dict)
    more_lost: int = 0
    taken_back: int = 0
    kept: int = 0

    @classmethod
    def of(cls, stored: dict[str, Any]) -> Self:
        made = cls()
        for name, value in stored.items():
            if name in cls.__slots__:
                setattr(made, name, value)
        for sentence, told in made.lost.items():
            if isinstance(told, int):  # as it was counted when no line was told
                made.lost[sentence] = [told, 0]
        return made

    def stored(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__slots__}

    def add(self, lines: Sequence[Line], lists: Iterable[str]) -> None:
        for line in lines:
            self.counts[line.outcome] += 1
            if line.outcome == Outcome.REJECTED:
                self.reject(line.line, line.code, line.reason, line.excerpt)
            elif line.outcome == Outcome.SKIPPED and line.reason:
                self.lose([line.reason], line.line)
            self.lose(line.lost, line.line)
        new = [name for name in lists if name not in self.lists]
        self.lists += new[: MOST_NAMED - len(self.lists)]

    def reject(self, line: int, code: str | None, reason: str | None, excerpt: str) -> None:
        if len(self.rejected) < MOST_NAMED:
            told = {"line": line, "code": code, "reason": reason, "excerpt": excerpt}
            self.rejected.append(told)

    def lose(self, sentences: Iterable[str], line: int = 0) -> None:
        for sentence in sentences:
            if sentence in self.lost or len(self.lost) < MOST_NAMED:
                self.lost.setdefault(sentence, [0, line])[0] += 1
            else:
                self.more_lost += 1

    @property
    def nothing_read(self) -> bool:
        """The file itself was refused, and no row of it came through."""
        read = sum(count for name, count in self.counts.items() if name != Outcome.REJECTED)
        return not read and any(each["line"] == 0 for each in self.rejected)

    def told(self) -> dict[str, Any]:
        """As the API tells it."""
        lost = [f"{what}{_where(n, line)}" for what, (n, line) in self.lost.items()]
        if self.more_lost:
            lost.append(f"and {self.more_lost} more, told with their rows")
        return {
            "total": self.total,
            "counts": self.counts,
            "lists": self.lists,
            "rejected": self.rejected,
            "lost": lost,
        }


def _where(rows: int, line: int) -> str:
    if rows > 1:
        return f" ({rows} rows, first in line {line})" if line else f" ({rows} rows)"
    return f" (line {line})" if line else ""
