"""Slack's requests: is it Slack, is it of now, and what does it tell.

https://docs.slack.dev/authentication/verifying-requests-from-slack, and for the three shapes
https://docs.slack.dev/interactivity/implementing-slash-commands,
https://docs.slack.dev/reference/interaction-payloads, https://docs.slack.dev/apis/events-api
(an event is told up to four times until it is answered 2xx within three seconds).
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import parse_qsl

import orjson
from slack_sdk.signature import Clock, SignatureVerifier

from core.errors import Invalid, Unauthenticated
from core.models.slack_inbound import InboundKind
from core.rules import slack_buttons
from core.services.slack_inbound import Told

SIGNATURE: Final = "X-Slack-Signature"
TIMESTAMP: Final = "X-Slack-Request-Timestamp"
WINDOW: Final = timedelta(minutes=5)

MOST_CHARS: Final = 4000  # of a text; what is longer is cut
MOST_FIELDS: Final = 100
MOST_CHALLENGE_CHARS: Final = 1000
MOST_POSIX: Final = 99_999_999_999
EVENTS: Final = frozenset({"app_home_opened", "app_uninstalled", "tokens_revoked"})

_POSIX: Final = re.compile(r"[0-9]{1,11}")
_SIGNED: Final = re.compile(r"v0=[0-9a-f]{64}")
_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
_TS: Final = re.compile(r"[0-9]{1,12}\.[0-9]{1,12}")
_KEY: Final = re.compile(r"[\x21-\x7e]{1,200}")


@dataclass(frozen=True, slots=True)
class Challenge:
    """Asked once, when the address is typed in at Slack: to be answered with the same."""

    text: str


def verify(secret: bytes, body: bytes, headers: Mapping[str, str], *, now: datetime) -> None:
    """Raises `Unauthenticated` unless Slack signed this body within the last five minutes."""
    signature, timestamp = headers.get(SIGNATURE, ""), headers.get(TIMESTAMP, "")
    if not _POSIX.fullmatch(timestamp) or not _SIGNED.fullmatch(signature):
        raise Unauthenticated("this is not signed")
    if abs(now.timestamp() - int(timestamp)) > WINDOW.total_seconds():
        raise Unauthenticated("this was signed too long ago, or a clock is wrong")
    verifier = SignatureVerifier(secret.decode(), clock=_At(now))
    try:
        genuine = verifier.is_valid(body, timestamp, signature)
    except (ValueError, TypeError) as error:  # it takes hostile input for ours
        raise Unauthenticated("this is not signed") from error
    if not genuine:
        raise Unauthenticated("this is not signed by Slack")


def command(body: bytes) -> Told | None:
    """A slash command; null for Slack's own look at the certificate. Raises `Invalid`."""
    form = _form(body)
    if form.get("ssl_check"):
        return None
    return _told(
        InboundKind.COMMAND,
        form.get("trigger_id") or _hash(body),
        form.get("team_id"),
        form.get("user_id"),
        text=_text(form.get("text")),
        response_url=_text(form.get("response_url")),
    )


def interaction(body: bytes) -> Told | None:
    """A button of ours, or our shortcut; null for all that needs nothing done."""
    payload = _json(_form(body).get("payload", "").encode())
    key = payload.get("trigger_id") or _hash(body)
    user = _dict(payload.get("user"))
    # Of an app that a whole organisation installed, Slack names the team with the person only.
    team_id = _dict(payload.get("team")).get("id") or user.get("team_id")
    who = (key, team_id, user.get("id"))
    url = _text(payload.get("response_url"))
    match payload.get("type"):
        case "block_actions":
            pressed = next(iter(_dicts(payload.get("actions"))), {})
            action_id = _text(pressed.get("action_id"))
            if not action_id.startswith("voicetodo_") or action_id == slack_buttons.OPEN:
                return None
            return _told(
                InboundKind.ACTION,
                *who,
                action_id=action_id,
                block_id=_text(pressed.get("block_id")),
                value=_text(pressed.get("value")),
                response_url=url,
            )
        case "message_action" if payload.get("callback_id") == slack_buttons.MAKE_TODO:
            message = _dict(payload.get("message"))
            return _told(
                InboundKind.SHORTCUT,
                *who,
                text=_text(message.get("text")),
                channel=_matching(_ID, _dict(payload.get("channel")).get("id")),
                ts=_matching(_TS, message.get("ts")),
                thread_ts=_matching(_TS, message.get("thread_ts")),
                domain=_matching(_ID, _dict(payload.get("team")).get("domain")),
                response_url=url,
            )
    return None


def event(body: bytes) -> Told | Challenge | None:
    """An event that concerns us; null for any other. Raises `Invalid` for what is none."""
    payload = _json(body)
    if payload.get("type") == "url_verification":
        return Challenge(_text(payload.get("challenge"))[:MOST_CHALLENGE_CHARS])
    told = _dict(payload.get("event"))
    what = _text(told.get("type"))
    if payload.get("type") != "event_callback" or what not in EVENTS:
        return None
    if what == "tokens_revoked" and not _dict(told.get("tokens")).get("bot"):
        return None
    if what == "app_home_opened" and told.get("tab") not in (None, "home"):
        return None
    who = told.get("user") if what == "app_home_opened" else "-"
    key = payload.get("event_id") or _hash(body)
    at = payload.get("event_time")
    known = isinstance(at, int) and not isinstance(at, bool) and 0 < at <= MOST_POSIX
    return _told(
        InboundKind.EVENT, key, payload.get("team_id"), who, type=what, at=at if known else None
    )


class _At(Clock):
    """The helper's own looks at the machine's clock, which tests and sandboxes move."""

    def __init__(self, now: datetime) -> None:
        self._now = now.timestamp()

    def now(self) -> float:
        return self._now


def _told(kind: InboundKind, key: object, team: object, user: object, **body: Any) -> Told:
    team_id, user_id = _matching(_ID, team), _matching(_ID, user)
    known = _matching(_KEY, key)
    if team_id is None or user_id is None or known is None:
        raise Invalid("it is not told who did what", code="slack")
    return Told(kind, known, team_id, user_id, body)


def _form(body: bytes) -> dict[str, str]:
    try:
        pairs = parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=MOST_FIELDS)
    except ValueError as error:
        raise Invalid("this is not a form", code="form") from error
    return dict(pairs)


def _json(body: bytes) -> dict[str, Any]:
    try:
        return _dict(orjson.loads(body))
    except orjson.JSONDecodeError as error:
        raise Invalid("this is not JSON", code="json") from error


def _hash(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


def _text(value: object) -> str:
    """What PostgreSQL can hold of it."""
    return value.replace("\0", "")[:MOST_CHARS] if isinstance(value, str) else ""


def _matching(pattern: re.Pattern[str], value: object) -> str | None:
    return value if isinstance(value, str) and pattern.fullmatch(value) else None


def _dict(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _dicts(value: object) -> list[dict[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []
