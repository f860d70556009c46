"""Routes whose body or answer is too large to hold, and may come in or go out slowly.

A route of these opens its transactions itself, and each is over before the next byte is waited
for: a slow upload holds neither a connection of the database nor anything else but its socket.

1. `visit.opening()` says who it is, before a byte of the body is read, and counts the request.
2. `visit.pieces(most=…)` is the body.
3. `visit.writing()` asks for the session once more: it may have ended meanwhile.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from time import monotonic
from uuid import UUID

from fastapi import Request, Response
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from api import idempotency
from api.middleware import MOST
from api.transaction import Authenticated, Handler, tell_limits
from api.visit import Visit
from core import clock, faults
from core.db import UNLIMITED, Caller, Database, Transaction
from core.errors import KeyReplayed
from core.settings import Settings

# The client would go on sending to nobody: the connection ends with the answer.
ENDS = {"Connection": "close"}


class Stream(Visit):
    """What a route of `Streaming` is called with. Its `tx` is the last that was opened."""

    _first: Transaction | None = None
    _change_set: UUID | None = None

    def begin_streaming(self) -> None:
        """Who is it? Asked before anything else of the request is looked at."""
        self.now = clock.now()
        self.somebody = self.shown()

    @asynccontextmanager
    async def opening(self, *, read_only: bool = False) -> AsyncIterator[Transaction]:
        """The first transaction of this request."""
        async with self._transaction(self.caller(self.actor), read_only=read_only) as tx:
            yield tx
            await tx.person()  # checked, although nothing was asked yet

    @asynccontextmanager
    async def writing(self, *, read_only: bool = False) -> AsyncIterator[Transaction]:
        """A further one. It is not counted again, and begins with `claim`, if that was set."""
        caller = replace(
            self.caller(self.actor),
            limit_key=f"further:{self.actor.user_id}",
            limit=UNLIMITED,
            claim=None if read_only or self.claim is None else self.claim.key_hash,
        )
        async with self._transaction(caller, read_only=read_only) as tx:
            self.now = tx.began_at
            yield tx
            faults.point("before_commit")

    async def pieces(self, *, most: int) -> AsyncIterator[bytes]:
        """The body, as it comes. 413 beyond `most` bytes; 408 for one that stalls or crawls.

        What takes long on our side does not count.
        """
        settings: Settings = self.app.state.settings
        self.scope[MOST] = most
        body = aiter(self.stream())
        waited, received = 0.0, 0
        while True:
            began = monotonic()
            try:
                async with asyncio.timeout(settings.upload_idle_seconds):
                    piece = await anext(body)
            except StopAsyncIteration:
                return
            except TimeoutError as error:
                raise HTTPException(408, "nothing came for too long", ENDS) from error
            except ClientDisconnect as error:
                raise HTTPException(400, "the upload broke off", ENDS) from error
            waited += monotonic() - began
            received += len(piece)
            if received < settings.upload_min_rate * (waited - settings.upload_idle_seconds):
                raise HTTPException(408, "the upload is too slow", ENDS)
            if piece:
                yield piece

    @asynccontextmanager
    async def _transaction(self, caller: Caller, *, read_only: bool) -> AsyncIterator[Transaction]:
        database: Database = self.app.state.database
        async with database.transaction(read_only=read_only) as tx:
            self.tx = tx
            tx.enter(caller)
            self._first = self._first or tx
            yield tx
        if tx.events:
            self._change_set = tx.change_set_id

    def tell(self, response: Response) -> None:
        """What is said of every answer: limits, and the change that was made."""
        if self._first is not None:
            tell_limits(response, self._first)
        if self._change_set is not None:
            response.headers["Change-Set"] = str(self._change_set)


class Streaming(Authenticated):
    """Routes for people who signed in; they are given a `Stream` as their request."""

    def get_route_handler(self) -> Handler:
        handle = APIRoute.get_route_handler(self)

        async def streamed(request: Request) -> Response:
            visit = Stream(request.scope, request.receive)
            visit.begin_streaming()
            try:
                response = await handle(visit)
            except KeyReplayed:
                if visit.claim is None:
                    raise
                database: Database = request.app.state.database
                return await idempotency.replay(database, visit.claim, visit.again())
            faults.point("after_commit_before_response")
            visit.tell(response)
            return response

        return streamed
