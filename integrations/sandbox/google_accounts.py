"""Google's authorization server: consent, codes, tokens, and their end.

https://developers.google.com/identity/protocols/oauth2/web-server: authorize, token and revoke.
Any client is known, with any secret; whatever account is named is made. Codes are for one use,
ten minutes, one client, one redirect_uri and one PKCE verifier (S256 only, as RFC 9700 wants it).
"""

import base64
import re
import secrets
import time
from collections import OrderedDict
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final, TypeVar
from urllib.parse import parse_qsl, urlsplit

from integrations.sandbox.consent import BadRequest
from integrations.sandbox.wire import Answer, Call, Vendor, json_answer

T = TypeVar("T")
Content = dict[str, object]

NAME: Final = "google_calendar"
AUTHORIZE: Final = "/google/o/oauth2/v2/auth"
TOKEN: Final = "/google/token"  # noqa: S105 - the endpoint's path
REVOKE: Final = "/google/revoke"
SCOPE: Final = "https://www.googleapis.com/auth/calendar"
EVENTS_SCOPE: Final = f"{SCOPE}.events"
LIST_SCOPE: Final = f"{SCOPE}.calendarlist.readonly"
SCOPES: Final = {
    EVENTS_SCOPE: "see and edit events on all your calendars",
    LIST_SCOPE: "see the list of your calendars",
}
CODE_S: Final = 600
ACCESS_S: Final = 3599
MOST: Final = 10_000  # codes, grants, tokens; the oldest go
EMAIL: Final = re.compile(r"[a-z0-9._+-]{1,64}@[a-z0-9.-]{1,190}")
CHALLENGE: Final = re.compile(r"[A-Za-z0-9_-]{43}")
LOOPBACK: Final = ("127.0.0.1", "::1", "localhost")
NO_STORE: Final = ((b"cache-control", b"no-cache, no-store, max-age=0, must-revalidate"),)


@dataclass(slots=True)
class Grant:
    """What one account allowed one client; each has one refresh token."""

    account: str
    client_id: str
    scopes: tuple[str, ...]
    refresh_token: str
    ended: bool = False


@dataclass(frozen=True, slots=True)
class Code:
    grant: Grant
    redirect_uri: str
    challenge: str | None
    offline: bool
    expires_at: float


@dataclass(frozen=True, slots=True)
class AccessToken:
    grant: Grant
    expires_at: float


class _Refused(Exception):
    def __init__(self, code: str, description: str, *, status: int = 400) -> None:
        super().__init__(code)
        content = {"error": code, "error_description": description}
        self.answer = json_answer(status, content, NO_STORE)


@dataclass(frozen=True, slots=True)
class Wanted:
    """An authorization request that may be put to a person."""

    client_id: str
    redirect_uri: str
    scopes: tuple[str, ...]
    state: str | None
    challenge: str | None
    offline: bool
    asks_again: bool  # `prompt=consent`, also of somebody who said yes before
    account: str | None


