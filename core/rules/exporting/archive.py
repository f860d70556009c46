"""A ZIP archive as one stream: what was added is taken at once, and nothing is ever gone back to.

Sizes and checksums stand behind each member (and in the directory at the end), so that nothing has
to be read twice to be known beforehand. What is packed already goes in unpacked, still as DEFLATE:
readers that stream cannot find the end of a *stored* member whose size stands behind it.
"""

import hashlib
import zipfile
from dataclasses import dataclass
from datetime import datetime
from typing import IO, Any, Final, cast

UNPACKED: Final = 0  # a level of DEFLATE that copies
PACKED: Final = 6
READABLE: Final = 0o600 << 16  # by whoever unpacks it, and nobody else
EARLIEST: Final = (1980, 1, 1, 0, 0, 0)
LATEST: Final = (2107, 12, 31, 23, 59, 58)


@dataclass(frozen=True, slots=True)
class Member:
    """What is in the archive; `sha256` is of the file as it is unpacked."""

    name: str
    size: int
    sha256: str


class Archive:
    """Members one after the other: `begin`, `add`, `end`; at last `close`. `take` often."""

    def __init__(self, at: datetime) -> None:
        self.members: list[Member] = []
        self._at = min(max(at.timetuple()[:6], EARLIEST), LATEST)
        self._held = _Held()
        self._zip = zipfile.ZipFile(cast("IO[bytes]", self._held), "w")
        self._open: IO[bytes] | None = None
        self._name = ""
        self._size = 0
        self._hash = hashlib.sha256()

    def begin(self, name: str, *, packed: bool = False) -> None:
        """`packed`: packing it would gain nothing. Names are ours: ASCII, folders with slashes."""
        info = zipfile.ZipInfo(name, self._at)
        info.compress_type = zipfile.ZIP_DEFLATED
        info.external_attr = READABLE
        # As `writestr` sets it: before Python 3.13 there is no public name for it.
        cast("Any", info)._compresslevel = UNPACKED if packed else PACKED  # noqa: SLF001 - see above
        self._open = self._zip.open(info, "w")
        self._name, self._size, self._hash = name, 0, hashlib.sha256()

    def add(self, data: bytes) -> None:
        assert self._open is not None  # noqa: S101 (a member was begun)
        self._open.write(data)
        self._hash.update(data)
        self._size += len(data)

    def end(self) -> None:
        assert self._open is not None  # noqa: S101 (a member was begun)
        self._open.close()
        self._open = None
        self.members.append(Member(self._name, self._size, self._hash.hexdigest()))

    def close(self) -> None:
        """Also in the middle of a member, of an archive that nobody takes any more."""
        if self._open is not None:
            self._open.close()
            self._open = None
        self._zip.close()

    def take(self) -> bytes:
        """What became ready since the last time; may be nothing."""
        return self._held.take()


class _Held:
    """All that `zipfile` wants of a file that cannot be gone back in."""

    def __init__(self) -> None:
        self._bytes = bytearray()

    def write(self, data: bytes) -> int:
        self._bytes += data
        return len(data)

    def flush(self) -> None:
        """There is nothing behind it."""

    def take(self) -> bytes:
        taken = bytes(self._bytes)
        self._bytes.clear()
        return taken
