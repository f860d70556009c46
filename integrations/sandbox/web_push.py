"""A push service with the browsers behind it (RFC 8030), which decrypts what it is given.

`subscribe` is what `PushManager.subscribe` is in a browser. A real service cannot read messages;
this one keeps the browsers' keys, so that a wrong byte is refused and the ledger shows the text.
"""

import re
import secrets
import time
from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    EllipticCurvePrivateKey,
    generate_private_key,
)

from integrations.sandbox import push_crypto
from integrations.sandbox.push_crypto import Refused
from integrations.sandbox.wire import Answer, Call, Headers, Vendor, json_answer

PREFIX: Final = "/push/"
SUBSCRIBE: Final = "/push/subscriptions"
MAX_BODY: Final = 4096
MAX_SUBSCRIPTIONS: Final = 20_000
MAX_WAITING: Final = 100  # messages of one subscription
LONGEST_TTL: Final = 28 * 86_400
URGENCIES: Final = frozenset({"very-low", "low", "normal", "high"})
TOPIC: Final = re.compile(r"[A-Za-z0-9_-]{1,32}")
NUMBER: Final = re.compile(r"[0-9]{1,10}")
REASONS: Final = {
    400: "the request is malformed",
    401: "authentication is required",
    403: "the token is refused",
    404: "there is no such subscription",
    405: "method not allowed",
    410: "the subscription has ended",
    413: "the message is too large",
    429: "too many messages",
}


@dataclass(frozen=True, slots=True)
class Message:
    """What the service keeps for a browser."""

    id: str
    topic: str | None
    urgency: str
    ttl: int
    at: float
    text: str

    @property
    def at_utc(self) -> datetime:
        return datetime.fromtimestamp(self.at, UTC)

    def to_json(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "topic": self.topic,
            "urgency": self.urgency,
            "ttl": self.ttl,
            "payload": self.text,
        }


@dataclass(slots=True)
class Subscription:
    id: str
    key: EllipticCurvePrivateKey = field(repr=False)
    auth: bytes = field(repr=False)
    application_key: bytes | None  # only its owner may send
    ended: bool = False
    messages: list[Message] = field(default_factory=list)

    def keep(self, message: Message) -> None:
        """A message of the same topic takes the place of the one that waits (RFC 8030, 5.4)."""
        if message.topic is not None:
            self.messages = [each for each in self.messages if each.topic != message.topic]
        self.messages = [*self.messages, message][-MAX_WAITING:]


class PushService:
    """The subscriptions of one sandbox; the oldest go when there are too many."""

    def __init__(self) -> None:
        self.subscriptions: OrderedDict[str, Subscription] = OrderedDict()
        self.vendor: Final = Vendor(
            name="web_push",
            prefixes=(PREFIX,),
            not_its=(SUBSCRIBE,),
            kind=lambda _method, _path: "push",
            answer=self._answer,
            error=error,
            max_body=MAX_BODY,
        )

    def subscribe(self, origin: str, application_key: bytes | None = None) -> dict[str, Any]:
        """The `PushSubscription` that a browser would give to the page."""
        made = Subscription(
            secrets.token_urlsafe(24),
            generate_private_key(SECP256R1()),
            secrets.token_bytes(16),
            application_key,
        )
        self.subscriptions[made.id] = made
        if len(self.subscriptions) > MAX_SUBSCRIPTIONS:
            self.subscriptions.popitem(last=False)
        return {
            "endpoint": f"{origin}{PREFIX}{made.id}",
            "expirationTime": None,
            "keys": {
                "p256dh": push_crypto.encode(push_crypto.point(made.key)),
                "auth": push_crypto.encode(made.auth),
            },
        }

    def end(self, subscription_id: str) -> bool:
        """The browser gave it up: from now on 410. False where there is none."""
        found = self.subscriptions.get(subscription_id)
        if found is None:
            return False
        found.ended = True
        return True

    def waiting(self, subscription_id: str) -> list[Message] | None:
        """What a device that comes back gets, oldest first; None where there is none."""
        found = self.subscriptions.get(subscription_id)
        if found is None:
            return None
        now = time.time()
        return [each for each in found.messages if each.ttl == 0 or now < each.at + each.ttl]

    def _answer(self, call: Call) -> Answer:
        found = self.subscriptions.get(call.path.removeprefix(PREFIX))
        if call.method != "POST":
            return error(405)
        if found is None or found.ended:
            return error(410 if found else 404)
        try:
            return self._take(found, call)
        except _Status as refusal:
            return error(refusal.status, refusal.why)

    def _take(self, to: Subscription, call: Call) -> Answer:
        ttl, topic = call.header(b"ttl"), call.header(b"topic") or None
        urgency = call.header(b"urgency") or "normal"
        _ask(bool(NUMBER.fullmatch(ttl)), 400, "TTL is required, in seconds")
        _ask(urgency in URGENCIES, 400, "an unknown Urgency")
        _ask(topic is None or bool(TOPIC.fullmatch(topic)), 400, "not a Topic")
        self._authorize(to, call)
        text = ""
        if call.body:
            _ask(call.header(b"content-encoding") == "aes128gcm", 400, "not aes128gcm")
            try:
                text = push_crypto.open_message(call.body, to.key, to.auth).decode()
            except (Refused, UnicodeDecodeError) as refused:
                raise _Status(400, str(refused)) from refused
        kept = min(int(ttl), LONGEST_TTL)
        message = Message(secrets.token_urlsafe(12), topic, urgency, kept, time.time(), text)
        to.keep(message)
        location = f"{_origin(call)}{PREFIX}messages/{message.id}"
        headers: Headers = ((b"location", location.encode()), (b"ttl", str(kept).encode()))
        return Answer(201, headers=headers, decrypted=text)

    def _authorize(self, to: Subscription, call: Call) -> None:
        credentials = call.header(b"authorization")
        _ask(bool(credentials), 401, "VAPID is required")
        try:
            vapid = push_crypto.check_vapid(credentials, audience=_origin(call), now=time.time())
        except Refused as refused:
            raise _Status(403, str(refused)) from refused
        ours = to.application_key
        _ask(ours in (None, vapid.public_key), 403, "k is not the key it was subscribed with")


class _Status(Exception):
    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status
        self.why = why


def error(status: int, why: str | None = None) -> Answer:
    """Nobody agrees on a shape; this is Mozilla's."""
    reason = why or REASONS.get(status, "the push service is out of order")
    headers = ((b"retry-after", b"1"),) if status == 429 else ()  # noqa: PLR2004 - the status named above
    return json_answer(status, {"code": status, "error": reason}, headers)


def _ask(holds: bool, status: int, why: str) -> None:  # noqa: FBT001 - a condition, as in assert
    if not holds:
        raise _Status(status, why)


def _origin(call: Call) -> str:
    return f"http://{call.header(b'host')}"
