"""Digests that fall due: looked at once more, their contents read, written into the ledger.

`begin` and `finish` are one transaction each for a batch, with the same number of queries however
many people it is for. What makes a period's digest one, wherever a worker is killed:
1. `begin` writes the period and its deliveries together; the period's key refuses a second one;
2. until `finish` the row stays due: whoever takes its lease over finds the deliveries of this
   arming, and goes on with those that are open, under their names;
3. armed anew meanwhile, the row leaves them to workflows of their own (`rescue`).
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final, Self
from uuid import UUID

from psycopg.types.json import Jsonb

from core import due
from core.db import Transaction
from core.due import SOURCES, Claimed
from core.messages import Kind
from core.models.deliveries import Channel, DeliveryKind, DeliveryStatus
from core.models.digests import DigestStatus
from core.rules import digest_words, zones
from core.rules.digests import DigestContent, Frequency, delivery_id
from core.rules.preferences import Preferences
from core.rules.push import Subscription
from core.rules.retries import USEFUL_FOR, Reason
from core.services import connections, deliveries, digest_contents, due_messages, push_rows, reach
from core.services.deliveries import UNFINISHED, Person, Send, entry
from core.services.digest_contents import Reader
from core.services.due_ledger import Decided
from core.services.due_messages import Begun, Done
from core.statements import Query, row

SOURCE: Final = SOURCES[Kind.DIGESTS]
DEFAULT_CHANNELS: Final = (Channel.EMAIL,)
LONGEST_SINCE: Final = timedelta(days=31)  # what was completed before that is no news


@dataclass(frozen=True, slots=True)
class Found:
    """A claimed digest that is still what was claimed."""

    workspace_id: UUID
    next_at: datetime
    arm_no: int
    due_on: date
    period: str
    armed: tuple[str | None, str | None]  # zone, release of the zone rules
    preferences: Preferences
    decided: bool  # something became of this period already
    since: datetime | None  # when something became of another one, the last time
    existing: dict[str, tuple[str, int, int]]  # of this arming: status, attempts, failures
    subscriptions: tuple[Subscription, ...]
    person: Person

    @classmethod
    def of_row(cls, *values: Any) -> Self:
        workspace_id, next_at, arm_no, due_on, period, *rest = values
        zone, tzdata, stored, decided, since, existing, subscriptions, *person = rest
        return cls(
            workspace_id=workspace_id,
            next_at=next_at,
            arm_no=arm_no,
            due_on=due_on,
            period=period,
            armed=(zone, tzdata),
            preferences=Preferences.of(stored),
            decided=decided,
            since=since,
            existing={name: (each[0], each[1], each[2]) for name, each in (existing or {}).items()},
            subscriptions=tuple(
                Subscription(UUID(name), *each) for name, *each in subscriptions or ()
            ),
            person=Person(*person),
        )

    @property
    def is_open(self) -> bool:
        return any(status in _OPEN for status, *_ in self.existing.values())

    @property
    def wanted(self) -> tuple[Channel, ...]:
        return wanted(self.preferences)

    def reader(self, workspaces: Sequence[UUID], now: datetime) -> Reader:
        return reader(self.person, self.preferences, workspaces, self.since, now=now)


_OPEN: Final = frozenset({DeliveryStatus.PENDING, DeliveryStatus.SENDING})
# Locked with its lease, as reminders are: `due_rows` says why, and why leases are named twice.
_FIND: Final = Query(
    b"""
    SELECT g.workspace_id, g.next_at, g.arm_no, g.due_on, g.period,
           g.armed_zone, g.armed_tzdata, u.preferences,
           EXISTS (SELECT FROM digest_periods p
                   WHERE p.workspace_id = g.workspace_id AND p.period = g.period),
           (SELECT max(p.decided_at) FROM digest_periods p
            WHERE p.workspace_id = g.workspace_id AND p.period <> g.period),
           (SELECT jsonb_object_agg(d.id, jsonb_build_array(d.status, d.attempts,
    """
    + deliveries.FAILURES
    + b"""))
            FROM deliveries d
            WHERE d.subject_id = g.id AND d.arm_no = g.arm_no AND d.kind = 'digest'),
           CASE WHEN u.preferences #> '{channels,digest}' ? 'push' THEN """
    + push_rows.ALL
    + b""" END,
           u.id, u.email, u.email_verified_at IS NOT NULL, u.name, u.timezone, u.locale,
           u.status = 'active', true,
           """
    + connections.reach(b"g")
    + b"""
    FROM unnest(%(workspaces)s::uuid[], %(ids)s::uuid[], %(arm_nos)s::int[],
                %(next_ats)s::timestamptz[], %(tokens)s::uuid[])
        AS mine (workspace_id, id, arm_no, next_at, token)
    JOIN leases l ON l.kind = %(kind)s AND l.workspace_id = mine.workspace_id
        AND l.row_id = mine.id AND l.token = mine.token
        AND l.workspace_id = ANY (%(workspaces)s::uuid[]) AND l.row_id = ANY (%(ids)s::uuid[])
    JOIN digests g ON g.workspace_id = mine.workspace_id AND g.id = mine.id
        AND g.arm_no = mine.arm_no AND g.next_at = mine.next_at
    JOIN LATERAL (SELECT * FROM users WHERE id = g.id OFFSET 0) AS u ON true
    ORDER BY g.workspace_id
    FOR NO KEY UPDATE OF l, g
    """,
    Found.of_row,
    {},
    writes=False,
)
# As `vt_worker`: a batch is of many people, whose workspaces are many tenants.
_WORKSPACES: Final = Query(
    b"SELECT user_id, workspace_id FROM memberships WHERE user_id = ANY (%(users)s::uuid[])",
    row,
    {},
    writes=False,
)
_LAST: Final = Query(
    b"""
    SELECT max(decided_at) FROM digest_periods
    WHERE workspace_id = %(workspace_id)s AND decided_at < %(before)s
    """,
    row,
    {},
    writes=False,
)
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
_NEXT: Final = Query(
    b"""
    UPDATE digests g SET next_at = x.at, due_on = x.due_on, period = x.period,
        armed_zone = x.zone, armed_tzdata = %(tzdata)s, arm_no = g.arm_no + 1, updated_at = %(now)s
    FROM unnest(%(workspaces)s::uuid[], %(arm_nos)s::int[], %(next_ats)s::timestamptz[],
                %(ats)s::timestamptz[], %(days)s::date[], %(periods)s::text[], %(zones)s::text[])
        AS x (workspace_id, arm_no, next_at, at, due_on, period, zone)
    WHERE g.workspace_id = x.workspace_id AND g.id = x.workspace_id
      AND g.arm_no = x.arm_no AND g.next_at = x.next_at
    """,
    row,
    {},
    writes=True,
)


