"""Takes turns: a vendor that limits calls is not called faster than it allows.

Of one process. With several workers a vendor may still say 429; that is waited for as well.
"""

import asyncio
from datetime import timedelta
from typing import Final

from core.errors import VendorError

REMEMBERED: Final = 10_000  # keys; a key that is free now need not be


class Pace:
    """One turn `every` so many seconds for each key; whoever had to wait over `patience` is told.

    Those get seconds of their own behind the queue to come back at, so that they do not all
    come back together. After a pause up to `burst` turns are taken at once.
    """

    def __init__(self, *, every: float, patience: float, burst: int = 1) -> None:
        self._every = every
        self._patience = patience
        self._ahead = (burst - 1) * every
        self._free_at: dict[str, float] = {}  # of the loop's clock
        self._promised: dict[str, float] = {}

    async def turn(self, key: str) -> None:
        """Returns when it is; raises a passing VendorError with a wait when that takes too long."""
        now = asyncio.get_running_loop().time()
        free_at = max(self._free_at.get(key, now), now)
        at = max(free_at - self._ahead, now)
        if at - now > self._patience:
            promised = max(self._promised.get(key, at), at) + self._every
            self._promised[key] = promised
            wait = timedelta(seconds=promised - now)
            raise VendorError("its queue is long", permanent=False, retry_after=wait)
        self._take(key, free_at + self._every, now)
        if at > now:
            await asyncio.sleep(at - now)

    def hold(self, key: str, wait: timedelta) -> None:
        """The vendor asked for silence."""
        now = asyncio.get_running_loop().time()
        until = now + wait.total_seconds() + self._ahead
        self._take(key, max(self._free_at.get(key, now), until), now)

    def _take(self, key: str, until: float, now: float) -> None:
        self._free_at[key] = until
        if len(self._free_at) > REMEMBERED:
            self._free_at = {k: at for k, at in self._free_at.items() if at > now}
            self._promised = {k: at for k, at in self._promised.items() if at > now}
