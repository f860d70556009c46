"""OAuth 2 with PKCE, as Google and Slack speak it: asking, exchanging a code, giving back.

https://developers.google.com/identity/protocols/oauth2/web-server
https://docs.slack.dev/authentication/installing-with-oauth, with PKCE since 2026:
https://docs.slack.dev/changelog/2026/03/30/pkce
"""

import base64
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final, Protocol
from urllib.parse import quote, urlencode

from pydantic import SecretStr

from core.errors import ConsentRequired, Revoked, VendorError
from core.models.connections import Provider
from core.services.connections import Draft
from core.settings import Settings
from integrations.http import Client, check
from integrations.http_connection import Answer

GOOGLE: Final = "https://www.googleapis.com"
GOOGLE_OAUTH: Final = "https://accounts.google.com/o/oauth2/v2/auth"
GOOGLE_TOKEN: Final = "https://oauth2.googleapis.com/token"  # noqa: S105 - an address
SLACK: Final = "https://slack.com/api/"
SLACK_OAUTH: Final = "https://slack.com/oauth/v2/authorize"

# The least that does it: events of the calendars one has, and which calendars these are.
GOOGLE_SCOPES: Final = (
    "https://www.googleapis.com/auth/calendar.events",
    "https://www.googleapis.com/auth/calendar.calendarlist.readonly",
)
# Reminders and digests are posted; a direct message is opened and looked through before something
# is sent twice, and so is a channel that digests go to; `commands` are `/todo` and the shortcut.
SLACK_SCOPES: Final = (
    "channels:history",
    "chat:write",
    "commands",
    "groups:history",
    "im:history",
    "im:write",
)
FORM: Final = {"content-type": "application/x-www-form-urlencoded"}
BAD_REQUEST: Final = 400
CODE: Final = re.compile(r"[a-z0-9_]{1,64}")
ENDED: Final = frozenset(
    {"account_inactive", "invalid_auth", "invalid_token", "token_expired", "token_revoked"}
)


class Asking(Protocol):
    """One provider, where our app is set up."""

    provider: ClassVar[Provider]

    def authorize_url(self, state: str, challenge: str) -> str:
        """Where a person is asked. `challenge`: S256 of the verifier (RFC 7636)."""
        ...

    async def exchange(self, code: str, verifier: str) -> Draft:
        """What the code stands for; it works once.

        Raises `ConsentRequired` where a person left out a permission, else VendorError.
        """
        ...

    async def revoke(self, secret: SecretStr) -> None:
        """Give the access back. Twice is harmless: one that has ended already is success."""
        ...


@dataclass(frozen=True, slots=True)
class App:
    """Our client at a provider."""

    client_id: str
    client_secret: SecretStr
    redirect_uri: str


@dataclass(frozen=True, slots=True)
class GoogleOAuth:
    provider: ClassVar[Provider] = Provider.GOOGLE_CALENDAR
    app: App
    http: Client
    oauth_url: str
    token_url: str
    api_url: str

    def authorize_url(self, state: str, challenge: str) -> str:
        # `prompt`: without it a second consent brings no refresh token.
        return _url(
            self.oauth_url,
            client_id=self.app.client_id,
            redirect_uri=self.app.redirect_uri,
            response_type="code",
            scope=" ".join(GOOGLE_SCOPES),
            state=state,
            code_challenge=challenge,
            code_challenge_method="S256",
            access_type="offline",
            prompt="consent",
        )

    async def exchange(self, code: str, verifier: str) -> Draft:
        answer = await _post(
            self.http,
            self.token_url,
            grant_type="authorization_code",
            code=code,
            code_verifier=verifier,
            redirect_uri=self.app.redirect_uri,
            client_id=self.app.client_id,
            client_secret=self.app.client_secret.get_secret_value(),
        )
        if answer.status_code == BAD_REQUEST:
            raise VendorError("Google does not take the code", permanent=True)
        check(answer, "Google")
        told = _object(answer)
        refresh, access = told.get("refresh_token"), told.get("access_token")
        if not isinstance(refresh, str) or not isinstance(access, str):
            raise VendorError("Google gave no lasting access", permanent=True)
        # Refused here, it is forgotten and not given back: that would end what others have of it.
        scopes = _scopes(told.get("scope"), " ", GOOGLE_SCOPES)
        email = await self._email(access)
        return Draft(self.provider, email, "", SecretStr(refresh), name=email, scopes=scopes)

    async def revoke(self, secret: SecretStr) -> None:
        """Ends the whole grant of this account, whichever of its tokens is shown."""
        address = f"{self.token_url.rpartition('/')[0]}/revoke"
        answer = await _post(self.http, address, token=secret.get_secret_value())
        if answer.status_code != BAD_REQUEST or _object(answer).get("error") not in ENDED:
            check(answer, "Google")

    async def _email(self, access: str) -> str:
        """A primary calendar has its owner's address as id: no scope for their profile needed."""
        answer = await self.http.get(
            f"{self.api_url.rstrip('/')}/calendar/v3/users/me/calendarList"
            "?minAccessRole=owner&maxResults=250",
            headers={"authorization": f"Bearer {access}"},
        )
        check(answer, "Google")
        for each in _objects(_object(answer).get("items")):
            if each.get("primary") is True and isinstance(each.get("id"), str):
                return str(each["id"])
        raise VendorError("Google names no calendar of one's own", permanent=True)