async def workspaces_of(tx: Transaction, users: Collection[UUID]) -> dict[UUID, list[UUID]]:
    """Where each of these people is a member (as `vt_worker`)."""
    found: dict[UUID, list[UUID]] = {}
    for user_id, workspace_id in await tx.all(_WORKSPACES, users=list(users)):
        found.setdefault(user_id, []).append(workspace_id)
    return found


def wanted(preferences: Preferences) -> tuple[Channel, ...]:
    """The channels asked for; by e-mail, if nothing was said."""
    asked = preferences.channels.get("digest")
    if asked is None:
        return DEFAULT_CHANNELS
    return tuple(dict.fromkeys(Channel(each) for each in asked if each in set(Channel)))


def reader(
    person: Person,
    preferences: Preferences,
    workspaces: Sequence[UUID],
    since: datetime | None,
    *,
    now: datetime,
    frequency: Frequency | None = None,
) -> Reader:
    """For whom contents are read; `since` null: it is their first digest."""
    plan = preferences.digest
    frequency = frequency or plan.frequency
    every = timedelta(days=7) if frequency is Frequency.WEEKLY else timedelta(days=1)
    return Reader(
        user_id=person.id,
        zone=person.zone,
        frequency=frequency,
        workspaces=workspaces,
        muted=preferences.muted_lists,
        since=max(since, now - LONGEST_SINCE) if since else now - every,
        now=now,
    )


async def read_one(
    tx: Transaction,
    person: Person,
    preferences: Preferences,
    *,
    before: datetime | None,
    now: datetime,
    frequency: Frequency | None = None,
) -> DigestContent:
    """One person's, as it is now; `before`: when the one is due that this is for, if it is for one.

    `tx` acts in all of the person's workspaces from here on, and for them.
    """
    tx.act_in([person.id], person.id)
    found = await tx.all(_WORKSPACES, users=[person.id])
    workspaces = [workspace_id for _, workspace_id in found]
    tx.act_in(workspaces, person.id)
    last = await tx.first(_LAST, workspace_id=person.id, before=before or now)
    since = last[0] if last else None
    each = reader(person, preferences, workspaces, since, now=now, frequency=frequency)
    return (await digest_contents.read(tx, [each]))[person.id]


