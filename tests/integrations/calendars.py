"""Google accounts of the sandbox with our app let in, and events as its API takes them."""

from typing import Any
from urllib.parse import parse_qsl, urlsplit
from uuid import uuid4

from pydantic import SecretStr

from integrations.google_calendar import Access, GoogleCalendar
from integrations.sandbox.google_accounts import EVENTS_SCOPE, LIST_SCOPE
from tests.integrations.conftest import Sandbox

BACK = "http://127.0.0.1:8000/callback"


def connect(sandbox: Sandbox, account: str, **more: str) -> Access:
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
    redirected = sandbox.http.get("/google/o/oauth2/v2/auth", params=asked | more)
    code = dict(parse_qsl(urlsplit(redirected.headers["location"]).query))["code"]
    given = {
        "grant_type": "authorization_code",
        "code": code,
        "client_id": "voicetodo",
        "client_secret": "any",
        "redirect_uri": BACK,
    }
    answer = sandbox.http.post("/google/token", data=given).json()
    return Access(uuid4(), SecretStr(answer["refresh_token"]))


def client(sandbox: Sandbox, base_url: str | None = None, **more: Any) -> GoogleCalendar:
    at = f"{sandbox.url}/google"
    return GoogleCalendar(base_url or at, f"{at}/token", "voicetodo", SecretStr("any"), **more)


def body(summary: str = "Water the plants", **more: Any) -> dict[str, Any]:
    zone = "Europe/Berlin"
    return {
        "summary": summary,
        "start": {"dateTime": "2026-11-24T09:00:00", "timeZone": zone},
        "end": {"dateTime": "2026-11-24T09:30:00", "timeZone": zone},
        **more,
    }


def day(on: str, end: str, **more: Any) -> dict[str, Any]:
    return {"summary": "A day", "start": {"date": on}, "end": {"date": end}, **more}


def event_id() -> str:
    return f"vt{uuid4().hex}"


def kinds(sandbox: Sandbox) -> list[str]:
    return [row["kind"] for row in sandbox.ledger() if row["vendor"] == "google_calendar"]
