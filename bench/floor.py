"""The floor: bare ASGI, psycopg pipelines and orjson. No authentication, no validation, no sealing,
no logs, no metrics: what is left is the price of HTTP, the driver and the database.

`/same/…` sends the same SQL as the API, statement for statement, under row-level security.
`/least/…` sends only what a program without accounts would: the list, or the insert and its event.
"""

import hashlib
import os
from typing import Any
from uuid import UUID

import orjson
from psycopg import AsyncConnection
from psycopg.rows import tuple_row
from psycopg.types.json import Jsonb, set_json_dumps, set_json_loads
from psycopg_pool import AsyncConnectionPool

from core import clock
from core.ids import uuid7
from core.services import todo_pages, todo_writes
from core.services.todo_pages import Sort
from core.services.todo_rows import COLUMN_NAMES
from core.statements import ENTER, LEAVE

LIST = todo_pages.statement(frozenset(), Sort.CREATED)
ADD = todo_writes.ADD
NAMES = [name for name in COLUMN_NAMES if name != "deleted_at"]
NO_ANSWER = dict.fromkeys(("key", "request", "status", "answer"))
JSON = [(b"content-type", b"application/json")]
_pools: dict[bool, AsyncConnectionPool[AsyncConnection[Any]]] = {}  # by: under row-level security


def _pool(*, secured: bool) -> AsyncConnectionPool[AsyncConnection[Any]]:
    async def configure(connection: AsyncConnection[Any]) -> None:
        set_json_dumps(orjson.dumps, connection)
        set_json_loads(orjson.loads, connection)
        if secured:
            await connection.execute("SET ROLE vt_app")

    return AsyncConnectionPool(
        os.environ["DATABASE_URL"],
        kwargs={"autocommit": True, "prepare_threshold": 0},
        min_size=2,
        max_size=4,
        configure=configure,
        open=False,
    )


async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
    if scope["type"] == "lifespan":
        await receive()
        for secured in (False, True):
            _pools[secured] = _pool(secured=secured)
            await _pools[secured].open()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        for pool in _pools.values():
            await pool.close()
        await send({"type": "lifespan.shutdown.complete"})
        return
    if scope["path"] == "/ready":
        await _answer(send, 200, b"{}")
        return
    _, sql, user, session = scope["path"].split("/")
    enter = _entry(UUID(user), UUID(session)) if sql == "same" else None
    if scope["method"] == "GET":
        await _answer(send, 200, await _list(UUID(user), enter))
    else:
        body = orjson.loads((await receive())["body"])
        await _answer(send, 201, await _create(UUID(user), body, enter))


def _entry(user: UUID, session: UUID) -> dict[str, Any]:
    limits = {"key": f"api:{user}", "limit": 1_000_000_000, "seconds": 60}
    return {"session": session, "user": user, "claim": None, **limits}


async def _list(workspace: UUID, enter: dict[str, Any] | None) -> bytes:
    values = {**LIST.constants, "workspace_id": workspace, "user_id": workspace, "limit": 51}
    pool = _pools[enter is not None]
    connection = await pool.getconn()
    try:
        async with connection.pipeline():
            if enter:
                await connection.cursor().execute(ENTER.sql, enter)
            cursor = connection.cursor(row_factory=tuple_row)
            await cursor.execute(LIST.sql, values)
        rows = await cursor.fetchall()
    finally:
        await pool.putconn(connection)
    data = [dict(zip(NAMES, row, strict=False)) for row in rows[:50]]
    return orjson.dumps({"data": data, "has_more": len(rows) > 50})


async def _create(workspace: UUID, body: dict[str, Any], enter: dict[str, Any] | None) -> bytes:
    now = clock.now()
    todo = {
        **dict.fromkeys(COLUMN_NAMES),
        "id": uuid7(),
        "workspace_id": workspace,
        "title": body["title"],
        "description": "",
        "status": "pending",
        "priority": "none",
        "tags": [],
        "missed": 0,
        "position": now.timestamp(),
        "created_via": "api",
        "created_at": now,
        "updated_at": now,
    }
    event = {
        "workspace_id": workspace,
        "type": "todo.created",
        "subject_id": todo["id"],
        "changed": [],
        "before": {},
    }
    answer = orjson.dumps(todo)
    leave = {**NO_ANSWER, "events": Jsonb([event]), "actor": workspace, "change_set": uuid7()}
    if enter:
        enter["claim"] = hashlib.sha256(todo["id"].bytes).digest()
        kept = {"key": enter["claim"], "request": enter["claim"], "status": 201, "answer": answer}
        leave |= kept
    pool = _pools[enter is not None]
    connection = await pool.getconn()
    try:
        async with connection.pipeline():
            if enter:
                await connection.cursor().execute(ENTER.sql, enter)
            cursor = connection.cursor()
            await cursor.execute(ADD.sql, {**ADD.constants, **todo, "created_by": workspace})
            await connection.cursor().execute(LEAVE.sql, leave)
    finally:
        await pool.putconn(connection)
    return answer


async def _answer(send: Any, status: int, body: bytes) -> None:
    length = (b"content-length", str(len(body)).encode())
    await send({"type": "http.response.start", "status": status, "headers": [*JSON, length]})
    await send({"type": "http.response.body", "body": body})
