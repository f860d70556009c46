"""Who let the app into the workspace, and what each token may do.

https://docs.slack.dev/authentication/installing-with-oauth. Tokens that were never given out here
(`xoxb-…`) may do everything: whoever tries a method by hand need not connect first.
"""

import base64
import hashlib
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from integrations.sandbox.consent import BadRequest
from integrations.sandbox.slack_wire import Arguments, Refused
from integrations.sandbox.slack_workspace import BOT, TEAM, TEAM_NAME
from integrations.sandbox.wire import Call

AUTHORIZE: Final = "/slack/oauth/v2/authorize"
CODE_LIVES_S: Final = 600
# Scopes that we know, and what people are told of them.
SCOPES: Final[Mapping[str, str]] = {
    "channels:history": "See messages in public channels that Voice Todo was added to",
    "channels:read": "See which public channels there are",
    "chat:write": "Send messages as Voice Todo",
    "chat:write.public": "Send messages to channels that Voice Todo is not in",
    "commands": "Add shortcuts and slash commands that people can use",
    "groups:history": "See messages in private channels that Voice Todo was added to",
    "im:history": "See messages in direct messages with Voice Todo",
    "im:read": "See which direct messages with Voice Todo there are",
    "im:write": "Start direct messages with people",
    "users:read": "See people in the workspace",
    "users:read.email": "See e-mail addresses of people in the workspace",
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the app asked for, checked."""

    client_id: str
    redirect_uri: str
    scopes: tuple[str, ...]
    state: str | None
    challenge: str | None


def wanted(given: Mapping[str, str]) -> Wanted:
    scopes = tuple(each for each in given.get("scope", "").replace(" ", ",").split(",") if each)
    redirect_uri = given.get("redirect_uri", "")
    if not given.get("client_id"):
        raise BadRequest("invalid_client_id", "There is no client_id.")
    if not scopes or (unknown := [each for each in scopes if each not in SCOPES]):
        named = ", ".join(unknown) if scopes else "none"
        raise BadRequest("invalid_scope", f"Not a bot's scopes: {named}.")
    if not redirect_uri.startswith(("http://", "https://")) or "#" in redirect_uri:
        raise BadRequest("bad_redirect_uri", "redirect_uri does not match any configured URIs.")
    challenge = given.get("code_challenge")
    if challenge is not None and given.get("code_challenge_method") != "S256":
        raise BadRequest("invalid_code_challenge_method", "code_challenge_method is not S256.")
    return Wanted(given["client_id"], redirect_uri, scopes, given.get("state"), challenge)


@dataclass(frozen=True, slots=True)
class _Code:
    wanted: Wanted
    user: str
    until: float


class Grants:
    """`client_secret`: what the app must know; none: any will do."""

    def __init__(self, client_secret: str | None = None) -> None:
        self.revoked: set[str] = set()
        self._secret = client_secret
        self._codes: dict[str, _Code] = {}
        self._spent: set[str] = set()
        self._token: str | None = None
        self._scopes: dict[str, tuple[str, ...]] = {}

    def approve(self, asked: Wanted, user: str) -> str:
        """The code that goes back to the app, for `user`."""
        code = f"{secrets.token_hex(6)}.{secrets.token_hex(6)}.{secrets.token_hex(32)}"
        self._codes[code] = _Code(asked, user, time.monotonic() + CODE_LIVES_S)
        return code

    def access(self, call: Call, given: Arguments) -> Arguments:
        """`oauth.v2.access`: a code is good once, for who asked for it."""
        client_id, client_secret = _client(call, given)
        if not client_id:
            raise Refused("invalid_client_id")
        if not client_secret or client_secret != (self._secret or client_secret):
            raise Refused("bad_client_secret")
        name = str(given.get("code", ""))
        if name in self._spent:
            raise Refused("code_already_used")
        code = self._codes.get(name)
        if code is None or code.until < time.monotonic():
            raise Refused("invalid_code")
        if code.wanted.client_id != client_id:
            raise Refused("invalid_client_id")
        if str(given.get("redirect_uri", "")) != code.wanted.redirect_uri:
            raise Refused("bad_redirect_uri")
        if not _proves(str(given.get("code_verifier", "")), code.wanted.challenge):
            raise Refused("invalid_code_verifier")
        del self._codes[name]
        self._spent.add(name)
        # A workspace has one bot, whoever lets it in: one token, and scopes that only grow.
        if self._token is None or self._token in self.revoked:
            self._token = f"xoxb-{secrets.token_hex(24)}"
        has = self._scopes.get(self._token, ())
        scopes = tuple(dict.fromkeys((*has, *code.wanted.scopes)))
        self._scopes[self._token] = scopes
        return {
            "access_token": self._token,
            "token_type": "bot",
            "scope": ",".join(scopes),
            "bot_user_id": BOT["user"],
            "app_id": BOT["app_id"],
            "team": {"id": TEAM, "name": TEAM_NAME},
            "enterprise": None,
            "authed_user": {"id": code.user},
            "is_enterprise_install": False,
        }

    def admit(self, call: Call, given: Arguments) -> str:
        """The token of this call; refuses one that is not good."""
        scheme, _, token = call.header(b"authorization").partition(" ")
        if not token and isinstance(given.get("token"), str):
            scheme, token = "Bearer", given["token"]
        if not token:
            raise Refused("not_authed")
        if scheme != "Bearer" or not token.startswith("xoxb-"):
            raise Refused("invalid_auth")
        if token in self.revoked:
            raise Refused("token_revoked")
        return token

    def demand(self, token: str, scope: str) -> None:
        has = self._scopes.get(token)
        if has is not None and scope not in has:
            raise Refused("missing_scope", needed=scope, provided=",".join(has))


def _client(call: Call, given: Arguments) -> tuple[str, str]:
    """By HTTP Basic, which Slack prefers, or as arguments."""
    scheme, _, encoded = call.header(b"authorization").partition(" ")
    if scheme == "Basic":
        try:
            name, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
        except ValueError:
            return "", ""
        return name, secret
    return str(given.get("client_id", "")), str(given.get("client_secret", ""))


def _proves(verifier: str, challenge: str | None) -> bool:
    """RFC 7636, S256."""
    if challenge is None:
        return not verifier
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode() == challenge
