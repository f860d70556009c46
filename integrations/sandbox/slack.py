"""A Slack workspace: its people and conversations, and the Web API methods that write to them.

Shapes and errors: https://docs.slack.dev/reference/methods. Any bot token (`xoxb-…`) is taken until
it is revoked. Each method is a function of its arguments; a new one is a line in `_methods`.
"""

import itertools
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import parse_qsl

import orjson

from integrations.sandbox import slack_blocks
from integrations.sandbox.wire import Answer, Call, Vendor, json_answer

PREFIX: Final = "/slack/api/"
TEAM: Final = "T0SANDBOX"
BOT: Final = {"user": "U0VOICETODO", "bot_id": "B0VOICETODO", "app_id": "A0VOICETODO"}
MAX_MESSAGES: Final = 2000  # of one conversation
MAX_TEXT: Final = 40_000
MAX_PAYLOAD: Final = 16_000
MOST: Final = 999
OFTEN: Final = 100

Arguments = dict[str, Any]


@dataclass(slots=True)
class Message:
    ts: str
    text: str
    blocks: list[Any]
    metadata: dict[str, Any] | None
    user: str = BOT["user"]
    edited_ts: str | None = None

    @property
    def at_utc(self) -> datetime:
        return datetime.fromtimestamp(float(self.ts), UTC)

    def to_json(self, *, metadata: bool = False) -> dict[str, Any]:
        shown: dict[str, Any] = {
            "type": "message",
            "user": self.user,
            "ts": self.ts,
            "bot_id": BOT["bot_id"],
            "app_id": BOT["app_id"],
            "text": self.text,
            "team": TEAM,
            "blocks": self.blocks,
        }
        if metadata and self.metadata is not None:
            shown["metadata"] = self.metadata
        if self.edited_ts:
            shown["edited"] = {"user": self.user, "ts": self.edited_ts}
        return shown


@dataclass(slots=True)
class Conversation:
    """`with_user`: of a direct message."""

    id: str
    name: str
    with_user: str | None = None
    is_member: bool = True
    is_archived: bool = False
    messages: deque[Message] = field(default_factory=lambda: deque(maxlen=MAX_MESSAGES))

    def to_json(self) -> dict[str, Any]:
        if self.with_user:
            return {"id": self.id, "is_im": True, "user": self.with_user}
        return {
            "id": self.id,
            "name": self.name,
            "is_channel": True,
            "is_member": self.is_member,
            "is_archived": self.is_archived,
        }


@dataclass(frozen=True, slots=True)
class Member:
    id: str
    name: str
    email: str

    def to_json(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "team_id": TEAM,
            "name": self.name.lower(),
            "deleted": False,
            "real_name": self.name,
            "tz": "Europe/Berlin",
            "profile": {"real_name": self.name, "display_name": self.name, "email": self.email},
            "is_bot": False,
        }


class _Refused(Exception):
    def __init__(self, error: str, **more: Any) -> None:
        super().__init__(error)
        self.body = {"ok": False, "error": error, **more}


class SlackService:
    """One workspace, in memory. Conversations and people are added from its page or by HTTP."""

    def __init__(self) -> None:
        self.members: dict[str, Member] = {}
        self.conversations: dict[str, Conversation] = {}
        self.revoked: set[str] = set()
        self._numbers = itertools.count(1)
        self._last_ts = 0.0
        self._methods: dict[str, Callable[[Arguments], dict[str, Any]]] = {
            "auth.test": self._auth_test,
            "chat.postMessage": self._post,
            "chat.update": self._update,
            "conversations.history": self._history,
            "conversations.open": self._open,
            "users.info": self._user,
            "users.lookupByEmail": self._lookup,
        }
        self.vendor: Final = Vendor(
            name="slack",
            prefixes=(PREFIX,),
            kind=lambda _method, path: path.removeprefix(PREFIX),
            answer=self._answer,
            error=error,
        )
        self.add_channel("general")
        self.add_member("Alice", "alice@example.com")
        self.add_member("Bob", "bob@example.com")

    def add_channel(self, name: str, *, is_member: bool = True) -> Conversation:
        made = Conversation(f"C{next(self._numbers):010d}", name, is_member=is_member)
        self.conversations[made.id] = made
        return made

    def add_member(self, name: str, email: str) -> Member:
        made = Member(f"U{next(self._numbers):010d}", name, email)
        self.members[made.id] = made
        return made

    def newest(self) -> Iterator[Conversation]:
        """Those with messages, the one last written to first."""
        written = (each for each in self.conversations.values() if each.messages)
        return iter(sorted(written, key=lambda each: each.messages[-1].ts, reverse=True))

    def _answer(self, call: Call) -> Answer:
        method = self._methods.get(call.path.removeprefix(PREFIX), _unknown)
        try:
            self._authorize(call)
            return json_answer(200, {"ok": True, **method(_arguments(call))})
        except _Refused as refused:
            return json_answer(200, refused.body)

    def _authorize(self, call: Call) -> None:
        scheme, _, token = call.header(b"authorization").partition(" ")
        if not token:
            raise _Refused("not_authed")
        if scheme != "Bearer" or not token.startswith("xoxb-"):
            raise _Refused("invalid_auth")
        if token in self.revoked:
            raise _Refused("token_revoked")

    def _auth_test(self, _given: Arguments) -> dict[str, Any]:
        return {
            "url": "https://sandbox.slack.example/",
            "team": "Sandbox",
            "user": "voicetodo",
            "team_id": TEAM,
            "user_id": BOT["user"],
            "bot_id": BOT["bot_id"],
            "is_enterprise_install": False,
        }

    def _post(self, given: Arguments) -> dict[str, Any]:
        to = self._writable(given.get("channel"))
        message = Message(self._ts(), *_content(given))
        to.messages.append(message)
        return {"channel": to.id, "ts": message.ts, "message": message.to_json()}

    def _update(self, given: Arguments) -> dict[str, Any]:
        to = self._writable(given.get("channel"))
        found = next((each for each in to.messages if each.ts == given.get("ts")), None)
        if found is None:
            raise _Refused("message_not_found")
        text, blocks, metadata = _content(given)
        found.text, found.blocks = text, blocks
        found.metadata = metadata or found.metadata
        found.edited_ts = self._ts()
        return {"channel": to.id, "ts": found.ts, "text": text, "message": found.to_json()}

    def _history(self, given: Arguments) -> dict[str, Any]:
        of = self.conversations.get(str(given.get("channel")))
        if of is None:
            raise _Refused("channel_not_found")
        if not of.is_member:
            raise _Refused("not_in_channel")
        try:
            oldest, latest = float(given.get("oldest") or 0), float(given.get("latest") or "inf")
            before = float(given.get("cursor") or "inf")
            limit = min(max(int(given.get("limit") or OFTEN), 1), MOST)
        except ValueError as error:
            raise _Refused("invalid_arguments") from error
        inclusive = _is_true(given.get("inclusive"))
        found = [
            each
            for each in reversed(of.messages)
            if (at := float(each.ts)) < before
            and (oldest < at < latest or (inclusive and at in (oldest, latest)))
        ]
        has_more = len(found) > limit
        metadata = _is_true(given.get("include_all_metadata"))
        return {
            "messages": [each.to_json(metadata=metadata) for each in found[:limit]],
            "has_more": has_more,
            "pin_count": 0,
            "response_metadata": {"next_cursor": found[limit - 1].ts if has_more else ""},
        }

    def _open(self, given: Arguments) -> dict[str, Any]:
        return {"channel": {"id": self._direct(str(given.get("users", ""))).id}}

    def _user(self, given: Arguments) -> dict[str, Any]:
        found = self.members.get(str(given.get("user", "")))
        if found is None:
            raise _Refused("user_not_found")
        return {"user": found.to_json()}

    def _lookup(self, given: Arguments) -> dict[str, Any]:
        email = str(given.get("email", "")).casefold()
        found = next((each for each in self.members.values() if each.email == email), None)
        if found is None:
            raise _Refused("users_not_found")
        return {"user": found.to_json()}

    def _writable(self, channel: object) -> Conversation:
        name = str(channel)
        to = self._direct(name) if name in self.members else self.conversations.get(name)
        if to is None:
            raise _Refused("channel_not_found")
        if to.is_archived:
            raise _Refused("is_archived")
        if not to.is_member:
            raise _Refused("not_in_channel")
        return to

    def _direct(self, user: str) -> Conversation:
        """The same conversation each time."""
        if user not in self.members:
            raise _Refused("user_not_found")
        key = f"D{user[1:]}"
        made = Conversation(key, self.members[user].name, with_user=user)
        return self.conversations.setdefault(key, made)

    def _ts(self) -> str:
        """Unique, as Slack's are: they are the messages' names."""
        self._last_ts = max(time.time(), self._last_ts + 0.000_001)
        return f"{self._last_ts:.6f}"


def _unknown(_given: Arguments) -> dict[str, Any]:
    raise _Refused("unknown_method")


def error(status: int) -> Answer:
    codes = {429: "ratelimited", 503: "service_unavailable", 404: "unknown_method"}
    # "Bad requests" are answered with 200 by Slack; a status of 400 is a gateway's.
    code = codes.get(status, "internal_error" if status >= 500 else "invalid_arguments")  # noqa: PLR2004 - the class of a status
    headers = ((b"retry-after", b"1"),) if status == 429 else ()  # noqa: PLR2004 - the status named above
    return json_answer(status, {"ok": False, "error": code}, headers)


def _arguments(call: Call) -> Arguments:
    """From the query, and from a body of JSON or of a form, whose nested values are JSON."""
    given: Arguments = dict(parse_qsl(call.query))
    if not call.body:
        return given
    content_type = call.header(b"content-type").partition(";")[0].strip().lower()
    if content_type == "application/json":
        try:
            body = orjson.loads(call.body)
        except orjson.JSONDecodeError as error:
            raise _Refused("invalid_json") from error
        if not isinstance(body, dict):
            raise _Refused("json_not_object")
        return given | body
    if content_type != "application/x-www-form-urlencoded":
        raise _Refused("invalid_post_type")
    given |= dict(parse_qsl(call.body.decode("utf-8", "replace")))
    for name in ("blocks", "metadata"):
        if name in given:
            try:
                given[name] = orjson.loads(given[name])
            except orjson.JSONDecodeError as error:
                raise _Refused(f"invalid_{name}_format") from error
    return given


def _content(given: Arguments) -> tuple[str, list[Any], dict[str, Any] | None]:
    text, blocks, metadata = given.get("text") or "", given.get("blocks") or [], None
    if not isinstance(text, str) or not (text or blocks):
        raise _Refused("no_text")
    if len(text) > MAX_TEXT:
        raise _Refused("msg_too_long")
    if found := list(slack_blocks.problems(blocks)):
        raise _Refused("invalid_blocks", response_metadata={"messages": found})
    if "metadata" in given:
        metadata = given["metadata"]
        if (
            not isinstance(metadata, dict)
            or not isinstance(metadata.get("event_type"), str)
            or not isinstance(metadata.get("event_payload"), dict)
        ):
            raise _Refused("invalid_metadata_format")
        if len(orjson.dumps(metadata)) > MAX_PAYLOAD:
            raise _Refused("metadata_too_large")
    return text, blocks, metadata


def _is_true(value: object) -> bool:
    return value is True or str(value).lower() in ("1", "true")
