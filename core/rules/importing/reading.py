"""The one way in: a file and what it is, read as items."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from hashlib import blake2b, file_digest
from typing import BinaryIO, Final

from core.rules.importing import archive, ics, localstorage, own, parents, texts, todoist_csv
from core.rules.importing.parents import Cuts
from core.rules.importing.records import (
    MAX_BYTES,
    MAX_NAME,
    MAX_ROWS,
    Code,
    Document,
    Format,
    Item,
    ListRecord,
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
    if format in archive.ENDINGS and archive.is_one(file):
        reader, scene = partial(_all_of, format), replace(scene, list_name=None)
    cuts = _cuts(_limited(reader(file, scene))) if format in _UNSETTLED else {}
    for item in _limited(reader(file, scene)):
        yield _placed(item, cuts, scene) if isinstance(item, Record) else item


def _all_of(of: Format, file: BinaryIO, scene: Scene) -> Iterator[Item]:
    """The files of an archive, one after the other. Their lines count from one in each."""
    with archive.members(file, of) as found:
        if isinstance(found, Rejected):
            yield found
            return
        said: list[str] = []
        alike: Counter[bytes] = Counter()
        for name, member in found:
            content = file_digest(member, "sha256").digest()
            nth, alike[content] = alike[content], alike[content] + 1
            by_file = of is Format.TODOIST_CSV  # without ids; and its name is that of the project
            list_name = texts.list_of_file(name) if by_file else None
            for item in _READERS[of](member, scene):
                if isinstance(item, Document):
                    said += (f"{name}: {each}" for each in item.lost)
                else:
                    yield _of_member(_twin(item, nth if by_file else 0), name, list_name)
        yield Document(of, lost=tuple(said))


def _of_member(item: Record | ListRecord | Rejected, name: str, project: str | None) -> Item:
    """Sections of two projects that are named alike stay two lists."""
    match item:
        case Rejected():
            reason = f"{texts.excerpt(name)}: {item.reason}"
            return replace(item, line=item.line or 1, reason=reason)
        case ListRecord():
            return replace(item, name=_within(project, item.name))
        case _:
            named = _within(project, item.list_name) if item.list_name else project
            return replace(item, list_name=named)


def _twin(item: Record | ListRecord | Rejected, nth: int) -> Record | ListRecord | Rejected:
    """Of two projects that are alike, as those of one template are, both have all their tasks."""
    if not nth or isinstance(item, Rejected):
        return item
    named = replace(item, ref=texts.digest(item.ref, str(nth)))
    if isinstance(named, Record) and named.parent_ref:
        return replace(named, parent_ref=texts.digest(named.parent_ref, str(nth)))
    return named


def _within(project: str | None, section: str) -> str:
    return f"{project} / {section}"[:MAX_NAME].strip() if project else section


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
