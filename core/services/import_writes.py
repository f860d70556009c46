"""From what a reader answers to todos: one slice of a file, in the transaction of its caller.

1. A row is created once: by its key (`import_rows.key`) it is known in every later file.
2. What refers to a row that comes later in the file waits for `link`, the second reading: a
   parent, a series, what became of its occurrences.
3. What of a row cannot be kept is said with the row. It is never left out silently.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from core.actor import Actor
from core.db import Transaction
from core.models.imports import Outcome
from core.rules.importing.records import Code, Document, Format, Item, ListRecord, Record, Rejected
from core.services import import_rows
from core.services.import_rows import ImportRow, Known, Line
from core.services.import_slice import SERIES, Names, Slice, line_of
from core.services.workspaces import Access, place


@dataclass(frozen=True, slots=True)
class Wrote:
    """`lists` are the new ones by id, `lost` is the file's; `again`: something waits for `link`."""

    lines: list[Line]
    lists: dict[UUID, str]
    lost: tuple[str, ...]
    preferences: Mapping[str, Any]
    again: bool


async def write(
    tx: Transaction,
    actor: Actor,
    row: ImportRow,
    items: Sequence[Item],
    names: Names,
    *,
    after: int,
    now: datetime,
) -> Wrote:
    """Make what is new of these items, which stand after item `after` of the file.

    Raises `Forbidden` and `NotFound` where the actor may write no more; any other error is one of
    the items, and the caller tries them by halves.
    """
    slice_ = await _begun(tx, actor, row, items, names, now=now)
    lines = []
    for n, item in enumerate(items, after + 1):
        match item:
            case Record():
                lines.append(await slice_.record(n, item))
            case Rejected():
                lines.append(refused(n, item))
            case ListRecord():
                lost = await slice_.named_list(item)
                if lost:
                    outcome = Outcome.SKIPPED
                    lines.append(line_of(n, item.line, item.ref, outcome, item.name, lost=lost))
            case Document():
                slice_.lost += item.lost
                slice_.preferences |= item.preferences
    slice_.keep(lines)
    return Wrote(
        lines, slice_.new_lists, tuple(slice_.lost), slice_.preferences, again=slice_.again
    )


async def link(
    tx: Transaction,
    actor: Actor,
    row: ImportRow,
    items: Sequence[Item],
    names: Names,
    *,
    after: int,
    now: datetime,
) -> None:
    """The second reading: parents, series and histories, of what this import made."""
    slice_ = await _begun(tx, actor, row, items, names, now=now)
    of = {"workspace_id": row.workspace_id, "import_id": row.id}
    lines = await tx.all(import_rows.LINES, **of, after=after, limit=len(items))
    made = {line.n for line in lines if line.outcome == Outcome.CREATED}
    for n, item in enumerate(items, after + 1):
        if isinstance(item, Record) and n in made:
            await slice_.link(item)


def refused(n: int, item: Rejected) -> Line:
    outcome = Outcome.SKIPPED if item.code == Code.NOT_A_TODO else Outcome.REJECTED
    return line_of(
        n, item.line, item.ref, outcome, item.excerpt, code=item.code, reason=item.reason
    )


async def _begun(
    tx: Transaction,
    actor: Actor,
    row: ImportRow,
    items: Sequence[Item],
    names: Names,
    *,
    now: datetime,
) -> Slice:
    spot = await place(tx, actor, row.workspace_id, Access.WRITE, now=now)
    tx.run(import_rows.ONE_AT_A_TIME, user_id=str(actor.user_id))
    names.see(items)
    refs = set()
    for item in items:
        if isinstance(item, Record):
            refs |= {item.ref, item.parent_ref} - {None}
            if item.series_ref is not None:
                refs.add(SERIES + item.series_ref)
            if item.repeats is not None:
                refs |= {each.todo_ref for each in item.repeats.history} - {None}
    linked = [found for (found,) in await tx.all(import_rows.LINKED, user_id=actor.user_id)]
    keys = {
        import_rows.key(user_id, row.format or "", ref): ref
        for user_id in (actor.user_id, *linked)
        for ref in refs
        if ref
    }
    there = {"workspace_id": row.workspace_id}
    came = await tx.all(import_rows.REFS, **there, ids=list(keys))
    if row.format == Format.OWN:  # brought back to where it is from: what stands is not made again
        own = {ref: uuid for ref in keys.values() if (uuid := _uuid(ref)) is not None}
    else:
        own = {}
    ids = [each for each in (*(todo_id for _, todo_id, _ in came), *own.values()) if each]
    found = await tx.all(import_rows.STANDING, **there, ids=ids) if ids else []
    standing = {each.todo_id: each for each in found}
    known = {ref: standing[uuid] for ref, uuid in own.items() if uuid in standing}
    for key, todo_id, taken_back in came:
        if todo_id in standing:
            known[keys[key]] = standing[todo_id]
        elif not (taken_back or row.again):
            known.setdefault(keys[key], Known(None))
    return Slice(tx, actor, row, spot, await tx.person(), names, known)


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
