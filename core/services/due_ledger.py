"""The ledger of a batch: what becomes of each due reminder, and the rows that say so."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from psycopg.types.json import Jsonb

from core import logs
from core.db import Transaction
from core.events import Event
from core.models.deliveries import Channel, DeliveryKind, DeliveryStatus
from core.rules import zones
from core.rules.push import Subscription
from core.rules.reminders import Arming
from core.rules.retries import Reason, delivery_id
from core.services import deliveries, notification_rows, reach
from core.services.deliveries import UNFINISHED, Send, entry
from core.services.due_rows import Before, Found
from core.services.foldings import NOISY, Foldings
from core.statements import Query, row

log = logs.get(__name__)

HELD_CHANNELS: Final = frozenset({Channel.PUSH, Channel.SLACK, Channel.SMS})  # they make a noise
ESCALATION: Final = "escalation"  # in a target's place: another message than the reminder's own
RECORDED: Final = "recorded: sandbox workspace"
_UNWRITTEN: Final = Before("", 0, 0, "", None, folded=False, ambiguous=False, ours=True)
# Nobody carries it, or there is nobody to carry it to: not a failure of anything.
_ABSENT: Final = frozenset(
    {
        Reason.CHANNEL_UNAVAILABLE,
        Reason.NO_SUBSCRIPTION,
        Reason.NOT_CONNECTED,
        Reason.NO_PHONE,
        Reason.UNSUBSCRIBED,
    }
)


@dataclass(frozen=True, slots=True)
class Decided:
    """A message that needed no vendor: shown in the app, held, or not to be sent at all."""

    send: Send
    status: DeliveryStatus


@dataclass(frozen=True, slots=True)
class Then:
    """What a reminder waits for once it is settled: its next occurrence, armed in `zone`.

    Without a zone the end of quiet hours: an instant, for the messages that this arming holds.
    """

    at: datetime
    zone: str | None


_REARM: Final = Query(
    b"""
    UPDATE reminders SET next_at = %(at)s, armed_zone = %(zone)s, armed_tzdata = %(tzdata)s,
        arm_no = arm_no + 1, version = version + 1, since_arm_no = NULL
    WHERE workspace_id = %(workspace_id)s AND id = %(id)s
    """,
    row,
    {},
    writes=True,
)


class Ledger:
    """Collects the rows of a batch, so that each table is written by one statement."""

    def __init__(
        self,
        tx: Transaction,
        *,
        now: datetime,
        dev: bool,
        vendors: Collection[Channel],
        foldings: Foldings,
        patience: timedelta = timedelta(0),
    ) -> None:
        self.rearmed: set[UUID] = set()
        self.then: dict[UUID, Then] = {}
        self.decided: list[Decided] = []
        self._tx = tx
        self._now = now
        self._dev = dev
        self._vendors = vendors
        self._foldings = foldings
        self._patience = patience
        self._started: list[Send] = []
        self._deliveries: list[dict[str, Any]] = []
        self._notifications: list[dict[str, Any]] = []

    def add(self, reminder: Found) -> list[Send]:
        """Decide what becomes of this reminder; the sends that remain to be done."""
        if reminder.obstacle is not None:
            self._withdraw(reminder, reminder.obstacle)
            return []
        if reminder.existing:
            self._withdraw(reminder, Reason.REMINDER_CHANGED, wanted=reminder.wanted)
        reminder = reminder.at_its_occurrence()
        if (new := reminder.armed_anew) is not None:
            self._rearm(reminder, new)
            return []
        missed = reminder.is_missed(self._now)
        if not reminder.existing:
            kind = "reminder.missed" if missed else "reminder.due"
            self._tx.emit(Event(reminder.workspace_id, kind, reminder.id))
        if missed:
            self._miss(reminder)
            sends = []
        else:
            silence = reminder.wishes.silences(reminder.list_id, self._now)
            channels = (*reminder.wanted, Channel.IN_APP) if silence else reminder.wanted
            messages = self._messages(reminder, dict.fromkeys(channels))
            sends = [send for send in messages if self._open(reminder, send, silence)]
        # Held, the next occurrence is armed when what is held went out.
        if reminder.id not in self.then and (after := reminder.fires_next(self._now)):
            self.then[reminder.id] = Then(after.at, after.zone)
        return sends

    def add_safely(self, reminder: Found) -> list[Send]:
        """As `add`; a row that breaks our code ends as a visible failure and holds up nobody."""
        marks = len(self._deliveries), len(self._notifications), len(self.decided)
        try:
            return self.add(reminder)
        except Exception as error:  # noqa: BLE001 - whatever it is, the other rows must go out
            log.error("reminder.quarantined", reminder_id=reminder.id, error=error)
            del self._deliveries[marks[0] :]
            del self._notifications[marks[1] :]
            del self.decided[marks[2] :]
            self.then.pop(reminder.id, None)
            send = self._send(reminder, Channel.IN_APP)
            story = [entry(self._now, "failed", Reason.UNDELIVERABLE)]
            self._row(reminder, send, DeliveryStatus.FAILED, story, error=Reason.UNDELIVERABLE)
            self._notify(reminder, send, "delivery_failed")
            return []

    def write(self) -> None:
        self._deliveries += self._foldings.rows
        self._foldings.start(self._tx)
        for send in self._started:
            deliveries.ask_for_workflow(self._tx, send)
        if self._deliveries:
            self._tx.run(deliveries.WRITE, rows=Jsonb(self._deliveries))
        notification_rows.add(self._tx, self._notifications)

    def _messages(self, reminder: Found, channels: Iterable[Channel]) -> Iterator[Send]:
        """One by each channel; by push one to each browser, if there is any."""
        for channel in channels:
            each_browser = channel is Channel.PUSH and channel in self._vendors
            if each_browser and not reminder.recorded and reminder.subscriptions:
                for target in reminder.subscriptions:
                    yield self._send(reminder, channel, target)
            else:
                yield self._send(reminder, channel)

    def _open(self, reminder: Found, send: Send, silence: Reason | None) -> bool:
        """Whether it remains to be sent; else it is written what became of it."""
        channel = send.channel
        before = _before(reminder, send)
        if before is not None and not before.is_open:
            return False
        reason = None
        if not reminder.recorded:
            reason = reach.unreachable(
                channel, reminder.person, dev=self._dev, vendors=self._vendors
            )
            if reason is None and channel is Channel.PUSH and send.target is None:
                reason = Reason.NO_SUBSCRIPTION
            if channel is Channel.EMAIL and reminder.wishes.refuses_email(DeliveryKind.REMINDER):
                reason = Reason.UNSUBSCRIBED
        if reason is not None:
            self._refuse(reminder, send, reason)
        elif silence is not None and channel is not Channel.IN_APP:
            story = [entry(self._now, "cancelled", silence)]
            self._row(reminder, send, DeliveryStatus.CANCELLED, story, error=silence)
        elif (until := self._quiet_until(reminder, channel)) is not None:
            self._hold(reminder, send, until)
        elif reminder.recorded:
            story = [entry(self._now, "sent", RECORDED)]
            self._row(reminder, send, DeliveryStatus.SENT, story, sent_at=self._now)
        elif channel is Channel.IN_APP:
            story = [entry(self._now, "sent", "shown in the app")]
            self._row(reminder, send, DeliveryStatus.SENT, story, sent_at=self._now)
            self._notify(reminder, send, "reminder")
        else:
            self._escalate(reminder, send)
            return self._begin(reminder, send)
        return False

    def _begin(self, reminder: Found, send: Send) -> bool:
        """Whether it goes out by itself; else it is folded into a summary."""
        before = _before(reminder, send)
        again = before is not None and before.status != DeliveryStatus.HELD
        if send.channel in NOISY and not reminder.urgent and not again:
            summary = self._foldings.fold(send)
            if summary is not None:
                story = [entry(self._now, "folded", str(summary.id))]
                self._row(
                    reminder,
                    send,
                    DeliveryStatus.PENDING,
                    story,
                    next_at=summary.at,
                    folded_into=summary.id,
                )
                return False
        ambiguous = before is not None and before.status == DeliveryStatus.SENDING
        story = []
        if ambiguous:
            story.append(entry(self._now, "ambiguous", UNFINISHED))
        if ambiguous and send.channel is Channel.EMAIL and self._patience:
            # Its vendor may yet say that it has it; the workflow waits for that, and sends if not.
            until = self._now + self._patience
            story.append(entry(self._now, "retry", until.isoformat()))
            self._row(reminder, send, DeliveryStatus.PENDING, story, next_at=until, ambiguous=True)
            self._started.append(send)
            return False
        story.append(entry(self._now, "sending", "late" if send.late else None))
        self._row(reminder, send, DeliveryStatus.SENDING, story, ambiguous=ambiguous)
        return True

    def _escalate(self, reminder: Found, send: Send) -> None:
        """Once an arming: an e-mail that waits until this would have been read."""
        escalation = reminder.wishes.escalation
        if escalation is None or not reminder.escalates_by(reminder.wanted):
            return
        if send.channel not in NOISY:
            return
        message = replace(
            self._send(reminder, Channel.EMAIL, key=self._escalation_key(reminder)),
            kind=DeliveryKind.ESCALATION,
        )
        known = {each["id"] for each in self._deliveries}
        if str(message.delivery_id) in reminder.existing or message.delivery_id in known:
            return
        if reach.unreachable(Channel.EMAIL, reminder.person, dev=self._dev, vendors=self._vendors):
            return
        until = self._now + escalation.after
        story = [entry(self._now, "escalates", until.isoformat())]
        self._row(reminder, message, DeliveryStatus.PENDING, story, next_at=until)
        self._started.append(message)

    def _escalation_key(self, reminder: Found) -> UUID:
        person = reminder.person.id
        return delivery_id(reminder.id, reminder.arm_no, person, Channel.EMAIL, ESCALATION)

    def _quiet_until(self, reminder: Found, channel: Channel) -> datetime | None:
        quiet = reminder.wishes.quiet
        if reminder.urgent or quiet is None or channel not in HELD_CHANNELS:
            return None
        return quiet.end_at(self._now, reminder.person.zone)

    def _hold(self, reminder: Found, send: Send, until: datetime) -> None:
        self.then[reminder.id] = Then(until, None)
        before = _before(reminder, send)
        if before is None or before.status != DeliveryStatus.HELD or not before.ours:
            story = [entry(self._now, "held", until.isoformat())]
            self._row(reminder, send, DeliveryStatus.HELD, story, next_at=until)

    def _refuse(self, reminder: Found, send: Send, reason: Reason) -> None:
        """Say so in the ledger, and to whoever asked for this channel."""
        status = DeliveryStatus.CANCELLED if reason in _ABSENT else DeliveryStatus.FAILED
        self._row(reminder, send, status, [entry(self._now, status, reason)], error=reason)
        if reminder.channels is not None:
            self._notify(reminder, send, "delivery_failed")

    def _miss(self, reminder: Found) -> None:
        for send in self._messages(reminder, dict.fromkeys((*reminder.wanted, Channel.IN_APP))):
            before = _before(reminder, send)
            if before is not None and not before.is_open:
                continue
            story = [entry(self._now, "missed", Reason.TOO_LATE)]
            self._row(reminder, send, DeliveryStatus.MISSED, story, error=Reason.TOO_LATE)
            if send.channel is Channel.IN_APP:
                self._notify(reminder, send, "reminder_missed")

    def _withdraw(
        self, reminder: Found, reason: Reason, *, wanted: Collection[Channel] = ()
    ) -> None:
        """Cancel what is left open but `wanted`; one that was `sending` may have gone out."""
        kept = {str(send.delivery_id) for send in self._messages(reminder, wanted)}
        if wanted:
            kept.add(str(self._escalation_key(reminder)))
        for key, before in reminder.existing.items():
            if not before.is_open or key in kept:
                continue
            channel = Channel(before.channel)
            ended = channel is Channel.PUSH and channel in wanted  # but not this browser
            why = Reason.SUBSCRIPTION_ENDED if ended else reason
            self._row(
                reminder,
                self._send(reminder, channel, key=UUID(key)),
                DeliveryStatus.CANCELLED,
                [entry(self._now, "cancelled", why)],
                error=why,
                ambiguous=before.status == DeliveryStatus.SENDING,
            )

    def _rearm(self, reminder: Found, new: Arming) -> None:
        self.rearmed.add(reminder.id)
        self._tx.run(
            _REARM,
            workspace_id=reminder.workspace_id,
            id=reminder.id,
            at=new.at,
            zone=new.zone,
            tzdata=zones.tzdata_version(),
        )
        self._tx.emit(Event(reminder.workspace_id, "reminder.armed", reminder.id, ["next_at"]))

    def _send(
        self,
        reminder: Found,
        channel: Channel,
        target: Subscription | None = None,
        *,
        key: UUID | None = None,
    ) -> Send:
        person = reminder.person
        if key is None:
            name = str(target.id) if target else ""
            key = delivery_id(reminder.id, reminder.arm_no, person.id, channel, name)
        before = reminder.existing.get(str(key), _UNWRITTEN)
        return Send(
            workspace_id=reminder.workspace_id,
            delivery_id=key,
            attempt=before.attempts + 1,
            failures=before.failures,
            kind=DeliveryKind.REMINDER,
            channel=channel,
            subject_id=reminder.id,
            todo_id=reminder.todo_id,
            title=reminder.title,
            due=reminder.due,
            due_at=reminder.next_at,
            arm_no=reminder.arm_no,
            began_at=self._now,
            person=person,
            urgent=reminder.urgent,
            target=target,
            doubtful=before.ambiguous or before.status == DeliveryStatus.SENDING,
        )

    def _notify(self, reminder: Found, send: Send, kind: str) -> None:
        """Also in the app; but nothing leaves a sandbox, whose ledger is all there is."""
        if not reminder.recorded:
            self._notifications.append(deliveries.notification(send, kind))

    def _row(
        self,
        reminder: Found,
        send: Send,
        status: DeliveryStatus,
        story: deliveries.Log,
        *,
        sent_at: datetime | None = None,
        next_at: datetime | None = None,
        error: str | None = None,
        ambiguous: bool = False,
        folded_into: UUID | None = None,
    ) -> None:
        if status is not DeliveryStatus.SENDING and not reminder.recorded:
            self.decided.append(Decided(send, status))
        self._deliveries.append(
            deliveries.written(
                send,
                status,
                story,
                sent_at=sent_at,
                next_at=next_at,
                error=error,
                ambiguous=ambiguous,
                folded_into=folded_into,
            )
        )


def _before(reminder: Found, send: Send) -> Before | None:
    return reminder.existing.get(str(send.delivery_id))
