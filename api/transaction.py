"""One request, one transaction, committed before the answer is sent.

A route class and not a dependency, because the answer must exist before the commit: the stored
answer of an Idempotency-Key belongs to the same transaction as the change.
"""

from collections.abc import Callable, Coroutine
from typing import Any, ClassVar

from fastapi import Request, Response
from fastapi.routing import APIRoute

from api import idempotency
from api.visit import Visit
from core import faults
from core.db import Database, Transaction
from core.errors import KeyReplayed

Handler = Callable[[Request], Coroutine[Any, Any, Response]]
SAFE = {"GET", "HEAD"}
SCHEME = "access_token"


class Transactional(APIRoute):
    """Routes that anybody may call; they are given a `Visit` as their request."""

    authenticated: ClassVar[bool] = False

    def get_route_handler(self) -> Handler:
        handle = super().get_route_handler()
        read_only = set(self.methods or ()) <= SAFE
        authenticated = self.authenticated

        async def in_transaction(request: Request) -> Response:
            visit = Visit(request.scope, request.receive)
            database: Database = request.app.state.database
            try:
                async with database.transaction(read_only=read_only) as tx:
                    await visit.begin(tx, authenticated=authenticated)
                    response = await handle(visit)
                    if tx.events:
                        response.headers["Change-Set"] = str(tx.change_set_id)
                    if visit.claim is not None:
                        idempotency.store(tx, visit.claim, response)
                    faults.point("before_commit")
            except KeyReplayed:
                if visit.claim is None:
                    raise
                return await idempotency.replay(database, visit.claim, visit.again())
            faults.point("after_commit_before_response")
            tell_limits(response, tx)
            return response

        return in_transaction


class Authenticated(Transactional):
    """Routes for people who signed in; `visit.actor` says who."""

    authenticated = True

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        extra = {**(options.pop("openapi_extra", None) or {}), "security": [{SCHEME: []}]}
        super().__init__(path, endpoint, openapi_extra=extra, **options)


def tell_limits(response: Response, tx: Transaction) -> None:
    """RateLimit fields of draft-ietf-httpapi-ratelimit-headers."""
    person = tx.entered
    if person is not None and tx.caller is not None:
        limit, window = tx.caller.limit, tx.caller.window_s
        left = max(0, limit - person.hits)
        resets = max(0, round((person.resets_at - tx.began_at).total_seconds()))
        response.headers["RateLimit"] = f'"default";r={left};t={resets}'
        response.headers["RateLimit-Policy"] = f'"default";q={limit};w={window}'
