"""A file becomes todos, slice by slice; and goes again."""

import asyncio
import math
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import BinaryIO, Final, cast

from temporalio import activity

from activities import errors
from activities.heartbeats import beating
from activities.import_reading import Items
from core import clock, faults, logs, metrics
from core.crypto import Keyring
from core.db import Database
from core.errors import (
    Error,
    Forbidden,
    Invalid,
    NotFound,
    RateLimited,
    Unauthenticated,
    Unavailable,
)
from core.errors import Rejected as Refusal
from core.messages import JobMessage
from core.rules.importing import detect, texts
from core.rules.importing.records import (
    Code,
    Document,
    Format,
    Item,
    Record,
    Rejected,
    Scene,
)
from core.services import import_files, import_steps, import_undoing, imports, subject_keys
from core.services.import_rows import ImportRow
from core.services.import_steps import Reading
from core.services.imports import Work
from integrations.blobs import Blobs

log = logs.get(__name__)

# After so long it reports to its workflow. The next one reads the file anew up to there, which of
# the largest takes 20 s: it is not counted, else on a busy machine each would write one slice.
SLICES_S: Final = 60.0
IN_MEMORY: Final = 8 * 1024 * 1024
ACCOUNT_CLOSED: Final = "the account is closed"
DAMAGED: Final = "the file cannot be opened any more; whoever runs this service can find out why"
UNKNOWN: Final = (
    "this is no file of a kind that is read here: what a browser keeps (JSON), Todoist's CSV or "
    "backup, tasks of a calendar (ICS), our own export"
)
UNJOINED: Final = "what it belongs to could not be joined to it"
UNWRITABLE: Final = "it could not be written down"
Step = Callable[[Reading, Sequence[Item], int, float], Awaitable[None]]
_NOT_THE_ROWS: Final = (Unavailable, Unauthenticated, Forbidden, NotFound, RateLimited)


@dataclass(frozen=True, slots=True)
class Progress:
    """How many items of the file were seen to; `over`: nothing is left to do."""

    over: bool
    done: int


class _Over(Exception):
    """Nothing is left to do here: it ended, or another worker goes on with it."""


class _Trial(Exception):
    """What rolls back what a trial would make."""