@dataclass(slots=True)
class GoogleAccounts:
    accounts: dict[str, str] = field(
        default_factory=lambda: {"alice@sandbox.test": "Alice", "bob@sandbox.test": "Bob"}
    )
    vendor: Vendor = field(init=False)
    _codes: "OrderedDict[str, Code]" = field(default_factory=OrderedDict)
    _grants: "OrderedDict[str, Grant]" = field(default_factory=OrderedDict)
    _access: "OrderedDict[str, AccessToken]" = field(default_factory=OrderedDict)

    def __post_init__(self) -> None:
        self.vendor = Vendor(
            NAME,
            (TOKEN, REVOKE),
            lambda _method, path: "oauth.revoke" if path == REVOKE else "oauth.token",
            self._answer,
            error,
        )

    def approve(self, wanted: Wanted, account: str, scopes: tuple[str, ...]) -> str:
        """Give the code that the app gets; a person may grant fewer scopes than were wanted.

        A refresh token comes with the first consent of an account, later only when asked again.
        """
        holder = (account, wanted.client_id)
        first = all(
            each.ended or (each.account, each.client_id) != holder for each in self._grants.values()
        )
        offline = wanted.offline and (first or wanted.asks_again)
        refresh_token = f"1//{secrets.token_urlsafe(40)}"
        grant = Grant(account, wanted.client_id, scopes, refresh_token)
        code = f"4/{secrets.token_urlsafe(40)}"
        expires_at = time.time() + CODE_S
        _keep(
            self._codes,
            code,
            Code(grant, wanted.redirect_uri, wanted.challenge, offline, expires_at),
        )
        return code

    def known(self, account: str) -> str | None:
        """The account's name; one that looks like an address is made when it is first named."""
        account = account.casefold()
        if account not in self.accounts and EMAIL.fullmatch(account):
            self.accounts[account] = account.partition("@")[0].capitalize()
            if len(self.accounts) > MOST:
                del self.accounts[next(iter(self.accounts))]
        return account if account in self.accounts else None

    def holder(self, call: Call) -> AccessToken | None:
        """Whose call it is; None when the token is missing, expired, or its grant has ended."""
        scheme, _, token = call.header(b"authorization").partition(" ")
        found = self._access.get(token) if scheme.lower() == "bearer" else None
        if found is None or found.grant.ended or found.expires_at <= time.time():
            return None
        return found

    def expire_access(self) -> None:
        """Every access token is refused from now on; refreshing gives another."""
        self._access.clear()

    def end(self, account: str) -> None:
        """As when people remove the app at Google: its tokens are refused from now on."""
        for grant in self._grants.values():
            grant.ended |= grant.account == account

    def _answer(self, call: Call) -> Answer:
        given = dict(parse_qsl(call.query))
        if call.header(b"content-type").startswith("application/x-www-form-urlencoded"):
            given |= dict(parse_qsl(call.body.decode("utf-8", "replace")))
        does = {TOKEN: self._token, REVOKE: self._revoke}.get(call.path)
        if does is None or call.method != "POST":
            return error(404 if does is None else 405)
        try:
            return json_answer(200, does(given), NO_STORE)
        except _Refused as refused:
            return refused.answer

    def _token(self, given: dict[str, str]) -> Content:
        if not given.get("client_id"):
            raise _Refused("invalid_request", "Could not determine client ID from request.")
        if not given.get("client_secret"):
            raise _Refused("invalid_request", "client_secret is missing.")
        kind = given.get("grant_type")
        if kind == "authorization_code":
            return self._exchange(given)
        if kind == "refresh_token":
            return self._refresh(given)
        raise _Refused("unsupported_grant_type", f"Invalid grant_type: {kind or ''}")

    def _exchange(self, given: dict[str, str]) -> Content:
        code = self._codes.pop(given.get("code", ""), None)  # also when it is refused for the rest
        if code is None or code.expires_at <= time.time():
            raise _Refused("invalid_grant", "Malformed auth code.")
        if code.grant.client_id != given["client_id"]:
            raise _Refused("invalid_grant", "Bad Request")
        if code.redirect_uri != given.get("redirect_uri"):
            raise _Refused("redirect_uri_mismatch", "Bad Request")
        if code.challenge is not None:
            verifier = given.get("code_verifier")
            if not verifier:
                raise _Refused("invalid_grant", "Missing code verifier.")
            if challenge(verifier) != code.challenge:
                raise _Refused("invalid_grant", "Invalid code verifier.")
        _keep(self._grants, code.grant.refresh_token, code.grant)
        return self._tokens(code.grant, refresh_token=code.offline)

    def _refresh(self, given: dict[str, str]) -> Content:
        grant = self._grants.get(given.get("refresh_token", ""))
        if grant is None or grant.ended:
            raise _Refused("invalid_grant", "Token has been expired or revoked.")
        if grant.client_id != given["client_id"]:
            raise _Refused("unauthorized_client", "Unauthorized", status=401)
        return self._tokens(grant, refresh_token=False)

    def _revoke(self, given: dict[str, str]) -> Content:
        """Either token ends all that the account allowed this client, other connections too."""
        token = given.get("token", "")
        access = self._access.get(token)
        grant = access.grant if access else self._grants.get(token)
        if grant is None or grant.ended:
            raise _Refused("invalid_token", "Token expired or revoked")
        for each in self._grants.values():
            each.ended |= (each.account, each.client_id) == (grant.account, grant.client_id)
        return {}

    def _tokens(self, grant: Grant, *, refresh_token: bool) -> Content:
        token = f"ya29.{secrets.token_urlsafe(60)}"
        _keep(self._access, token, AccessToken(grant, time.time() + ACCESS_S))
        content: Content = {
            "access_token": token,
            "expires_in": ACCESS_S,
            "scope": " ".join(grant.scopes),
            "token_type": "Bearer",
        }
        if refresh_token:
            content["refresh_token"] = grant.refresh_token
        return content


def wanted(given: dict[str, str]) -> Wanted:
    """Read the parameters of an authorization request. Raises BadRequest."""
    for name in ("client_id", "redirect_uri", "response_type", "scope"):
        if not given.get(name):
            raise BadRequest("invalid_request", f"Missing required parameter: {name}")
    if given["response_type"] != "code":
        raise BadRequest("unsupported_response_type", "The response type must be code.")
    scopes = tuple(given["scope"].split())
    if unknown := [each for each in scopes if each not in SCOPES]:
        raise BadRequest("invalid_scope", f"Some requested scopes are invalid: {unknown[0]}")
    if not _may_return_to(given["redirect_uri"]):
        raise BadRequest(
            "redirect_uri_mismatch", "The redirect URI is neither https nor this machine's."
        )
    code_challenge = given.get("code_challenge")
    if code_challenge is not None and (
        given.get("code_challenge_method") != "S256" or not CHALLENGE.fullmatch(code_challenge)
    ):
        raise BadRequest("invalid_request", "The code challenge must be S256, base64url.")
    return Wanted(
        client_id=given["client_id"],
        redirect_uri=given["redirect_uri"],
        scopes=scopes,
        state=given.get("state"),
        challenge=code_challenge,
        offline=given.get("access_type") == "offline",
        asks_again="consent" in given.get("prompt", "").split(),
        account=given.get("account") or given.get("login_hint"),
    )


def challenge(verifier: str) -> str:
    """What a PKCE verifier looks like on the way to the consent page (RFC 7636, 4.2)."""
    return base64.urlsafe_b64encode(sha256(verifier.encode()).digest()).decode().rstrip("=")


def error(status: int) -> Answer:
    code = {401: "invalid_client", 429: "rate_limit_exceeded"}.get(status, "invalid_request")
    if status >= 500:  # noqa: PLR2004 - the class of a status
        code = "internal_failure"
    return _Refused(code, "Something went wrong.", status=status).answer


def _may_return_to(uri: str) -> bool:
    try:
        parts = urlsplit(uri)
    except ValueError:
        return False
    safe = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK)
    return safe and bool(parts.hostname) and not parts.fragment and "@" not in parts.netloc


def _keep(kept: OrderedDict[str, T], key: str, value: T) -> None:
    kept[key] = value
    if len(kept) > MOST:
        kept.popitem(last=False)
