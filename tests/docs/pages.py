"""The pages of the documentation, and the commands that they show.

A block of `sh` or `sql` is run by a test, unless a comment right above it says why not:

    <!-- not run: needs Google's console -->     never
    <!-- slow: waits for a minute -->            with `make chaos` alone, and what comes after it

A block of `text` right below it is what it prints: these lines in this order, among others, where
`…` stands for anything.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
COMMANDS: Final = "sh"
QUERY: Final = "sql"
_FENCE: Final = re.compile(
    r"^(?:<!-- (?P<mark>not run|slow): (?P<reason>[^\n]+?) -->\n)?"
    r"```(?P<language>\w*)\n(?P<text>.*?)^```$"
    r"(?:\n*^```text\n(?P<printed>.*?)^```$)?",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Block:
    """One fenced block; `mark` is empty, `not run` or `slow`."""

    page: str
    line: int
    language: str
    text: str
    mark: str
    reason: str
    printed: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


def pages() -> list[Path]:
    """README.md and everything below docs/."""
    return [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def blocks(page: Path) -> list[Block]:
    """All of a page, in their order; `text` that belongs to a block is not one of its own."""
    return list(_blocks(page.relative_to(ROOT).as_posix(), page.read_text(encoding="utf-8")))


def _blocks(page: str, text: str) -> Iterator[Block]:
    for found in _FENCE.finditer(text):
        yield Block(
            page,
            text.count("\n", 0, found.start("language")) + 1,
            found["language"],
            found["text"],
            found["mark"] or "",
            found["reason"] or "",
            tuple((found["printed"] or "").splitlines()),
        )


def missing(printed: tuple[str, ...], shown: str) -> str | None:
    """The first of these lines that is not there in its turn."""
    lines = iter(shown.splitlines())
    for line in printed:
        pattern = re.compile(".*".join(re.escape(part) for part in line.split("…")))
        if not any(pattern.fullmatch(each.rstrip()) for each in lines):
            return line
    return None
