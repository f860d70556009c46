"""Signs of life: a worker that dies is noticed by their absence, not by the end of its patience."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final

from temporalio import activity

EVERY_S: Final = 1.0


def _nothing() -> None:
    """There is no progress to tell of."""


@asynccontextmanager
async def beating(progress: Callable[[], object] = _nothing) -> AsyncIterator[None]:
    """Each second until the block ends. What takes less than one costs no call."""
    beat = asyncio.create_task(_beat(progress))
    try:
        yield
    finally:
        beat.cancel()
        await asyncio.gather(beat, return_exceptions=True)


async def _beat(progress: Callable[[], object]) -> None:
    while True:
        await asyncio.sleep(EVERY_S)
        activity.heartbeat(progress())
