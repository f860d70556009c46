"""Addresses by which an app answers what a person did: five times, for half an hour.

https://docs.slack.dev/interactivity/handling-user-interaction#message_responses
"""

import secrets
import time
from dataclasses import dataclass
from typing import Any, Final

import orjson

from integrations.sandbox import slack_blocks
from integrations.sandbox.slack_workspace import Ephemeral, Message, Workspace
from integrations.sandbox.wire import Answer, Call, json_answer

LIVES_S: Final = 1800
TIMES: Final = 5
NOT_FOUND: Final = 404
REFUSED: Final = 400


@dataclass(slots=True)
class _Address:
    """`ts`: of the message that somebody acted on."""

    user: str
    channel: str
    ts: str | None
    until: float
    used: int = 0


class Responses:
    prefix: Final = "/slack/response/"

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._addresses: dict[str, _Address] = {}

    def owns(self, path: str) -> bool:
        return path.startswith(self.prefix)

    def new(self, user: str, channel: str, ts: str | None = None) -> str:
        """The path of an address for what `user` did in `channel`."""
        now = time.monotonic()
        self._addresses = {k: each for k, each in self._addresses.items() if each.until > now}
        key = secrets.token_urlsafe(18)
        self._addresses[key] = _Address(user, channel, ts, now + LIVES_S)
        return self.prefix + key

    def answer(self, call: Call) -> Answer:
        found = self._addresses.get(call.path.removeprefix(self.prefix))
        if call.method != "POST" or found is None:
            return json_answer(NOT_FOUND, {"ok": False, "error": "no_active_hooks"})
        if found.until < time.monotonic():
            return json_answer(NOT_FOUND, {"ok": False, "error": "expired_url"})
        if found.used >= TIMES:
            return json_answer(NOT_FOUND, {"ok": False, "error": "used_url"})
        try:
            said = orjson.loads(call.body)
        except orjson.JSONDecodeError:
            return json_answer(REFUSED, {"ok": False, "error": "invalid_payload"})
        if error := self.say(said, found.user, found.channel, found.ts):
            return json_answer(REFUSED, {"ok": False, "error": error})
        found.used += 1
        return json_answer(200, {"ok": True})

    def say(self, said: object, user: str, channel: str, ts: str | None) -> str | None:
        """Show what an app answers; its mistake, if it is one."""
        if not isinstance(said, dict):
            return "invalid_payload"
        text, blocks = said.get("text") or "", said.get("blocks") or []
        acted_on = self._acted_on(channel, ts)
        if said.get("delete_original"):
            self._delete(channel, ts)
            return None
        if not isinstance(text, str) or not (text or blocks):
            return "no_text"
        if list(slack_blocks.problems(blocks)):
            return "invalid_blocks"
        if said.get("replace_original") and acted_on is not None:
            acted_on.text, acted_on.blocks = text, blocks
            acted_on.edited_ts = self._workspace.ts()
            return None
        message = Message(self._workspace.ts(), text, blocks, None)
        to = self._workspace.place(channel)
        if said.get("response_type") == "in_channel" and to is not None:
            to.messages.append(message)
        else:
            self._workspace.ephemeral.append(Ephemeral(user, channel, message))
        return None

    def _acted_on(self, channel: str, ts: str | None) -> Message | None:
        if ts is None:
            return None
        whispered = self._workspace.whispered(channel, ts)
        return whispered.message if whispered else self._workspace.found(channel, ts)

    def _delete(self, channel: str, ts: str | None) -> None:
        if ts is None:
            return
        if whispered := self._workspace.whispered(channel, ts):
            self._workspace.ephemeral.remove(whispered)
        place, found = self._workspace.place(channel), self._workspace.found(channel, ts)
        if place is not None and found is not None:
            place.messages.remove(found)


def shown(workspace: Workspace, message: Message) -> dict[str, Any]:
    """As people see it."""
    member = workspace.members.get(message.user)
    return {
        "ts": message.ts,
        "at": message.at_utc,
        "by": member.name if member else "Voice Todo" if message.is_ours else "Slackbot",
        "is_ours": message.is_ours,
        "lines": slack_blocks.lines(message.blocks) or [message.text],
        "text": message.text,
        "blocks": message.blocks,
        "buttons": slack_blocks.buttons(message.blocks),
        "edited": message.edited_ts is not None,
    }
