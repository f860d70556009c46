"""Archives: of our export its `todos.json` and nothing else; of other products all of one kind.

How large its directory of names is is looked at before `zipfile` reads it, which keeps all of it
in memory. `zipfile` unpacks no more of a member than the archive says, and so that is checked.
"""

import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import BufferedReader, RawIOBase, UnsupportedOperation
from struct import unpack_from
from typing import TYPE_CHECKING, BinaryIO, Final
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo

from core.rules.importing import texts
from core.rules.importing.records import MAX_BYTES, Code, Format, Rejected

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

    Unpacked = BufferedReader["_Member"]

MARK: Final = b"PK\x03\x04"
MEMBER: Final = "todos.json"
MANIFEST: Final = "manifest.json"
MAX_UNPACKED: Final = 256 * 1024 * 1024  # 100,000 todos with all that is told of them
MAX_RATIO: Final = 200  # JSON of todos that are all alike comes to 60
_MAX_DIRECTORY: Final = 4 * 1024 * 1024
_PIECE: Final = 256 * 1024
_MOST_MEMBERS: Final = 1000
ENDINGS: Final = {Format.TODOIST_CSV: ".csv", Format.ICS: ".ics"}
_ENCRYPTED: Final = 1
_METHODS: Final = {ZIP_STORED, ZIP_DEFLATED}  # others may ask for as much memory as they like
_END: Final = b"PK\x05\x06"
_END64: Final = b"PK\x06\x06"
_END_SIZE: Final = 22
_LONGEST_END: Final = 65_535 + _END_SIZE + 20 + 56
_BROKEN: Final = (
    *(BadZipFile, zlib.error, EOFError, OSError),
    *(NotImplementedError, RuntimeError, ValueError),
)
_DAMAGED: Final = Rejected(0, Code.MALFORMED, "the archive is damaged")


def is_one(file: BinaryIO) -> bool:
    file.seek(0)
    return file.read(len(MARK)) == MARK


def kind(file: BinaryIO) -> Format:
    """What an archive holds; one of nothing that we know is refused as none of ours."""
    names = _names(file)
    if isinstance(names, Rejected) or {MEMBER, MANIFEST} <= set(names):
        return Format.OWN
    found = (each for each, ending in ENDINGS.items() if any(_named(n, ending) for n in names))
    return next(found, Format.OWN)


@contextmanager
def members(file: BinaryIO, of: Format) -> Iterator[Iterator[tuple[str, "Unpacked"]] | Rejected]:
    """All files of this kind, by their names without folders; or why they are not read.

    Each can be read until the next one is taken.
    """
    names = _names(file)
    if isinstance(names, Rejected):
        yield names
        return
    with ZipFile(file) as archive:
        found = (archive.getinfo(name) for name in names if _named(name, ENDINGS[of]))
        infos = [info for info in found if info.file_size]  # of a project without tasks: nothing
        refused = _refused(archive, infos)
        if refused is not None:
            yield refused
            return
        yield _each(archive, infos)


def _each(archive: ZipFile, infos: Sequence[ZipInfo]) -> Iterator[tuple[str, "Unpacked"]]:
    for info in infos:
        with BufferedReader(_Member(archive, info)) as member:
            yield info.filename.rpartition("/")[2], member


def _named(name: str, ending: str) -> bool:
    """Not what macOS puts beside each file."""
    plain = name.rpartition("/")[2]
    return plain.lower().endswith(ending) and not plain.startswith(".")


def _names(file: BinaryIO) -> list[str] | Rejected:
    if _directory_size(file) > _MAX_DIRECTORY:
        return Rejected(0, Code.TOO_LARGE, "the archive names more files than are read")
    try:
        with ZipFile(file) as archive:
            return archive.namelist()
    except _BROKEN:
        return _DAMAGED


