"""Where the button leads that Slack shows to people whom we do not know there.

They say who they are with us, and go on to Slack, which is asked for the connection; nobody but
the member who was shown the button can finish it there.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from typing import Annotated, Final
from urllib.parse import parse_qsl, urlsplit

from fastapi import APIRouter, Query
from starlette.responses import HTMLResponse, RedirectResponse, Response

from api import small_pages
from api.errors import STATUS
from api.openapi import REFUSES_401
from api.paths import V1
from api.small_pages import page
from api.transaction import Transactional
from api.visit import Visit
from core import crypto
from core.actor import Actor
from core.db import Database
from core.errors import Conflict, NotFound, Rejected
from core.keys import Keys
from core.models.connections import Provider
from core.rules import slack_links
from core.rules.slack_links import Member
from core.services import accounts, connecting
from core.tokens import Tokens
from integrations.oauth import Asking

router = APIRouter(
    prefix=f"{V1}/integrations/slack", tags=["integrations"], route_class=Transactional
)

MAX_FIELDS: Final = 10
MAX_CHARS: Final = 1024
SEE_OTHER: Final = 303
Token = Annotated[str, Query(max_length=slack_links.LONGEST, description="Of a message in Slack")]


@dataclass(frozen=True, slots=True)
class _Words:
    heading: str
    why: str
    email: str
    password: str
    go: str
    stale: str
    failed: str


_WORDS: Final = {
    "en": _Words(
        heading="Connect Slack to Voice Todo",
        why="Sign in to your account with Voice Todo. After that Slack asks whether you allow it.",
        email="E-mail address",
        password="Password",  # noqa: S106 - a label
        go="Sign in and go on to Slack",
        stale="This link has expired: type /todo connect in Slack for a new one.",
        failed="That did not work",
    ),
    "de": _Words(
        heading="Slack mit Voice Todo verbinden",
        why="Melden Sie sich mit Ihrem Konto bei Voice Todo an. Danach fragt Slack, ob Sie es"
        " erlauben.",
        email="E-Mail-Adresse",
        password="Passwort",  # noqa: S106 - a label
        go="Anmelden und weiter zu Slack",
        stale="Dieser Link ist abgelaufen: Tippen Sie in Slack /todo connect für einen neuen.",
        failed="Das ging nicht",
    ),
}


@router.get("/link", operation_id="ask_who_is_in_slack", response_class=HTMLResponse)
async def ask(visit: Visit, token: Token = "") -> HTMLResponse:
    """A form to sign in with. Nothing is changed by looking at it."""
    if _member(visit, token) is None:
        return _refused(visit, NotFound(_words(visit)[0].stale))
    return _form(visit, token)


@router.post(
    "/link",
    operation_id="begin_from_slack",
    response_class=HTMLResponse,
    responses={303: {"description": "On to Slack's consent"}, **REFUSES_401},
)
async def begin(visit: Visit) -> Response:
    """Signs in with the form's `email` and `password`, and leads on to Slack's consent."""
    form = await _fields(visit)
    token = form.get("token", "")
    member = _member(visit, token)
    asking = _asking(visit)
    if member is None:
        return _refused(visit, NotFound(_words(visit)[0].stale))
    if asking is None:
        return _refused(visit, Conflict("Slack is not set up on this server"))
    try:
        url = await _begun(visit, asking, member, form)
    except Rejected as error:
        status, _ = STATUS[type(error)]
        return _form(visit, token, error.detail, status=status)
    return RedirectResponse(url, SEE_OTHER)


async def _begun(visit: Visit, asking: Asking, member: Member, form: Mapping[str, str]) -> str:
    """Sign-in and question in two transactions: a session is looked at when it stands."""
    database: Database = visit.app.state.database
    tokens: Tokens = visit.app.state.tokens
    own_keys: Keys = visit.app.state.keys
    async with database.transaction() as tx:
        signed_in = await accounts.login(
            tx,
            visit.door,
            visit.visitor,
            email=form.get("email", "").strip().lower(),
            password=form.get("password", ""),
            now=visit.now,
        )
    access = tokens.verify(signed_in.access_token, now=visit.now)
    actor = Actor(access.user_id, access.session_id)
    async with database.transaction() as tx:
        tx.enter(visit.caller(actor))
        return await connecting.begin(
            tx,
            actor,
            actor.user_id,
            asking,
            ring=own_keys.ring.of(connecting.PURPOSE),
            expected=member.named,
            now=visit.now,
        )


async def _fields(visit: Visit) -> dict[str, str]:
    """Of the form; what is no form has none."""
    try:
        body = (await visit.body()).decode()
        pairs = parse_qsl(body, keep_blank_values=True, max_num_fields=MAX_FIELDS)
    except ValueError:
        return {}
    return {name: value.replace("\0", "")[:MAX_CHARS] for name, value in pairs}


def _member(visit: Visit, token: str) -> Member | None:
    key = crypto.derive(visit.door.key, slack_links.PURPOSE)
    return slack_links.read(key, token, now=visit.now)


def _asking(visit: Visit) -> Asking | None:
    providers: Mapping[Provider, Asking] = visit.app.state.oauth
    return providers.get(Provider.SLACK)


def _form(visit: Visit, token: str, wrong: str = "", *, status: int = 200) -> HTMLResponse:
    words, language = _words(visit)
    told = (
        f"<p><strong>{small_pages.sentence(wrong)}</strong></p>" if wrong else f"<p>{words.why}</p>"
    )
    body = (
        f'{told}<form method="post" action="{escape(visit.url.path)}">'
        f'<input type="hidden" name="token" value="{escape(token)}">'
        f'<label>{words.email}<input name="email" type="email" autocomplete="username" required>'
        f'</label><label>{words.password}<input name="password" type="password"'
        f' autocomplete="current-password" required></label><button>{words.go}</button></form>'
    )
    asking = _asking(visit)
    onward = ""
    if asking is not None:
        parts = urlsplit(asking.authorize_url("", ""))
        onward = f"{parts.scheme}://{parts.netloc}"
    return page(words.heading, body, status=status, language=language, onward=onward)


def _refused(visit: Visit, error: Rejected) -> HTMLResponse:
    words, language = _words(visit)
    status, _ = STATUS[type(error)]
    return page(
        words.failed,
        f"<p>{small_pages.sentence(error.detail)}</p>",
        status=status,
        language=language,
    )


def _words(visit: Visit) -> tuple[_Words, str]:
    language = small_pages.language(visit, _WORDS)
    return _WORDS[language], language
