"""Posts messages to Slack, and finds again what it may have posted already.

https://docs.slack.dev/reference/methods/chat.postMessage and, with their errors,
https://docs.slack.dev/reference/methods/conversations.history; rate limits:
https://docs.slack.dev/apis/web-api/rate-limits
"""

import re
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import urlencode
from uuid import UUID

import orjson
from pydantic import SecretStr
from slack_sdk.errors import SlackApiError
from slack_sdk.models.blocks import Block
from slack_sdk.web.async_client import AsyncWebClient

from core import clock, crypto
from core.errors import Gone, Revoked, VendorError
from integrations.http import Client, retry_after
from integrations.pace import Pace

VENDOR: Final = "Slack"
TOO_MANY: Final = 429
CODE: Final = re.compile(r"[a-z0-9_]{1,64}")

EVENT: Final = "voicetodo_reminder"  # of the metadata that a message is found again by
A_CHANNEL: Final = 1.0  # seconds between two messages: one a second, "short bursts > 1 allowed"
A_WORKSPACE: Final = 0.2  # "several hundred messages per minute", for all of an app's channels
PATIENCE: Final = 1.5  # seconds; the call itself has five
UNSAID: Final = timedelta(seconds=30)  # a 429 without a wait; Slack always says one
CLOCKS_DIFFER: Final = timedelta(minutes=2)
PAGE: Final = 200
PAGES: Final = 10
REFUSED_FOR: Final = timedelta(minutes=1)
REFUSED: Final = 1000  # tokens remembered

