"""The floor: the same SQL on bare ASGI, psycopg pipelines and orjson. No authentication, no
row-level security, no validation, no idempotency, no logs, no metrics: what is left is the price
of HTTP, the driver and the database.
"""

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
from core.services import todo_pages, todos
from core.services.todo_pages import Sort
from core.services.todo_rows import COLUMN_NAMES
from core.statements import LEAVE

LIST = todo_pages.statement(frozenset(), Sort.CREATED)
ADD = todos.ADD
NAMES = [name for name in COLUMN_NAMES if name != "deleted_at"]
NO_ANSWER = dict.fromkeys(("key", "request", "status", "answer"))
JSON = [(b"content-type", b"application/json")]
_pool: AsyncConnectionPool[AsyncConnection[Any]]


async def _configure(connection: AsyncConnection[Any]) -> None:
    set_json_dumps(orjson.dumps, connection)
    set_json_loads(orjson.loads, connection)


async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
    global _pool  # noqa: PLW0603 (an ASGI callable without a framework has no better place)
    if scope["type"] == "lifespan":
        await receive()
        _pool = AsyncConnectionPool(
            os.environ["DATABASE_URL"],
            kwargs={"autocommit": True, "prepare_threshold": 0},
            min_size=2,
            max_size=4,
            configure=_configure,
            open=False,
        )
        await _pool.open()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await _pool.close()
        await send({"type": "lifespan.shutdown.complete"})
        return
    if scope["path"] == "/ready":
        await _answer(send, 200, b"{}")
        return
    workspace = UUID(scope["path"].rpartition("/")[2])
    if scope["method"] == "GET":
        await _answer(send, 200, await _list(workspace))
    else:
        body = orjson.loads((await receive())["body"])
        await _answer(send, 201, await _create(workspace, body))


async def _list(workspace: UUID) -> bytes:
    values = {**LIST.constants, "workspace_id": workspace, "user_id": workspace, "limit": 51}
    connection = await _pool.getconn()
    try:
        async with connection.pipeline():
            cursor = connection.cursor(row_factory=tuple_row)
            await cursor.execute(LIST.sql, values)
        rows = await cursor.fetchall()
    finally:
        await _pool.putconn(connection)
    data = [dict(zip(NAMES, row, strict=False)) for row in rows[:50]]
    return orjson.dumps({"data": data, "has_more": len(rows) > 50})


async def _create(workspace: UUID, body: dict[str, Any]) -> bytes:
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
    connection = await _pool.getconn()
    try:
        async with connection.pipeline():
            cursor = connection.cursor()
            await cursor.execute(ADD.sql, {**ADD.constants, **todo, "created_by": workspace})
            values = {"events": Jsonb([event]), "actor": workspace, "change_set": uuid7()}
            await connection.cursor().execute(LEAVE.sql, {**NO_ANSWER, **values})
    finally:
        await _pool.putconn(connection)
    return orjson.dumps(todo)


async def _answer(send: Any, status: int, body: bytes) -> None:
    length = (b"content-length", str(len(body)).encode())
    await send({"type": "http.response.start", "status": status, "headers": [*JSON, length]})
    await send({"type": "http.response.body", "body": body})
