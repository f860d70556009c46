"""The only place that reads a clock. Everything else is given `now`.

A process goes by PostgreSQL's clock as soon as it has heard it (`core/services/clocks.py`), and
counts on from there by a clock that nobody sets. So all processes agree what is due, and a machine
whose clock is wrong, or is set while it works, makes nothing early and nothing late.
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

CLOSE_S: Final = 0.05
ANY_AFTER_S: Final = 60.0


class Clock:
    """`machine` is in POSIX seconds and may be set at any time; `steady` counts seconds."""

    def __init__(
        self,
        machine: Callable[[], float] = time.time,
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        self.machine = machine
        self.steady = steady
        self._ahead: float | None = None  # of the steady clock; none: nothing heard yet
        self._heard_at = 0.0

    def now(self) -> datetime:
        """PostgreSQL's time, never later than it says; the machine's until that was heard."""
        at = self.machine() if self._ahead is None else self._ahead + self.steady()
        return datetime.fromtimestamp(at, UTC)

    def hear(self, at: datetime, *, asked_at: float) -> None:
        """PostgreSQL read `at` after `asked_at` on the steady clock and before this call.

        Taken as if it were read just now, which errs by no more than the answer took, and to the
        late side. A slow answer is worth less than a quick one that is not older than a minute.
        What was taken before stays while the answer leaves it possible: time runs back for us
        only when it did for PostgreSQL, not because an answer took longer than the last one.
        """
        answered_at = self.steady()
        at_least, at_most = at.timestamp() - answered_at, at.timestamp() - asked_at
        quick = answered_at - asked_at <= CLOSE_S
        outdated = answered_at - self._heard_at > ANY_AFTER_S
        if self._ahead is not None and at_least <= self._ahead <= at_most:
            if quick:
                self._heard_at = answered_at
        elif self._ahead is None or quick or outdated:
            self._ahead = at_least
            self._heard_at = answered_at


CLOCK: Final = Clock()


def now() -> datetime:
    return CLOCK.now()
