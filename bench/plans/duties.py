"""What workers ask: what is due, what waits for Temporal, what is over; and what they then read."""

from collections.abc import Awaitable, Callable
from dataclasses import fields
from datetime import timedelta
from typing import Any, Final
from uuid import uuid4

from bench.plans.cases import Case, Who
from core import clock, due
from core.db import Transaction
from core.due import SOURCES, Claimed, Source
from core.messages import Kind
from core.models import Table
from core.services import (
    calendar_links,
    calendar_syncs,
    calendar_views,
    data_requests,
    due_digests,
    due_parked,
    due_reminders,
    due_series,
    erasures,
    executions,
    export_tables,
    feeds,
    memo_audio,
    outbox,
    retention,
)
from core.services.calendar_syncs import SyncRow
from core.services.export_tables import Scope, Section
from core.services.retention_rules import RULES
from core.services.retention_statements import Rule

BATCH: Final = 200
ONCE: Final = "an archive is made once: a person's rows are sorted for each page of 200"
A_BITE: Final = "what goes is read, a bite at a time"
LOOK: Final = 1000


def _claimed(who: Who, source: Source) -> list[Claimed]:
    """As a tick has them in hand."""
    token = uuid4()
    sql = f"""
    WITH due AS (
        SELECT workspace_id, id, next_at, arm_no FROM {source.table}
        WHERE lane = 0 AND next_at <= now() ORDER BY next_at LIMIT {BATCH}
    ), leased AS (
        INSERT INTO leases AS l (kind, workspace_id, row_id, arm_no, token, until)
        SELECT '{source.kind}', workspace_id, id, arm_no, '{token}', now() - interval '1 hour'
        FROM due ON CONFLICT (kind, workspace_id, row_id)
        DO UPDATE SET token = excluded.token, until = excluded.until, arm_no = excluded.arm_no
    )
    SELECT workspace_id, id, next_at, arm_no, '{token}'::uuid, false FROM due
    """  # noqa: S608 - constants of ours
    return [Claimed(*each) for each in who.connection.execute(sql.encode()).fetchall()]


def _of_kind(kind: Kind, source: Source) -> list[Case]:
    order = f"ix_{source.table}_lane_next_at"
    clocked = kind not in (Kind.PARKED, Kind.CALENDARS, Kind.WEBHOOKS)
    follows: list[Case] = (
        [
            Case(
                f"{kind}: who has not read on",
                f"ix_{source.table}_lane_looked_at" if kind is Kind.SLACK_HOMES else "",
                lambda tx, _: due.wake(tx, source, 0, lanes=4, now=clock.now()),
                role="vt_worker",
                because="who follows the feed is looked at, twice a minute",
            )
        ]
        if source.follows
        else []
    )
    own: list[Case] = (
        [
            Case(
                f"{kind}: due in a workspace with a clock",
                f"ix_{source.table}_workspace_id_next_at",
                lambda tx, who: due.claim_in(tx, source, who.home, until=clock.now(), limit=LOOK),
            ),
            Case(
                f"{kind}: the earliest there",
                f"ix_{source.table}_workspace_id_next_at",
                lambda tx, who: due.earliest(tx, source, who.home),
            ),
        ]
        if clocked
        else []
    )
    return [
        Case(
            f"{kind}: what is due",
            f"{order} ix_events_at" if kind in (Kind.CALENDARS, Kind.WEBHOOKS) else order,
            lambda tx, _: due.claim(tx, source, 0, now=clock.now(), limit=LOOK),
            role="vt_worker",
            because="the big tenant has a tenth of all; the API lets it have 20"
            if kind is Kind.WEBHOOKS
            else "",
        ),
        *follows,
        Case(
            f"{kind}: how far behind",
            order,
            lambda tx, _: due.lag(tx, source, 0, now=clock.now()),
            role="vt_worker",
            because="what is overdue is counted",
        ),
        Case(
            f"{kind}: of lanes that are no more",
            order,
            lambda tx, _: due.adopt(tx, source, lanes=4),
            role="vt_worker",
        ),
        *own,
    ]


