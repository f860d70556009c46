"""Microseconds to the next occurrence of typical rules that began in 1990 and in 2026.

python -m bench.recurrence     ROUNDS by environment
"""

import os
import statistics
import time
from datetime import UTC, date, datetime
from datetime import time as clock

from rich.console import Console
from rich.table import Table

from bench.results import keep
from core.rules.recurrence import Recurrence, next_after
from core.rules.recurrence_expand import Steps
from core.rules.reminders import Due
from core.rules.rrule import parse

ROUNDS = int(os.environ.get("ROUNDS", "2000"))
AFTER = datetime(2037, 6, 15, 12, tzinfo=UTC)
RULES = (
    "FREQ=DAILY",
    "FREQ=DAILY;INTERVAL=3",
    "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR",
    "FREQ=WEEKLY;INTERVAL=2;BYDAY=TU",
    "FREQ=MONTHLY;BYMONTHDAY=31;RSCALE=GREGORIAN;SKIP=BACKWARD",
    "FREQ=MONTHLY;BYDAY=-1FR",
    "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1",
    "FREQ=YEARLY",
    "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29",
    "FREQ=YEARLY;BYWEEKNO=20;BYDAY=MO",
    "FREQ=HOURLY;INTERVAL=3",
    "FREQ=MINUTELY;INTERVAL=15;BYHOUR=9,10",
)


def once(recurrence: Recurrence, due: Due) -> tuple[float, int]:
    """Microseconds, and steps taken."""
    steps = Steps()
    began = time.perf_counter()
    next_after(recurrence, due, after=AFTER, zone="UTC", steps=steps)
    return (time.perf_counter() - began) * 1e6, steps.taken


def measured(rule: str, year: int) -> tuple[str, str, str]:
    recurrence, due = Recurrence(parse(rule)), Due(date(year, 1, 31), clock(9), "Europe/Berlin")
    rounds = [once(recurrence, due) for _ in range(ROUNDS)]
    times = sorted(taken for taken, _ in rounds)
    p99 = times[len(times) * 99 // 100]
    return f"{statistics.median(times):.0f} µs", f"{p99:.0f} µs", str(rounds[0][1])


def main() -> None:
    table = Table("rule", "from 1990", "p99", "steps", "from 2026", "p99", "steps")
    for rule in RULES:
        table.add_row(rule, *measured(rule, 1990), *measured(rule, 2026))
    Console(width=140).print(table)
    keep("Next occurrence", "python -m bench.recurrence", table, note="median; aim < 1 ms")


if __name__ == "__main__":
    main()