def _refused(archive: ZipFile, infos: Sequence[ZipInfo]) -> Rejected | None:
    """All of them are read once: damage is known before anything is made of them."""
    if len(infos) > _MOST_MEMBERS or sum(info.file_size for info in infos) > MAX_BYTES:
        return Rejected(0, Code.TOO_LARGE, "the archive unpacks to more than can be read")
    for info in infos:
        name = texts.excerpt(info.filename)
        if info.flag_bits & _ENCRYPTED or info.compress_type not in _METHODS:
            return Rejected(0, Code.FORMAT, f"{name} is packed in a way that is not read")
        if info.file_size > MAX_RATIO * (info.compress_size + 1024):
            return Rejected(0, Code.TOO_LARGE, f"{name} unpacks to more than can be read")
        try:
            _read_through(archive, info)
        except _BROKEN:
            return _DAMAGED
    return None


def _read_through(archive: ZipFile, info: ZipInfo) -> None:
    with archive.open(info) as unpacked:
        while unpacked.read(_PIECE):
            pass


@contextmanager
def todos(file: BinaryIO) -> Iterator[BinaryIO | Rejected]:
    """The file itself where it is no archive; else its `todos.json`, or why there is none."""
    if not is_one(file):
        yield file
        return
    found = _member(file)
    if isinstance(found, Rejected):
        yield found
        return
    archive, info = found
    with archive, BufferedReader(_Member(archive, info)) as unpacked:
        yield unpacked


def _member(file: BinaryIO) -> tuple[ZipFile, ZipInfo] | Rejected:
    if _directory_size(file) > _MAX_DIRECTORY:
        return Rejected(0, Code.TOO_LARGE, "the archive names more files than an export of ours")
    try:
        archive = ZipFile(file)
        names = set(archive.namelist())
        if not {MEMBER, MANIFEST} <= names:
            other = "an archive that is no export of ours, nor of Todoist, nor of calendars"
            return Rejected(0, Code.FORMAT, other)
        info = archive.getinfo(MEMBER)
        if info.flag_bits & _ENCRYPTED or info.compress_type not in _METHODS:
            return Rejected(0, Code.FORMAT, f"its {MEMBER} is packed in a way that ours never are")
        if info.file_size > min(MAX_UNPACKED, MAX_RATIO * (info.compress_size + 1024)):
            return Rejected(0, Code.TOO_LARGE, f"its {MEMBER} unpacks to more than can be read")
        _read_through(archive, info)  # once: damage is known before anything is made of it
    except _BROKEN:
        return _DAMAGED
    return archive, info


class _Member(RawIOBase):
    """One that was found whole, as a file that can be read again from its beginning."""

    def __init__(self, archive: ZipFile, info: ZipInfo) -> None:
        self._archive, self._info = archive, info
        self._file = archive.open(info)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = 0, /) -> int:
        """To the beginning only: that is all that readers of files do."""
        if (offset, whence) == (0, 1):
            return self._file.tell()
        if (offset, whence) != (0, 0):
            raise UnsupportedOperation("an archive is read from its beginning")
        self._file.close()
        self._file = self._archive.open(self._info)
        return 0

    def readinto(self, buffer: "WriteableBuffer", /) -> int:
        into = memoryview(buffer).cast("B")
        piece = self._file.read(len(into))
        into[: len(piece)] = piece
        return len(piece)


def _directory_size(file: BinaryIO) -> int:
    """As the archive's end says; of several ends that could be meant, the largest."""
    size = file.seek(0, 2)
    file.seek(max(0, size - _LONGEST_END))
    tail = file.read()
    found = [0]
    for mark, place, form in ((_END, 12, "<L"), (_END64, 40, "<Q")):
        at = tail.find(mark)
        while at >= 0:
            if at + place + 8 <= len(tail):
                said = unpack_from(form, tail, at + place)[0]
                found.append(0 if said == 0xFFFFFFFF else said)  # noqa: PLR2004 (look into the other one)
            at = tail.find(mark, at + 1)
    return max(found)