def _batches() -> list[Case]:
    def reminders(tx: Transaction, who: Who) -> Awaitable[object]:
        return due_reminders.begin(
            tx, _claimed(who, due_reminders.SOURCE), now=clock.now(), dev=True
        )

    def digests(tx: Transaction, who: Who) -> Awaitable[object]:
        claimed = _claimed(who, due_digests.SOURCE)
        workspaces = {each.id: [each.workspace_id] for each in claimed}
        return due_digests.begin(tx, claimed, workspaces, now=clock.now(), dev=True)

    def series(tx: Transaction, who: Who) -> Awaitable[object]:
        return due_series.advance(tx, _claimed(who, due_series.SOURCE), now=clock.now())

    def parked(tx: Transaction, who: Who) -> Awaitable[object]:
        claimed = _claimed(who, SOURCES[Kind.PARKED])[0]
        return due_parked.begin(
            tx, claimed, now=clock.now(), dev=True, vendors=(), patience=timedelta()
        )

    def calendars(tx: Transaction, who: Who) -> Awaitable[object]:
        return calendar_syncs.begin(tx, _claimed(who, SOURCES[Kind.CALENDARS]), now=clock.now())

    def renewed(tx: Transaction, who: Who) -> Awaitable[object]:
        return due.renew(tx, due_reminders.SOURCE, _claimed(who, due_reminders.SOURCE))

    return [
        Case(
            "a batch of reminders",
            "pk_leases pk_reminders pk_todos ix_deliveries_subject_id",
            reminders,
            rows=BATCH,
            acts=True,
        ),
        Case(
            "a batch of digests",
            "pk_leases pk_digests ix_todos_pending",
            digests,
            rows=BATCH,
            acts=True,
        ),
        Case("a batch of series", "pk_series pk_todos", series, rows=BATCH, acts=True),
        Case("a parked delivery", "pk_deliveries", parked, acts=True),
        Case("a batch of calendars", "pk_calendar_syncs", calendars, rows=BATCH, acts=True),
        Case("a batch's leases", "pk_leases", renewed, role="vt_worker", rows=BATCH),
    ]


def _sync(who: Who) -> SyncRow:
    known: dict[str, Any] = {each.name: None for each in fields(SyncRow)}
    known |= {"workspace_id": who.home, "id": who.connected, "run_no": 1}
    return SyncRow(**known)


def _calendars() -> list[Case]:
    def one(
        name: str,
        index: str,
        ask: Callable[[Transaction, SyncRow, Who], Awaitable[object]],
        because: str = "",
    ) -> Case:
        def asked(tx: Transaction, who: Who) -> Awaitable[object]:
            tx.act_in([who.home])
            return ask(tx, _sync(who), who)

        return Case(name, index, asked, acts=True, because=because)

    look = "ix_calendar_links_to_look_at"
    middle = "SELECT id FROM todos WHERE workspace_id = {home} ORDER BY id"
    return [
        one(
            "events to be written",
            look,
            lambda tx, sync, _: calendar_links.dirty(tx, sync, limit=50),
        ),
        one(
            "deletions to be followed",
            look,
            lambda tx, sync, _: calendar_links.gone(tx, sync, limit=50),
        ),
        one(
            "deletions that wait",
            look,
            lambda tx, sync, who: calendar_links.quarantined(tx, who.home, sync.id, limit=50),
        ),
        one(
            "todos that belong in a calendar",
            "pk_todos",
            lambda tx, sync, who: calendar_views.belonging(
                tx, sync, after=who.middle(middle)[0], limit=100
            ),
            "the first sync goes through all of them, once",
        ),
        one(
            "how many belong there",
            "ix_todos_pending",
            lambda tx, sync, _: calendar_views.how_many(tx, sync),
            "what is counted is read",
        ),
        one(
            "a feed, from the middle",
            "pk_events",
            lambda tx, _, who: feeds.after(
                tx,
                who.home,
                who.middle("SELECT seq FROM events WHERE workspace_id = {home} ORDER BY 1")[0],
                limit=500,
            ),
        ),
    ]