# What Slack says in `error`. Not listed: the message or our code is wrong, so for good.
REVOKED: Final = frozenset(
    {
        "access_denied",
        "account_inactive",
        "app_missing_action_url",
        "ekm_access_denied",
        "enterprise_is_restricted",
        "invalid_auth",
        "missing_scope",
        "no_permission",
        "not_allowed_token_type",
        "not_authed",
        "org_login_required",
        "team_access_not_granted",
        "team_not_found",
        "token_expired",
        "token_revoked",
        "two_factor_setup_required",
    }
)
GONE: Final = frozenset(
    {
        "cannot_dm_bot",
        "channel_is_limited_access",
        "channel_not_found",
        "channel_type_not_supported",
        "is_archived",
        "messages_tab_disabled",
        "method_not_supported_for_channel_type",
        "not_in_channel",
        "restricted_action",
        "restricted_action_non_threadable_channel",
        "restricted_action_read_only_channel",
        "restricted_action_thread_only_channel",
        "user_disabled",
        "user_not_found",
        "user_not_visible",
        "users_not_found",
    }
)
THROTTLED: Final = frozenset({"ratelimited", "rate_limited", "message_limit_exceeded"})
PASSING: Final = frozenset({"request_timeout", "team_added_to_org"})
# "It's possible some aspect of the operation succeeded before the error was raised."
IN_DOUBT: Final = frozenset({"fatal_error", "internal_error", "service_unavailable"})


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
        self._web = _WebClient(client, base_url)
        self._channels = Pace(every=A_CHANNEL, patience=PATIENCE)
        self._methods = Pace(every=A_WORKSPACE, patience=PATIENCE)  # of each workspace
        self._refused: OrderedDict[bytes, datetime] = OrderedDict()
        self._conversations: OrderedDict[str, str] = OrderedDict()  # of people

    async def send(
        self, message: SlackMessage, token: SecretStr, *, looked_since: datetime | None = None
    ) -> str:
        """Post it and give `channel:ts`, by which Slack knows it.

        `looked_since`: an earlier attempt may have come through; if the conversation shows it
        since then, nothing is posted. Raises `Revoked` (the token is no good any more), `Gone`
        (nobody can be written to there), else VendorError. Passing: 429 and a queue that is too
        long, with the wait; 5xx and no connection. `ambiguous`: look before you send again.
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
        posted = await self._call(
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
            page = await self._call(
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
            cursor = _dict(page.get("response_metadata")).get("next_cursor") or ""
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
            answer = await self._call(
                message.team_id, token, "conversations.open", {"users": message.channel}
            )
            found = _dict(answer.get("channel")).get("id")
            if not isinstance(found, str):
                raise VendorError(f"{VENDOR} opened no conversation", permanent=False)
            self._conversations[message.channel] = found
            if len(self._conversations) > REFUSED:
                self._conversations.popitem(last=False)
        return self._conversations[message.channel]

    async def _call(
        self, team_id: str, token: SecretStr, method: str, arguments: dict[str, Any]
    ) -> dict[str, Any]:
        await self._methods.turn(f"{team_id} {method}")
        secret = token.get_secret_value()
        digest = crypto.digest(secret)
        if (refused_at := self._refused.get(digest)) and clock.now() < refused_at + REFUSED_FOR:
            raise Revoked("Slack refused this token a moment ago", permanent=True)
        arguments = {"token": secret, **arguments}
        try:
            if method == "conversations.history":
                answer = await self._web.api_call(method, http_verb="GET", params=arguments)
            else:
                answer = await self._web.api_call(method, json=arguments)
        except SlackApiError as error:
            failure = _failure(error)
        except VendorError as error:
            failure = error
        else:
            return _dict(answer.data)
        if isinstance(failure, Revoked):
            self._refused[digest] = clock.now()
            if len(self._refused) > REFUSED:
                self._refused.popitem(last=False)
        elif failure.retry_after is not None:
            self._methods.hold(f"{team_id} {method}", failure.retry_after)
        raise failure


class _WebClient(AsyncWebClient):
    """The vendor's client, which builds, signs and judges the calls, over our connections.

    Those it would open itself (aiohttp) read answers of any length, follow redirects, go through
    whatever proxy the environment names, repeat a message whose answer was lost, and do not tell
    whether a request had left.
    """

    def __init__(self, client: Client, base_url: str) -> None:
        super().__init__(base_url=base_url)
        self._client = client

    async def _request(
        self, *, http_verb: str, api_url: str, req_args: dict[str, Any]
    ) -> dict[str, Any]:
        query = urlencode(req_args.get("params") or {})
        body = req_args.get("json")
        answer = await self._client.request(
            http_verb,
            f"{api_url}?{query}" if query else api_url,
            headers={name.lower(): value for name, value in req_args["headers"].items()},
            content=None if body is None else orjson.dumps(body),
        )
        status = answer.status_code
        if status == TOO_MANY:
            wait = retry_after(answer.headers.get("retry-after")) or UNSAID
            raise VendorError(f"{VENDOR} answered 429", permanent=False, retry_after=wait)
        try:
            data = _dict(answer.json())
        except ValueError:
            data = {}
        if answer.is_server_error or not isinstance(data.get("ok"), bool):
            # Nobody knows what stands behind a gateway's page, or half an answer.
            doubtful = answer.is_server_error or answer.is_success
            raise VendorError(
                f"{VENDOR} answered {status} without its JSON",
                permanent=not doubtful,
                ambiguous=doubtful,
                retry_after=retry_after(answer.headers.get("retry-after")),
            )
        return {"data": data, "headers": answer.headers, "status_code": status}


def _failure(error: SlackApiError) -> VendorError:
    answer: Any = error.response
    given = _dict(answer.data).get("error")
    code = given if isinstance(given, str) and CODE.fullmatch(given) else "something unknown"
    said = f"{VENDOR} answered {code}"
    if code in REVOKED:
        return Revoked(said, permanent=True)
    if code in GONE:
        return Gone(said, permanent=True)
    if code in THROTTLED:
        wait = retry_after(answer.headers.get("retry-after")) or UNSAID
        return VendorError(said, permanent=False, retry_after=wait)
    doubtful = code in IN_DOUBT
    return VendorError(said, permanent=not (doubtful or code in PASSING), ambiguous=doubtful)


def _delivery_of(message: dict[str, Any]) -> object:
    metadata = _dict(message.get("metadata"))
    if metadata.get("event_type") != EVENT:
        return None
    return _dict(metadata.get("event_payload")).get("delivery_id")


def _dict(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _dicts(value: object) -> list[dict[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []
