"""Posts messages to Slack, finds again what it may have posted already, and shows App Homes.

https://docs.slack.dev/reference/methods/chat.postMessage and, with their errors,
https://docs.slack.dev/reference/methods/conversations.history
"""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from pydantic import SecretStr
from slack_sdk.models.blocks import Block

from core.errors import VendorError
from integrations.http import Client
from integrations.pace import Pace
from integrations.slack_web import PATIENCE, VENDOR, SlackWeb, mapping

EVENT: Final = "voicetodo_reminder"  # of the metadata that a message is found again by
A_CHANNEL: Final = 1.0  # seconds between two messages: one a second, "short bursts > 1 allowed"
CLOCKS_DIFFER: Final = timedelta(minutes=2)
PAGE: Final = 200
PAGES: Final = 10
CONVERSATIONS: Final = 1000  # remembered


@dataclass(frozen=True, slots=True)
class SlackMessage:
    """`channel` is the id of a conversation, or of a person, who gets it as a direct message.

    `text` stands where blocks do not: notifications, screen readers.
    """

    team_id: str
    channel: str
    text: str
    blocks: Sequence[Block]
    delivery_id: UUID


class Slack:
    """The vendor's client over ours. One object takes turns for all that a process sends."""

    def __init__(self, client: Client, base_url: str) -> None:
        self._web = SlackWeb(client, base_url)
        self._channels = Pace(every=A_CHANNEL, patience=PATIENCE)
        self._conversations: OrderedDict[str, str] = OrderedDict()  # of people

    async def send(
        self, message: SlackMessage, token: SecretStr, *, looked_since: datetime | None = None
    ) -> str:
        """Post it and give `channel:ts`, by which Slack knows it.

        `looked_since`: an earlier attempt may have come through; if the conversation shows it
        since then, nothing is posted. Raises as `SlackWeb.call` does; `ambiguous`: look before you
        send again.
        """
        if looked_since is not None:
            found = await self._find(message, token, looked_since - CLOCKS_DIFFER)
            if found is not None:
                return found
        await self._channels.turn(message.channel)
        metadata = {
            "event_type": EVENT,
            "event_payload": {"delivery_id": str(message.delivery_id)},
        }
        posted = await self._web.call(
            message.team_id,
            token,
            "chat.postMessage",
            {
                "channel": message.channel,
                "text": message.text,
                "blocks": [block.to_dict() for block in message.blocks],
                "metadata": metadata,
                "unfurl_links": False,
                "unfurl_media": False,
            },
        )
        return f"{posted.get('channel')}:{posted.get('ts')}"

    async def _find(self, message: SlackMessage, token: SecretStr, since: datetime) -> str | None:
        channel = await self._conversation(message, token)
        cursor = ""
        for _ in range(PAGES):
            page = await self._web.call(
                message.team_id,
                token,
                "conversations.history",
                {
                    "channel": channel,
                    "oldest": f"{since.timestamp():.6f}",
                    "limit": PAGE,
                    "include_all_metadata": True,
                }
                | ({"cursor": cursor} if cursor else {}),
            )
            for each in _dicts(page.get("messages")):
                if _delivery_of(each) == str(message.delivery_id):
                    return f"{channel}:{each.get('ts')}"
            cursor = mapping(page.get("response_metadata")).get("next_cursor") or ""
            if not cursor:
                return None
        # To send without knowing would be seen; later the channel may be quieter, or it is told
        # in the app that it could not be delivered.
        raise VendorError("the conversation is too long to look through", permanent=False)

    async def _conversation(self, message: SlackMessage, token: SecretStr) -> str:
        """A person is written to by their own id, but read by that of the conversation."""
        if not message.channel.startswith(("U", "W")):
            return message.channel
        if message.channel not in self._conversations:
            answer = await self._web.call(
                message.team_id, token, "conversations.open", {"users": message.channel}
            )
            found = mapping(answer.get("channel")).get("id")
            if not isinstance(found, str):
                raise VendorError(f"{VENDOR} opened no conversation", permanent=False)
            self._conversations[message.channel] = found
            if len(self._conversations) > CONVERSATIONS:
                self._conversations.popitem(last=False)
        return self._conversations[message.channel]

    async def update(
        self,
        team_id: str,
        token: SecretStr,
        *,
        channel: str,
        ts: str,
        text: str,
        blocks: Sequence[Block],
    ) -> None:
        """Put this in place of a message of ours. The same once more changes nothing.

        `channel` is a conversation's id. Raises as `SlackWeb.call` does.
        """
        await self._web.call(
            team_id,
            token,
            "chat.update",
            {
                "channel": channel,
                "ts": ts,
                "text": text,
                "blocks": [block.to_dict() for block in blocks],
            },
        )

    async def permalink(self, team_id: str, token: SecretStr, *, channel: str, ts: str) -> str:
        """The address of a message, for people of the team. Raises as `SlackWeb.call` does."""
        arguments = {"channel": channel, "message_ts": ts}
        answer = await self._web.call(team_id, token, "chat.getPermalink", arguments)
        found = answer.get("permalink")
        if not isinstance(found, str):
            raise VendorError(f"{VENDOR} gave no permalink", permanent=False)
        return found

    async def publish(
        self, team_id: str, token: SecretStr, *, slack_user_id: str, blocks: Sequence[Block]
    ) -> None:
        """Show this as the Home of our app to this person: whatever stood there is replaced.

        Raises as `SlackWeb.call` does. https://docs.slack.dev/reference/methods/views.publish
        """
        view = {"type": "home", "blocks": [block.to_dict() for block in blocks]}
        arguments = {"user_id": slack_user_id, "view": view}
        await self._web.call(team_id, token, "views.publish", arguments)


def _delivery_of(message: dict[str, Any]) -> object:
    metadata = mapping(message.get("metadata"))
    if metadata.get("event_type") != EVENT:
        return None
    return mapping(metadata.get("event_payload")).get("delivery_id")


def _dicts(value: object) -> list[dict[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []
