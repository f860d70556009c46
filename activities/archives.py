"""An archive piece by piece: what is read is packed and handed on, and nothing of it is kept.

Rows come in pages, each in a transaction of its own, and recordings as they come out of their
blobs: however much it is, a page and a few hundred KiB are held. What is changed meanwhile may be
in it or not.
"""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import asdict, dataclass, field, replace
from importlib.resources import files
from typing import Any, Final
from uuid import UUID

import orjson

from core import logs
from core.db import Database, Transaction
from core.errors import NotFound
from core.rules import data_map
from core.rules.exporting import calendar, sheet, spreadsheet
from core.rules.exporting.archive import Archive
from core.rules.exporting.items import Item
from core.services import export_items, export_rows, export_tables, export_todos, merges
from core.services.export_seals import Seals
from core.services.export_tables import TODOS, Scope, Section
from core.services.export_todos import Part
from core.services.exports import Format, Work
from core.services.memo_rows import MemoRow

log = logs.get(__name__)

VERSION: Final = 1
README: Final = "README.html"
MANIFEST: Final = "manifest.json"
AUDIO: Final = "audio/"
CSV, ICS = "todos.csv", "todos.ics"
EXTENSIONS: Final = {"audio/mpeg": "mp3", "audio/mp4": "m4a"}
ROW: Final = 1000  # bytes of audio that a row is worth, for the progress
NOWHERE: Final = UUID(int=0)
Pieces = AsyncIterator[bytes]
LINKED: Final = "linked/"
Opened = Callable[[Seals, MemoRow], Pieces]


@dataclass(slots=True)
class Progress:
    """In bytes of audio, and what rows are worth beside them."""

    of: int = 1
    done: int = 0
    members: int = 0
    missing: list[str] = field(default_factory=list)  # recordings that were there no more

    @property
    def share(self) -> float:
        return min(1.0, self.done / max(1, self.of))


@dataclass(frozen=True, slots=True)
class _Account:
    """Whose rows are told, in which folder of the archive; `rooms` are its workspaces."""

    folder: str
    scope: Scope
    rooms: list[dict[str, Any]]
    seals: Seals


class Archiving:
    """One archive. `opened` gives a recording out of its blob; `seals` are the installation's."""

    def __init__(self, db: Database, seals: Seals, opened: Opened, work: Work) -> None:
        self.progress = Progress()
        self._db = db
        self._seals = seals
        self._opened = opened
        self._work = work
        self._archive = Archive(work.began_at)
        self._own = _Account("", Scope(work.user_id, (), frozenset()), [], seals)
        self._linked: list[_Account] = []
        self._zone = "UTC"

    async def pieces(self) -> Pieces:
        """The archive, from its first byte to its last."""
        try:
            async for piece in self._pieces():
                yield piece
        finally:
            self._archive.close()

    async def _pieces(self) -> Pieces:
        await self._look()
        async for name, packed, source in self._members():
            self._archive.begin(name, packed=packed)
            async with aclosing(source):  # type: ignore[type-var]  # ours are generators
                async for data in source:
                    self._archive.add(data)
                    if ready := self._archive.take():
                        yield ready
            self._archive.end()
            self.progress.members += 1
        self._archive.close()
        yield self._archive.take()

    async def _look(self) -> None:
        """Whose it is, and how much there is."""
        me = self._work.user_id
        self._own = await self._account("", me)
        async with self._reading() as tx:
            todos = await export_todos.count(tx, self._own.scope)
            zone = await tx.first(export_rows.ZONE, me=me)
            linked = await merges.linked(tx, me)
        self._linked = [await self._account(f"{LINKED}{each}/", each) for each in linked]
        self._own = replace(self._own, scope=replace(self._own.scope, linked=tuple(linked)))
        self._zone = zone[0] if zone else self._zone
        formats = len(self._work.formats - {Format.AUDIO})
        self.progress.of = 1 + ROW * todos * formats
        if Format.AUDIO in self._work.formats:
            for account in self._accounts:
                async with self._reading(account) as tx:
                    recorded = await tx.first(export_rows.RECORDED, me=account.scope.user_id)
                self.progress.of += int(recorded[0]) if recorded else 0

    async def _account(self, folder: str, user_id: UUID) -> _Account:
        scope = Scope(user_id, (), frozenset())
        async with self._reading(_Account(folder, scope, [], self._seals)) as tx:
            spaces = await export_todos.spaces(tx, user_id)
            seals = await self._seals.of(tx, user_id)
        scope = Scope(user_id, tuple(spaces), frozenset())
        async with self._reading(_Account(folder, scope, [], seals)) as tx:
            scope, rooms = await export_todos.rooms(tx, user_id)
        return _Account(folder, scope, rooms, seals)

    @property
    def _accounts(self) -> list[_Account]:
        """One's own, and anonymous ones that ended in it: what did not move is still in these."""
        return [self._own, *self._linked]

    @asynccontextmanager
    async def _reading(self, account: _Account | None = None) -> AsyncIterator[Transaction]:
        scope = (account or self._own).scope
        async with self._db.transaction(read_only=True) as tx:
            tx.act_in((*scope.workspaces, *scope.linked), scope.user_id)
            yield tx

    async def _members(self) -> AsyncIterator[tuple[str, bool, Pieces]]:
        formats = self._work.formats
        yield README, False, self._readme()
        if Format.JSON in formats:
            for name, text in self._schemas():
                yield name, False, _once(text)
            yield TODOS, False, self._todos()
            for account in self._accounts:
                for member, sections in export_tables.sections().items():
                    yield account.folder + member, False, self._tables(account, sections)
        if Format.CSV in formats:
            yield CSV, False, self._spreadsheet()
        if Format.ICS in formats:
            yield ICS, False, self._calendar()
        if Format.AUDIO in formats:
            for account in self._accounts:
                async for memo, first, rest in self._recordings(account):
                    extension = EXTENSIONS.get(memo.media_type, memo.media_type.partition("/")[2])
                    yield f"{AUDIO}{memo.id}.{extension}", True, self._recording(first, rest)
        yield MANIFEST, False, self._manifest()

    def _schemas(self) -> Iterator[tuple[str, bytes]]:
        ours = files("core.rules.exporting")
        for name in ("todos.schema.json", "todos.example.json"):
            yield f"schema/{name}", ours.joinpath(name).read_bytes()
        for member in export_tables.sections():
            shape = orjson.dumps(export_tables.schema(member), option=orjson.OPT_INDENT_2)
            yield f"schema/{member.removesuffix('.json')}.schema.json", shape

    async def _readme(self) -> Pieces:
        formats = self._work.formats
        members = {
            Format.JSON: TODOS,
            Format.CSV: CSV,
            Format.ICS: ICS,
            Format.AUDIO: AUDIO,
        }
        inside = [name for kind, name in members.items() if kind in formats]
        if Format.JSON in formats:
            inside += [account.folder for account in self._linked]
        text = sheet.page(data_map.read(), made_at=self._work.began_at, members=inside)
        yield text.encode()

    async def _todos(self) -> Pieces:
        head = {
            "format": "voicetodo-export",
            "version": VERSION,
            "exported_at": self._work.began_at,
            "user_id": self._work.user_id,
        }
        begun = b",\n".join(b"%b:%b" % (_json(name), _json(head[name])) for name in head)
        yield b"{\n" + begun + b',\n"workspaces":['
        yield _lines(self._own.rooms, first=True) + b"\n]"
        for part in export_todos.PARTS:
            yield b',\n"%b":[' % part.name.encode()
            first = True
            async for found in self._pages(part):
                told = [part.told(each, self._own.scope, self._own.seals) for each in found]
                yield _lines(told, first=first)
                first = False
            yield b"\n]"
        yield b"\n}\n"

    async def _pages(self, part: Part) -> AsyncIterator[list[export_todos.Row]]:
        after = None
        while True:
            async with self._reading() as tx:
                found = await export_todos.page(tx, self._own.scope, part, after)
                if part is export_todos.TODOS:
                    await export_todos.with_reminders(tx, self._own.scope, found)
                    await export_todos.with_voices(tx, self._own.scope, found)
                    self.progress.done += ROW * len(found)
            if found:
                yield found
            if len(found) < export_tables.PAGE:
                return
            after = found[-1]

    async def _items(self) -> AsyncIterator[list[Item]]:
        rooms = {each["id"]: each["name"] for each in self._own.rooms}
        async for found in self._pages(export_todos.TODOS):
            async with self._reading() as tx:
                await export_items.with_names(tx, self._own.scope, found, rooms)
            items = (export_items.item(each, self._own.scope, self._zone) for each in found)
            yield [each for each in items if each is not None]

    async def _spreadsheet(self) -> Pieces:
        yield spreadsheet.head().encode()
        async for items in self._items():
            yield spreadsheet.lines(items).encode()

    async def _calendar(self) -> Pieces:
        async with self._reading() as tx:
            zones = await export_todos.zones_of(tx, self._own.scope)
        yield calendar.head(zones).encode()
        async for items in self._items():
            yield calendar.todos(items).encode()
        yield calendar.tail().encode()

    async def _tables(self, account: _Account, sections: tuple[Section, ...]) -> Pieces:
        scope, seals = account.scope, account.seals
        for nth, section in enumerate(sections):
            yield b'%b"%b":[' % (b",\n" if nth else b"{\n", section.table.encode())
            after, first = None, True
            while True:
                async with self._reading(account) as tx:
                    found, after = await export_tables.page(tx, scope, section, after)
                told = [export_tables.told(section, each, scope, seals) for each in found]
                yield _lines(told, first=first)
                first = first and not told
                if after is None:
                    break
            yield b"\n]"
        yield b"\n}\n"

    async def _recordings(self, account: _Account) -> AsyncIterator[tuple[MemoRow, bytes, Pieces]]:
        """With the first piece of each: a member is begun once there is something of it."""
        me, space, last = account.scope.user_id, NOWHERE, NOWHERE
        while True:
            async with self._reading(account) as tx:
                found = await tx.all(
                    export_rows.RECORDINGS, me=me, after_space=space, after_id=last
                )
            for memo in found:
                pieces = self._opened(account.seals, memo)
                try:
                    first = await anext(pieces, b"")
                except NotFound:  # its time was over meanwhile
                    self.progress.missing.append(str(memo.id))
                    continue
                yield memo, first, pieces
            if not found:
                return
            space, last = found[-1].workspace_id, found[-1].id

    async def _recording(self, first: bytes, rest: Pieces) -> Pieces:
        self.progress.done += len(first)
        yield first
        async with aclosing(rest):  # type: ignore[type-var]  # ours are generators
            async for piece in rest:
                self.progress.done += len(piece)
                yield piece

    async def _manifest(self) -> Pieces:
        told = {
            "format": "voicetodo-export",
            "version": VERSION,
            "exported_at": self._work.began_at,
            "user_id": self._work.user_id,
            "formats": sorted(self._work.formats),
            "members": [asdict(each) for each in self._archive.members],
            "missing": self.progress.missing,
        }
        yield orjson.dumps(told, option=orjson.OPT_UTC_Z | orjson.OPT_INDENT_2)


async def _once(data: bytes) -> Pieces:
    yield data


def _json(value: Any) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_UTC_Z)


def _lines(rows: list[dict[str, Any]], *, first: bool) -> bytes:
    """Each on a line of its own."""
    lines = b"".join(b",\n" + _json(each) for each in rows)
    return lines[1:] if first else lines
