"""The plan of every list, claim and clean-up on a million rows per table.

    make bench              all of it
    python -m bench.plans   this one; ROWS, ONLY (part of a name) and DATA (a folder that is kept
                            and used again) by environment

Fails where a big table is read from end to end, or far more is read than is of use. One tenant has
a tenth of all rows; each statement is planned for it, for a small one, and once PostgreSQL may use
one plan for all.
"""

import asyncio
import os
import re
import sys
import tempfile
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import orjson
import psycopg
from psycopg.types.json import set_json_dumps
from rich.console import Console
from rich.table import Table

from bench.plans import duties, questions, seeds
from bench.plans.cases import Case, Who
from bench.plans.explain import Plan, Watched, plans
from bench.results import keep
from core import embedded_postgres, migrate
from core.actor import Actor
from core.db import Caller, Statement
from core.errors import Error

ROWS: Final = int(os.environ.get("ROWS", "1000000"))
ONLY: Final = os.environ.get("ONLY", "")
DATA: Final = os.environ.get("DATA", "")
SMALL: Final = 77  # any of the small ones
MOST_FOR_ONE: Final = 10  # rows read for each that is of use
MOST_PAGES_FOR_ONE: Final = 60  # a reminder looks into a dozen tables
FREE_ROWS: Final = 500  # with few rows of use, ratios say nothing
FREE_PAGES: Final = 1500
BIG_TABLE: Final = 0.05  # of ROWS
HEADINGS: Final = ("query", "index", "read", "of use", "pages", "ms", "ms later", "")
CASES: Final = (*questions.all_of(), *duties.all_of())


def main() -> int:
    console = Console(width=200)
    with ExitStack() as stack:
        kept = DATA or stack.enter_context(tempfile.TemporaryDirectory(prefix="vt-"))
        folder = Path(kept)
        folder.mkdir(parents=True, exist_ok=True)
        url = stack.enter_context(embedded_postgres.postgres(folder, fast=True))
        migrate.run(url)
        connection = stack.enter_context(psycopg.connect(url, autocommit=True))
        if connection.execute("SELECT to_regclass('plan_rows')").fetchone() == (None,):
            with console.status("filling") as status:
                seeds.fill(url, ROWS, lambda what: status.update(f"filling: {what}"))
        return asyncio.run(_measure(console, url, connection))


async def _measure(console: Console, url: str, connection: psycopg.Connection[Any]) -> int:
    short = Table(*HEADINGS)
    worst: dict[str, tuple[int, list[str]]] = {}
    bad = 0
    for case in CASES:
        if not re.search(ONLY, case.name):
            continue
        found = await _plans(url, connection, case)
        used = {i for plan in found for i in plan.indexes}
        wrong = sorted({each for plan in found for each in _wrong(connection, case, plan)})
        missing = [i for i in case.index.split() if not any(u.startswith(i) for u in used)]
        wrong += [f"not by {', '.join(missing)}"] if missing else []
        wrong = wrong if found else ["sends nothing"]
        bad += bool(wrong)
        row = _row(case, found, wrong)
        console.print(" | ".join(row), style="red" if wrong else None)
        if wrong and ONLY:
            for plan in found:
                console.print(plan.sql, plan.text)
        pages = max((plan.pages for plan in found), default=0)
        kind = re.sub(r"(: | by |, ).*", "", case.name)
        if pages >= worst.get(kind, (0, row))[0]:
            worst[kind] = pages, row
    for _, row in worst.values():
        short.add_row(*row)
    console.print(short)
    if not ONLY:
        note = f"{ROWS:,} rows in each table; of each kind the query that read most; {bad} wrong"
        keep("Plans", "python -m bench.plans", short, note=note)
    return 1 if bad else 0


def _row(case: Case, found: list[Plan], wrong: list[str]) -> list[str]:
    worst = max(found, key=lambda plan: plan.pages, default=None)
    if worst is None:
        return [case.name, case.index, *[""] * 5, "; ".join(wrong)]
    first = max(plan.ms for plan in found if not plan.later)
    later = max(plan.ms for plan in found if plan.later)
    cells = [f"{worst.read:,.0f}", f"{worst.returned:,.0f}", f"{worst.pages:,}"]
    remark = "; ".join(wrong) or case.because
    return [case.name, case.index, *cells, f"{first:.1f}", f"{later:.1f}", remark]


def _wrong(connection: psycopg.Connection[Any], case: Case, plan: Plan) -> list[str]:
    if case.because:
        return []
    told = []
    big = [each for each in plan.scanned if _size(connection, each) > BIG_TABLE * ROWS]
    if big:
        told.append(f"reads all of {', '.join(sorted(big))}")
    of_use = max(plan.returned, case.rows)
    if plan.read > MOST_FOR_ONE * of_use + FREE_ROWS:
        told.append(f"reads {plan.read / of_use:,.0f} for one")
    elif plan.pages > MOST_PAGES_FOR_ONE * of_use + FREE_PAGES:
        told.append(f"{plan.pages:,} pages")
    return told


def _size(connection: psycopg.Connection[Any], table: str) -> float:
    row = connection.execute(
        "SELECT reltuples FROM pg_class WHERE relname = %s", [table]
    ).fetchone()
    return float(row[0]) if row else 0.0


async def _plans(url: str, connection: psycopg.Connection[Any], case: Case) -> list[Plan]:
    """Of the big tenant and of a small one."""
    big = await _sent(url, case, _who(connection, 1))
    small = await _sent(url, case, _who(connection, SMALL)) if case.role == "vt_app" else big
    found = []
    with psycopg.connect(url, autocommit=True) as asking:
        asking.execute(f"SET ROLE {case.role}".encode())
        asking.execute("SET TIME ZONE 'UTC'")
        set_json_dumps(orjson.dumps, asking)
        for these in [big] if small is big else [big, small]:
            found += list(plans(asking, these, small))
    return found


async def _sent(url: str, case: Case, who: Who) -> list[Statement]:
    database = Watched(url, role=case.role, size=1)
    await database.open()
    try:
        async with database.recording() as tx:
            if case.role == "vt_app" and not case.acts:
                tx.enter(Caller(who.actor.user_id, who.actor.session_id))
            # What was filled in cannot be unsealed; it was asked for all the same.
            with suppress(Error):
                answer = case.ask(tx, who)
                if answer is not None:
                    await answer
            return tx.asked
    finally:
        await database.close()


def _who(connection: psycopg.Connection[Any], number: int) -> Who:
    found = connection.execute(
        "SELECT who, (SELECT id FROM sessions WHERE user_id = who AND expires_at > now()"
        " ORDER BY id DESC LIMIT 1) FROM plan_people WHERE i = %s",
        [number],
    ).fetchone()
    assert found is not None  # noqa: S101 - it was filled
    user, session = found
    return Who(connection, number, Actor(UUID(str(user)), UUID(str(session))))


if __name__ == "__main__":
    sys.exit(main())
