"""Twilio's messages: sent by `POST`, listed by `GET`, newest first.

https://www.twilio.com/docs/messaging/api/message-resource; errors: https://www.twilio.com/docs/api/errors
Numbers that end in 0009 have unsubscribed, those that end in 0006 are landlines.
"""

import base64
import binascii
import re
import secrets
import time
from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode

from integrations.sandbox.wire import Answer, Call, Vendor, json_answer

PREFIX: Final = "/2010-04-01/"
PATH: Final = re.compile(r"/2010-04-01/Accounts/(AC[0-9a-fA-F]{32})/Messages\.json")
NUMBER: Final = re.compile(r"\+[1-9][0-9]{6,14}")
MAX_BODY_CHARS: Final = 1600
MAX_MESSAGES: Final = 20_000
PAGE: Final = 50
LARGEST_PAGE: Final = 1000
UNSUBSCRIBED: Final = "0009"
LANDLINE: Final = "0006"
MESSAGES: Final = {
    20003: "Authenticate",
    20404: "The requested resource was not found",
    20429: "Too Many Requests",
    20500: "Internal server error",
    21211: "Invalid 'To' Phone Number",
    21602: "Message body is required.",
    21603: "A 'From' phone number is required.",
    21604: "A 'To' phone number is required.",
    21610: "Attempt to send to unsubscribed recipient",
    21614: "'To' number is not a valid mobile number",
    21617: "The concatenated message body exceeds the 1600 character limit",
}


@dataclass(frozen=True, slots=True)
class Text:
    sid: str
    account_sid: str
    to: str
    sender: str
    body: str
    at: float

    @property
    def at_utc(self) -> datetime:
        return datetime.fromtimestamp(self.at, UTC)

    def to_json(self) -> dict[str, Any]:
        at = format_datetime(self.at_utc)
        is_service = self.sender.startswith("MG")
        return {
            "sid": self.sid,
            "account_sid": self.account_sid,
            "messaging_service_sid": self.sender if is_service else None,
            "to": self.to,
            "from": None if is_service else self.sender,
            "body": self.body,
            "status": "queued",
            "direction": "outbound-api",
            "date_created": at,
            "date_updated": at,
            "date_sent": None,
            "num_segments": "1",
            "num_media": "0",
            "error_code": None,
            "error_message": None,
            "price": None,
            "price_unit": "USD",
            "api_version": "2010-04-01",
            "uri": f"{PREFIX}Accounts/{self.account_sid}/Messages/{self.sid}.json",
        }


@dataclass(slots=True)
class TwilioService:
    """What phones got, in memory. Any account is taken that shows some token."""

    texts: deque[Text] = field(default_factory=lambda: deque(maxlen=MAX_MESSAGES))
    vendor: Vendor = field(init=False)

    def __post_init__(self) -> None:
        self.vendor = Vendor(
            name="twilio", prefixes=(PREFIX,), kind=_kind, answer=self._answer, error=error
        )

    def _answer(self, call: Call) -> Answer:
        found = PATH.fullmatch(call.path)
        if found is None or call.method not in ("GET", "POST"):
            return _refused(404, 20404)
        if not _is_signed(call, found[1]):
            return _refused(401, 20003)
        if call.method == "GET":
            return self._list(found[1], call)
        return self._send(found[1], dict(parse_qsl(call.body.decode("utf-8", "replace"))))

    def _send(self, account_sid: str, given: dict[str, str]) -> Answer:
        to, body = given.get("To", ""), given.get("Body", "")
        sender = given.get("MessagingServiceSid") or given.get("From", "")
        problem = {
            21604: not to,
            21603: not sender,
            21602: not body,
            21211: not NUMBER.fullmatch(to),
            21617: len(body) > MAX_BODY_CHARS,
            21610: to.endswith(UNSUBSCRIBED),
            21614: to.endswith(LANDLINE),
        }
        if code := next((code for code, holds in problem.items() if holds), None):
            return _refused(400, code)
        made = Text(f"SM{secrets.token_hex(16)}", account_sid, to, sender, body, time.time())
        self.texts.append(made)
        return json_answer(201, made.to_json())

    def _list(self, account_sid: str, call: Call) -> Answer:
        given = dict(parse_qsl(call.query))
        page, size = _number(given.get("Page"), 0), _number(given.get("PageSize"), PAGE)
        size = min(max(size, 1), LARGEST_PAGE)
        found = [
            each
            for each in reversed(self.texts)
            if each.account_sid == account_sid
            and each.to == given.get("To", each.to)
            and each.sender == given.get("From", each.sender)
        ]
        more = len(found) > (page + 1) * size
        following = {**given, "Page": page + 1, "PageToken": f"PA{page + 1}"}
        return json_answer(
            200,
            {
                "messages": [each.to_json() for each in found[page * size : (page + 1) * size]],
                "page": page,
                "page_size": size,
                "uri": f"{call.path}?{call.query}",
                "next_page_uri": f"{call.path}?{urlencode(following)}" if more else None,
            },
        )


def error(status: int) -> Answer:
    codes = {400: 21211, 401: 20003, 404: 20404, 429: 20429}
    return _refused(status, codes.get(status, 20500))


def _refused(status: int, code: int) -> Answer:
    content = {
        "code": code,
        "message": MESSAGES[code],
        "more_info": f"https://www.twilio.com/docs/errors/{code}",
        "status": status,
    }
    return json_answer(status, content)


def _is_signed(call: Call, account_sid: str) -> bool:
    scheme, _, credentials = call.header(b"authorization").partition(" ")
    try:
        user, _, token = base64.b64decode(credentials, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return False
    return scheme == "Basic" and user == account_sid and token != ""


def _kind(method: str, path: str) -> str:
    if PATH.fullmatch(path) is None:
        return f"{method} {path}"
    return "messages.list" if method == "GET" else "messages.create"


def _number(text: str | None, default: int) -> int:
    return int(text) if text and text.isascii() and text.isdigit() else default
