"""How long a test waits for what must come."""

import asyncio
from collections.abc import Callable
from inspect import isawaitable
from typing import Final

# Only what hangs takes that long: a limit that a loaded machine can reach fails by chance.
PATIENCE_S: Final = 300.0


async def until(holds: Callable[[], object]) -> None:
    """Return when it holds, or what it answers with comes to hold, looked at again and again.

    For what sets no event: rows, ledgers, pages, other processes.
    """
    async with asyncio.timeout(PATIENCE_S):
        while True:
            found = holds()
            if await found if isawaitable(found) else found:
                return
            await asyncio.sleep(0.02)
