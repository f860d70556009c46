"""One mark in every column that the data map gives to a person: all of it is in their archive."""

from collections.abc import Callable
from datetime import date, datetime, time
from typing import Any, Final
from uuid import UUID

import orjson
from fastapi import FastAPI
from psycopg.types.json import Jsonb

from core import crypto
from core.db import Database
from core.rules import data_map
from core.services import export_tables, memo_secrets, voice_seals
from tests.exporting import Opened, export
from tests.marking import THERE, Marks
from tests.people import Person


def marks(app: FastAPI, person: Person) -> Marks:
    """With what is sealed for its row, as whoever wrote it would have."""
    memos, voice = app.state.shelf.ring, app.state.voice.ring
    told = {"is": f"mark-said-{person.id.hex[-12:]}"}

    def memo(column: str) -> Any:
        def seal(row: dict[str, Any]) -> bytes:
            aad = crypto.place(memo_secrets.TABLE, column, row["id"], row["workspace_id"])
            plain = orjson.dumps([told]) if column == "words" else told["is"].encode()
            sealed: bytes = memos.seal(plain, aad=aad)
            return sealed

        return seal

    def said(row: dict[str, Any]) -> bytes:
        return voice_seals.seal_result(voice, row["workspace_id"], row["id"], told)

    def original(row: dict[str, Any]) -> bytes:
        return voice_seals.seal_words(voice, row["workspace_id"], row["todo_id"], told["is"])

    return Marks(
        person.id,
        {
            ("voice_memos", "transcript"): memo("transcript"),
            ("voice_memos", "words"): memo("words"),
            ("voice_commands", "sealed"): said,
            ("todo_voice", "original_text"): original,
        },
    )


OPENED: Final[dict[tuple[str, str], Callable[[str], Any]]] = {
    ("voice_memos", "words"): lambda mark: [{"is": mark}],
    ("voice_commands", "sealed"): lambda mark: {"is": mark},
    ("voice_memos", "transcript"): lambda mark: mark,
    ("todo_voice", "original_text"): lambda mark: mark,
}


def shown(table: str, column: str, value: Any, person: Person) -> Any:
    """As the archive tells it."""
    if (opened := OPENED.get((table, column))) is not None:
        return opened(f"mark-said-{person.id.hex[-12:]}")
    if column in export_tables.PEOPLE:
        return "me"
    if isinstance(value, list):
        return [_plain(each) for each in value]
    return value.decode() if column == "body" else _plain(value)


def _plain(value: Any) -> Any:
    match value:
        case Jsonb():
            return value.obj
        case bytes():
            return value.hex()
        case UUID():
            return str(value)
        case datetime():
            return value.strftime("%Y-%m-%dT%H:%M:%SZ")
        case date() | time():
            return value.isoformat()
    return value


async def test_every_mark_is_in_the_archive_and_none_of_anybody_else(
    app: FastAPI, app_db: Database, database_url: str, alice: Person, bob: Person
) -> None:
    hers, his = marks(app, alice), marks(app, bob)
    async with hers.laid(database_url), his.laid(database_url):
        opened = await export(app, app_db, alice)
    tried = 0
    for member, table, column in data_map.read().exported():
        if member == export_tables.TODOS or table in THERE:
            continue
        value = shown(table, column, hers.values[table][column], alice)
        rows = opened.json(member)[table]
        assert value in [row[column] for row in rows], (member, table, column, value)
        tried += 1
    assert tried > 200
    (workspace,) = opened.json("workspaces.json")["workspaces"]
    assert workspace["id"] == str(alice.id)
    _todos(opened, hers, alice)
    for name in opened.names:
        text = opened.read(name).decode(errors="replace")
        assert his.person_id.hex[-12:] not in text, name
        for table, row in his.values.items():
            for column, value in row.items():
                if isinstance(value, UUID):
                    assert str(value) not in text, (name, table, column)


def _todos(opened: Opened, hers: Marks, alice: Person) -> None:
    """What stands in `todos.json`, under names of its own."""
    text = opened.read("todos.json").decode()
    tried = 0
    for member, table, column in data_map.read().exported():
        value = hers.values.get(table, {}).get(column)
        if member != export_tables.TODOS or value is None:
            continue
        told = shown(table, column, value, alice)
        if column == "before_s":
            told = "PT1H16M7S"
        for each in told if isinstance(told, list) else [told]:
            written = orjson.dumps(each).decode()
            # Instants that PostgreSQL writes end in +00:00.
            ways = {written, written.replace('Z"', '+00:00"')}
            assert any(way in text for way in ways), (table, column, each)
            tried += 1
    assert tried > 60