class Imports:
    """`app_db` works as `vt_app`. What has a default is an argument for tests only."""

    def __init__(
        self,
        app_db: Database,
        blobs: Blobs,
        ring: Keyring,
        *,
        now: Callable[[], datetime] = clock.now,
        slices_s: float = SLICES_S,
    ) -> None:
        self._db = app_db
        self._blobs = blobs
        self._ring = ring
        self._now = now
        self._slices_s = slices_s

    @activity.defn(name="import_data")
    async def bring(self, message: JobMessage) -> Progress:
        """Write rows of the file for some seconds, each once.

        Run twice, it goes on after the rows that are written; once all are, it does nothing.
        """
        try:
            async with beating():
                return await self._bring(message)
        except Error as error:
            raise errors.translate(error) from error

    @activity.defn(name="undo_import")
    async def take_back(self, message: JobMessage) -> bool:
        """Take rows back for some seconds; whether that was all of them.

        Run twice, it goes on with those that are left.
        """
        try:
            async with beating():
                return await self._take_back(message)
        except Error as error:
            raise errors.translate(error) from error

    async def _take_back(self, message: JobMessage) -> bool:
        time = asyncio.get_running_loop().time
        ends = time() + self._slices_s
        while True:
            try:
                async with self._db.transaction() as tx:
                    over = await import_undoing.step(tx, message, now=self._now())
            except RateLimited:
                raise
            except Refusal as error:  # who may write no more, or has no account any more
                async with self._db.transaction() as tx:
                    await import_undoing.fail(tx, message, error.detail, now=self._now())
                metrics.DATA_WORK.labels("import_undo", "failed").inc()
                return True
            if over:
                metrics.DATA_WORK.labels("import_undo", "done").inc()
                return True
            faults.point("import_slice_undone")
            if time() >= ends:
                return False

    async def _bring(self, message: JobMessage) -> Progress:
        try:
            work, zone = await self._begun(message)
            # Sealed while it waits; a large one lies here without a name while it is read.
            with tempfile.SpooledTemporaryFile(IN_MEMORY) as spooled:
                file = cast("BinaryIO", spooled)
                await self._fetch(work.row, file)
                return await self._read(message, work, file, zone)
        except _Over:
            return await self._left_over(message)
        except Unauthenticated:
            return await self._end(message, ACCOUNT_CLOSED)
        except (Forbidden, NotFound) as error:
            return await self._end(message, error.detail)
        except Invalid as error:
            log.error("import.damaged", subject_id=message.job_id, error=error)
            return await self._end(message, DAMAGED)

    async def _begun(self, message: JobMessage) -> tuple[Work, str]:
        async with self._db.transaction() as tx:
            work = await imports.lock(tx, message)
            if work is None:
                raise _Over
            return work, (await tx.person()).timezone

    async def _fetch(self, row: ImportRow, file: BinaryIO) -> None:
        """Raises `Invalid` when it is gone or damaged."""
        if row.blob is None:
            raise Invalid
        async with self._db.transaction(read_only=True) as tx:
            ring = await subject_keys.opening(tx, self._ring, row.user_id)
        try:
            async for piece in import_files.unseal(ring, row, self._blobs.open(row.blob)):
                file.write(piece)
        except NotFound as error:
            raise Invalid from error
        file.seek(0)

    async def _read(self, message: JobMessage, work: Work, file: BinaryIO, zone: str) -> Progress:
        """First what the rows make; then, read once more, what refers to rows that come later."""
        row, first = work.row, work.report.total
        named = Format(row.format) if row.format else await asyncio.to_thread(detect.detect, file)
        if named is None:
            return await self._end(message, UNKNOWN)
        scene = Scene(self._now(), zone, _list_of(row, named))
        items = Items(file, named, scene, skip=row.done - (first or 0), size=row.size)
        reading = Reading(message, named, items.names)
        step = self._write_at_once if first is None else self._link
        time = asyncio.get_running_loop().time
        ends, done = math.inf, row.done
        while found := await items.take():
            ends = min(ends, time() + self._slices_s)
            await self._by_halves(step, reading, found, done, items.read)
            done += len(found)
            faults.point("import_slice_written")
            if time() >= ends:
                return Progress(over=False, done=done)
        if first is None and await self._read_through(reading, done):
            return Progress(over=False, done=done)
        return await self._end(message, None)

    async def _by_halves(
        self, step: Step, reading: Reading, items: Sequence[Item], done: int, read: float
    ) -> None:
        """All of them at once, or by halves down to the one that cannot be written."""
        try:
            await step(reading, items, done, read)
        except (_Over, *_NOT_THE_ROWS):
            raise
        except Exception as error:
            if len(items) > 1:
                half = len(items) // 2
                await self._by_halves(step, reading, items[:half], done, read)
                await self._by_halves(step, reading, items[half:], done + half, read)
                return
            log.warning("import.row_refused", subject_id=reading.message.job_id, error=error)
            if step == self._link:
                await self._pass_over(reading, items[0], done, read)
            elif isinstance(items[0], Rejected):
                raise
            else:
                await step(reading, [_refused(items[0], error)], done, read)

    async def _pass_over(self, reading: Reading, item: Item, done: int, read: float) -> None:
        said = f"row {item.line}: {UNJOINED}" if isinstance(item, Record) else UNJOINED
        async with self._db.transaction() as tx:
            now = self._now()
            if not await import_steps.pass_over(tx, reading, said, after=done, read=read, now=now):
                raise _Over

    async def _write_at_once(
        self, reading: Reading, items: Sequence[Item], done: int, read: float
    ) -> None:
        now, tried = self._now(), None
        with suppress(_Trial):
            async with self._db.transaction() as tx:
                made = await import_steps.write(tx, reading, items, after=done, read=read, now=now)
                if made is None:
                    raise _Over
                if made.work.row.dry_run:
                    tried = made.wrote
                    raise _Trial
        if tried is None:
            return
        async with self._db.transaction() as tx:
            told = await import_steps.try_out(
                tx, reading, tried, after=done, done=done + len(items), read=read, now=now
            )
            if told is None:
                raise _Over

    async def _read_through(self, reading: Reading, done: int) -> bool:
        async with self._db.transaction() as tx:
            again = await import_steps.read_through(tx, reading, done=done, now=self._now())
        if again is None:
            raise _Over
        return again

    async def _link(self, reading: Reading, items: Sequence[Item], done: int, read: float) -> None:
        async with self._db.transaction() as tx:
            now = self._now()
            work = await import_steps.link(tx, reading, items, after=done, read=read, now=now)
            if work is None:
                raise _Over

    async def _left_over(self, message: JobMessage) -> Progress:
        async with self._db.transaction() as tx:
            blob = await imports.left_over(tx, message, now=self._now())
        await self._drop(blob)
        return Progress(over=True, done=0)

    async def _end(self, message: JobMessage, error: str | None) -> Progress:
        """Not as its person: who lost the right to write is told all the same."""
        async with self._db.transaction() as tx:
            work = await imports.lock(tx, message, acting=False)
            if work is None:
                return Progress(over=True, done=0)
            blob = imports.finish(tx, work, error=error, now=self._now())
        faults.point("import_ended")
        failed = error is not None or work.report.nothing_read
        metrics.DATA_WORK.labels("import", "failed" if failed else "done").inc()
        await self._drop(blob)
        return Progress(over=True, done=work.row.done)

    async def _drop(self, blob: str | None) -> None:
        if blob is not None:
            with suppress(Unavailable):  # its key is gone; the collector mends the rest
                await self._blobs.delete(blob)


def _list_of(row: ImportRow, named: Format) -> str | None:
    """Todoist writes a file for each project, which only its name tells."""
    if named is not Format.TODOIST_CSV or row.file_name is None:
        return None
    return texts.list_of_file(row.file_name)


def _refused(item: Item, error: Exception) -> Rejected:
    reason = error.detail if isinstance(error, Error) else UNWRITABLE
    if isinstance(item, Document):
        return Rejected(0, Code.MALFORMED, reason)
    excerpt = item.excerpt if isinstance(item, Rejected) else getattr(item, "title", "")
    return Rejected(item.line, Code.MALFORMED, reason, excerpt, item.ref)
