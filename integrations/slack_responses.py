"""Answers to what was done in Slack, at the address that Slack gave with it.

https://docs.slack.dev/interactivity/handling-user-interaction#message_responses: five times within
half an hour, without a token.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final
from urllib.parse import urlsplit

import orjson

from core.errors import Gone, VendorError
from integrations.http import Client, retry_after

VENDOR: Final = "Slack"
HOSTS: Final = frozenset({"hooks.slack.com", "hooks.slack-gov.com"})
TOO_MANY: Final = 429
UNSAID: Final = timedelta(seconds=30)


class Responses:
    """`sandbox_url`: of the dev profile, whose Slack has another address."""

    def __init__(self, client: Client, *, sandbox_url: str | None) -> None:
        self._client = client
        self._sandbox = None if sandbox_url is None else urlsplit(sandbox_url)

    async def post(self, url: str, message: Mapping[str, Any]) -> None:
        """Raises `Gone` where nobody takes an answer (any more), else VendorError.

        Twice shows an answer twice, to the one person who asked; what replaces a message does so
        with the same.
        """
        if not self._is_slacks(url):
            raise Gone("this is no address of Slack's", permanent=True)
        answer = await self._client.post(
            url, content=orjson.dumps(message), headers={"content-type": "application/json"}
        )
        status = answer.status_code
        if answer.is_success:
            return
        wait = retry_after(answer.headers.get("retry-after"))
        if status == TOO_MANY:
            raise VendorError(f"{VENDOR} answered 429", permanent=False, retry_after=wait or UNSAID)
        if answer.is_server_error:
            raise VendorError(
                f"{VENDOR} answered {status}", permanent=False, ambiguous=True, retry_after=wait
            )
        raise Gone(f"{VENDOR} answered {status}", permanent=True)

    def _is_slacks(self, url: str) -> bool:
        """The address was signed by Slack; even so nothing leaves for another host."""
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            return False
        if parts.username is not None or parts.password is not None:
            return False
        if parts.scheme == "https" and parts.hostname in HOSTS and port in (None, 443):
            return True
        sandbox = self._sandbox
        return sandbox is not None and (parts.scheme, parts.netloc) == (
            sandbox.scheme,
            sandbox.netloc,
        )
