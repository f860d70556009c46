"""Where the links and buttons in our messages lead.

An app's service worker posts and reads JSON; a browser that follows a link gets a page whose
button posts, and a page that says what happened.
"""

from dataclasses import dataclass
from html import escape
from typing import Annotated, Final

from fastapi import APIRouter, Path
from starlette.responses import HTMLResponse

from api import small_pages
from api.errors import STATUS
from api.paths import V1
from api.small_pages import button, page
from api.transaction import Transactional
from api.visit import Visit
from core.db import Database
from core.errors import Rejected
from core.services import actions
from core.services.actions import Done, Told

router = APIRouter(prefix=f"{V1}/actions", tags=["notifications"], route_class=Transactional)

Token = Annotated[str, Path(max_length=200, description="Of a message: single use, a week long")]
AN_HOUR: Final = 60


@dataclass(frozen=True, slots=True)
class _Words:
    complete: str
    complete_ask: str
    completed: str
    snooze: str
    snooze_ask: str
    snoozed: str
    minutes: str
    hour: str
    hours: str
    again: str
    failed: str
    close: str


_WORDS: Final = {
    "en": _Words(
        complete="Complete",
        complete_ask="Is “{title}” done?",
        completed="“{title}” is completed",
        snooze="Remind me in {span}",
        snooze_ask="Remind you of “{title}” later?",
        snoozed="You will be reminded of “{title}” in {span}",
        minutes="{n} minutes",
        hour="an hour",
        hours="{n} hours",
        again="You had done this already.",
        failed="That did not work",
        close="You can close this page.",
    ),
    "de": _Words(
        complete="Erledigt",
        complete_ask="Ist „{title}“ erledigt?",
        completed="„{title}“ ist erledigt",
        snooze="In {span} erinnern",
        snooze_ask="Später an „{title}“ erinnern?",
        snoozed="In {span} kommt die Erinnerung an „{title}“ wieder",
        minutes="{n} Minuten",
        hour="einer Stunde",
        hours="{n} Stunden",
        again="Das war schon geschehen.",
        failed="Das ging nicht",
        close="Sie können diese Seite schließen.",
    ),
}


@router.get("/{token}", operation_id="ask_action", response_class=HTMLResponse)
async def ask(visit: Visit, token: Token) -> HTMLResponse:
    """Never acts: whoever scans mails opens every link in them."""
    words, language = _words(visit)
    database: Database = visit.app.state.database
    try:
        async with database.transaction(read_only=True) as tx:
            told = await actions.look(tx, visit.door.key, token, now=visit.now)
    except Rejected as error:
        if not small_pages.wanted(visit):
            raise
        return _refused(words, error, language)
    if told.used_at is not None:
        return page(_happened(words, told), f"<p>{words.close}</p>", language=language)
    asked = words.complete_ask if told.action == "complete" else words.snooze_ask
    label = words.complete if told.action == "complete" else words.snooze
    body = button(visit.url.path, label.format(span=_span(words, told.minutes)))
    return page(asked.format(title=told.title), body, language=language)


@router.post(
    "/{token}",
    operation_id="use_action",
    response_model=Done,
    responses={404: {"description": "Expired, not ours, or what it is about is gone"}},
)
async def use_action(visit: Visit, token: Token) -> Done | HTMLResponse:
    """Do what the message's button says; needs no session. Twice is once."""
    if not small_pages.wanted(visit):
        return await actions.use(visit.tx, visit.door.key, token, now=visit.now)
    words, language = _words(visit)
    database: Database = visit.app.state.database
    try:
        async with database.transaction() as tx:  # its own: a refusal is a page, and undoes it
            done = await actions.use(tx, visit.door.key, token, now=visit.now)
    except Rejected as error:
        return _refused(words, error, language)
    again = f"<p>{words.again}</p>" if done.again else ""
    return page(_happened(words, done), f"{again}<p>{words.close}</p>", language=language)


def _refused(words: _Words, error: Rejected, language: str) -> HTMLResponse:
    status, _ = STATUS[type(error)]
    body = f"<p>{escape(error.detail)}.</p>"
    return page(words.failed, body, status=status, language=language)


def _happened(words: _Words, told: Told | Done) -> str:
    done = words.completed if told.action == "complete" else words.snoozed
    return done.format(title=told.title, span=_span(words, told.minutes))


def _span(words: _Words, minutes: int) -> str:
    hours, rest = divmod(minutes, AN_HOUR)
    if rest or not hours:
        return words.minutes.format(n=minutes)
    return words.hour if hours == 1 else words.hours.format(n=hours)


def _words(visit: Visit) -> tuple[_Words, str]:
    language = small_pages.language(visit, _WORDS)
    return _WORDS[language], language
