"""Forgetting what is over, at any time: rules take all rows there are, so name those you mean."""

from datetime import datetime

from core import clock
from core.db import Database
from core.services import retention
from core.services.retention_rules import RULES


async def forget(database_url: str, *names: str, at: datetime | None = None) -> int:
    """Run these rules as if it were `at`; how many rows went."""
    rules = [rule for rule in RULES if rule.name in names]
    assert len(rules) == len(names), "there is no such rule"
    database = Database(database_url, role="vt_retention", size=1)
    await database.open()
    try:
        runs = [
            await retention.run(database, rule, now=lambda: at or clock.now()) for rule in rules
        ]
    finally:
        await database.close()
    assert [run.error for run in runs] == [None] * len(runs)
    return sum(run.rows for run in runs)
