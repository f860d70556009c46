"""What the erasure of an account does: one activity for each store, each safe to run again."""

from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Protocol

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from psycopg import Error as PsycopgError
from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities import errors, histories
from activities.connections import Connections
from activities.heartbeats import beating
from core import clock, faults, logs, metrics
from core.db import Database
from core.errors import Error, VendorError
from core.messages import ConnectionMessage, ErasureMessage, ErasureStep, Store
from core.models.connections import Provider
from core.models.deliveries import DeliveryKind
from core.services import (
    account_mails,
    audits,
    erasure_ledger,
    erasure_rows,
    erasure_steps,
    executions,
    integrations,
)
from core.services.erasure_steps import At, Waiting
from integrations.blobs import Blobs

log = logs.get(__name__)

# Who does not answer for so long is given up: what we keep that could be used there is deleted all
# the same, and the receipt says that they were not told.
PATIENCE: Final = timedelta(days=7)
MAIL_PATIENCE: Final = timedelta(days=2)


class MailService(Protocol):
    async def erase(self, address: str) -> None: ...


class Unfinished(Exception):
    """Somebody else has not done their part yet; the message names them."""


@dataclass(frozen=True, slots=True)
class Begun:
    """`wait_ms`: not yet, 0: now. `over`: it was cancelled, or is done."""

    over: bool
    wait_ms: int


@dataclass(frozen=True, slots=True)
class Tools:
    """`db` works as `vt_eraser`, `app_db` as `vt_app`. `mail_service`: null where none is used."""

    db: Database
    app_db: Database
    blobs: Blobs
    connections: Connections
    mail_service: MailService | None
    key: Ed25519PrivateKey = field(repr=False)
    now: Callable[[], datetime] = clock.now


