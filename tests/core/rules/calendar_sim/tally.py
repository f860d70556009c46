"""What came of many seeds."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from tests.core.rules.calendar_sim.world import Result, World


@dataclass(slots=True)
class Tally:
    """`most` is the writes of a side for each edit of the other, of the pair that had most."""

    seeds: int = 0
    converged: int = 0
    edits: Counter[str] = field(default_factory=Counter)
    writes: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    most: float = 0.0
    problems: list[str] = field(default_factory=list)

    def add(self, seed: str, result: Result) -> None:
        self.seeds += 1
        self.converged += not any(map(_apart, result.problems))
        self.edits += result.edits
        self.writes += result.writes
        self.faults += result.faults
        self.most = max(self.most, result.most)
        self.problems += [f"seed {seed}: {each}" for each in result.problems]

    def join(self, other: "Tally") -> None:
        self.seeds += other.seeds
        self.converged += other.converged
        self.edits += other.edits
        self.writes += other.writes
        self.faults += other.faults
        self.most = max(self.most, other.most)
        self.problems += other.problems

    def counted(self, what: str) -> int:
        """Of the problems, those of a kind: `lost`, `duplicate`, `bulk deletion`."""
        return sum(f": {what}" in each for each in self.problems)

    def told(self) -> str:
        """In one line: the faults by kind, and what was written for what was edited."""
        means = {
            side: self.writes[side] / max(self.edits[other], 1)
            for side, other in (("event", "todo"), ("todo", "event"))
        }
        faults = ", ".join(f"{name} {count:,}" for name, count in sorted(self.faults.items()))
        written = ", ".join(f"{side} {mean:.2f}" for side, mean in means.items())
        return (
            f"{self.seeds:,} seeds, {self.converged:,} converged; {self.edits.total():,} edits; "
            f"writes per side per edit: at most {self.most:.2f}, on average {written}; "
            f"bulk deletions {self.counted('bulk deletion')}; faults: {faults}"
        )


def many(seeds: Iterable[str]) -> Tally:
    tally = Tally()
    for seed in seeds:
        tally.add(seed, World(seed).run())
    return tally


def _apart(problem: str) -> bool:
    return problem.startswith(("differs", "no ", "never", "duplicate"))
