"""The Web API methods of Slack that read and write a workspace.

Shapes and errors: https://docs.slack.dev/reference/methods. Each method is a function of its
arguments; a new one is a line in `_methods`, and one in `SCOPES` if it asks for a scope.
"""

import hashlib
from collections.abc import Callable, Mapping
from typing import Any, Final

import orjson

from integrations.sandbox import slack_blocks, slack_wire
from integrations.sandbox.slack_grants import Grants
from integrations.sandbox.slack_responses import Responses
from integrations.sandbox.slack_wire import Arguments, Refused
from integrations.sandbox.slack_workspace import (
    BOT,
    SITE,
    TEAM,
    TEAM_NAME,
    Conversation,
    Message,
    Workspace,
)
from integrations.sandbox.wire import Answer, Call, Vendor, json_answer

PREFIX: Final = "/slack/api/"
MOST: Final = 999
OFTEN: Final = 100
MAX_VIEW: Final = 250_000
MAX_VIEW_BLOCKS: Final = 100
SCOPES: Final[Mapping[str, str]] = {
    "chat.postMessage": "chat:write",
    "chat.update": "chat:write",
    "conversations.open": "im:write",
    "users.info": "users:read",
    "users.lookupByEmail": "users:read.email",
}
HISTORY: Final[Mapping[str, str]] = {"D": "im:history", "C": "channels:history"}


class SlackService:
    """One workspace and all that an app may do there, and with it."""

    def __init__(self, client_secret: str | None = None) -> None:
        self.workspace: Final = Workspace()
        self.grants: Final = Grants(client_secret)
        self.responses: Final = Responses(self.workspace)
        self._methods: dict[str, Callable[[Arguments], dict[str, Any]]] = {
            "auth.test": self._auth_test,
            "chat.getPermalink": self._permalink,
            "chat.postMessage": self._post,
            "chat.update": self._update,
            "conversations.history": self._history,
            "conversations.open": self._open,
            "users.info": self._user,
            "users.lookupByEmail": self._lookup,
            "views.publish": self._publish,
        }
        self.vendor: Final = Vendor(
            name="slack",
            prefixes=(PREFIX, self.responses.prefix),
            kind=self._kind,
            answer=self._answer,
            error=slack_wire.error,
        )

    def _kind(self, _method: str, path: str) -> str:
        return "response_url" if self.responses.owns(path) else path.removeprefix(PREFIX)

    def _answer(self, call: Call) -> Answer:
        if self.responses.owns(call.path):
            return self.responses.answer(call)
        name = call.path.removeprefix(PREFIX)
        try:
            return json_answer(200, {"ok": True, **self._carried_out(name, call)})
        except Refused as refused:
            return json_answer(200, refused.body)

    def _carried_out(self, name: str, call: Call) -> dict[str, Any]:
        given = slack_wire.arguments(call, name)
        if name == "oauth.v2.access":
            return self.grants.access(call, given)
        token = self.grants.admit(call, given)
        if name == "auth.revoke":
            self.grants.revoked.add(token)
            return {"revoked": True}
        scope = SCOPES.get(name)
        if name == "conversations.history":
            scope = HISTORY.get(str(given.get("channel"))[:1])
        if scope is not None:
            self.grants.demand(token, scope)
        return self._methods.get(name, _unknown)(given)

    def _auth_test(self, _given: Arguments) -> dict[str, Any]:
        return {
            "url": f"{SITE}/",
            "team": TEAM_NAME,
            "user": "voicetodo",
            "team_id": TEAM,
            "user_id": BOT["user"],
            "bot_id": BOT["bot_id"],
            "is_enterprise_install": False,
        }

    def _post(self, given: Arguments) -> dict[str, Any]:
        to = self._writable(given.get("channel"))
        message = Message(self.workspace.ts(), *slack_wire.content(given))
        to.messages.append(message)
        return {"channel": to.id, "ts": message.ts, "message": message.to_json()}

    def _update(self, given: Arguments) -> dict[str, Any]:
        to = self._writable(given.get("channel"))
        found = self.workspace.found(to.id, str(given.get("ts")))
        if found is None:
            raise Refused("message_not_found")
        if not found.is_ours:
            raise Refused("cant_update_message")
        text, blocks, metadata = slack_wire.content(given)
        found.text, found.blocks = text, blocks
        found.metadata = metadata or found.metadata
        found.edited_ts = self.workspace.ts()
        return {"channel": to.id, "ts": found.ts, "text": text, "message": found.to_json()}

    def _permalink(self, given: Arguments) -> dict[str, Any]:
        channel, ts = str(given.get("channel")), str(given.get("message_ts"))
        if channel not in self.workspace.conversations:
            raise Refused("channel_not_found")
        if self.workspace.found(channel, ts) is None:
            raise Refused("message_not_found")
        return {"channel": channel, "permalink": permalink(channel, ts)}

    def _publish(self, given: Arguments) -> dict[str, Any]:
        """https://docs.slack.dev/reference/methods/views.publish."""
        user, view = str(given.get("user_id", "")), given.get("view")
        if user not in self.workspace.members:
            raise Refused("user_not_found")
        if not isinstance(view, dict) or view.get("type") != "home":
            raise Refused("invalid_arguments")
        if found := list(slack_blocks.problems(view.get("blocks"), most=MAX_VIEW_BLOCKS)):
            raise Refused("invalid_arguments", response_metadata={"messages": found})
        body = orjson.dumps(view)
        if len(body) > MAX_VIEW:
            raise Refused("view_too_large")
        shown = self.workspace.homes.get(user)
        expected = given.get("hash")
        if expected is not None and (shown is None or shown["hash"] != expected):
            raise Refused("hash_conflict")
        ts = self.workspace.ts()
        published = {
            "id": f"V{user[1:]}",
            "team_id": TEAM,
            "private_metadata": "",
            "callback_id": "",
            "external_id": "",
            **view,
            "state": {"values": {}},
            "hash": f"{ts}.{hashlib.sha256(body).hexdigest()[:8]}",
            "app_id": BOT["app_id"],
            "bot_id": BOT["bot_id"],
        }
        self.workspace.homes[user] = published
        return {"view": published}

    def _history(self, given: Arguments) -> dict[str, Any]:
        of = self.workspace.conversations.get(str(given.get("channel")))
        if of is None:
            raise Refused("channel_not_found")
        if not of.is_member:
            raise Refused("not_in_channel")
        try:
            oldest, latest = float(given.get("oldest") or 0), float(given.get("latest") or "inf")
            before = float(given.get("cursor") or "inf")
            limit = min(max(int(given.get("limit") or OFTEN), 1), MOST)
        except ValueError as error:
            raise Refused("invalid_arguments") from error
        inclusive = slack_wire.is_true(given.get("inclusive"))
        found = [
            each
            for each in reversed(of.messages)
            if (at := float(each.ts)) < before
            and (oldest < at < latest or (inclusive and at in (oldest, latest)))
        ]
        has_more = len(found) > limit
        metadata = slack_wire.is_true(given.get("include_all_metadata"))
        return {
            "messages": [each.to_json(metadata=metadata) for each in found[:limit]],
            "has_more": has_more,
            "pin_count": 0,
            "response_metadata": {"next_cursor": found[limit - 1].ts if has_more else ""},
        }

    def _open(self, given: Arguments) -> dict[str, Any]:
        user = str(given.get("users", ""))
        if user not in self.workspace.members:
            raise Refused("user_not_found")
        return {"channel": {"id": self.workspace.direct(user).id}}

    def _user(self, given: Arguments) -> dict[str, Any]:
        found = self.workspace.members.get(str(given.get("user", "")))
        if found is None:
            raise Refused("user_not_found")
        return {"user": found.to_json()}

    def _lookup(self, given: Arguments) -> dict[str, Any]:
        email = str(given.get("email", "")).casefold()
        members = self.workspace.members.values()
        found = next((each for each in members if each.email == email), None)
        if found is None:
            raise Refused("users_not_found")
        return {"user": found.to_json()}

    def _writable(self, channel: object) -> Conversation:
        to = self.workspace.place(str(channel))
        if to is None:
            raise Refused("channel_not_found")
        if to.is_archived:
            raise Refused("is_archived")
        if not to.is_member:
            raise Refused("not_in_channel")
        return to


def permalink(channel: str, ts: str) -> str:
    return f"{SITE}/archives/{channel}/p{ts.replace('.', '')}"


def _unknown(_given: Arguments) -> dict[str, Any]:
    raise Refused("unknown_method")
