"""The pages behind links in e-mails: a sentence and perhaps a button.

A scanner of mails opens every link, so opening one changes nothing: a person presses the button.
They work without scripts, and their policy allows none.
"""

import base64
import hashlib
from collections.abc import Container
from html import escape
from typing import Final

from starlette.requests import Request
from starlette.responses import HTMLResponse

_STYLE: Final = (
    "body{font:1.1rem/1.5 system-ui,sans-serif;max-width:32rem;margin:15vh auto;padding:0 1.5rem;"
    "color:#1c1b22;background:#fbfaf7}h1{overflow-wrap:anywhere}"
    "button{font:inherit;padding:.6rem 1.4rem;border:0;border-radius:.5rem;color:#fff;"
    "background:#5b3fd6;cursor:pointer}"
    "label{display:block;margin:0 0 1rem}input{display:block;font:inherit;width:100%;"
    "box-sizing:border-box;padding:.5rem;border:1px solid #888;border-radius:.5rem;"
    "color:inherit;background:transparent}"
    "@media(prefers-color-scheme:dark){body{color:#eee;background:#1c1b22}}"
)
_STYLE_HASH: Final = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_POLICY: Final = (
    f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; form-action 'self'{{onward}}; "
    "base-uri 'none'; frame-ancestors 'none'"
)


def wanted(request: Request) -> bool:
    """Browsers ask for a page by name; whatever is a program gets JSON."""
    return "text/html" in request.headers.get("accept", "")


def language(request: Request, spoken: Container[str]) -> str:
    """The first that the browser names, if it is `spoken`; else English."""
    first = request.headers.get("accept-language", "")[:2].lower()
    return first if first in spoken else "en"


def page(
    heading: str, body: str, *, status: int = 200, language: str = "en", onward: str = ""
) -> HTMLResponse:
    """`heading` is text; `body` is HTML, so escape what is not ours.

    `onward`: the origin that an answer to its form may lead on to (browsers ask that of the page).
    """
    html = (
        f'<!doctype html><html lang="{language}"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>{escape(heading)}</title><style>{_STYLE}</style>"
        f"<main><h1>{escape(heading)}</h1>{body}</main></html>"
    )
    policy = _POLICY.format(onward=f" {onward}" if onward else "")
    headers = {"Content-Security-Policy": policy, "Cache-Control": "no-store"}
    return HTMLResponse(html, status, headers=headers)


def sentence(text: str) -> str:
    """What our errors say begins small and has no stop, which a page's text has. Escaped here."""
    said = text[:1].upper() + text[1:]
    return escape(said if said.endswith((".", "。")) else f"{said}.")


def button(action: str, label: str, **hidden: str) -> str:
    """A form that posts to `action`; both are escaped here."""
    fields = "".join(
        f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">'
        for name, value in hidden.items()
    )
    return (
        f'<form method="post" action="{escape(action)}">{fields}'
        f"<button>{escape(label)}</button></form>"
    )
