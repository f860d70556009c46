"""What people do in the workspace, told to the app as Slack tells it; its answers are shown."""

import secrets
from collections.abc import Sequence
from typing import Any, Final

import orjson

from integrations.sandbox import slack_blocks
from integrations.sandbox.slack import SlackService
from integrations.sandbox.slack_client import SlackClient, Told
from integrations.sandbox.slack_workspace import (
    BOT,
    DOMAIN,
    TEAM,
    Conversation,
    Ephemeral,
    Member,
    Message,
    Unknown,
)

SLACKBOT: Final = "USLACKBOT"
_TEAM: Final = {"id": TEAM, "domain": DOMAIN}


class People:
    """`here` is the sandbox's own address, which answers go to. What is not there is `Unknown`."""

    def __init__(self, slack: SlackService, client: SlackClient) -> None:
        self._slack = slack
        self._workspace = slack.workspace
        self._client: Final = client

    async def command(
        self, user: str, channel: str, text: str, *, name: str, here: str
    ) -> dict[str, Any]:
        member = self._workspace.member(user)
        place = self._workspace.named(channel, member)
        told = await self._client.command(
            {
                "token": "deprecated",
                "team_id": TEAM,
                "team_domain": DOMAIN,
                "channel_id": place.id,
                "channel_name": _name(place),
                "user_id": member.id,
                "user_name": member.name.lower(),
                "command": name,
                "text": text,
                "api_app_id": BOT["app_id"],
                "is_enterprise_install": "false",
                "response_url": here + self._slack.responses.new(member.id, place.id),
                "trigger_id": _trigger(),
            }
        )
        if not told.taken:
            why = "operation_timeout" if told.reason == "http_timeout" else "dispatch_failed"
            self._whisper(member, place, f"{name} failed with the error “{why}”")
        return _said(told, self._answered(told, member, place))

    async def shortcut(
        self, user: str, channel: str, ts: str, *, callback_id: str, here: str
    ) -> dict[str, Any]:
        member = self._workspace.member(user)
        place = self._workspace.named(channel, member)
        message = self._workspace.found(place.id, ts)
        if message is None:
            raise Unknown("no such message")
        told = await self._client.interaction(
            {
                "type": "message_action",
                "callback_id": callback_id,
                "message_ts": ts,
                "message": message.to_json(metadata=True),
                "channel": {"id": place.id, "name": _name(place)},
                "response_url": here + self._slack.responses.new(member.id, place.id, ts),
                **_interaction(member, self._workspace.ts()),
            }
        )
        return _said(told, None)

    async def action(
        self,
        user: str,
        channel: str,
        ts: str,
        *,
        action_id: str,
        value: str | None = None,
        here: str,
    ) -> dict[str, Any]:
        """Press a button of a message; without `ts`, of the person's App Home.

        `value` tells which one, where several have this `action_id`.
        """
        member = self._workspace.member(user)
        payload = _interaction(member, self._workspace.ts()) | {"type": "block_actions"}
        if ts:
            place = self._workspace.named(channel, member)
            whispered = self._workspace.whispered(place.id, ts)
            message = whispered.message if whispered else self._workspace.found(place.id, ts)
            if message is None:
                raise Unknown("no such message")
            blocks: object = message.blocks
            payload |= {
                "container": {
                    "type": "message",
                    "message_ts": ts,
                    "channel_id": place.id,
                    "is_ephemeral": whispered is not None,
                },
                "channel": {"id": place.id, "name": _name(place)},
                "response_url": here + self._slack.responses.new(member.id, place.id, ts),
            }
            if whispered is None:
                payload["message"] = message.to_json(metadata=True)
        else:
            view = self._workspace.homes.get(member.id)
            if view is None:
                raise Unknown("nothing was published there")
            blocks = view["blocks"]
            payload |= {"container": {"type": "view", "view_id": view["id"]}, "view": view}
        payload["actions"] = [_pressed(blocks, action_id, value, payload["action_ts"])]
        return _said(await self._client.interaction(payload), None)

    async def home(self, user: str) -> dict[str, Any]:
        """Look at the app's Home. What it shows then is in `GET /slack/client/home`."""
        member = self._workspace.member(user)
        event: dict[str, Any] = {
            "type": "app_home_opened",
            "user": member.id,
            "channel": self._workspace.direct(member.id).id,
            "tab": "home",
            "event_ts": self._workspace.ts(),
        }
        if view := self._workspace.homes.get(member.id):
            event["view"] = view
        return await self.event(event)

    async def event(self, event: dict[str, Any]) -> dict[str, Any]:
        return _said(await self._client.event(event, TEAM), None)

    def retry_after(self, waits_s: Sequence[float]) -> None:
        self._client.retries_s = waits_s

    def write(self, user: str, channel: str, text: str) -> Message:
        """A message of a person's, that the app hears nothing of."""
        member = self._workspace.member(user)
        message = Message(self._workspace.ts(), text, [], None, user=member.id)
        self._workspace.named(channel, member).messages.append(message)
        return message

    def _answered(self, told: Told, member: Member, place: Conversation) -> str | None:
        """Show the body of the answer to a command; what is wrong with it."""
        if not told.answer.strip():
            return None
        try:
            said = orjson.loads(told.answer)
        except orjson.JSONDecodeError:
            said = {"text": told.answer.decode("utf-8", "replace")}
        return self._slack.responses.say(said, member.id, place.id, None)

    def _whisper(self, member: Member, place: Conversation, text: str) -> None:
        message = Message(self._workspace.ts(), text, [], None, user=SLACKBOT)
        self._workspace.ephemeral.append(Ephemeral(member.id, place.id, message))


def _pressed(blocks: object, action_id: str, value: str | None, at: str) -> dict[str, Any]:
    for each in slack_blocks.buttons(blocks):
        if each["action_id"] == action_id and value in (None, each["value"]):
            pressed: dict[str, Any] = {
                "type": "button",
                "action_id": action_id,
                "block_id": each["block_id"] or "generated",
                "text": {"type": "plain_text", "text": each["text"], "emoji": True},
                "action_ts": at,
            }
            return pressed | {k: each[k] for k in ("value", "style") if each[k]}
    raise Unknown(f"no such button: {action_id}")


def _interaction(member: Member, ts: str) -> dict[str, Any]:
    return {
        "token": "deprecated",
        "action_ts": ts,
        "team": _TEAM,
        "user": {
            "id": member.id,
            "username": member.name.lower(),
            "name": member.name.lower(),
            "team_id": TEAM,
        },
        "api_app_id": BOT["app_id"],
        "is_enterprise_install": False,
        "enterprise": None,
        "trigger_id": _trigger(),
    }


def _said(told: Told, wrong: str | None) -> dict[str, Any]:
    return {
        "status": told.status,
        "taken": told.taken,
        "reason": told.reason,
        "took_ms": told.took_ms,
        "answer": told.answer.decode("utf-8", "replace"),
        "wrong": wrong,
    }


def _name(place: Conversation) -> str:
    return "directmessage" if place.with_user else place.name


def _trigger() -> str:
    return f"{secrets.randbelow(10**13)}.{secrets.randbelow(10**12)}.{secrets.token_hex(16)}"
