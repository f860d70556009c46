"""SendGrid's event webhook: what became of each accepted mail is signed and posted, in batches.

https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/event. What becomes of a mail
its address says: `bounce@`, `blocked@`, `dropped@`, `deferred@`, `spam@`, `unsubscribe@` (also
with something after a dot or a plus); any other is delivered.

Faults of the vendor `sendgrid_events` meet single events, their kind is the event's name:
`delay_ms` holds one back so that later ones overtake it, `drop: after` posts it twice as SendGrid
does when no answer reached it, `drop: before` loses it.
"""

import asyncio
import base64
import heapq
import re
import secrets
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any, Final

import orjson
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePrivateKey

from core.errors import VendorError
from integrations.http import vendor_client
from integrations.sandbox import sendgrid
from integrations.sandbox.faults import Faults
from integrations.sandbox.wire import Answer, Call, Vendor

VENDOR: Final = "sendgrid_events"
SIGNATURE: Final = "X-Twilio-Email-Event-Webhook-Signature"
TIMESTAMP: Final = "X-Twilio-Email-Event-Webhook-Timestamp"
EVERY_S: Final = 0.2
BATCH: Final = 1000
MOST_WAITING: Final = 100_000
LONGEST_WAIT_S: Final = 30.0
ACCEPTED: Final = 202

Told = dict[str, Any]
_FATES: Final[dict[str, tuple[Told, ...]]] = {
    "bounce": (
        {"event": "processed"},
        {"event": "bounce", "type": "bounce", "status": "5.1.1", "reason": "550 no such mailbox"},
    ),
    "blocked": (
        {"event": "processed"},
        {"event": "bounce", "type": "blocked", "status": "4.7.1", "reason": "421 try later"},
    ),
    "dropped": ({"event": "dropped", "reason": "Bounced Address"},),
    "deferred": (
        {"event": "processed"},
        {"event": "deferred", "response": "400 try again later", "attempt": "1"},
        {"event": "delivered", "response": "250 OK"},
    ),
    "spam": (
        {"event": "processed"},
        {"event": "delivered", "response": "250 OK"},
        {"event": "spamreport"},
    ),
    "unsubscribe": (
        {"event": "processed"},
        {"event": "delivered", "response": "250 OK"},
        {"event": "unsubscribe"},
    ),
}
_DELIVERED: Final[tuple[Told, ...]] = (
    {"event": "processed"},
    {"event": "delivered", "response": "250 OK"},
)
_LOCAL_PART: Final = re.compile(r"[a-z]+")


@dataclass(slots=True)
class MailEvents:
    """Posts to `url` until cancelled; what is not answered 2xx is posted again."""

    url: str
    key: EllipticCurvePrivateKey
    faults: Faults
    _waiting: list[tuple[float, int, Told]] = field(default_factory=list)
    _order: Callable[[], int] = field(default_factory=lambda: count().__next__)
    _more: asyncio.Event = field(default_factory=asyncio.Event)

    def told(self, vendors: tuple[Vendor, ...]) -> tuple[Vendor, ...]:
        """The same ones; of what SendGrid's accepts, it is told what becomes."""

        def answer(call: Call) -> Answer:
            answered = sendgrid.answer(call)
            if answered.status == ACCEPTED and call.path == sendgrid.SEND[1]:
                self._accept(call.body)
            return answered

        telling = replace(sendgrid.SENDGRID, answer=answer)
        return tuple(telling if each is sendgrid.SENDGRID else each for each in vendors)

    async def run(self) -> None:
        wait = EVERY_S
        batch: list[Told] = []
        async with vendor_client() as client:
            while True:
                if not batch and not self._waiting:
                    self._more.clear()
                    await self._more.wait()
                await asyncio.sleep(wait)
                batch = batch or self._due()
                if not batch:
                    continue
                body = orjson.dumps(batch)
                try:
                    answer = await client.post(self.url, headers=self._signed(body), content=body)
                    taken = answer.is_success
                except VendorError:
                    taken = False
                if taken:
                    batch, wait = [], EVERY_S
                else:
                    wait = min(max(wait, 1.0) * 2, LONGEST_WAIT_S)

    def _accept(self, body: bytes) -> None:
        message = orjson.loads(body)
        now = time.time()
        for told in _told(message, int(now)):
            self._add(told, now)
        self._more.set()

    def _add(self, told: Told, now: float) -> None:
        fault = self.faults.meet(VENDOR, told["event"]) if self.faults.active else None
        if (fault and fault.drop == "before") or len(self._waiting) >= MOST_WAITING:
            return
        at = now + (fault.delay if fault else 0)
        heapq.heappush(self._waiting, (at, self._order(), told))
        if fault and fault.drop == "after":
            heapq.heappush(self._waiting, (at + 2 * EVERY_S, self._order(), told))

    def _due(self) -> list[Told]:
        now, batch = time.time(), list[Told]()
        while self._waiting and self._waiting[0][0] <= now and len(batch) < BATCH:
            batch.append(heapq.heappop(self._waiting)[2])
        return batch

    def _signed(self, body: bytes) -> dict[str, str]:
        timestamp = str(int(time.time()))
        signature = self.key.sign(timestamp.encode() + body, ECDSA(hashes.SHA256()))
        return {
            "content-type": "application/json",
            SIGNATURE: base64.b64encode(signature).decode(),
            TIMESTAMP: timestamp,
        }


def _told(message: dict[str, Any], at: int) -> Iterator[Told]:
    categories = message.get("categories")
    for each in message["personalizations"]:
        custom_args = (message.get("custom_args") or {}) | (each.get("custom_args") or {})
        for person in each["to"]:
            named = _LOCAL_PART.match(person["email"].lower())
            message_id = secrets.token_urlsafe(12)
            for what in _FATES.get(named.group() if named else "", _DELIVERED):
                yield {
                    **custom_args,
                    "email": person["email"],
                    "timestamp": at,
                    "category": categories,
                    "sg_event_id": secrets.token_urlsafe(16),
                    "sg_message_id": f"{message_id}.recvd",
                    **what,
                }