class Erasures:
    def __init__(self, tools: Tools) -> None:
        self._tools = tools
        self._db = tools.db
        self._now = tools.now

    @activity.defn(name="begin_erasure")
    async def begin(self, message: ErasureMessage) -> Begun:
        """Close the account, once its grace is over.

        Twice is harmless: a closed account is closed, and the ledger says the same once more.
        """
        try:
            async with self._db.transaction() as tx:
                found = await erasure_steps.begin(tx, message.erasure_id, now=self._now())
                if found is None:
                    executions.close(tx, activity.info().workflow_id or "", now=self._now())
            if found is None:
                return Begun(over=True, wait_ms=0)
            if isinstance(found, Waiting):
                return Begun(over=False, wait_ms=int(found.for_.total_seconds() * 1000) + 1)
            faults.point("erasure_begin")
            # Before anything goes: whatever a backup brings back from now on is erased again.
            await self._tools.blobs.put(erasure_ledger.key(found), _nothing())
        except Error as error:
            raise errors.translate(error) from error
        return Begun(over=False, wait_ms=0)

    @activity.defn(name="erase_store")
    async def erase(self, step: ErasureStep) -> None:
        """Erase what one store has of the account.

        Twice is harmless: what is gone is gone, what is counted is counted with its deletion, and
        a store that is done is not entered again.
        """
        try:
            async with beating():
                await self._erase(step)
        except Error as error:
            await self._failed(step, type(error).__name__)
            raise errors.translate(error) from error
        except Unfinished as error:
            await self._failed(step, str(error))
            raise ApplicationError(
                "somebody has not done their part yet", type="Unfinished"
            ) from error

    async def _erase(self, step: ErasureStep) -> None:
        async with self._db.transaction() as tx:
            at = await erasure_steps.enter(tx, step.erasure_id, step.store, now=self._now())
        if at is None:
            return
        counts: dict[str, int] = {}
        match step.store:
            case Store.CONNECTIONS:
                await self._connections(step, at)
            case Store.WORKFLOWS | Store.HISTORIES:
                await self._histories(step, at)
            case Store.BLOBS:
                counts = await self._blobs(at)
            case Store.MAIL:
                counts = await self._mail(step, at)
            case Store.MAIL_SERVICE:
                counts = await self._mail_service(at)
            case Store.ROWS:
                counts = await self._rows(step, at)
            case Store.ACCOUNT:
                await self._account(step)
                return
        faults.point(f"erasure_{step.store}")
        async with self._db.transaction() as tx:
            await erasure_steps.leave(tx, step.erasure_id, step.store, counts=counts)

    async def _connections(self, step: ErasureStep, at: At) -> None:
        """Every provider has its try: one that does not answer holds up no other."""
        waiting: set[str] = set()
        async with self._db.transaction() as tx:
            found = await integrations.of_person(tx, at.user_id)
        for message, provider in found:
            told = await self._gave_back(at, message, provider)
            if not told and self._now() - at.since < PATIENCE:
                waiting.add(provider)
                continue
            async with self._db.transaction() as tx:
                integrations.forget(tx, message)
                what = provider if told else f"{provider}_not_told"
                erasure_steps.add(tx, step.erasure_id, step.store, what, 1)
        if waiting:
            raise Unfinished(", ".join(sorted(waiting)))

    async def _gave_back(self, at: At, message: ConnectionMessage, provider: Provider) -> bool:
        async with self._tools.app_db.transaction() as tx:
            tx.act_in([message.workspace_id], at.user_id)
            await integrations.end(tx, at.user_id, message, provider, now=self._now())
        try:
            await self._tools.connections.give_back(message)
        except ApplicationError as error:
            log.warning("erasure.not_told", subject_id=message.connection_id, reason=error.type)
            return False
        return True

    async def _histories(self, step: ErasureStep, at: At) -> None:
        while True:
            async with self._db.transaction() as tx:
                erasure_rows.patient(tx)
                workspaces = await erasure_rows.gone(tx, at.user_id)
                found = await executions.of_person(tx, at.user_id, workspaces)
            if not found:
                return
            await histories.delete(activity.client(), found)
            async with self._db.transaction() as tx:
                executions.forget(tx, found)
                erasure_steps.add(tx, step.erasure_id, step.store, "workflows", len(found))

    async def _blobs(self, at: At) -> dict[str, int]:
        """Rows still name them all, so that the count of a second run is that of the first."""
        count, after = 0, ""
        while True:
            async with self._db.transaction(read_only=True) as tx:
                keys = await erasure_rows.blobs(tx, at.user_id, after=after)
            if not keys:
                return {"blobs": count}
            for key in keys:
                await self._tools.blobs.delete(key)
            count, after = count + len(keys), keys[-1]

    async def _mail(self, step: ErasureStep, at: At) -> dict[str, int]:
        """The ledger of deliveries sends it once; here it is asked for, and waited for."""
        if at.email is None:
            return {}
        kind = DeliveryKind.ERASURE_BEGUN
        async with self._tools.app_db.transaction() as tx:
            tx.act_in([at.user_id], at.user_id)
            about = str(step.erasure_id)
            now = self._now()
            await account_mails.send(tx, at.user_id, kind, at.receipt_id, about=about, now=now)
            status = await account_mails.status(tx, at.user_id, kind, about=about)
        if status in account_mails.OVER or now - at.since > MAIL_PATIENCE:
            return {f"mail_{status}": 1}
        raise Unfinished("mail")

    async def _mail_service(self, at: At) -> dict[str, int]:
        service = self._tools.mail_service
        if at.email is None or service is None:
            return {}
        try:
            await service.erase(at.email)
        except VendorError as error:
            if self._now() - at.since < PATIENCE:
                raise Unfinished("SendGrid") from error
            return {"sendgrid_not_told": 1}
        return {"sendgrid": 1}

    async def _rows(self, step: ErasureStep, at: At) -> dict[str, int]:
        for going in erasure_rows.PLAN:
            count = erasure_rows.BITE
            while count == erasure_rows.BITE:
                async with self._db.transaction() as tx:
                    workspaces = await erasure_rows.gone(tx, at.user_id)
                    count = await erasure_rows.take(tx, going, at.user_id, workspaces)
                    erasure_steps.add(tx, step.erasure_id, step.store, going.table, count)
            faults.point(f"erasure_rows_{going.table}")
        async with self._db.transaction() as tx:
            passed, ended = await erasure_rows.leave(tx, at.user_id)
            for workspace_id in passed:
                audits.record(tx, "workspace.passed_on", actor_id=None, subject_id=workspace_id)
            erasure_steps.add(tx, step.erasure_id, step.store, "workspaces", ended)
        return {}

    async def _account(self, step: ErasureStep) -> None:
        workflow_id = activity.info().workflow_id or ""
        async with self._db.transaction() as tx:
            await erasure_steps.finish(
                tx, step.erasure_id, workflow_id, key=self._tools.key, now=self._now()
            )
        metrics.DATA_WORK.labels("erasure", "done").inc()
        faults.point("erasure_account")

    async def _failed(self, step: ErasureStep, problem: str) -> None:
        metrics.DATA_WORK.labels("erasure", "retried").inc()
        with suppress(Error, PsycopgError):  # PostgreSQL itself may be what is away
            async with self._db.transaction() as tx:
                await erasure_steps.fail(tx, step.erasure_id, step.store, problem)


async def _nothing() -> AsyncIterator[bytes]:
    """An entry of the ledger is its name."""
    yield b"\n"
