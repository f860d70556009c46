"""What is over is forgotten, for all people at once."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from temporalio import activity

from activities.heartbeats import beating
from core import clock
from core.db import Database
from core.services import retention
from core.services.retention_rules import RULES
from core.services.retention_statements import Rule


@dataclass(frozen=True, slots=True)
class Forgot:
    """`rows` by all rules; `failed` and `unfinished` count rules."""

    rows: int
    failed: int
    unfinished: int


class Retention:
    """`db` works as `vt_retention`. What has a default is an argument for tests only."""

    def __init__(
        self,
        db: Database,
        *,
        rules: Sequence[Rule] = RULES,
        now: Callable[[], datetime] = clock.now,
    ) -> None:
        self._db = db
        self._rules = rules
        self._now = now

    @activity.defn(name="forget_over")
    async def forget(self) -> Forgot:
        """Every rule has its turn, whatever became of the one before it.

        Run twice, even at the same time, each row is forgotten once.
        """
        rows = failed = unfinished = 0

        def count(gone: int) -> None:
            nonlocal rows
            rows += gone

        async with beating(lambda: rows):
            for rule in self._rules:
                run = await retention.run(self._db, rule, now=self._now, progress=count)
                failed += run.error is not None
                unfinished += run.unfinished
        return Forgot(rows, failed, unfinished)
