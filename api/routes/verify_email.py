"""The page behind the link of the verification e-mail.

A scanner of mails opens the link, so opening it changes nothing: a person presses the button. It
works without scripts, and its policy allows none.
"""

import base64
import hashlib
from html import escape
from typing import Annotated, Final

from fastapi import APIRouter, Form, Query
from starlette.responses import HTMLResponse

from api.transaction import Transactional
from api.visit import Visit
from core.errors import Invalid
from core.services import verifications

router = APIRouter(include_in_schema=False, route_class=Transactional)

_STYLE: Final = (
    "body{font:1.1rem/1.5 system-ui,sans-serif;max-width:32rem;margin:15vh auto;padding:0 1.5rem;"
    "color:#1c1b22;background:#fbfaf7}"
    "button{font:inherit;padding:.6rem 1.4rem;border:0;border-radius:.5rem;color:#fff;"
    "background:#5b3fd6;cursor:pointer}"
    "@media(prefers-color-scheme:dark){body{color:#eee;background:#1c1b22}}"
)
_STYLE_HASH: Final = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_POLICY: Final = (
    f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
Token = Annotated[str, Query(max_length=200)]


def _page(heading: str, body: str, *, status: int = 200) -> HTMLResponse:
    html = (
        '<!doctype html><html lang="en"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>{escape(heading)}</title><style>{_STYLE}</style>"
        f"<main><h1>{escape(heading)}</h1>{body}</main></html>"
    )
    return HTMLResponse(html, status, headers={"Content-Security-Policy": _POLICY})


@router.get("/verify-email")
async def ask(token: Token = "") -> HTMLResponse:
    return _page(
        "Verify your e-mail address",
        "<p>Voice Todo sends reminders to this address once you have verified it.</p>"
        '<form method="post" action="/verify-email">'
        f'<input type="hidden" name="token" value="{escape(token)}">'
        "<button>Verify this address</button></form>",
    )


@router.post("/verify-email")
async def verify(visit: Visit, token: Annotated[str, Form(max_length=200)]) -> HTMLResponse:
    try:
        await verifications.verify(visit.tx, visit.door.key, token, now=visit.now)
    except Invalid as error:
        return _page("That did not work", f"<p>{escape(error.detail)}.</p>", status=422)
    return _page("Your address is verified", "<p>You can close this page.</p>")
