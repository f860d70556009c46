"""Sends messages to browsers through whatever push service each of them chose.

RFC 8030 (the protocol), RFC 8291 (encryption), RFC 8292 (VAPID). What the services answer:
https://mozilla-push-service.readthedocs.io/en/latest/http.html#error-codes
https://developer.apple.com/documentation/usernotifications/sending-web-push-notifications-in-web-apps-and-browsers
https://learn.microsoft.com/en-us/windows/apps/design/shell/tiles-and-notifications/wns-notification-request-response-headers
Firebase answers as RFC 8030, 7 and 8 say.
"""

from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Literal

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from py_vapid import Vapid02
from pywebpush import WebPusher

from core import clock
from core.errors import Gone, VendorError
from core.rules.push import Subscription, audience, is_known
from integrations.http import Client, check
from integrations.http_connection import Answer

VENDOR: Final = "the push service"
MAX_CONTENT: Final = (
    3993  # bytes; sealed they are the 4,096 that every service takes (RFC 8030, 7.2)
)
GONE: Final = (404, 410)
TOO_LARGE: Final = 413
TOKEN_LASTS: Final = timedelta(hours=12)  # at most 24 are allowed (RFC 8292, 2)
RENEWED_BEFORE: Final = timedelta(hours=1)
AUDIENCES: Final = 1000  # a push service is one; anybody may name another

Urgency = Literal["very-low", "low", "normal", "high"]


@dataclass(frozen=True, slots=True)
class Push:
    """`topic`: up to 32 characters of base64url; of those that wait, it replaces its like."""

    to: Subscription
    content: bytes
    smaller: bytes  # sent instead when the service finds the content too large
    topic: str
    urgency: Urgency
    lasts: timedelta  # how long it is worth keeping for a device that is off


@dataclass(frozen=True, slots=True)
class WebPush:
    """`client` is the guarded one: people bring the addresses. `contact`: `mailto:` or `https:`."""

    client: Client
    key: EllipticCurvePrivateKey = field(repr=False)
    contact: str
    services: frozenset[str]  # hosts, `*` for any text; see `core.rules.push.is_known`
    _tokens: OrderedDict[str, tuple[str, datetime]] = field(
        init=False, repr=False, default_factory=OrderedDict
    )

    async def send(self, push: Push) -> str:
        """Hand the message over and give its address at the service; 201 means kept, not shown.

        Raises `Gone` for 404 and 410: the subscription ended. Else VendorError. Permanent: an
        address we do not call, a refused token, a message too large even when shortened. Passing:
        429 with the wait of Retry-After, 5xx, no connection. `ambiguous` if it left and no answer
        came: sent again, it replaces itself by its topic, and on the screen by its tag.
        """
        answer = await self._post(push, push.content)
        if answer.status_code == TOO_LARGE:
            answer = await self._post(push, push.smaller)
        if answer.status_code in GONE:
            raise Gone("the browser's subscription has ended", permanent=True)
        check(answer, VENDOR)
        return answer.headers.get("location", "")

    async def _post(self, push: Push, content: bytes) -> Answer:
        endpoint = push.to.endpoint
        if not is_known(endpoint, self.services):
            raise VendorError("this is none of the push services we call", permanent=True)
        headers = {
            "authorization": self._token(audience(endpoint)),
            "content-encoding": "aes128gcm",
            "content-type": "application/octet-stream",
            "ttl": str(max(int(push.lasts.total_seconds()), 0)),
            "urgency": push.urgency,
            "topic": push.topic,
        }
        return await self.client.post(endpoint, headers=headers, content=seal(push.to, content))

    def _token(self, service: str) -> str:
        """Signed once for each service; each time would cost a third of the encryption more."""
        now = clock.now()
        known = self._tokens.get(service)
        if known is not None and known[1] > now:
            return known[0]
        until = now + TOKEN_LASTS
        claims = {"aud": service, "exp": int(until.timestamp()), "sub": self.contact}
        token: str = Vapid02(self.key).sign(claims)["Authorization"]
        self._tokens[service] = (token, until - RENEWED_BEFORE)
        self._tokens.move_to_end(service)
        if len(self._tokens) > AUDIENCES:
            self._tokens.popitem(last=False)
        return token


def seal(to: Subscription, content: bytes) -> bytes:
    """For this browser only (aes128gcm)."""
    keys = {"p256dh": to.p256dh, "auth": to.auth}
    body: bytes = WebPusher({"endpoint": to.endpoint, "keys": keys}).encode(content)["body"]
    return body