@dataclass(frozen=True, slots=True)
class Next:
    """What a digest waits for once it is settled."""

    at: datetime
    on: date
    period: str
    zone: str


async def begin(
    tx: Transaction,
    claimed: Sequence[Claimed],
    workspaces: Mapping[UUID, Sequence[UUID]],
    *,
    now: datetime,
    dev: bool,
    vendors: Collection[Channel] = deliveries.VENDORS,
    patience: timedelta = timedelta(0),
) -> tuple[list[Begun[Next]], list[Decided]]:
    """Write the ledger for these digests; what is to be sent, and what is decided already.

    `workspaces`: those of each person (`workspaces_of`). What changed since it was claimed is left
    alone; armed by other zone rules than today's, it is armed anew; a period that was told, that is
    more than a day late, of a paused person, or with nothing to tell is passed over.
    """
    own = [each.workspace_id for each in claimed]
    tx.act_in(list({*own, *(key for user_id in own for key in workspaces.get(user_id, ()))}))
    batch = _Batch(tx, now=now, dev=dev, vendors=vendors, patience=patience)
    found = {each.workspace_id: each for each in await tx.all(_FIND, **_columns(claimed))}
    to_tell = [each for each in found.values() if batch.is_to_be_told(each)]
    contents = await digest_contents.read(
        tx, [each.reader(workspaces.get(each.person.id, ()), now) for each in to_tell]
    )
    ours = {each.workspace_id: each for each in claimed}
    begun = [
        Begun(ours[each.workspace_id], tuple(sends), batch.after(each))
        for each in to_tell
        if (sends := batch.tell(each, contents[each.person.id]))
    ]
    batch.write()
    sending = {each.claimed.workspace_id for each in begun}
    over = [each for each in claimed if each.workspace_id not in sending]
    _finish(
        tx,
        [
            Done(each, (), batch.after(found[each.workspace_id]))
            for each in over
            if each.workspace_id in found
        ],
        now=now,
    )
    due.release(tx, SOURCE, over)
    return begun, batch.decided


async def finish(tx: Transaction, done: Sequence[Done[Next]], *, now: datetime) -> None:
    """Settle the deliveries, arm the digests anew, release the leases."""
    _finish(tx, await due_messages.settle(tx, done), now=now)
    due.release(tx, SOURCE, [each.claimed for each in done])


async def put_back(tx: Transaction, done: Sequence[Done[Next]], *, wait: timedelta) -> None:
    """As `due_messages.put_back`."""
    await due_messages.put_back(tx, SOURCE, done, wait=wait)


class _Batch:
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
        if self._notifications:
            self._tx.run(deliveries.NOTIFY, rows=Jsonb(self._notifications))

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
        if status is not None and status not in _OPEN:
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
        tried = status in (DeliveryStatus.SENDING, DeliveryStatus.SENT)
        if status is not DeliveryStatus.SENDING:
            self.decided.append(Decided(send, status))
        self._deliveries.append(
            deliveries.written(
                send,
                status,
                story,
                attempts=send.attempt if tried else send.attempt - 1,
                sent_at=self._now if status is DeliveryStatus.SENT else None,
                next_at=next_at,
                error=error,
                ambiguous=ambiguous,
            )
        )


def _finish(tx: Transaction, done: Sequence[Done[Next]], *, now: datetime) -> None:
    if not done:
        return
    columns = _columns([each.claimed for each in done])
    tx.run(
        _NEXT,
        workspaces=columns["workspaces"],
        arm_nos=columns["arm_nos"],
        next_ats=columns["next_ats"],
        ats=[each.then and each.then.at for each in done],
        days=[each.then and each.then.on for each in done],
        periods=[each.then and each.then.period for each in done],
        zones=[each.then and each.then.zone for each in done],
        tzdata=zones.tzdata_version(),
        now=now,
    )


def _columns(claimed: Sequence[Claimed]) -> dict[str, Any]:
    return {
        "kind": SOURCE.kind,
        "workspaces": [each.workspace_id for each in claimed],
        "ids": [each.id for each in claimed],
        "arm_nos": [each.arm_no for each in claimed],
        "next_ats": [each.next_at for each in claimed],
        "tokens": [each.token for each in claimed],
    }
