"""Connections to PostgreSQL: who they work as, how long one waits for them, how they are ended."""

import asyncio
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final, TypeVar

import orjson
from psycopg import AsyncConnection, AsyncCursor
from psycopg import Error as PsycopgError
from psycopg.abc import PQGen
from psycopg.types.json import set_json_dumps, set_json_loads
from psycopg_pool import AsyncConnectionPool

T = TypeVar("T")
WAIT_FOR_CONNECTION_S: Final = 3.0
# The pool doubles its wait after each vain try; given up so soon, the next request tries anew, and
# a database that was away for long is found again within 2 s of its return.
TRY_TO_CONNECT_FOR_S: Final = 4.0


class Connection(AsyncConnection[Any]):
    """Keeps its cursors: a used one knows how to load what it loaded before (7 µs each time)."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.cursors: list[AsyncCursor[Any]] = []

    async def wait(self, gen: PQGen[T], *arguments: Any, **options: Any) -> T:
        """Psycopg leaves the steps half done when they are cancelled before the first byte is sent.

        Ended here, where the connection is closed and the complaint about it is heard.
        """
        try:
            return await super().wait(gen, *arguments, **options)
        except asyncio.CancelledError:
            await self.close()
            with suppress(PsycopgError):
                gen.close()
            raise


Pool = AsyncConnectionPool[Connection]


def pool(url: str, *, role: str, size: int) -> Pool:
    """At most `size` connections that work in one role; opened with `open`."""

    async def configure(connection: Connection) -> None:
        set_json_dumps(orjson.dumps, connection)
        set_json_loads(orjson.loads, connection)
        await connection.execute(f"SET ROLE {role}".encode())
        await connection.execute("SET TIME ZONE 'UTC'")
        await connection.execute("SET statement_timeout = '4s'")

    return AsyncConnectionPool(
        url,
        connection_class=Connection,
        kwargs={"autocommit": True, "prepare_threshold": 0, "connect_timeout": 3},
        min_size=min(size, 2),
        max_size=size,
        timeout=WAIT_FOR_CONNECTION_S,
        reconnect_timeout=TRY_TO_CONNECT_FOR_S,
        configure=configure,
        open=False,
    )


@contextmanager
def answered_within(seconds: float, connection: Connection) -> Iterator[None]:
    """Hang up when this takes longer: a server that is frozen ends no statement by itself.

    Cancelling the waiting task would not end it: psycopg then asks the same server to cancel, and
    waits for its answer. The end of the stream is what it believes, and the pool does as well.
    """
    timer = asyncio.get_running_loop().call_later(seconds, _hang_up, connection)
    try:
        yield
    finally:
        timer.cancel()


def _hang_up(connection: Connection) -> None:
    with suppress(OSError, PsycopgError), socket.socket(fileno=os.dup(connection.fileno())) as it:
        it.shutdown(socket.SHUT_RDWR)
