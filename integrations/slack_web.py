"""Calls of Slack's Web API: in turn, by the vendor's own client, its refusals told apart.

Rate limits: https://docs.slack.dev/apis/web-api/rate-limits; they are for each method in each
workspace, and so is the silence that a 429 asks for.
"""

import re
from collections import OrderedDict
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import urlencode

import orjson
from pydantic import SecretStr
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from core import clock, crypto
from core.errors import Gone, Revoked, VendorError
from integrations.http import Client, retry_after
from integrations.pace import Pace

VENDOR: Final = "Slack"
TOO_MANY: Final = 429
CODE: Final = re.compile(r"[a-z0-9_]{1,64}")

A_WORKSPACE: Final = 0.2  # "several hundred messages per minute", for all of an app's channels
PATIENCE: Final = 1.5  # seconds; the call itself has five
UNSAID: Final = timedelta(seconds=30)  # a 429 without a wait; Slack always says one
REFUSED_FOR: Final = timedelta(minutes=1)
REFUSED: Final = 1000  # tokens remembered

# By method: calls a minute, of Slack's tiers 1 to 4.
TIERS: Final[Mapping[str, int]] = {
    "conversations.history": 50,
    "conversations.open": 50,
    "chat.update": 50,
    "views.publish": 100,
}
AT_ONCE: Final = 5  # a fifth of a tier; the rest is spread, so that no minute has more than all
READS: Final = frozenset({"chat.getPermalink", "conversations.history"})  # arguments in the query

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
        "cant_update_message",
        "is_archived",
        "message_not_found",
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


class SlackWeb:
    """All calls of a process take turns in here."""

    def __init__(self, client: Client, base_url: str) -> None:
        self._web = _WebClient(client, base_url)
        self._others = Pace(every=A_WORKSPACE, patience=PATIENCE)
        self._paces = {name: _pace(a_minute) for name, a_minute in TIERS.items()}
        self._refused: OrderedDict[bytes, datetime] = OrderedDict()

    async def call(
        self, team_id: str, token: SecretStr, method: str, arguments: dict[str, Any]
    ) -> dict[str, Any]:
        """What Slack answers.

        Raises `Revoked` (the token is no good any more), `Gone` (nobody can be written to there),
        else VendorError. Passing: 429 and a queue that is too long, with the wait; 5xx and no
        connection; `ambiguous`: it may have been carried out.
        """
        pace, key = self._paces.get(method, self._others), f"{team_id} {method}"
        await pace.turn(key)
        secret = token.get_secret_value()
        digest = crypto.digest(secret)
        if (refused_at := self._refused.get(digest)) and clock.now() < refused_at + REFUSED_FOR:
            raise Revoked("Slack refused this token a moment ago", permanent=True)
        arguments = {"token": secret, **arguments}
        try:
            if method in READS:
                answer = await self._web.api_call(method, http_verb="GET", params=arguments)
            else:
                answer = await self._web.api_call(method, json=arguments)
        except SlackApiError as error:
            failure = _failure(error)
        except VendorError as error:
            failure = error
        else:
            return mapping(answer.data)
        if isinstance(failure, Revoked):
            self._refused[digest] = clock.now()
            if len(self._refused) > REFUSED:
                self._refused.popitem(last=False)
        elif failure.retry_after is not None:
            pace.hold(key, failure.retry_after)
        raise failure


def mapping(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _pace(a_minute: int) -> Pace:
    burst = max(a_minute // AT_ONCE, 1)
    return Pace(every=60 / max(a_minute - burst, 1), patience=PATIENCE, burst=burst)


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
            data = mapping(answer.json())
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
    given = mapping(answer.data).get("error")
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
