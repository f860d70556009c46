"""Somebody beside a test who does a worker's part: for commands, which wait for jobs to be over."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from typing import Any
from uuid import UUID

import psycopg

from core.db import Database
from core.messages import JobMessage

CarryOut = Callable[[str, JobMessage], Awaitable[object]]  # a job's kind, and the job

# Of this block only: other modules leave jobs that are never over, sealed with keys of their own.
OPEN = (
    b"SELECT workspace_id, id, kind FROM jobs WHERE kind = ANY(%s)"
    b" AND status IN ('queued', 'running') AND created_at >= %s"
)
FAILED = b"UPDATE jobs SET status = 'failed', error = %s, finished_at = now() WHERE id = %s"


@contextmanager
def alongside(work: Callable[[threading.Event], Coroutine[Any, Any, None]]) -> Iterator[None]:
    """In a thread of its own, until the block ends: it is told so by the event."""
    ended = threading.Event()
    thread = threading.Thread(target=lambda: asyncio.run(work(ended)))
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


@contextmanager
def working(
    url: str, kinds: list[str], part: Callable[[Database], AbstractAsyncContextManager[CarryOut]]
) -> Iterator[None]:
    """Carry out every job of these kinds that is made until the block ends, slice by slice.

    What is raised there fails the job, for a command waits for its end, and then the block.
    """
    raised: list[Exception] = []

    async def work(ended: threading.Event) -> None:
        database = Database(url, role="vt_app", size=2)
        await database.open()
        async with part(database) as carry_out:
            while not await asyncio.to_thread(ended.wait, 0.1):
                rows: list[tuple[UUID, UUID, str]] = looks.execute(OPEN, [kinds, began]).fetchall()
                for workspace_id, job_id, kind in rows:
                    try:
                        await carry_out(kind, JobMessage(workspace_id, job_id))
                    except Exception as error:  # noqa: BLE001 - told below, whatever it is
                        raised.append(error)
                        looks.execute(FAILED, [repr(error), job_id])
        await database.close()

    with psycopg.connect(url, autocommit=True) as looks:
        [[began]] = looks.execute("SELECT now()").fetchall()
        with alongside(work):
            yield
    if raised:
        raise ExceptionGroup("beside the test", raised)