@dataclass(frozen=True, slots=True)
class SlackOAuth:
    provider: ClassVar[Provider] = Provider.SLACK
    app: App
    http: Client
    oauth_url: str
    api_url: str

    def authorize_url(self, state: str, challenge: str) -> str:
        return _url(
            self.oauth_url,
            client_id=self.app.client_id,
            redirect_uri=self.app.redirect_uri,
            scope=",".join(SLACK_SCOPES),
            state=state,
            code_challenge=challenge,
            code_challenge_method="S256",
        )

    async def exchange(self, code: str, verifier: str) -> Draft:
        shown = f"{self.app.client_id}:{self.app.client_secret.get_secret_value()}"
        told = await self._call(
            "oauth.v2.access",
            {"authorization": f"Basic {base64.b64encode(shown.encode()).decode()}"},
            code=code,
            code_verifier=verifier,
            redirect_uri=self.app.redirect_uri,
        )
        token = told.get("access_token")
        team, person = _dict(told.get("team")), _dict(told.get("authed_user"))
        named = isinstance(team.get("id"), str) and isinstance(person.get("id"), str)
        if not named or not isinstance(token, str) or not token.startswith("xoxb-"):
            raise VendorError("Slack gave no token of a bot", permanent=True)
        return Draft(
            self.provider,
            team["id"],
            person["id"],
            SecretStr(token),
            name=str(team.get("name") or ""),
            scopes=_scopes(told.get("scope"), ",", SLACK_SCOPES),
        )

    async def revoke(self, secret: SecretStr) -> None:
        """Takes the app's bot out of the whole team: for its last connection only."""
        token = secret.get_secret_value()
        try:
            await self._call("auth.revoke", {"authorization": f"Bearer {token}"})
        except Revoked:
            return

    async def _call(self, method: str, headers: Mapping[str, str], **form: str) -> dict[str, Any]:
        url = f"{self.api_url.rstrip('/')}/{method}"
        answer = await _post(self.http, url, headers, **form)
        check(answer, "Slack")
        told = _object(answer)
        if told.get("ok") is True:
            return told
        given = told.get("error")
        code = given if isinstance(given, str) and CODE.fullmatch(given) else "something unknown"
        said = f"Slack answered {code}"
        if code in ENDED:
            raise Revoked(said, permanent=True)
        if code in ("fatal_error", "internal_error", "ratelimited", "service_unavailable"):
            raise VendorError(said, permanent=False)
        raise VendorError(said, permanent=True)


def providers(settings: Settings, http: Client) -> dict[Provider, Asking]:
    """Those that are set up; in the dev profile the sandbox's, where no other is named."""
    found: dict[Provider, Asking] = {}
    sandbox = settings.sandbox_url if settings.dev else None
    if app := _app(settings.google_client_id, settings.google_client_secret, settings, "google"):
        found[Provider.GOOGLE_CALENDAR] = GoogleOAuth(
            app,
            http,
            settings.google_oauth_url
            or (f"{sandbox}/google/o/oauth2/v2/auth" if sandbox else GOOGLE_OAUTH),
            settings.google_token_url or (f"{sandbox}/google/token" if sandbox else GOOGLE_TOKEN),
            settings.google_url or (f"{sandbox}/google" if sandbox else GOOGLE),
        )
    if app := _app(settings.slack_client_id, settings.slack_client_secret, settings, "slack"):
        found[Provider.SLACK] = SlackOAuth(
            app,
            http,
            settings.slack_authorize_url
            or (f"{sandbox}/slack/oauth/v2/authorize" if sandbox else SLACK_OAUTH),
            settings.slack_url or (f"{sandbox}/slack/api/" if sandbox else SLACK),
        )
    return found


SLUGS: Final = {"google": "google-calendar", "slack": "slack"}


def _app(
    client_id: str | None, client_secret: SecretStr | None, settings: Settings, name: str
) -> App | None:
    redirect_uri = f"{settings.api_url}/api/v1/integrations/{SLUGS[name]}/callback"
    if client_id is None or client_secret is None:
        if not settings.dev:
            return None
        client_id, client_secret = "voicetodo", SecretStr("sandbox")
    return App(client_id, client_secret, redirect_uri)


def _url(address: str, **query: str) -> str:
    return f"{address}?{urlencode(query, quote_via=quote)}"


async def _post(
    http: Client, url: str, headers: Mapping[str, str] | None = None, /, **form: str
) -> Answer:
    content = urlencode(form).encode()
    return await http.post(url, content=content, headers={**FORM, **(headers or {})})


def _scopes(given: object, separator: str, wanted: Sequence[str]) -> tuple[str, ...]:
    """What was granted. Raises `ConsentRequired` where something is missing."""
    granted = tuple(each for each in str(given or "").split(separator) if each)
    if not set(wanted) <= set(granted):
        raise ConsentRequired("not all of the permissions were given")
    return granted


def _object(answer: Answer) -> dict[str, Any]:
    try:
        told = answer.json()
    except ValueError as error:
        raise VendorError("the answer is no JSON", permanent=False, ambiguous=True) from error
    if not isinstance(told, dict):
        raise VendorError("the answer is no object", permanent=False, ambiguous=True)
    return told


def _dict(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _objects(value: object) -> list[dict[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []
