"""The one way in: a file and what it is, read as items."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from hashlib import blake2b
from typing import BinaryIO, Final

from core.rules.importing import ics, localstorage, own, parents, texts, todoist_csv
from core.rules.importing.parents import Cuts
from core.rules.importing.records import (
    MAX_BYTES,
    MAX_ROWS,
    Code,
    Document,
    Format,
    Item,
    Record,
    Rejected,
    Scene,
)

_READERS: Final[dict[Format, Callable[[BinaryIO, Scene], Iterator[Item]]]] = {
    Format.LOCALSTORAGE: localstorage.read,
    Format.OWN: own.read,
    Format.ICS: ics.read,
    Format.TODOIST_CSV: todoist_csv.read,
}

# Todoist's rows stand below their parents; of a calendar the first reading tells its tree.
_UNSETTLED: Final = {Format.LOCALSTORAGE, Format.OWN}


def read(file: BinaryIO, *, format: Format, scene: Scene) -> Iterator[Item]:  # noqa: A002 (the word of the request)
    """Each item as soon as it is read; see `core.rules.importing.records` for what holds."""
    if file.seek(0, 2) > MAX_BYTES:
        most = MAX_BYTES // 1024 // 1024
        yield Rejected(0, Code.TOO_LARGE, f"a file has at most {most} MiB")
        return
    reader = _READERS[format]
    cuts = _cuts(_limited(reader(file, scene))) if format in _UNSETTLED else {}
    for item in _limited(reader(file, scene)):
        yield _placed(item, cuts, scene) if isinstance(item, Record) else item


def _cuts(items: Iterator[Item]) -> Cuts:
    """What the tree of the file cannot have."""
    parent_of: dict[str, str | None] = {}
    some = False
    for item in items:
        if isinstance(item, Record):
            parent_of[item.ref] = item.parent_ref
            some = some or item.parent_ref is not None
    return parents.settled(parent_of) if some else {}


def _placed(record: Record, cuts: Cuts, scene: Scene) -> Record:
    if record.ref in cuts:
        parent, why = cuts[record.ref]
        record = replace(record, parent_ref=parent, lost=(*record.lost, why))
    if record.list_name is None and scene.list_name is not None:
        record = replace(record, list_name=scene.list_name)
    return record


def _limited(items: Iterator[Item]) -> Iterator[Item]:
    """Not more rows than may be, and none twice."""
    seen: set[bytes] = set()
    rows = 0
    for item in items:
        if isinstance(item, Document):
            yield item
            continue
        rows += 1
        if rows > MAX_ROWS:
            reason = f"at most {MAX_ROWS:,} rows are read: those from this one on are not"
            yield Rejected(item.line, Code.TOO_MANY, reason)
            return
        if not isinstance(item, Record):
            yield item
            continue
        key = blake2b(item.ref.encode(), digest_size=12).digest()
        if key in seen:
            reason = "an earlier row of this file has the same id"
            yield Rejected(item.line, Code.DUPLICATE, reason, texts.excerpt(item.title), item.ref)
            continue
        seen.add(key)
        yield item
