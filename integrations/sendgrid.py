"""Sends e-mail through SendGrid.

https://www.twilio.com/docs/sendgrid/api-reference/mail-send/mail-send; errors:
https://www.twilio.com/docs/sendgrid/api-reference/mail-send/errors; rate limits:
https://www.twilio.com/docs/sendgrid/api-reference/how-to-use-the-sendgrid-v3-api/rate-limits
"""

from dataclasses import dataclass, field
from datetime import timedelta
from email.utils import parseaddr
from typing import Any, Final
from uuid import UUID

import orjson
from pydantic import SecretStr
from sendgrid.helpers.mail import (
    Category,
    Content,
    CustomArg,
    Mail,
    Personalization,
    Subject,
    To,
)
from sendgrid.helpers.mail import (
    Email as Address,
)
from sendgrid.helpers.mail.exceptions import ApiKeyIncludedException

from core import clock
from core.errors import Misconfigured, VendorError
from integrations.http import MAX_WAIT, Client, check, retry_after

VENDOR: Final = "SendGrid"
TOO_MANY: Final = 429


@dataclass(frozen=True, slots=True)
class Email:
    to: str
    to_name: str | None
    subject: str
    text: str
    html: str
    delivery_id: UUID
    category: str


@dataclass(frozen=True, slots=True)
class SendGrid:
    """`mail_from` is an address with an optional name: `Voice Todo <reminders@example.com>`."""

    client: Client
    api_key: SecretStr
    base_url: str
    mail_from: str
    _sender: Address = field(init=False, repr=False)
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
        object.__setattr__(self, "_sender", Address(address, name or None))
        object.__setattr__(self, "_headers", headers)

    async def send(self, message: Email) -> str:
        """Hand the e-mail over and give SendGrid's X-Message-Id; 202 means queued, not delivered.

        Raises VendorError. Permanent: 400 (the message), 401 and 403 (the key or the sender), 413.
        Passing: 429 with the wait until X-RateLimit-Reset, 5xx, no connection. `ambiguous` if the
        request left and no answer came: SendGrid has no idempotency key, so sending again may send
        twice; the event webhook later tells which by `custom_args.delivery_id`.
        """
        response = await self.client.post(
            f"{self.base_url.rstrip('/')}/v3/mail/send",
            headers=self._headers,
            content=orjson.dumps(self.payload(message)),
        )
        if response.status_code == TOO_MANY:
            headers = response.headers
            raise VendorError(
                f"{VENDOR} answered 429",
                permanent=False,
                retry_after=retry_after(headers.get("retry-after"))
                or _until(headers.get("x-ratelimit-reset", "")),
            )
        check(response, VENDOR)
        return response.headers.get("x-message-id", "")

    def payload(self, message: Email) -> dict[str, Any]:
        """Build the request's JSON with the vendor's own classes."""
        # An explicit Personalization: Mail(to_emails=…) guesses, and reverses several recipients.
        recipient = Personalization()
        person = To()  # its constructor would parse "Name <address>" out of an address
        person.email, person.name = message.to, message.to_name
        recipient.add_to(person)
        recipient.add_custom_arg(CustomArg("delivery_id", str(message.delivery_id)))
        mail = Mail()
        mail.from_email = self._sender
        mail.subject = Subject(message.subject)
        mail.add_personalization(recipient)
        try:
            mail.add_content(Content("text/plain", message.text))
            mail.add_content(Content("text/html", message.html))
        except ApiKeyIncludedException:
            # The vendor's classes refuse a body that begins like an API key. From None: neither
            # the text nor the key may reach a log through the chain.
            raise VendorError("the text begins like an API key", permanent=True) from None
        mail.add_category(Category(message.category))
        payload: dict[str, Any] = mail.get()
        return payload


def _until(reset: str) -> timedelta | None:
    """Give the time left until X-RateLimit-Reset, which is POSIX seconds."""
    if not (reset.isascii() and reset.isdigit()):
        return None
    left = timedelta(seconds=int(reset[:12]) - clock.now().timestamp())
    return min(max(left, timedelta(0)), MAX_WAIT)
