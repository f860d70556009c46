"""Connections to Google Calendar and Slack: begun here, allowed there, looked at and ended here."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from html import escape
from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Query, Response
from starlette.responses import HTMLResponse

from api import pages, small_pages
from api.schemas.integrations import IntegrationBody, ProviderName
from api.small_pages import page
from api.transaction import Authenticated, Transactional
from api.visit import InWorkspace, Visit
from core import logs
from core.crypto import Keyring
from core.db import Caller, Database
from core.errors import Conflict, Rejected, Unauthenticated, VendorError
from core.keys import Keys
from core.models.connections import Provider
from core.services import (
    calendar_settings,
    connecting,
    connection_activity,
    connections,
    slack_settings,
    users,
)
from core.services import integrations as services
from core.services.connecting import LIFETIME, Pending
from core.services.connection_activity import Activity
from core.services.connections import NAMES
from core.services.integrations import Integration
from core.services.workspaces import Access, place
from integrations.oauth import Asking

router = APIRouter(prefix="/integrations", tags=["integrations"], route_class=Authenticated)
public = APIRouter(prefix="/integrations", tags=["integrations"], route_class=Transactional)
log = logs.get(__name__)


@dataclass(frozen=True, slots=True)
class IntegrationList:
    """Oldest first."""

    data: list[Integration]


@dataclass(frozen=True, slots=True)
class ActivityPage:
    """Newest first."""

    data: list[Activity]
    next_cursor: str | None
    has_more: bool


@dataclass(frozen=True, slots=True)
class Consent:
    """Where the provider asks; the answer must come until `expires_at`, and counts once."""

    authorize_url: str
    expires_at: datetime


@router.get("", operation_id="list_integrations")
async def list_integrations(visit: Visit) -> IntegrationList:
    """What I connected, in all workspaces. Nobody else sees it, nor do I what others did."""
    return IntegrationList(await services.mine(visit.tx, visit.actor))


@router.get("/{integration_id}", operation_id="get_integration")
async def get_integration(integration_id: UUID, visit: Visit) -> Integration:
    """Its `status` is `active`, or why it is not used: `problem` says it in words."""
    return await services.get(visit.tx, visit.actor, integration_id)


@router.post("/{provider}/connect", operation_id="connect_integration")
async def connect_integration(
    provider: ProviderName, visit: Visit, _where: Annotated[InWorkspace, Query()]
) -> Consent:
    """Open `authorize_url` in a browser: the provider asks there, and sends back to us.

    Connecting again renews what there is. 409 where this server has no app at the provider, and in
    sandboxes.
    """
    await place(visit.tx, visit.actor, visit.workspace_id, Access.WRITE, now=visit.now)
    asking = _asking(visit, provider.provider)
    if asking is None:
        raise Conflict(f"{NAMES[provider.provider]} is not set up on this server")
    url = await connecting.begin(
        visit.tx,
        visit.actor,
        visit.workspace_id,
        asking,
        ring=_ring(visit, connecting.PURPOSE),
        now=visit.now,
    )
    return Consent(url, visit.now + LIFETIME)


@router.patch("/{integration_id}", operation_id="update_integration")
async def update_integration(
    integration_id: UUID, visit: Visit, body: IntegrationBody
) -> Integration:
    """Another calendar begins anew; events in the old one stay there."""
    found = await services.writable(visit.tx, visit.actor, integration_id)
    provider = Provider(found.provider)
    body.check(provider)
    if provider is Provider.GOOGLE_CALENDAR and body.model_fields_set:
        await calendar_settings.change(
            visit.tx,
            found.workspace_id,
            found.id,
            calendar_id=body.calendar_id,
            calendar_name=body.calendar_name,
            policy=body.events_become_todos,
            now=visit.now,
        )
    if provider is Provider.SLACK and "digest_channel" in body.model_fields_set:
        await slack_settings.change(
            visit.tx, visit.actor, found, digest_channel=body.digest_channel, now=visit.now
        )
    return await services.get(visit.tx, visit.actor, integration_id)


@router.delete("/{integration_id}", status_code=204, operation_id="disconnect_integration")
async def disconnect_integration(integration_id: UUID, visit: Visit) -> None:
    """Not used from now on. The provider is told, and then our access to it is deleted.

    Todos and events stay where they are.
    """
    await services.disconnect(visit.tx, visit.actor, integration_id, now=visit.now)


@router.get("/{integration_id}/activity", operation_id="list_integration_activity")
async def list_integration_activity(
    integration_id: UUID,
    visit: Visit,
    response: Response,
    limit: Annotated[int, Query(ge=1, le=pages.MAX_LIMIT)] = pages.DEFAULT_LIMIT,
    cursor: Annotated[str | None, Query(max_length=512)] = None,
) -> ActivityPage:
    """What was read, written, left alone or failed there, and why. Kept for 30 days."""
    question = f"activity {visit.actor.user_id} {integration_id}"
    before = None if cursor is None else UUID(pages.unseal(visit, question, cursor))
    whose = await services.get(visit.tx, visit.actor, integration_id)
    found = await connection_activity.page(
        visit.tx, whose.workspace_id, whose.id, before=before, limit=limit
    )
    data, next_cursor = found[:limit], None
    if len(found) > limit:
        next_cursor = pages.seal(visit, question, str(data[-1].id))
        pages.next_link(visit, response, next_cursor)
    return ActivityPage(data, next_cursor, has_more=next_cursor is not None)


@dataclass(frozen=True, slots=True)
class _Words:
    connected: str
    close: str
    not_connected: str
    denied: str
    stale: str
    failed: str


_WORDS: Final = {
    "en": _Words(
        connected="{provider} is connected",
        close="{name} is connected to the Voice Todo account {account}. You can close this page.",
        not_connected="Nothing was connected",
        denied="You did not allow it. You can begin again whenever you like.",
        stale="This link was used before, is older than ten minutes, or its session has ended. "
        "Begin again in Voice Todo.",
        failed="{provider} did not give us what is needed. Begin again in a moment.",
    ),
    "de": _Words(
        connected="{provider} ist verbunden",
        close="{name} ist mit dem Voice-Todo-Konto {account} verbunden. Sie können diese Seite "
        "schließen.",
        not_connected="Es wurde nichts verbunden",
        denied="Sie haben es nicht erlaubt. Sie können jederzeit neu beginnen.",
        stale="Dieser Link wurde schon benutzt, ist älter als zehn Minuten, oder die Sitzung ist "
        "beendet. Beginnen Sie in Voice Todo von vorn.",
        failed="{provider} gab uns nicht, was nötig ist. Versuchen Sie es gleich noch einmal.",
    ),
}
Text = Annotated[str, Query(max_length=4096)]


@public.get("/{provider}/callback", operation_id="finish_connecting", response_class=HTMLResponse)
async def finish_connecting(
    provider: ProviderName, visit: Visit, state: Text = "", code: Text = "", error: Text = ""
) -> HTMLResponse:
    """Where the provider sends people back to. Without a state of ours, nothing is stored.

    A caller who shows an access token must be the session that began.
    """
    which = provider.provider
    asking = _asking(visit, which)
    pending = await _taken(visit, which, state)
    if pending is None or asking is None:
        return _refused(visit, which, "stale")
    if error or not code:
        return _refused(visit, which, "denied")
    try:
        draft = await asking.exchange(code, pending.verifier)
        account = await _stored(visit, pending, draft)
    except Unauthenticated:
        return _refused(visit, which, "stale")
    except Rejected as refused:
        return _refused(visit, which, "not_connected", refused.detail)
    except VendorError as failed:
        log.error("connecting.failed", error=failed)
        return _refused(visit, which, "failed", status=502)
    words, language = _words(visit)
    heading = words.connected.format(provider=NAMES[which])
    body = f"<p>{escape(words.close.format(name=draft.name, account=account))}</p>"
    return page(heading, body, language=language)


async def _taken(visit: Visit, provider: Provider, state: str) -> Pending | None:
    """In a transaction of its own: used is used, whatever becomes of the rest."""
    database: Database = visit.app.state.database
    async with database.transaction() as tx:
        ring = _ring(visit, connecting.PURPOSE)
        pending = await connecting.take(tx, provider, state, ring=ring, now=visit.now)
    if pending is None or "authorization" not in visit.headers:
        return pending
    try:
        return pending if visit.shown().session_id == pending.session_id else None
    except Unauthenticated:
        return None


async def _stored(visit: Visit, pending: Pending, draft: connections.Draft) -> str:
    """Whose it is now: said to them, so that whoever was led here by somebody else notices."""
    database: Database = visit.app.state.database
    async with database.transaction() as tx:
        tx.enter(Caller(pending.user_id, pending.session_id))
        ring = _ring(visit, connections.PURPOSE)
        connection_id = await connecting.store(tx, pending, draft, ring=ring, now=visit.now)
        if draft.provider is Provider.GOOGLE_CALENDAR:
            calendar_settings.begin(tx, pending.workspace_id, connection_id, now=visit.now)
        user = await users.get(tx, pending.user_id)
    return user.email or user.name


def _refused(
    visit: Visit, provider: Provider, why: str, said: str | None = None, *, status: int = 400
) -> HTMLResponse:
    words, language = _words(visit)
    text = said or str(getattr(words, why)).format(provider=NAMES[provider])
    body = f"<p>{escape(text)}</p>"
    return page(words.not_connected, body, status=status, language=language)


def _words(visit: Visit) -> tuple[_Words, str]:
    language = small_pages.language(visit, _WORDS)
    return _WORDS[language], language


def _asking(visit: Visit, provider: Provider) -> Asking | None:
    providers: Mapping[Provider, Asking] = visit.app.state.oauth
    return providers.get(provider)


def _ring(visit: Visit, purpose: str) -> Keyring:
    keys: Keys = visit.app.state.keys
    return keys.ring.of(purpose)
