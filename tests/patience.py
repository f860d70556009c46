"""How long a test waits for what must come."""

import asyncio
from collections.abc import Callable
from typing import Final

# Only what hangs takes that long: a limit that a loaded machine can reach fails by chance.
PATIENCE_S: Final = 300.0


async def until(holds: Callable[[], object]) -> None:
    """Return when it holds, looked at again and again: rows and ledgers of others set no event."""
    async with asyncio.timeout(PATIENCE_S):
        while not holds():  # noqa: ASYNC110 - see above
            await asyncio.sleep(0.02)
