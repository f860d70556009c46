"""One attempt through one channel. Whatever happens, it ends in `Sent` or `Failed`, in time."""

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final, Protocol

from activities import errors
from activities.circuits import Circuits, provider
from core import clock, logs, metrics
from core.crypto import Keyring
from core.db import Database
from core.errors import Gone, Invalid, Revoked, Unavailable, VendorError
from core.models.connections import ConnectionStatus, Provider
from core.models.deliveries import Channel, DeliveryKind
from core.rules import tokens
from core.rules.retries import Reason
from core.services import connections, slack_settings
from core.services.connections import Connection
from core.services.deliveries import Failed, Outcome, Send, Sent
from integrations import slack_messages, sms_messages
from integrations.emails import Emails
from integrations.pushes import Pushes
from integrations.sendgrid import Email
from integrations.slack import Slack
from integrations.twilio import Twilio
from integrations.web_push import WebPush

log = logs.get(__name__)

LONGEST: Final = timedelta(seconds=5.5)  # a vendor has 5 s; a send is not begun below 6 s of lease
AT_A_TIME: Final = 256  # e-mails
# No more than the clients have connections: none waits for another's.
BOUNDS: Final = {Channel.PUSH: 128, Channel.SLACK: 64, Channel.SMS: 32}
CONNECTIONS: Final = AT_A_TIME + BOUNDS[Channel.SLACK] + BOUNDS[Channel.SMS]
LIMITED_BY_TENANT: Final = frozenset({Channel.SLACK})  # each workspace has its own rate there


def observe_lateness(send: Send, at: datetime) -> None:
    if send.kind is DeliveryKind.REMINDER:
        lateness = (at - send.due_at).total_seconds()
        metrics.REMINDER_LATENESS.labels(send.channel).observe(max(lateness, 0))


class Vendor(Protocol):
    """Carries one message; its id at the vendor. Raises VendorError."""

    async def deliver(self, send: Send) -> str: ...


class Mailer(Protocol):
    """`SendGrid`, or what gathers for it. The id at the vendor; raises VendorError."""

    async def send(self, message: Email, /) -> str: ...


class EmailVendor:
    def __init__(self, emails: Emails, mailer: Mailer) -> None:
        self._emails = emails
        self._mailer = mailer

    async def deliver(self, send: Send) -> str:
        if send.digest is not None:
            return await self._mailer.send(self._emails.digest(send, send.digest))
        return await self._mailer.send(self._emails.render(send))


class PushVendor:
    def __init__(self, pushes: Pushes, web_push: WebPush) -> None:
        self._pushes = pushes
        self._web_push = web_push

    async def deliver(self, send: Send) -> str:
        return await self._web_push.send(self._pushes.render(send))


class SlackVendor:
    """By the connection that the person has now; one that Slack refuses is paused.

    `ring` is that of `connections.PURPOSE`, `app_db` works as `vt_app`.
    """

    def __init__(self, app_db: Database, ring: Keyring, slack: Slack) -> None:
        self._db = app_db
        self._ring = ring
        self._slack = slack

    async def deliver(self, send: Send) -> str:
        connection = await self._connection(send)
        chosen = connection.digest_channel if send.kind is DeliveryKind.DIGEST else None
        message = slack_messages.render(
            send,
            team_id=connection.account_id,
            channel=chosen or connection.address,
            is_shared=chosen is not None,
        )
        since = send.due_at if send.doubtful else None
        try:
            return await self._slack.send(message, connection.secret, looked_since=since)
        except Revoked as error:
            await self._pause(send, connection, ConnectionStatus.NEEDS_REAUTH, error)
            raise
        except Gone as error:
            if chosen is None:
                await self._pause(send, connection, ConnectionStatus.NEEDS_ADDRESS, error)
            else:
                await self._lose(send, connection, chosen, error)
            raise

    async def _connection(self, send: Send) -> Connection:
        try:
            async with self._db.transaction(read_only=True) as tx:
                tx.act_in([send.workspace_id])
                found = await connections.find(
                    tx, send.workspace_id, send.person.id, Provider.SLACK, ring=self._ring
                )
        except Unavailable as error:
            raise VendorError("the connection could not be read", permanent=False) from error
        except Invalid as error:  # sealed with a key that is no longer ours
            raise Revoked("the token cannot be opened", permanent=True) from error
        if found is None:  # paused since the ledger looked, most likely by another message
            raise Revoked("the connection is paused", permanent=True)
        return found

    async def _pause(
        self, send: Send, connection: Connection, status: ConnectionStatus, error: VendorError
    ) -> None:
        log.warning("connection.paused", vendor=Provider.SLACK, error=error)
        # Where the database does not answer, the next message finds out as well.
        with contextlib.suppress(Unavailable):
            async with self._db.transaction() as tx:
                tx.act_in([send.workspace_id])
                await connections.pause(
                    tx,
                    send.workspace_id,
                    connection,
                    Provider.SLACK,
                    status,
                    problem=error.detail,
                    now=clock.now(),
                )

    async def _lose(
        self, send: Send, connection: Connection, channel: str, error: VendorError
    ) -> None:
        log.warning("connection.channel_lost", vendor=Provider.SLACK, error=error)
        with contextlib.suppress(Unavailable):  # as above
            async with self._db.transaction() as tx:
                tx.act_in([send.workspace_id])
                await slack_settings.lose(
                    tx, send.workspace_id, connection.id, channel, now=clock.now()
                )


class SmsVendor:
    """`code_key` is `crypto.derive(encryption_key, tokens.PHONE_CODE_PURPOSE)`."""

    def __init__(self, twilio: Twilio, code_key: bytes) -> None:
        self._twilio = twilio
        self._code_key = code_key

    async def deliver(self, send: Send) -> str:
        to = send.person.phone or ""
        if send.kind is DeliveryKind.VERIFICATION:
            code = tokens.phone_code(self._code_key, send.delivery_id, to)
            text = sms_messages.verification(send, to, code)
        else:
            text = sms_messages.render(send, to)
        return await self._twilio.send(text, looked_since=send.due_at if send.doubtful else None)


class Channels:
    """All vendors of a worker, each with a bound on what is under way: none waits for another.

    `patience`: how long an e-mail in doubt waits for its vendor to say that it has it.
    """

    def __init__(
        self,
        vendors: Mapping[Channel, Vendor],
        *,
        at_a_time: int = AT_A_TIME,
        now: Callable[[], datetime] = clock.now,
        patience: timedelta = timedelta(0),
        circuits: Circuits | None = None,
    ) -> None:
        self.patience: Final = patience
        self._vendors = vendors
        self._now = now
        self.names: Final = frozenset(vendors)
        self.circuits: Final = circuits or Circuits()
        self._slots = {
            channel: asyncio.Semaphore(min(bound, at_a_time)) for channel, bound in BOUNDS.items()
        }
        self._slots[Channel.EMAIL] = asyncio.Semaphore(at_a_time)

    def slot(self, channel: Channel) -> asyncio.Semaphore:
        """To be held while a message of this channel is under way."""
        return self._slots[channel]

    async def deliver(self, send: Send) -> Outcome:
        """Never raises, but when cancelled. Hold a `slot` meanwhile."""
        carrier = provider(send)
        rest = self.circuits.admit(carrier, send.workspace_id)
        if rest is not None:
            metrics.DELIVERIES.labels(send.channel, "rested").inc()
            failed = Failed(Reason.VENDOR_RESTING, permanent=False, wait=rest, parked=carrier)
            return Outcome(send, failed, self._now())
        result = self._counted(send, carrier, await self._attempt(send))
        outcome = Outcome(send, result, self._now())
        if isinstance(result, Sent):
            name = "sent"
            observe_lateness(send, outcome.at)
        else:
            name = "failed" if result.permanent else "retried"
        metrics.DELIVERIES.labels(send.channel, name).inc()
        return outcome

    def _counted(self, send: Send, carrier: str, result: Sent | Failed) -> Sent | Failed:
        """With what it says of the vendor: one of many failures waits in the ledger."""
        if isinstance(result, Sent) or result.permanent:
            if not (isinstance(result, Failed) and result.reason is Reason.UNDELIVERABLE):
                self.circuits.answered(carrier, send.workspace_id)
            return result
        own = result.reason is Reason.VENDOR_THROTTLED and send.channel in LIMITED_BY_TENANT
        many = self.circuits.failed(carrier, send.workspace_id, asked=result.wait, own=own)
        return replace(result, parked=carrier) if many else result

    async def _attempt(self, send: Send) -> Sent | Failed:
        try:
            async with asyncio.timeout(LONGEST.total_seconds()):
                return Sent(await self._vendors[send.channel].deliver(send))
        except VendorError as error:
            return self._patient(send, errors.failed(error, send.channel))
        except TimeoutError:
            failed = Failed(Reason.VENDOR_UNAVAILABLE, permanent=False, ambiguous=True)
            return self._patient(send, failed)
        except Exception as error:  # noqa: BLE001 - a message that breaks our code ends visibly
            log.error("delivery.undeliverable", delivery_id=send.delivery_id, error=error)
            return Failed(Reason.UNDELIVERABLE, permanent=True)

    def _patient(self, send: Send, failed: Failed) -> Failed:
        if send.channel is not Channel.EMAIL or not failed.ambiguous or not self.patience:
            return failed
        return replace(failed, wait=max(failed.wait or self.patience, self.patience))
