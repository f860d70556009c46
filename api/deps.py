"""Every dependency that routes ask for, as an annotated type."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query, Request
from fastapi.openapi.models import HTTPBearer as BearerModel
from fastapi.security.base import SecurityBase

from api import idempotency
from core import clock
from core.actor import Actor
from core.db import Caller, Transaction
from core.errors import Unauthenticated
from core.settings import Settings
from core.tokens import Tokens

WINDOW_S = 60


async def _transaction(request: Request) -> Transaction:
    tx: Transaction = request.scope["vt.tx"]
    return tx


async def _anonymous(request: Request) -> Transaction:
    tx: Transaction = request.scope["vt.tx"]
    await idempotency.claim(tx, request, None)
    return tx


class Bearer(SecurityBase):
    """Reads the token; the database checks the session with the request's first statement."""

    def __init__(self, limit: str = "api") -> None:
        self.model = BearerModel(bearerFormat="at+jwt")
        self.scheme_name = "access token"
        self._limit = limit

    async def __call__(self, request: Request) -> Actor:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise Unauthenticated("send `Authorization: Bearer <access token>`")
        tokens: Tokens = request.app.state.tokens
        settings: Settings = request.app.state.settings
        access = tokens.verify(token, now=clock.now())
        caller = Caller(
            access.user_id,
            access.session_id,
            limit_key=f"{self._limit}:{access.user_id}",
            limit=getattr(settings, f"rate_limit_{self._limit}"),
            window_s=WINDOW_S,
        )
        tx: Transaction = request.scope["vt.tx"]
        tx.enter(caller)
        await idempotency.claim(tx, request, caller)
        return Actor(access.user_id, access.session_id)


_bearer = Bearer()

Tx = Annotated[Transaction, Depends(_transaction)]
AnonymousTx = Annotated[Transaction, Depends(_anonymous)]
Me = Annotated[Actor, Depends(_bearer)]


async def _workspace(
    actor: Me,
    workspace_id: Annotated[UUID | None, Query(description="Default: the personal one")] = None,
) -> UUID:
    return workspace_id or actor.user_id


async def _now() -> datetime:
    return clock.now()


Workspace = Annotated[UUID, Depends(_workspace)]
Now = Annotated[datetime, Depends(_now)]
