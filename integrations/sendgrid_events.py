"""SendGrid's event webhook: is it SendGrid, is it of now, and what does it say.

https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/event and, for the signature,
…/tracking-events/getting-started-event-webhook-security-features. SendGrid posts a batch again for
a day until it is answered 2xx, and may tell an event twice or in any order.
"""

import binascii
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

import orjson
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from sendgrid.helpers.eventwebhook import EventWebhook

from core.errors import Invalid, Unauthenticated
from core.services.mail_events import Happening, MailEvent

SIGNATURE: Final = "X-Twilio-Email-Event-Webhook-Signature"
TIMESTAMP: Final = "X-Twilio-Email-Event-Webhook-Timestamp"
WINDOW: Final = timedelta(minutes=5)  # the vendor's helper looks at no age
MAX_SIGNATURE_CHARS: Final = 200

_EVENT_ID: Final = re.compile(r"[\x21-\x7e]{1,200}")
_POSIX: Final = re.compile(r"[0-9]{1,11}")
_MAX_POSIX: Final = 99_999_999_999
_HAPPENINGS: Final[Mapping[str, Happening]] = {
    "processed": Happening.PROCESSED,
    "deferred": Happening.DEFERRED,
    "delivered": Happening.DELIVERED,
    "bounce": Happening.BOUNCED,
    "dropped": Happening.DROPPED,
    "spamreport": Happening.COMPLAINED,
    "unsubscribe": Happening.UNSUBSCRIBED,
    "group_unsubscribe": Happening.UNSUBSCRIBED,
}
BLOCKED: Final = "blocked"  # a bounce's type: this mail was turned away, the address is good


def verify(
    key: EllipticCurvePublicKey, body: bytes, headers: Mapping[str, str], *, now: datetime
) -> None:
    """Raises `Unauthenticated` unless SendGrid signed this body within the last five minutes."""
    signature, timestamp = headers.get(SIGNATURE, ""), headers.get(TIMESTAMP, "")
    if not _POSIX.fullmatch(timestamp) or len(signature) > MAX_SIGNATURE_CHARS:
        raise Unauthenticated("this is not signed")
    if abs(now.timestamp() - int(timestamp)) > WINDOW.total_seconds():
        raise Unauthenticated("this was signed too long ago, or a clock is wrong")
    try:
        genuine = EventWebhook().verify_signature(body.decode(), signature, timestamp, key)
    except (ValueError, TypeError, binascii.Error) as error:  # it takes hostile input for ours
        raise Unauthenticated("this is not signed") from error
    if not genuine:
        raise Unauthenticated("this is not signed by SendGrid")


def read(body: bytes) -> list[MailEvent]:
    """The events that concern us; others (opens, clicks) are left out. Raises `Invalid`."""
    try:
        told = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Invalid("this is not JSON", code="json") from error
    if not isinstance(told, list):
        raise Invalid("a list of events", code="list")
    return [event for each in told if (event := _event(each)) is not None]


def _event(told: object) -> MailEvent | None:
    if not isinstance(told, dict):
        return None
    what = _HAPPENINGS.get(_text(told.get("event")))
    event_id, at = _text(told.get("sg_event_id")), told.get("timestamp")
    if what is None or not _EVENT_ID.fullmatch(event_id):
        return None
    if not isinstance(at, int) or isinstance(at, bool) or not 0 < at <= _MAX_POSIX:
        return None
    if what is Happening.BOUNCED and told.get("type") == BLOCKED:
        what = Happening.BLOCKED
    return MailEvent(
        id=event_id,
        what=what,
        at=datetime.fromtimestamp(at, UTC),
        address=_text(told.get("email")).replace("\0", "").lower(),
        delivery_id=_id(told.get("delivery_id")),
        workspace_id=_id(told.get("workspace_id")),
    )


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _id(value: object) -> UUID | None:
    try:
        return UUID(value) if isinstance(value, str) else None
    except ValueError:
        return None
