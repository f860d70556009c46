"""What a trial found, as a row of the table."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rich.table import Table

TITLE = "Faults"
HEADS = (
    *("trial", "operations", "kills", "lost", "duplicates", "ambiguous"),
    *("figure", "seed", "verdict"),
)
MOST = 8  # violations told of each trial
Row = tuple[str, ...]


@dataclass(slots=True)
class Report:
    """`violations` is what must not be: one of them fails the trial."""

    trial: str
    operations: int = 0
    kills: int = 0
    lost: int = 0
    duplicates: int = 0
    ambiguous: int = 0
    figure: str = ""
    violations: list[str] = field(default_factory=list)

    def demand(self, holds: bool, otherwise: str) -> None:  # noqa: FBT001 (a condition, as in assert)
        if not holds:
            self.violations.append(otherwise)


def tabulate(reports: Sequence[Report], *, seed: int, earlier: Sequence[Row] = ()) -> Table:
    """Rows of trials that were not run now stay as they are, in the order of their names."""
    rows = {row[0]: row for row in earlier}
    for each in reports:
        counts = (each.operations, each.kills, each.lost, each.duplicates, each.ambiguous)
        verdict = "; ".join(each.violations[:MOST]) or "holds"
        if len(each.violations) > MOST:
            verdict += f"; and {len(each.violations) - MOST} more"
        figures = (f"{count:,}" for count in counts)
        rows[each.trial] = (each.trial, *figures, each.figure, str(seed), verdict)
    table = Table(*HEADS)
    for name in sorted(rows):
        table.add_row(*rows[name])
    return table


def kept(results: Path) -> list[Row]:
    """The rows that the last runs left behind."""
    if not results.exists():
        return []
    _, _, section = results.read_text().partition(f"\n## {TITLE}\n")
    lines = section.partition("\n## ")[0].splitlines()
    rows = [tuple(line.strip("| ").split(" | ")) for line in lines if line.startswith("| ")]
    return [row for row in rows if len(row) == len(HEADS)][2:]  # without the heads and the rule
