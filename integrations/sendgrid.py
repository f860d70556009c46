"""Sends e-mail through SendGrid.

https://www.twilio.com/docs/sendgrid/api-reference/mail-send/mail-send; errors:
https://www.twilio.com/docs/sendgrid/api-reference/mail-send/errors; rate limits:
https://www.twilio.com/docs/sendgrid/api-reference/how-to-use-the-sendgrid-v3-api/rate-limits
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from email.utils import parseaddr
from typing import Any, Final
from uuid import UUID

import orjson
from pydantic import SecretStr

from core import clock
from core.errors import Misconfigured, VendorError
from integrations.http import MAX_WAIT, Client, check, retry_after
from integrations.http_connection import Answer

VENDOR: Final = "SendGrid"
TOO_MANY: Final = 429
# Our key, our sender, or "too many bad requests, temporary block"; no message is at fault, and an
# operator who mends it within the day loses none:
# https://www.twilio.com/docs/sendgrid/api-reference/how-to-use-the-sendgrid-v3-api/errors
OURS: Final = (401, 403)
OURS_MENDED_WITHIN: Final = timedelta(minutes=1)
# https://docs.sendgrid.com/api-reference/mail-send/limitations
_NOT_IN_NAMES: Final = str.maketrans(",;", "  ")


@dataclass(frozen=True, slots=True)
class Email:
    to: str
    to_name: str | None
    subject: str
    text: str
    html: str
    delivery_id: UUID
    workspace_id: UUID
    category: str
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class SendGrid:
    """`mail_from` is an address with an optional name: `Voice Todo <reminders@example.com>`."""

    client: Client
    api_key: SecretStr
    base_url: str
    mail_from: str
    _sender: dict[str, str] = field(init=False, repr=False)
    _headers: dict[str, str] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        name, address = parseaddr(self.mail_from)
        if "@" not in address:
            raise Misconfigured("MAIL_FROM is not an address like `Voice Todo <todo@example.com>`")
        headers = {
            "authorization": f"Bearer {self.api_key.get_secret_value()}",
            "content-type": "application/json",
        }
        # The class is frozen; these two are derived once instead of for every e-mail.
        sender = {"email": address} | ({"name": name} if name else {})
        object.__setattr__(self, "_sender", sender)
        object.__setattr__(self, "_headers", headers)

    async def send(self, message: Email) -> str:
        """Hand the e-mail over and give SendGrid's X-Message-Id; 202 means queued, not delivered.

        Raises VendorError. Permanent: 400 (the message), 413. Passing: 401 and 403 (our key or our
        sender) after a minute, 429 with the wait until X-RateLimit-Reset, 5xx, no connection.
        `ambiguous` if the request left and no answer came: SendGrid has no idempotency key, so
        sending again may send twice; the event webhook tells which by `custom_args.delivery_id`.
        """
        response = await self.post(orjson.dumps(self.payload(message)))
        check(response, VENDOR)
        return accepted(response)

    async def erase(self, address: str) -> None:
        """Have SendGrid delete what it keeps of the mails to this address. Twice is once.

        https://www.twilio.com/docs/sendgrid/api-reference/recipients-data-erasure/delete-recipients-email-data
        Raises VendorError, permanent for a key that may not do this (the scope
        `recipients.erasejob.create`).
        """
        response = await self.client.post(
            f"{self.base_url.rstrip('/')}/v3/recipients/erasejob",
            headers=self._headers,
            content=orjson.dumps({"email_addresses": [address]}),
        )
        check(response, VENDOR)

    async def post(self, content: bytes) -> Answer:
        """Make the call; any answer but those that ask for a wait, which are raised."""
        response = await self.client.post(
            f"{self.base_url.rstrip('/')}/v3/mail/send", headers=self._headers, content=content
        )
        if response.status_code == TOO_MANY:
            headers = response.headers
            raise VendorError(
                f"{VENDOR} answered 429",
                permanent=False,
                retry_after=retry_after(headers.get("retry-after"))
                or _until(headers.get("x-ratelimit-reset", "")),
            )
        if response.status_code in OURS:
            raise VendorError(
                f"{VENDOR} answered {response.status_code}",
                permanent=False,
                retry_after=OURS_MENDED_WITHIN,
            )
        return response

    @property
    def sender(self) -> dict[str, str]:
        return self._sender

    def payload(self, message: Email) -> dict[str, Any]:
        """Build the request's JSON: what the vendor's own classes build, which take 40 µs for it.

        They also refuse a text that begins like an API key, as a todo's title may.
        """
        return {
            "from": self._sender,
            "subject": message.subject,
            "personalizations": [personalization(message)],
            "content": [
                {"type": "text/plain", "value": message.text},
                {"type": "text/html", "value": message.html},
            ],
            "categories": [message.category],
        }


def personalization(message: Email) -> dict[str, Any]:
    """What concerns this e-mail's recipient alone."""
    person = {"email": message.to}
    if message.to_name:
        person["name"] = " ".join(message.to_name.translate(_NOT_IN_NAMES).split())
    # Told back with each event: which delivery, and in which workspace to look for it. Opaque
    # ids only, SendGrid keeps them (…/for-developers/tracking-events/event).
    custom_args = {
        "delivery_id": str(message.delivery_id),
        "workspace_id": str(message.workspace_id),
    }
    recipient: dict[str, Any] = {"to": [person], "custom_args": custom_args}
    if message.headers:
        recipient["headers"] = dict(message.headers)
    return recipient


def accepted(response: Answer) -> str:
    """The X-Message-Id of a 2xx."""
    return response.headers.get("x-message-id", "")


def _until(reset: str) -> timedelta | None:
    """Give the time left until X-RateLimit-Reset, which is POSIX seconds."""
    if not (reset.isascii() and reset.isdigit()):
        return None
    left = timedelta(seconds=int(reset[:12]) - clock.now().timestamp())
    return min(max(left, timedelta(0)), MAX_WAIT)
