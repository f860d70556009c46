"""Where the links lead that turn a kind of e-mail off, or on again.

A mailbox's own button posts `List-Unsubscribe=One-Click` (RFC 8058) without a session; a person
gets a page whose button posts.
"""

from dataclasses import dataclass
from html import escape
from typing import Annotated, Final

from fastapi import APIRouter, Path
from starlette.responses import HTMLResponse

from api import small_pages
from api.paths import V1
from api.small_pages import button, page
from api.transaction import Transactional
from api.visit import Visit
from core.db import Database
from core.errors import NotFound
from core.services import unsubscribing
from core.services.unsubscribing import EmailChoice

router = APIRouter(prefix=f"{V1}/unsubscribe", tags=["notifications"], route_class=Transactional)

Token = Annotated[str, Path(max_length=200, description="Of an e-mail; it does not expire")]


@dataclass(frozen=True, slots=True)
class _Words:
    kinds: dict[str, str]
    off: str
    off_ask: str
    on: str
    on_ask: str
    is_off: str
    is_on: str
    failed: str
    foreign: str


_WORDS: Final = {
    "en": _Words(
        kinds={"reminder": "reminders", "digest": "digests"},
        off="Stop these e-mails",
        off_ask="No more e-mails with {kind}?",
        on="Send them again",
        on_ask="Get e-mails with {kind} again?",
        is_off="You get no more e-mails with {kind}",
        is_on="You get e-mails with {kind}",
        failed="That did not work",
        foreign="This link is not ours, or the account is closed.",
    ),
    "de": _Words(
        kinds={"reminder": "Erinnerungen", "digest": "Übersichten"},
        off="Diese E-Mails abbestellen",
        off_ask="Keine E-Mails mit {kind} mehr?",
        on="Wieder zusenden",
        on_ask="Wieder E-Mails mit {kind} bekommen?",
        is_off="Sie bekommen keine E-Mails mit {kind} mehr",
        is_on="Sie bekommen E-Mails mit {kind}",
        failed="Das ging nicht",
        foreign="Dieser Link ist nicht von uns, oder das Konto ist geschlossen.",
    ),
}


@router.get("/{token}", operation_id="ask_unsubscribe", response_class=HTMLResponse)
async def ask(visit: Visit, token: Token) -> HTMLResponse:
    """Changes nothing: whoever scans mails opens every link in them."""
    words, language = _words(visit)
    database: Database = visit.app.state.database
    try:
        async with database.transaction(read_only=True) as tx:
            choice, wanted = await unsubscribing.look(tx, visit.door.key, token)
    except NotFound:
        if not small_pages.wanted(visit):
            raise
        return _refused(words, language)
    if choice.subscribed is wanted:
        return _told(visit, words, choice, language)
    asked, label = (words.on_ask, words.on) if wanted else (words.off_ask, words.off)
    heading = asked.format(kind=words.kinds[choice.kind])
    return page(heading, button(visit.url.path, label), language=language)


@router.post(
    "/{token}",
    operation_id="unsubscribe",
    response_model=EmailChoice,
    responses={404: {"description": "Not a link of ours, or the account is closed"}},
)
async def unsubscribe(visit: Visit, token: Token) -> EmailChoice | HTMLResponse:
    """Turn e-mails of this kind off, or on again, as the link says. Twice is once."""
    if not small_pages.wanted(visit):
        return await unsubscribing.follow(visit.tx, visit.door.key, token, now=visit.now)
    words, language = _words(visit)
    database: Database = visit.app.state.database
    try:
        async with database.transaction() as tx:  # its own: a refusal is a page, and undoes it
            choice = await unsubscribing.follow(tx, visit.door.key, token, now=visit.now)
    except NotFound:
        return _refused(words, language)
    return _told(visit, words, choice, language)


def _told(visit: Visit, words: _Words, choice: EmailChoice, language: str) -> HTMLResponse:
    """How it is, and the way back."""
    said = words.is_on if choice.subscribed else words.is_off
    back = visit.url.path.rpartition("/")[0] + f"/{choice.again}"
    body = button(back, words.off if choice.subscribed else words.on)
    return page(said.format(kind=words.kinds[choice.kind]), body, language=language)


def _refused(words: _Words, language: str) -> HTMLResponse:
    body = f"<p>{escape(words.foreign)}</p>"
    return page(words.failed, body, status=404, language=language)


def _words(visit: Visit) -> tuple[_Words, str]:
    language = small_pages.language(visit, _WORDS)
    return _WORDS[language], language
