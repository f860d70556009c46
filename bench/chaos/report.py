"""What a trial found, as a row of the table."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from rich.table import Table

HEADS = (
    *("trial", "operations", "kills", "lost", "duplicates", "ambiguous"),
    *("figure", "verdict"),
)


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


def tabulate(reports: Sequence[Report]) -> Table:
    table = Table(*HEADS)
    for each in reports:
        counts = (each.operations, each.kills, each.lost, each.duplicates, each.ambiguous)
        verdict = "; ".join(each.violations) or "holds"
        table.add_row(each.trial, *(f"{count:,}" for count in counts), each.figure, verdict)
    return table
