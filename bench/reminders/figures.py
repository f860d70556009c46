"""What every system is asked for: how late, none lost, none twice. By the vendor's own ledger."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

import orjson


@dataclass(frozen=True, slots=True)
class Lateness:
    """Seconds after the second that was promised; `early` counts what came before it."""

    p50: float
    p99: float
    longest: float
    early: int

    @classmethod
    def of(cls, due: datetime, at: Iterable[datetime]) -> Self:
        late = sorted((each - due).total_seconds() for each in at)
        if not late:
            return cls(math.nan, math.nan, math.nan, 0)
        p50, p99 = late[len(late) // 2], late[len(late) * 99 // 100]
        return cls(p50, p99, late[-1], sum(each < 0 for each in late))

    @property
    def cells(self) -> list[str]:
        return [f"{each:.2f} s" for each in (self.p50, self.p99, self.longest)]


@dataclass(frozen=True, slots=True)
class Wave:
    """One system's run. `promised` are the ids that had to arrive, each once."""

    system: str
    due: datetime
    promised: Sequence[str]
    arrived: Mapping[str, Sequence[datetime]]
    api_p99_ms: float | None = None

    @property
    def lateness(self) -> Lateness:
        return Lateness.of(self.due, (each for at in self.arrived.values() for each in at))

    @property
    def lost(self) -> int:
        return len(set(self.promised) - self.arrived.keys())

    @property
    def twice(self) -> int:
        return sum(len(at) > 1 for at in self.arrived.values())


def arrivals(
    ledger: Iterable[Mapping[str, Any]], promised: Iterable[str]
) -> dict[str, list[datetime]]:
    """Delivery id -> when each of its mails reached the vendor, out of the vendor's ledger."""
    known = set(promised)
    found: dict[str, list[datetime]] = {}
    for row in ledger:
        at = datetime.fromisoformat(row["at"])
        for each in orjson.loads(row["request"]["body"])["personalizations"]:
            key = each["custom_args"]["delivery_id"]
            if key in known:  # and not the mail that verifies an address
                found.setdefault(key, []).append(at)
    return found
