"""A Google account of the sandbox, opened as an app does that is let in by hand."""

from urllib.parse import parse_qsl, urlsplit

import httpx2

from integrations.sandbox.google_accounts import EVENTS_SCOPE, LIST_SCOPE

BACK = "http://127.0.0.1:8000/callback"


def refresh_token(sandbox: httpx2.Client, account: str, **more: str) -> str:
    """A new one each time; `more` goes to the page that asks."""
    asked = {
        "client_id": "voicetodo",
        "redirect_uri": BACK,
        "response_type": "code",
        "scope": f"{EVENTS_SCOPE} {LIST_SCOPE}",
        "access_type": "offline",
        "prompt": "consent",
        "approve": "1",
        "account": account,
    }
    redirected = sandbox.get("/google/o/oauth2/v2/auth", params=asked | more)
    code = dict(parse_qsl(urlsplit(redirected.headers["location"]).query))["code"]
    given = {
        "grant_type": "authorization_code",
        "code": code,
        "client_id": "voicetodo",
        "client_secret": "any",
        "redirect_uri": BACK,
    }
    return str(sandbox.post("/google/token", data=given).json()["refresh_token"])