def _archives() -> list[Case]:
    """Pages of a person's archive, table by table. By keys, so that none is told twice."""

    def one(member: str, section: Section, *, deep: bool) -> Case:
        keys = ", ".join(section.key)
        columns = Table.metadata.tables[section.table].c
        whose = next((each for each in ("user_id", "workspace_id") if each in columns), None)
        theirs = f" WHERE {whose} = {{home}}" if whose else ""
        middle = f"SELECT {keys} FROM {section.table}{theirs} ORDER BY {keys}"  # noqa: S608 - names of ours

        def ask(tx: Transaction, who: Who) -> Awaitable[object]:
            tx.act_for(who.home, limit_key="plans")
            found = who.middle(middle) if deep else ()
            after = dict(zip(section.key, found, strict=True)) if found else None
            scope = Scope(who.home, (who.home,), frozenset({who.home}))
            return export_tables.page(tx, scope, section, after)

        page = "the middle" if deep else "first page"
        name = f"archive: {member} of {section.table}, {page}"
        return Case(name, "", ask, because=ONCE, acts=True)

    return [
        one(member, section, deep=deep)
        for member, sections in export_tables.sections().items()
        for section in sections
        for deep in (False, True)
    ]


def _retention() -> list[Case]:
    def one(rule: Rule) -> Case:
        def ask(tx: Transaction, _: Who) -> Awaitable[object]:
            return retention.bite(tx, rule, now=clock.now())

        return Case(f"retention: {rule.name}", "", ask, role="vt_retention", because=A_BITE)

    return [one(rule) for rule in RULES]


def all_of() -> list[Case]:
    """In the roles that do it."""
    worker: list[tuple[str, str, Callable[[Transaction, Who], Awaitable[object] | None], str]] = [
        (
            "leases that nobody needs",
            "",
            lambda tx, _: due.sweep(tx),
            "one for each row in hand: they are few",
        ),
        (
            "deliveries that nobody looks after",
            "ix_deliveries_status",
            lambda tx, _: due_reminders.rescue(tx),
            "those on their way are looked at, and they alone",
        ),
        (
            "outbox: what is to be started",
            "ix_outbox_priority",
            lambda tx, _: outbox.claim(tx, limit=100, lease=timedelta(seconds=30)),
            "",
        ),
        (
            "outbox: how much waits",
            "",
            lambda tx, _: outbox.depth(tx),
            "what is counted is read; it is empty but while Temporal is away",
        ),
        (
            "outbox: what an operator sees",
            "",
            lambda tx, _: outbox.entries(tx, dead_only=True),
            "an operator's; it is empty but while Temporal is away",
        ),
        (
            "executions not closed",
            "ix_executions_started_at",
            lambda tx, _: executions.unclosed(
                tx, age=timedelta(minutes=5), after=None, limit=BATCH
            ),
            "",
        ),
        (
            "blobs that are named",
            "",
            lambda tx, _: memo_audio.named(tx, [f"memos/{n}" for n in range(200)]),
            "parts of uploads are looked through: they are few, and over in a day",
        ),
        ("erasures that are open", "uq_erasures_one_open", lambda tx, _: erasures.open_(tx), ""),
        ("requests for one's data", "", lambda tx, _: data_requests.page(tx), ""),
    ]
    return [
        *(case for kind, source in SOURCES.items() for case in _of_kind(kind, source)),
        *_batches(),
        *_calendars(),
        *(
            Case(name, index, ask, role="vt_worker", because=why)
            for name, index, ask, why in worker
        ),
        *_retention(),
        *_archives(),
    ]
