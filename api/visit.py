"""A request on its way through: who asks, in which transaction, when and where.

FastAPI hands a route its `Request` for nothing, but each dependency costs 20 to 25 µs, and these
four are wanted everywhere: as dependencies they took as long as an insert.
"""

from dataclasses import replace
from datetime import datetime
from uuid import UUID

from fastapi import Request
from pydantic import BaseModel, Field

from api import clearance, idempotency
from core.actor import Actor
from core.db import Caller, Transaction
from core.errors import Invalid, Unauthenticated
from core.services.doors import Door, Visitor
from core.settings import Settings
from core.tokens import Tokens

WINDOW_S = 60
MAX_MARK_CHARS = 200


class InWorkspace(BaseModel):
    """The parameter of every collection; read by `Visit.workspace_id`."""

    workspace_id: UUID | None = Field(None, description="Default: the personal one")


class Visit(Request):
    """What a route of `Transactional` or `Authenticated` is called with."""

    tx: Transaction
    now: datetime
    somebody: Actor | None = None
    claim: idempotency.Claim | None = None

    async def begin(self, tx: Transaction, *, authenticated: bool) -> None:
        """1. Who is it? Asked before anything of the body is looked at.
        2. The Idempotency-Key is claimed and the session checked by the first statement sent.
        """
        clearance.require(self.app)
        self.tx = tx
        self.now = tx.began_at
        if authenticated:
            self.somebody = self.shown()
            self.claim = await idempotency.claim(self, self.actor.user_id)
            tx.enter(self.caller(self.actor))
        else:
            self.claim = await idempotency.claim(self, None)
            if self.claim is not None:
                idempotency.claim_for_nobody(tx, self.claim)

    @property
    def actor(self) -> Actor:
        """Who it is; known behind `Authenticated`."""
        if self.somebody is None:
            raise Unauthenticated
        return self.somebody

    def caller(self, actor: Actor) -> Caller:
        """In whose name the transaction works, and what it may use."""
        settings: Settings = self.app.state.settings
        return Caller(
            actor.user_id,
            actor.session_id,
            limit_key=f"api:{actor.user_id}",
            limit=settings.rate_limit_api,
            window_s=WINDOW_S,
            claim=self.claim.key_hash if self.claim else None,
        )

    def again(self) -> Caller | None:
        """The same caller without their claim: to be told what it was answered the first time."""
        return replace(self.caller(self.somebody), claim=None) if self.somebody else None

    def shown(self) -> Actor:
        """Whom the request's own token names. Raises `Unauthenticated`."""
        scheme, _, token = self.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise Unauthenticated("send `Authorization: Bearer <access token>`")
        tokens: Tokens = self.app.state.tokens
        access = tokens.verify(token, now=self.now)
        return Actor(access.user_id, access.session_id)

    @property
    def workspace_id(self) -> UUID:
        """The one that is asked for; one's personal workspace has one's own id."""
        asked = self.query_params.get("workspace_id")
        if asked is None:
            return self.actor.user_id
        try:
            return UUID(asked)
        except ValueError as error:
            raise Invalid(
                "send an id, which is a UUID", pointer="/query/workspace_id", code="uuid"
            ) from error

    @property
    def door(self) -> Door:
        door: Door = self.app.state.door
        return door

    @property
    def visitor(self) -> Visitor:
        """Who knocks, before they are known. X-Forwarded-For is not trusted."""
        mark = self.cookies.get(mark_cookie(self.app.state.settings))
        return Visitor(
            address=self.client.host if self.client else "",
            user_agent=self.headers.get("user-agent", ""),
            device=mark if mark and len(mark) <= MAX_MARK_CHARS else None,
        )


def mark_cookie(settings: Settings) -> str:
    """The cookie that a known device keeps."""
    return "__Host-vt-device" if settings.api_url.startswith("https:") else "vt-device"
