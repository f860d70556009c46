"""The steps of an import: each is one transaction, and moves on how far it is.

`after` is how many items of the file were seen to before. A step finds that somebody else went on
from there, or that it is over, and then answers null and does nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final
from uuid import UUID

from core.db import Transaction
from core.messages import JobMessage
from core.models.imports import Outcome
from core.rules.importing.records import Format, Item
from core.services import import_slice, import_writes, imports
from core.services.import_slice import Names
from core.services.import_writes import Wrote
from core.services.imports import Work

FIRST: Final = 0.9  # of the progress is the first reading


@dataclass(frozen=True, slots=True)
class Reading:
    """Which import, as what it is read, and the lists that the file names."""

    message: JobMessage
    format: Format
    names: Names


@dataclass(frozen=True, slots=True)
class Made:
    work: Work
    wrote: Wrote


async def write(
    tx: Transaction,
    reading: Reading,
    items: Sequence[Item],
    *,
    after: int,
    read: float,
    now: datetime,
) -> Made | None:
    """What these items make. `read` says how much of the file was read by now, from 0 to 1."""
    work = await _work(tx, reading, after)
    if work is None:
        return None
    actor = work.actor
    wrote = await import_writes.write(
        tx, actor, work.row, items, reading.names, after=after, now=now
    )
    wrote = replace(wrote, lost=await _preferred(tx, actor.user_id, wrote, now=now))
    work = _told(tx, work, wrote, wrote.lists, after + len(items), read, now=now)
    return Made(work, wrote)


async def write_here(tx: Transaction, work: Work, items: Sequence[Item], *, now: datetime) -> Made:
    """All of a small import at once, and its end, for its caller who is its person."""
    names = Names()
    actor, row = work.actor, work.row
    wrote = await import_writes.write(tx, actor, row, items, names, after=0, now=now)
    if wrote.again:
        await import_writes.link(tx, actor, row, items, names, after=0, now=now)
    lost = await _preferred(tx, actor.user_id, wrote, now=now)
    work.report.total = len(items)
    work = _told(tx, work, replace(wrote, lost=lost), wrote.lists, len(items), 1.0, now=now)
    imports.finish(tx, work, now=now)
    return Made(work, wrote)


async def try_out(
    tx: Transaction,
    reading: Reading,
    wrote: Wrote,
    *,
    after: int,
    done: int,
    read: float,
    now: datetime,
) -> Work | None:
    """Write down what `write` would have made, whose transaction was rolled back."""
    work = await _work(tx, reading, after)
    if work is None:
        return None
    lines = [
        replace(line, todo_id=None) if line.outcome == Outcome.CREATED else line
        for line in wrote.lines
    ]
    import_slice.keep(tx, work.row, lines)
    return _told(tx, work, replace(wrote, lines=lines), {}, done, read, now=now)


async def read_through(
    tx: Transaction, reading: Reading, *, done: int, now: datetime
) -> bool | None:
    """The first reading came to its end: whether there is to be a second."""
    work = await _work(tx, reading, done)
    if work is None:
        return None
    work.report.total = done
    _tell(tx, work, {}, done, FIRST, now=now)
    return work.report.again and not work.row.dry_run


async def link(
    tx: Transaction,
    reading: Reading,
    items: Sequence[Item],
    *,
    after: int,
    read: float,
    now: datetime,
) -> Work | None:
    """The second reading of these items."""
    work = await _work(tx, reading, after)
    if work is None:
        return None
    first = work.report.total or 0
    await import_writes.link(
        tx, work.actor, work.row, items, reading.names, after=after - first, now=now
    )
    progress = FIRST + (1 - FIRST) * read
    return _tell(tx, work, {}, after + len(items), progress, now=now)


async def pass_over(
    tx: Transaction, reading: Reading, said: str, *, after: int, read: float, now: datetime
) -> Work | None:
    """Go on after an item that the second reading could do nothing with."""
    work = await _work(tx, reading, after)
    if work is None:
        return None
    work.report.lose([said])
    return _tell(tx, work, {}, after + 1, FIRST + (1 - FIRST) * read, now=now)


async def _preferred(
    tx: Transaction, user_id: UUID, wrote: Wrote, *, now: datetime
) -> tuple[str, ...]:
    if not wrote.preferences:
        return wrote.lost
    return (*wrote.lost, *await imports.prefer(tx, user_id, wrote.preferences, now=now))


async def _work(tx: Transaction, reading: Reading, after: int) -> Work | None:
    work = await imports.lock(tx, reading.message)
    if work is None or work.row.done != after:
        return None
    return replace(work, row=replace(work.row, format=reading.format))


def _told(
    tx: Transaction,
    work: Work,
    wrote: Wrote,
    lists: Mapping[UUID, str],
    done: int,
    read: float,
    *,
    now: datetime,
) -> Work:
    work.report.add(wrote.lines, wrote.lists.values())
    work.report.lose(wrote.lost)
    work.report.again = work.report.again or wrote.again
    return _tell(tx, work, lists, done, FIRST * read, now=now)


def _tell(
    tx: Transaction,
    work: Work,
    lists: Mapping[UUID, str],
    done: int,
    progress: float,
    *,
    now: datetime,
) -> Work:
    return imports.told(tx, work, done=done, lists=lists, progress=progress, now=now)
