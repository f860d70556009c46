"""The one way in: a file and what it is, read as items."""

from collections.abc import Iterator
from typing import BinaryIO

from core.rules.importing.records import Code, Format, Item, Rejected, Scene


def read(file: BinaryIO, *, format: Format, scene: Scene) -> Iterator[Item]:  # noqa: A002 (the word of the request)
    """Each item as soon as it is read; see `core.rules.importing.records` for what holds."""
    del file, scene
    yield Rejected(0, Code.FORMAT, f"files of the format {format} are not read")
