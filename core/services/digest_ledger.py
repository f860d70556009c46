"""The ledger of a batch of digests: what becomes of each, and the rows that say so."""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from psycopg.types.json import Jsonb

from core.db import Transaction
from core.models.deliveries import Channel, DeliveryKind, DeliveryStatus
from core.models.digests import DigestStatus
from core.rules import digest_words, zones
from core.rules.digests import DigestContent, delivery_id
from core.rules.push import Subscription
from core.rules.retries import USEFUL_FOR, Reason
from core.services import deliveries, notification_rows, reach
from core.services.deliveries import UNFINISHED, Send, entry
from core.services.digest_rows import OPEN, Found, Next
from core.services.due_ledger import Decided
from core.statements import Query, row

_DECIDE: Final = Query(
    b"""
    INSERT INTO digest_periods (workspace_id, period, status, decided_at)
    SELECT *, %(now)s FROM unnest(%(workspaces)s::uuid[], %(periods)s::text[], %(statuses)s::text[])
    ON CONFLICT DO NOTHING
    """,
    row,
    {},
    writes=True,
)


class DigestLedger:
    """Collects the rows of a batch, so that each table is written by one statement."""

    def __init__(
        self,
        tx: Transaction,
        *,
        now: datetime,
        dev: bool,
        vendors: Collection[Channel],
        patience: timedelta,
    ) -> None:
        self.decided: list[Decided] = []
        self._tx = tx
        self._now = now
        self._dev = dev
        self._vendors = vendors
        self._patience = patience
        self._rearmed: dict[UUID, Next] = {}
        self._periods: list[tuple[UUID, str, DigestStatus]] = []
        self._deliveries: list[dict[str, Any]] = []
        self._notifications: list[dict[str, Any]] = []

    def is_to_be_told(self, found: Found) -> bool:
        """Else something else becomes of its period, now or before."""
        if not found.person.active:
            return False
        plan, person = found.preferences.digest, found.person
        if found.armed != (person.zone, zones.tzdata_version()) and not found.decided:
            slot = plan.slot(found.due_on, person.zone, person.id)
            if slot.at > self._now:
                self._rearmed[person.id] = Next(slot.at, slot.on, found.period, person.zone)
                return False
        if found.decided:  # told already; or a worker died at it, and its deliveries are ours
            return found.is_open
        if self._now - found.next_at >= USEFUL_FOR:
            self._periods.append((found.workspace_id, found.period, DigestStatus.MISSED))
            return False
        if found.preferences.is_paused(self._now):
            self._periods.append((found.workspace_id, found.period, DigestStatus.PAUSED))
            return False
        return True

    def tell(self, found: Found, content: DigestContent) -> list[Send]:
        """What remains to be sent of it."""
        if content.is_empty and not found.decided:
            self._periods.append((found.workspace_id, found.period, DigestStatus.SKIPPED))
            return []
        self._periods.append((found.workspace_id, found.period, DigestStatus.TOLD))
        return [send for send in self._messages(found, content) if self._open(found, send, content)]

    def after(self, found: Found) -> Next | None:
        """When its person is told next; null for one that is closed, or wants none."""
        person = found.person
        if person.id in self._rearmed:
            return self._rearmed[person.id]
        if not person.active:
            return None
        slot = found.preferences.digest.next(self._now, person.zone, person.id, after=found.due_on)
        return Next(slot.at, slot.on, slot.period, person.zone) if slot else None

    def write(self) -> None:
        if self._periods:
            workspaces, periods, statuses = map(list, zip(*self._periods, strict=True))
            self._tx.run(
                _DECIDE,
                workspaces=workspaces,
                periods=periods,
                statuses=statuses,
                now=self._now,
            )
        if self._deliveries:
            self._tx.run(deliveries.WRITE, rows=Jsonb(self._deliveries))
        notification_rows.add(self._tx, self._notifications)

    def _messages(self, found: Found, content: DigestContent) -> list[Send]:
        """One by each channel; by push one to each browser, if there is any."""
        made = []
        for channel in found.wanted:
            each_browser = channel is Channel.PUSH and channel in self._vendors
            targets = found.subscriptions if each_browser else ()
            made += [self._send(found, channel, target, content) for target in targets or (None,)]
        return made

    def _open(self, found: Found, send: Send, content: DigestContent) -> bool:
        """Whether it remains to be sent; else it is written what became of it."""
        status, *_ = found.existing.get(str(send.delivery_id), (None, 0, 0))
        if status is not None and status not in OPEN:
            return False
        reason = reach.unreachable(send.channel, found.person, dev=self._dev, vendors=self._vendors)
        if reason is None and content.is_empty:
            reason = Reason.NOTHING_LEFT
        if reason is None and send.channel is Channel.PUSH and send.target is None:
            reason = Reason.NO_SUBSCRIPTION
        if reason is not None:
            failed = reason in (Reason.NO_ADDRESS, Reason.ADDRESS_UNVERIFIED)
            ending = DeliveryStatus.FAILED if failed else DeliveryStatus.CANCELLED
            self._row(send, ending, [entry(self._now, ending, reason)], error=reason)
            return False
        if send.channel is Channel.IN_APP:
            story = [entry(self._now, "sent", "shown in the app")]
            self._row(send, DeliveryStatus.SENT, story)
            self._notifications.append(deliveries.notification(send, "digest"))
            return False
        ambiguous = status == DeliveryStatus.SENDING
        story = [entry(self._now, "sending", "late" if send.late else None)]
        if ambiguous:
            story.insert(0, entry(self._now, "ambiguous", UNFINISHED))
        if ambiguous and send.channel is Channel.EMAIL and self._patience:
            until = self._now + self._patience  # as reminders do: `due_ledger`
            story[1] = entry(self._now, "retry", until.isoformat())
            self._row(send, DeliveryStatus.PENDING, story, next_at=until, ambiguous=True)
            deliveries.ask_for_workflow(self._tx, send)
            return False
        self._row(send, DeliveryStatus.SENDING, story, ambiguous=ambiguous)
        return True

    def _send(
        self, found: Found, channel: Channel, target: Subscription | None, content: DigestContent
    ) -> Send:
        person = found.person
        key = delivery_id(person.id, found.period, channel, str(target.id) if target else "")
        _, attempts, failures = found.existing.get(str(key), ("", 0, 0))
        return Send(
            workspace_id=found.workspace_id,
            delivery_id=key,
            attempt=attempts + 1,
            failures=failures,
            kind=DeliveryKind.DIGEST,
            channel=channel,
            subject_id=person.id,
            todo_id=None,
            title=digest_words.headline(content, person.locale),
            due=None,
            due_at=found.next_at,
            arm_no=found.arm_no,
            began_at=self._now,
            person=person,
            target=target,
            doubtful=attempts > 0,  # whatever became of them: looking costs little
            digest=content,
        )

    def _row(
        self,
        send: Send,
        status: DeliveryStatus,
        story: deliveries.Log,
        *,
        error: str | None = None,
        next_at: datetime | None = None,
        ambiguous: bool = False,
    ) -> None:
        if status is not DeliveryStatus.SENDING:
            self.decided.append(Decided(send, status))
        self._deliveries.append(
            deliveries.written(
                send,
                status,
                story,
                sent_at=self._now if status is DeliveryStatus.SENT else None,
                next_at=next_at,
                error=error,
                ambiguous=ambiguous,
            )
        )
