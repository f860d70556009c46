"""Where bytes are kept that are too large for rows. What comes in is sealed already.

A key is made by us, `folder/name` in small letters, digits and dashes: nothing that a person sent,
a file name least of all, is ever part of one.
"""

import asyncio
import os
import re
import secrets
from collections.abc import AsyncIterable, AsyncIterator, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final, Protocol

from core.errors import NotFound, Unavailable

KEY: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,63}/[a-z0-9][a-z0-9-]{1,127}")
WRITTEN_AT_ONCE: Final = 256 * 1024
READ_AT_ONCE: Final = 256 * 1024
UNFINISHED: Final = "unfinished"  # no folder of a key: those hold files in folders of two letters


@dataclass(frozen=True, slots=True)
class Kept:
    """`age` is by the store's own clock."""

    key: str
    age: timedelta


class Blobs(Protocol):
    """A store of blobs: a directory, or a bucket of one that speaks S3 (`blobs_s3`).

    What may be relied on:
    1. `put` returns once the whole blob survives a crash of the machine, and never before. One
       that failed or was cancelled left nothing that `open` finds. A key is put once.
    2. `open` reads from byte `start` on. Raises `NotFound` with the first piece.
    3. `delete` of what is not there is success.
    4. `tidy` removes what interrupted `put`s left, once it is that old, or older where only that
       tells it from one that goes on.
    5. `aclose` is the last call.

    All raise `Unavailable` while the store does not work, a full one included.
    """

    async def put(self, key: str, pieces: AsyncIterable[bytes]) -> None: ...
    def open(self, key: str, *, start: int = 0) -> AsyncIterator[bytes]: ...
    async def delete(self, key: str) -> None: ...
    def keys(self, folder: str) -> AsyncIterator[Kept]: ...
    async def tidy(self, older_than: timedelta) -> int: ...
    async def aclose(self) -> None: ...


class Directory:
    """Blobs as files of one directory, readable by their owner only. Several processes share it.

    A file is written under another name, synchronised, renamed, and its folder synchronised: a
    name that is there has its whole content, after a loss of power as well.
    """

    def __init__(self, root: Path) -> None:
        self._root = root

    async def put(self, key: str, pieces: AsyncIterable[bytes]) -> None:
        path = self._path(key)
        draft = self._root / UNFINISHED / secrets.token_hex(16)
        try:
            file = await asyncio.to_thread(_create, draft)
            try:
                held = bytearray()
                async for piece in pieces:
                    held += piece
                    if len(held) >= WRITTEN_AT_ONCE:
                        await asyncio.to_thread(_write, file, bytes(held))
                        held.clear()
                await asyncio.to_thread(_finish, file, bytes(held), draft, path)
            finally:
                os.close(file)
        except BaseException as error:
            # Not in a thread: this may be a cancelled task, which waits for nothing any more.
            with suppress(OSError):
                draft.unlink()
            if isinstance(error, OSError):
                raise Unavailable("the store of recordings takes nothing at the moment") from error
            raise

    async def open(self, key: str, *, start: int = 0) -> AsyncIterator[bytes]:
        try:
            file = await asyncio.to_thread(os.open, self._path(key), os.O_RDONLY)
        except FileNotFoundError as error:
            raise NotFound("the recording is not there any more") from error
        except OSError as error:
            raise Unavailable("the store of recordings cannot be read") from error
        try:
            at = start
            while piece := await asyncio.to_thread(os.pread, file, READ_AT_ONCE, at):
                at += len(piece)
                yield piece
        finally:
            os.close(file)

    async def delete(self, key: str) -> None:
        try:
            await asyncio.to_thread(_delete, self._path(key))
        except OSError as error:
            raise Unavailable("the store of recordings does not work") from error

    async def keys(self, folder: str) -> AsyncIterator[Kept]:
        for kept in await asyncio.to_thread(_files, self._root, folder):
            yield kept

    async def tidy(self, older_than: timedelta) -> int:
        return await asyncio.to_thread(_tidy, self._root, older_than)

    async def aclose(self) -> None:
        """Nothing is held open between calls."""

    def _path(self, key: str) -> Path:
        """Spread by the end of the name, which is random: a folder with a million files is slow."""
        if KEY.fullmatch(key) is None:
            raise ValueError("a key of a blob is `folder/name`")
        folder, _, name = key.partition("/")
        return self._root / folder / name[-2:] / name


def _create(path: Path) -> int:
    _make(path.parent)
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)


def _make(folder: Path) -> list[Path]:
    """Those that were missing. One by one: `parents=True` gives only the last one its mode."""
    missing = [each for each in (folder, *folder.parents) if not each.exists()]
    for each in reversed(missing):
        each.mkdir(mode=0o700, exist_ok=True)
    return missing


def _write(file: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(file, view) :]


def _finish(file: int, data: bytes, draft: Path, path: Path) -> None:
    _write(file, data)
    os.fsync(file)
    made = _make(path.parent)
    draft.rename(path)
    # The name stands in its folder; a folder that is new stands in the one above.
    for folder in (path.parent, *(each.parent for each in made)):
        _synchronise(folder)


def _synchronise(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _delete(path: Path) -> None:
    with suppress(FileNotFoundError):
        path.unlink()
        _synchronise(path.parent)


def _files(root: Path, folder: str) -> list[Kept]:
    return [Kept(f"{folder}/{path.name}", age) for path, age in _ages(root, f"{folder}/*/*")]


def _tidy(root: Path, older_than: timedelta) -> int:
    old = [path for path, age in _ages(root, f"{UNFINISHED}/*") if age > older_than]
    for path in old:
        path.unlink(missing_ok=True)
    return len(old)


def _ages(root: Path, pattern: str) -> Iterator[tuple[Path, timedelta]]:
    """By the clock that stamps files, which may be another machine's: a file made now tells it."""
    probe = root / UNFINISHED / secrets.token_hex(16)
    os.close(_create(probe))
    now = probe.stat().st_mtime
    probe.unlink()
    for path in root.glob(pattern):
        with suppress(FileNotFoundError):
            yield path, timedelta(seconds=now - path.stat().st_mtime)
