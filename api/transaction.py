"""One request, one transaction, committed before the answer is sent.

A route class and not a dependency, because the answer must exist before the commit: the stored
answer of an Idempotency-Key belongs to the same transaction as the change.
"""

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException

from api import idempotency
from api.deps import Bearer
from core import faults
from core.db import Database, Person, Transaction
from core.errors import KeyReplayed

Handler = Callable[[Request], Coroutine[Any, Any, Response]]
SAFE = {"GET", "HEAD"}


class Transactional(APIRoute):
    """Routes of this class find their transaction in `deps.Tx`."""

    def get_route_handler(self) -> Handler:
        handle = super().get_route_handler()
        read_only = set(self.methods or ()) <= SAFE
        route = self.path_format
        asked = (each.call for each in self.dependant.dependencies)
        bearer = next((call for call in asked if isinstance(call, Bearer)), None)

        async def in_transaction(request: Request) -> Response:
            database: Database = request.app.state.database
            async with database.transaction(read_only=read_only) as tx:
                request.scope["vt.tx"] = tx
                try:
                    response = await handle(request)
                except (RequestValidationError, HTTPException):
                    # FastAPI parses the body before it asks who sends it.
                    if bearer is not None and tx.caller is None:
                        await bearer(request)
                    raise
                if tx.events:
                    response.headers["Change-Set"] = str(tx.change_set_id)
                if "vt.idempotency" in request.scope:
                    idempotency.store(tx, request, response)
                faults.point("before_commit")
            faults.point("after_commit_before_response")
            _tell_limits(response, tx)
            return response

        async def at_most_once(request: Request) -> Response:
            try:
                return await in_transaction(request)
            except KeyReplayed:
                return await idempotency.replay(request)

        at_most_once.__name__ = f"transactional {route}"
        return in_transaction if read_only else at_most_once


def _tell_limits(response: Response, tx: Transaction) -> None:
    """RateLimit fields of draft-ietf-httpapi-ratelimit-headers."""
    person: Person | None = tx.entered
    if person is not None and tx.caller is not None:
        limit, window = tx.caller.limit, tx.caller.window_s
        left = max(0, limit - person.hits)
        resets = max(0, round((person.resets_at - tx.began_at).total_seconds()))
        response.headers["RateLimit"] = f'"default";r={left};t={resets}'
        response.headers["RateLimit-Policy"] = f'"default";q={limit};w={window}'
