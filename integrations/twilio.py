"""Sends text messages through Twilio, and finds again what it may have taken already.

https://www.twilio.com/docs/messaging/api/message-resource; errors:
https://www.twilio.com/docs/api/errors; rate limits: https://help.twilio.com/articles/115002943027
"""

from base64 import b64encode
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, Final
from urllib.parse import urlencode

from pydantic import SecretStr

from core.errors import Gone, VendorError
from integrations.http import Client, check, retry_after
from integrations.http_connection import Answer

VENDOR: Final = "Twilio"
TOO_MANY: Final = 429
PAGE: Final = 100
PAGES: Final = 5
CLOCKS_DIFFER: Final = timedelta(minutes=2)
KEPT_FOR: Final = timedelta(hours=4)  # a reminder that a phone gets later is of no use
SERVICE: Final = "MG"  # what the id of a messaging service begins with

# Invalid, unroutable, unsubscribed, no mobile phone, a landline.
GONE: Final = frozenset({21211, 21214, 21217, 21610, 21612, 21614, 21635})
QUEUE_IS_FULL: Final = 21611
UNAUTHENTICATED: Final = 401  # our token: an operator who mends it within the day loses no message
MENDED_WITHIN: Final = timedelta(minutes=1)
UNSAID: Final = timedelta(seconds=30)  # Twilio's 429 names no wait


@dataclass(frozen=True, slots=True)
class Text:
    """`reference` stands in the body; by it the message is found again."""

    to: str  # E.164
    body: str
    reference: str


@dataclass(frozen=True, slots=True)
class Twilio:
    """`sender` is a number (E.164), or the id of a messaging service (`MG…`)."""

    client: Client
    account_sid: str
    auth_token: SecretStr
    base_url: str
    sender: str
    _path: str = field(init=False, repr=False)
    _headers: dict[str, str] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        credentials = f"{self.account_sid}:{self.auth_token.get_secret_value()}"
        headers = {
            "authorization": f"Basic {b64encode(credentials.encode()).decode()}",
            "content-type": "application/x-www-form-urlencoded",
        }
        path = f"{self.base_url.rstrip('/')}/2010-04-01/Accounts/{self.account_sid}/Messages.json"
        # The class is frozen; these two are derived once.
        object.__setattr__(self, "_headers", headers)
        object.__setattr__(self, "_path", path)

    async def send(self, text: Text, *, looked_since: datetime | None = None) -> str:
        """Hand it over and give Twilio's id; 201 means queued, not delivered.

        There is no idempotency key, so with `looked_since`, when an earlier attempt may have come
        through, what went to this number since then is looked through first. Raises `Gone` for a
        number that takes no text messages, or none of ours; else VendorError, permanent for what
        is wrong with the account or the message. `ambiguous`: look before you send again.
        """
        if looked_since is not None:
            found = await self._find(text, looked_since - CLOCKS_DIFFER)
            if found is not None:
                return found
        sender = "MessagingServiceSid" if self.sender.startswith(SERVICE) else "From"
        form = {
            "To": text.to,
            sender: self.sender,
            "Body": text.body,
            "ValidityPeriod": str(int(KEPT_FOR.total_seconds())),
        }
        answer = await self.client.post(
            self._path, headers=self._headers, content=urlencode(form).encode()
        )
        return str(_content(answer).get("sid", ""))

    async def _find(self, text: Text, since: datetime) -> str | None:
        """Not by `DateSent`: what is still queued has none."""
        for page in range(PAGES):
            query = urlencode({"To": text.to, "PageSize": PAGE, "Page": page})
            answer = await self.client.get(f"{self._path}?{query}", headers=self._headers)
            content = _content(answer)
            messages = [each for each in content.get("messages") or () if isinstance(each, dict)]
            for each in messages:
                if text.reference in str(each.get("body")):
                    return str(each.get("sid", ""))
            is_last = not content.get("next_page_uri")
            if is_last or any(_made_at(each) < since for each in messages):
                return None
        raise VendorError("the number got too many messages to look through", permanent=False)


def _content(answer: Answer) -> dict[str, Any]:
    if answer.status_code == UNAUTHENTICATED:
        said = f"{VENDOR} answered {UNAUTHENTICATED}"
        raise VendorError(said, permanent=False, retry_after=MENDED_WITHIN)
    try:
        content = answer.json()
    except ValueError:
        content = None
    if not isinstance(content, dict):
        doubtful = answer.is_success or answer.is_server_error
        raise VendorError(
            f"{VENDOR} answered {answer.status_code} without its JSON",
            permanent=not doubtful and answer.status_code != TOO_MANY,
            ambiguous=doubtful,
            retry_after=retry_after(answer.headers.get("retry-after")),
        )
    if answer.is_success:
        return content
    code = content.get("code")
    said = f"{VENDOR} answered {answer.status_code}"
    if isinstance(code, int):
        said = f"{VENDOR} answered {code}"
    if code in GONE:
        raise Gone(said, permanent=True)
    if code == QUEUE_IS_FULL or answer.status_code == TOO_MANY:
        wait = retry_after(answer.headers.get("retry-after")) or UNSAID
        raise VendorError(said, permanent=False, retry_after=wait)
    if answer.is_server_error:
        raise VendorError(said, permanent=False, ambiguous=True)
    check(answer, VENDOR)
    return content


def _made_at(message: dict[str, Any]) -> datetime:
    try:
        return parsedate_to_datetime(str(message.get("date_created")))
    except ValueError:
        return datetime.max.replace(tzinfo=UTC)  # it ends no search
