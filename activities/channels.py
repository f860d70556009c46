"""One attempt through one channel. Whatever happens, it ends in `Sent` or `Failed`, in time."""

import asyncio
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final, Protocol

from activities import errors
from core import clock, logs, metrics
from core.errors import VendorError
from core.models.deliveries import Channel, DeliveryKind
from core.rules.retries import Reason
from core.services.deliveries import Failed, Outcome, Send, Sent
from integrations.emails import Emails
from integrations.pushes import Pushes
from integrations.sendgrid import SendGrid
from integrations.web_push import WebPush

log = logs.get(__name__)

LONGEST: Final = timedelta(seconds=5.5)  # a vendor has 5 s; a send is not begun below 6 s of lease
AT_A_TIME: Final = 256  # as many as the client has connections: none waits for another


def observe_lateness(send: Send, at: datetime) -> None:
    if send.kind is DeliveryKind.REMINDER:
        lateness = (at - send.due_at).total_seconds()
        metrics.REMINDER_LATENESS.labels(send.channel).observe(max(lateness, 0))


class Vendor(Protocol):
    """Carries one message; its id at the vendor. Raises VendorError."""

    async def deliver(self, send: Send) -> str: ...


class EmailVendor:
    def __init__(self, emails: Emails, sendgrid: SendGrid) -> None:
        self._emails = emails
        self._sendgrid = sendgrid

    async def deliver(self, send: Send) -> str:
        return await self._sendgrid.send(self._emails.render(send))


class PushVendor:
    def __init__(self, pushes: Pushes, web_push: WebPush) -> None:
        self._pushes = pushes
        self._web_push = web_push

    async def deliver(self, send: Send) -> str:
        return await self._web_push.send(self._pushes.render(send))


class Channels:
    """All vendors of a worker, with one bound on what is under way."""

    def __init__(self, vendors: Mapping[Channel, Vendor], *, at_a_time: int = AT_A_TIME) -> None:
        self._vendors = vendors
        self.names: Final = frozenset(vendors)
        self.slots: Final = asyncio.Semaphore(at_a_time)

    async def deliver(self, send: Send) -> Outcome:
        """Never raises, but when cancelled. Hold one of `slots` meanwhile."""
        result = await self._attempt(send)
        outcome = Outcome(send, result, clock.now())
        if isinstance(result, Sent):
            name = "sent"
            observe_lateness(send, outcome.at)
        else:
            name = "failed" if result.permanent else "retried"
        metrics.DELIVERIES.labels(send.channel, name).inc()
        return outcome

    async def _attempt(self, send: Send) -> Sent | Failed:
        try:
            async with asyncio.timeout(LONGEST.total_seconds()):
                return Sent(await self._vendors[send.channel].deliver(send))
        except VendorError as error:
            return errors.failed(error)
        except TimeoutError:
            return Failed(Reason.VENDOR_UNAVAILABLE, permanent=False, ambiguous=True)
        except Exception as error:  # noqa: BLE001 - a message that breaks our code ends visibly
            log.error("delivery.undeliverable", delivery_id=send.delivery_id, error=error)
            return Failed(Reason.UNDELIVERABLE, permanent=True)
