"""The calendars that are set up: Google's, or the sandbox's where the dev profile names no other.

Google's library takes a quarter of a second to import, so only who calls calendars imports this.
"""

from typing import Final

from pydantic import SecretStr

from core.settings import Settings
from integrations.google_calendar import GoogleCalendar
from integrations.oauth import GOOGLE, GOOGLE_TOKEN

SANDBOX: Final = ("voicetodo", SecretStr("sandbox"))  # as connecting names us there
A_SECOND: Final = 10.0  # of one person, unless Google was asked for more
CALLBACK: Final = "/api/v1/webhooks/google-calendar"


def google(settings: Settings) -> GoogleCalendar | None:
    """Null where no client of Google's is set up: then no calendar can be connected either."""
    sandbox = settings.sandbox_url if settings.dev else None
    client_id, secret = settings.google_client_id, settings.google_client_secret
    if client_id is None or secret is None:
        if sandbox is None:
            return None
        client_id, secret = SANDBOX
    at_sandbox = sandbox is not None and settings.google_url is None
    return GoogleCalendar(
        settings.google_url or (f"{sandbox}/google" if sandbox else GOOGLE),
        settings.google_token_url or (f"{sandbox}/google/token" if sandbox else GOOGLE_TOKEN),
        client_id,
        secret,
        a_second=settings.google_calls_per_second or (None if at_sandbox else A_SECOND),
    )


def address(settings: Settings) -> str | None:
    """Where Google tells of news. It calls https only; the sandbox calls us as we are."""
    if settings.dev or settings.api_url.startswith("https:"):
        return f"{settings.api_url.rstrip('/')}{CALLBACK}"
    return None
