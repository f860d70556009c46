"""Connecting Google Calendar and Slack: begun here, allowed there, finished here."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from html import escape
from typing import Annotated, Final

from fastapi import APIRouter, Query
from starlette.responses import HTMLResponse

from api import small_pages
from api.paths import V1
from api.schemas.integrations import ProviderName
from api.small_pages import page
from api.transaction import Authenticated, Transactional
from api.visit import InWorkspace, Visit
from core import logs
from core.crypto import Keyring
from core.db import Caller, Database
from core.errors import Conflict, Rejected, Unauthenticated, VendorError
from core.keys import Keys
from core.models.connections import Provider
from core.services import calendar_settings, connecting, connections, users
from core.services.connecting import LIFETIME, Pending
from core.services.connections import NAMES
from core.services.workspaces import Access, place
from integrations.oauth import Asking

router = APIRouter(prefix=f"{V1}/integrations", tags=["integrations"], route_class=Authenticated)
public = APIRouter(prefix=f"{V1}/integrations", tags=["integrations"], route_class=Transactional)
log = logs.get(__name__)


@dataclass(frozen=True, slots=True)
class ProviderConsent:
    """Where the provider asks; the answer must come until `expires_at`, and counts once."""

    authorize_url: str
    expires_at: datetime


@router.post("/{provider}/connect", operation_id="connect_integration")
async def connect_integration(
    provider: ProviderName, visit: Visit, _where: Annotated[InWorkspace, Query()]
) -> ProviderConsent:
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
    return ProviderConsent(url, visit.now + LIFETIME)


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


@public.get(
    "/{provider}/callback",
    operation_id="finish_connecting",
    response_class=HTMLResponse,
    responses={502: {"description": "The provider did not answer"}},
)
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
    body = f"<p>{small_pages.sentence(text)}</p>"
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
