"""Which encoding a file is in, and its lines; never more of it in memory than one line."""

import codecs
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import TextIOWrapper
from typing import BinaryIO, Final

from core.rules.importing.records import MAX_ROW

PIECE: Final = 256 * 1024
_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_FALLBACK: Final = "cp1252"  # what Windows means by Latin-1


@dataclass(frozen=True, slots=True)
class Encoding:
    """`said` is a sentence for the person where the file left it open; null where it did not."""

    name: str
    said: str | None = None


def of(file: BinaryIO) -> Encoding:
    """By its byte order mark; without one UTF-8 if all of it is. Reads the file to its end."""
    file.seek(0)
    head = file.read(1024)
    marked = next((name for mark, name in _MARKS if head.startswith(mark)), None)
    name = marked or _unmarked(head)
    if _decodes(file, name):
        return Encoding(name, None if marked or name == "utf-8" else f"it is read as {name}")
    if name != "utf-8":
        return Encoding(name, f"what is not {name} in it is shown as \N{REPLACEMENT CHARACTER}")
    return Encoding(_FALLBACK, "it is not UTF-8: read as Windows-1252 (Latin-1)")


def _unmarked(head: bytes) -> str:
    """Latin text in UTF-16 has a zero in every other place."""
    even, odd = head[::2].count(0), head[1::2].count(0)
    if max(even, odd) * 5 < len(head) or min(even, odd) * 4 > max(even, odd):
        return "utf-8"
    return "utf-16-be" if even > odd else "utf-16-le"


def _decodes(file: BinaryIO, name: str) -> bool:
    decoder = codecs.getincrementaldecoder(name)()
    file.seek(0)
    try:
        while piece := file.read(PIECE):
            decoder.decode(piece)
        decoder.decode(b"", final=True)
    except UnicodeError:
        return False
    return True


@contextmanager
def opened(file: BinaryIO, encoding: Encoding) -> Iterator[TextIOWrapper]:
    """The file as text, from its beginning; it stays open afterwards."""
    file.seek(0)
    text = TextIOWrapper(file, encoding.name, errors="replace", newline="")
    try:
        yield text
    finally:
        # Whoever stopped reading half-way may have closed it by the time this is cleared away.
        if not file.closed:
            text.detach()


@dataclass(frozen=True, slots=True)
class Line:
    """`text` is null for a line longer than MAX_ROW; else with its end, as it stands there."""

    number: int
    text: str | None


def lines(text: TextIOWrapper) -> Iterator[Line]:
    number = 0
    while piece := text.readline(MAX_ROW + 1):
        number += 1
        if len(piece) <= MAX_ROW:
            yield Line(number, piece)
            continue
        while piece and not piece.endswith(("\n", "\r")):
            piece = text.readline(MAX_ROW)
        yield Line(number, None)
