"""Folds that break a character in two (RFC 5545 §3.1 warns of them), moved to before it.

Lines are folded by octets, and some programs count nothing else. Such a file is no UTF-8 until it
is unfolded: so the fold and the rest of the character change places. The lines stay as many.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader, RawIOBase, UnsupportedOperation
from typing import TYPE_CHECKING, BinaryIO, Final

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_BROKEN: Final = re.compile(rb"(\r?\n[ \t])([\x80-\xbf]{1,3})")
_PIECE: Final = 256 * 1024
_UNDECIDED: Final = re.compile(rb"\r?(\n[ \t]?)?\Z")
_LONGEST: Final = 3


@contextmanager
def mended(file: BinaryIO) -> Iterator[BinaryIO]:
    """The file, of which nothing else differs. One in UTF-16 is itself: its octets are no text."""
    file.seek(0)
    if b"\0" in file.read(1024):
        yield file
        return
    with BufferedReader(_Mended(file)) as found:
        yield found


class _Mended(RawIOBase):
    """Leaves the file open that it reads. It can be read again from its beginning."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._ready = b""
        self._held = b""
        self._at = 0
        file.seek(0)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = 0, /) -> int:
        """To the beginning only: that is all that readers of files do."""
        if (offset, whence) == (0, 1):
            return self._at
        if (offset, whence) != (0, 0):
            raise UnsupportedOperation("such a file is read from its beginning")
        self._ready = self._held = b""
        self._at = 0
        return self._file.seek(0)

    def readinto(self, buffer: "WriteableBuffer", /) -> int:
        into = memoryview(buffer).cast("B")
        while not self._ready:
            piece = self._file.read(_PIECE)
            text = _BROKEN.sub(rb"\2\1", self._held + piece)
            undecided = _UNDECIDED.search(text, max(0, len(text) - _LONGEST)) if piece else None
            end = undecided.start() if undecided else len(text)
            self._ready, self._held = text[:end], text[end:]
            if not piece:
                break
        taken = self._ready[: len(into)]
        self._ready = self._ready[len(taken) :]
        into[: len(taken)] = taken
        self._at += len(taken)
        return len(taken)
