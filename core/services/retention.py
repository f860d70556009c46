"""Forgetting what is over, rule by rule and bite by bite. Works as `vt_retention`.

A bite is a transaction, short enough for whoever waits for its locks; a killed run loses nothing
but its last one. Two at a time do the same work, each row once.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import monotonic
from typing import Final

from psycopg import Error as PsycopgError

from core import logs, metrics
from core.db import Database, Transaction
from core.errors import Error
from core.services.retention_rules import RULES
from core.services.retention_statements import Rule, count, take
from core.statements import Query, row

log = logs.get(__name__)

LONGEST: Final = timedelta(seconds=60)  # of one rule in a run: the others have their turn, too

# A long outage leaves much to look through; a bite of it is short nevertheless.
_PATIENT: Final = Query(
    b"SELECT set_config('statement_timeout', '30s', true)", row, {}, writes=False
)
_WRITE: Final = Query(
    b"""
    INSERT INTO retention_runs AS r
        (rule, began_at, took_ms, rows, unfinished, error, succeeded_at, total)
    VALUES (%(rule)s, %(began_at)s, %(took_ms)s, %(rows)s, %(unfinished)s, %(error)s,
        CASE WHEN %(error)s::text IS NULL THEN %(began_at)s::timestamptz END, %(rows)s)
    ON CONFLICT (rule) DO UPDATE SET
        began_at = excluded.began_at, took_ms = excluded.took_ms, rows = excluded.rows,
        unfinished = excluded.unfinished, error = excluded.error,
        succeeded_at = coalesce(excluded.succeeded_at, r.succeeded_at),
        total = r.total + excluded.rows
    """,
    row,
    {},
    writes=True,
)


@dataclass(frozen=True, slots=True)
class Run:
    """What the last run of a rule came to. `error` is a class, no text; `total` is of all runs."""

    rule: str
    began_at: datetime
    took_ms: int
    rows: int
    unfinished: bool
    error: str | None
    succeeded_at: datetime | None
    total: int


_RUNS: Final = Query(
    b"SELECT rule, began_at, took_ms, rows, unfinished, error, succeeded_at, total"
    b" FROM retention_runs",
    Run,
    {},
    writes=False,
)


async def run(
    db: Database,
    rule: Rule,
    *,
    now: Callable[[], datetime],
    longest: timedelta = LONGEST,
    progress: Callable[[int], object] = lambda _: None,
) -> Run:
    """Until nothing is over any more, or `longest`; what came of it is written down.

    What fails is told in the answer. Raises `Unavailable` when not even that can be written.
    """
    began_at, began = now(), monotonic()
    rows, unfinished, error = 0, False, None
    try:
        while True:
            async with db.transaction() as tx:
                gone = await bite(tx, rule, now=now())
            rows += gone
            progress(gone)
            if gone == 0:  # not sooner: what goes last may hang on what just went
                break
            if monotonic() - began >= longest.total_seconds():
                unfinished = True
                break
    except (Error, PsycopgError) as failed:
        error = type(failed).__name__
        log.error("retention.failed", kind=rule.name, error=failed)
    took_ms = round((monotonic() - began) * 1000)
    metrics.RETENTION_ROWS.labels(rule.kind, rule.name).inc(rows)
    outcome = "failed" if error else "unfinished" if unfinished else "done"
    metrics.RETENTION_RUNS.labels(rule.name, outcome).inc()
    async with db.transaction() as tx:
        tx.run(
            _WRITE,
            rule=rule.name,
            began_at=began_at,
            took_ms=took_ms,
            rows=rows,
            unfinished=unfinished,
            error=error,
        )
    succeeded_at = None if error else began_at
    return Run(rule.name, began_at, took_ms, rows, unfinished, error, succeeded_at, rows)


async def bite(tx: Transaction, rule: Rule, *, now: datetime) -> int:
    """Forget up to `rule.bite` of what is over; how many rows that were."""
    tx.run(_PATIENT)
    found = await tx.first(take(rule), **_parameters(rule, now))
    return found[0] if found else 0


async def over(tx: Transaction, rule: Rule, *, now: datetime) -> int:
    """How many rows the next run would forget."""
    tx.run(_PATIENT)
    found = await tx.first(count(rule), **_parameters(rule, now))
    return found[0] if found else 0


async def runs(tx: Transaction) -> dict[str, Run]:
    """The last one of each rule that had one, by its name."""
    return {found.rule: found for found in await tx.all(_RUNS)}


def of(kind: str) -> tuple[Rule, ...]:
    """The rules of a class, in the order in which they are to run."""
    return tuple(rule for rule in RULES if rule.kind == kind)


def _parameters(rule: Rule, now: datetime) -> dict[str, object]:
    age = rule.lasts
    return {"now": now, "until": now - age, "age": age}
