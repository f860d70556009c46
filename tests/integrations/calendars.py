"""Google accounts of the sandbox with our app let in, and events as its API takes them."""

from typing import Any
from uuid import uuid4

from pydantic import SecretStr

from integrations.google_calendar import Access, GoogleCalendar
from tests.allowing import refresh_token
from tests.integrations.conftest import Sandbox


def connect(sandbox: Sandbox, account: str, **more: str) -> Access:
    return Access(uuid4(), SecretStr(refresh_token(sandbox.http, account, **more)))


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
