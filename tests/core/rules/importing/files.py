"""Files as somebody brings them, and what is read of them."""

from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Final

from core.rules.importing.reading import read
from core.rules.importing.records import Document, Format, Item, Record, Rejected, Scene

DATA: Final = Path(__file__).parents[3] / "data" / "imports"
# A Wednesday, at noon in Berlin.
SCENE: Final = Scene(datetime(2026, 3, 4, 11, tzinfo=UTC), "Europe/Berlin")


def bytes_of(name: str) -> bytes:
    return (DATA / name).read_bytes()


def items(content: bytes | str, kind: Format, scene: Scene = SCENE) -> list[Item]:
    raw = content.encode() if isinstance(content, str) else content
    return list(read(BytesIO(raw), format=kind, scene=scene))


def records(content: bytes | str, kind: Format, scene: Scene = SCENE) -> list[Record]:
    """Of a file in which nothing else stands."""
    found = items(content, kind, scene)
    assert not [each for each in found if isinstance(each, Rejected)]
    return [each for each in found if isinstance(each, Record)]


def rejected(found: list[Item]) -> list[Rejected]:
    return [each for each in found if isinstance(each, Rejected)]


def document(found: list[Item]) -> Document:
    (only,) = [each for each in found if isinstance(each, Document)]
    return only


def vtodo(*lines: str, head: str = "") -> str:
    """A calendar of one."""
    body = "\r\n".join(["BEGIN:VTODO", "UID:one", "SUMMARY:T", *lines, "END:VTODO"])
    return f"BEGIN:VCALENDAR\r\n{head}{body}\r\nEND:VCALENDAR\r\n"


def only(*lines: str, head: str = "") -> Record:
    (record,) = records(vtodo(*lines, head=head), Format.ICS)
    return record
