"""Everything that falls due: claimed under a lease, worked on, settled by whoever holds the lease.

A table that falls due has `(workspace_id, id, lane, next_at, arm_no)`, a `Source`, and two
indexes: `(lane, next_at) where next_at is not null`, and `(workspace_id, next_at) where lane is
null` for the rows of workspaces with a clock of their own, which no tick takes. Leases stand in a
table of their own: a flag on the row would stay for ever when its worker dies. Their ends are told
by the database's clock, so that workers whose clocks differ, or are set, still agree.

A source that `follows` the feed has a `seq` too, the event up to which each of its rows has read;
whatever is written in a workspace makes its rows due, and the writer knows nothing of them. Each
claim asks for the rows of workspaces in which something was written lately. What that passes by (a
transaction that took longer, a row that was not to be woken then) `wake` finds, of all rows: call
it now and then.

A lease is for one arming: a row armed anew (a snooze) is free again at once. Who lost a lease, by
time or by that, may still settle what it did: each row says for which arming and attempt that was.
Claims cross tenants and run as `vt_worker`; the rows themselves are worked on as `vt_app`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID, uuid4

from core.db import Transaction
from core.messages import Kind
from core.statements import Query, row

LEASE: Final = timedelta(seconds=15)
HORIZON: Final = timedelta(seconds=2)
# Events bear the instant at which their transaction began; they are seen when it has ended. An
# array, which PostgreSQL takes for ten: joined as rows, it may read an index of all who follow.
_LATELY: Final = """
          AND f.workspace_id = ANY (ARRAY(
              SELECT e.workspace_id FROM events e WHERE e.at > now() - interval '15 seconds'
          ))"""


@dataclass(frozen=True, slots=True)
class Claimed:
    """A due row in our hands. `taken_over`: another worker had begun it and died, or rested it."""

    workspace_id: UUID
    id: UUID
    next_at: datetime
    arm_no: int
    token: UUID
    taken_over: bool


def _claiming(table: str, whose: str) -> bytes:
    """The one claim; `whose` says of which rows."""
    # The row lock makes two claimers at one instant pass by each other, and a row that is
    # just being changed wait for its change. NO KEY: a foreign key check need not wait.
    return f"""
    WITH due AS MATERIALIZED (
        SELECT r.workspace_id, r.id, r.next_at, r.arm_no, l.token IS NOT NULL AS taken_over
        FROM {table} r
        LEFT JOIN leases l
            ON l.kind = %(kind)s AND l.workspace_id = r.workspace_id AND l.row_id = r.id
        WHERE {whose} AND r.next_at <= %(before)s
          AND (l.until IS NULL OR l.until <= now() OR l.arm_no <> r.arm_no)
        ORDER BY r.next_at, r.workspace_id, r.id
        LIMIT %(limit)s
        FOR NO KEY UPDATE OF r SKIP LOCKED
    ), leased AS (
        INSERT INTO leases AS l (kind, workspace_id, row_id, arm_no, token, until)
        SELECT %(kind)s, workspace_id, id, arm_no, %(token)s, now() + %(lease)s FROM due
        ON CONFLICT (kind, workspace_id, row_id) DO UPDATE
        SET token = excluded.token, until = excluded.until, arm_no = excluded.arm_no
        WHERE l.until <= now() OR l.arm_no <> excluded.arm_no
        RETURNING l.workspace_id, l.row_id, l.token
    )
    SELECT due.workspace_id, due.id, due.next_at, due.arm_no, leased.token, due.taken_over
    FROM due
    JOIN leased ON leased.workspace_id = due.workspace_id AND leased.row_id = due.id
    ORDER BY due.next_at
    """.encode()  # noqa: S608 - both parts are constants of this module


def _waking(table: str, lanes: str, follows: str, lately: str = "") -> Query[tuple[Any, ...]]:
    """Makes rows due that have not read all of their feed."""
    # Told by what was read and not by a message, so that no wake is ever lost; writers pay
    # nothing for it, and cannot deadlock with who works on the rows.
    sql = f"""
        UPDATE {table} r SET next_at = %(now)s FROM feeds f
        WHERE f.workspace_id = r.workspace_id AND {lanes} AND r.seq < f.seq
          AND (r.next_at IS NULL OR r.next_at > %(now)s) AND ({follows}){lately}
        """  # noqa: S608 - all parts are constants of this module
    return Query(sql.encode(), row, {}, writes=True)


@dataclass(frozen=True, slots=True)
class Source:
    """Where a kind's due rows stand. Table and condition come from code, never from input.

    `follows`: which of its rows `r` the feed of their workspace wakes, as SQL; none: no row.
    """

    kind: Kind
    table: str
    follows: str | None = None
    _wake: Query[tuple[Any, ...]] | None = field(init=False, repr=False)
    _wake_all: Query[tuple[Any, ...]] | None = field(init=False, repr=False)
    _claim: Query[Claimed] = field(init=False, repr=False)
    _claim_in: Query[Claimed] = field(init=False, repr=False)
    _earliest: Query[tuple[Any, ...]] = field(init=False, repr=False)
    _lag: Query[tuple[Any, ...]] = field(init=False, repr=False)
    _adopt: Query[tuple[Any, ...]] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        of_lane = _claiming(self.table, "r.lane = %(lane)s")
        of_workspace = _claiming(self.table, "r.lane IS NULL AND r.workspace_id = %(workspace_id)s")
        earliest = f"""
        SELECT min(next_at) FROM {self.table}
        WHERE lane IS NULL AND workspace_id = %(workspace_id)s AND next_at IS NOT NULL
        """  # noqa: S608 - the table's name is a constant of this module
        lag = f"""
        SELECT count(*), min(next_at) FROM {self.table}
        WHERE lane = %(lane)s AND next_at <= %(now)s
        """  # noqa: S608 - as above
        adopt = f"""
        UPDATE {self.table} SET lane = lane %% %(lanes)s
        WHERE lane >= %(lanes)s AND next_at IS NOT NULL
        """  # noqa: S608 - as above
        # The class is frozen; these are derived once instead of for every look.
        lately = everywhere = None
        if self.follows:
            lately = _waking(self.table, "r.lane = %(lane)s", self.follows, _LATELY)
            lanes = "r.lane BETWEEN %(lane)s AND %(last)s"
            everywhere = _waking(self.table, lanes, self.follows)
        object.__setattr__(self, "_wake", lately)
        object.__setattr__(self, "_wake_all", everywhere)
        object.__setattr__(self, "_claim", Query(of_lane, Claimed, {}, writes=True))
        object.__setattr__(self, "_claim_in", Query(of_workspace, Claimed, {}, writes=True))
        object.__setattr__(self, "_earliest", Query(earliest.encode(), row, {}, writes=False))
        object.__setattr__(self, "_lag", Query(lag.encode(), row, {}, writes=False))
        object.__setattr__(self, "_adopt", Query(adopt.encode(), row, {}, writes=True))


SOURCES: Final = {
    source.kind: source
    for source in (
        Source(Kind.REMINDERS, "reminders"),
        Source(Kind.SERIES, "series"),
        Source(Kind.DIGESTS, "digests"),
        Source(Kind.PARKED, "parked_deliveries"),
        Source(Kind.CALENDARS, "calendar_syncs", follows="r.state = 'idle'"),
        Source(
            Kind.WEBHOOKS,
            "webhook_endpoints",
            follows="r.status = 'active' AND coalesce(r.hold_until <= %(now)s, true)",
        ),
        Source(
            Kind.SLACK_HOMES,
            "slack_homes",
            # Shown at once, and after that no oftener than anybody can look.
            follows="r.looked_at > %(now)s - interval '10 minutes' AND r.failures = 0"
            " AND coalesce(r.published_at <= %(now)s - interval '3 seconds', true)",
        ),
    )
}

# By the key and no more: naming the rows a second time, as arrays, has a plan for all parameters
# compare each with each. 4,000 leases took 9 s to renew so.
_MINE = b"""
    FROM unnest(%(workspaces)s::uuid[], %(ids)s::uuid[], %(tokens)s::uuid[])
        AS mine (workspace_id, row_id, token)
    WHERE l.kind = %(kind)s AND l.workspace_id = mine.workspace_id
      AND l.row_id = mine.row_id AND l.token = mine.token
"""
# Also when it had run out: nobody took it over meanwhile, else the token would be another one.
_RENEW = Query(
    b"UPDATE leases l SET until = now() + %(lease)s"
    + _MINE
    + b"RETURNING l.workspace_id, l.row_id",
    row,
    {},
    writes=True,
)
_RELEASE = Query(
    b"DELETE FROM leases l USING" + _MINE.lstrip().removeprefix(b"FROM"), row, {}, writes=True
)
_REST = Query(
    b"UPDATE leases l SET token = gen_random_uuid(), until = now() + %(lease)s" + _MINE,
    row,
    {},
    writes=True,
)
_MOST_LANES: Final = 32_767  # as the column holds
_SWEEP = Query(b"DELETE FROM leases WHERE until < now() - interval '1 day'", row, {}, writes=True)


def wake(tx: Transaction, source: Source, lane: int, *, lanes: int, now: datetime) -> None:
    """Queue making every row of this lane due that has not read all of its feed.

    Costs in proportion to all who follow. The last lane has those of lanes that no longer exist,
    which nobody else looks at; `adopt` moves them.
    """
    if source._wake_all is not None:  # noqa: SLF001 - as below
        last = lane if lane < lanes - 1 else _MOST_LANES
        tx.run(source._wake_all, lane=lane, last=last, now=now)  # noqa: SLF001 - as below


async def claim(
    tx: Transaction,
    source: Source,
    lane: int,
    *,
    now: datetime,
    horizon: timedelta = HORIZON,
    limit: int,
    lease: timedelta = LEASE,
) -> list[Claimed]:
    """Lease the rows of this lane that fall due until `now + horizon`, the earliest first.

    Of several claimers at one instant each row goes to one of them. The lease counts from before
    this call returns: measure what is left of it from before the call.
    """
    if source._wake is not None:  # noqa: SLF001 - as below
        tx.run(source._wake, lane=lane, now=now)  # noqa: SLF001 - as below
    return await tx.all(
        source._claim,  # noqa: SLF001 - compiled there once, of use here only
        kind=source.kind,
        lane=lane,
        before=now + horizon,
        limit=limit,
        lease=lease,
        token=uuid4(),
    )


async def claim_in(
    tx: Transaction,
    source: Source,
    workspace_id: UUID,
    *,
    until: datetime,
    limit: int,
    lease: timedelta = LEASE,
) -> list[Claimed]:
    """As `claim`, of a workspace with a clock of its own: what falls due there up to `until`.

    Its rows belong to one tenant, so this works as `vt_app` just as well.
    """
    return await tx.all(
        source._claim_in,  # noqa: SLF001 - as in `claim`
        kind=source.kind,
        workspace_id=workspace_id,
        before=until,
        limit=limit,
        lease=lease,
        token=uuid4(),
    )


async def earliest(tx: Transaction, source: Source, workspace_id: UUID) -> datetime | None:
    """When the next row falls due in a workspace with a clock of its own; null: none waits."""
    found = await tx.first(source._earliest, workspace_id=workspace_id)  # noqa: SLF001 - as in `claim`
    return found[0] if found else None


async def renew(
    tx: Transaction, source: Source, claimed: Sequence[Claimed], *, lease: timedelta = LEASE
) -> set[tuple[UUID, UUID]]:
    """Extend the leases; the `(workspace_id, id)` of the rows that are still ours."""
    parameters = _named(source, claimed)
    return {(each[0], each[1]) for each in await tx.all(_RENEW, **parameters, lease=lease)}


def release(tx: Transaction, source: Source, claimed: Sequence[Claimed]) -> None:
    """Queue giving the leases up. A lease that is no longer ours is left alone."""
    if claimed:
        tx.run(_RELEASE, **_named(source, claimed))


def rest(tx: Transaction, source: Source, claimed: Sequence[Claimed], *, wait: timedelta) -> None:
    """Queue that these rows are claimed again after `wait` and not before, by anybody.

    A lease that nobody holds: the row keeps its `next_at`, which says since when it is due.
    """
    if claimed:
        tx.run(_REST, **_named(source, claimed), lease=wait)


def adopt(tx: Transaction, source: Source, *, lanes: int) -> None:
    """Queue moving the rows of lanes that no longer exist: with fewer lanes none may be lost."""
    tx.run(source._adopt, lanes=lanes)  # noqa: SLF001 - as in `claim`


def sweep(tx: Transaction) -> None:
    """Queue forgetting leases of rows that are gone; a row that is there is claimed long before."""
    tx.run(_SWEEP)


async def lag(
    tx: Transaction, source: Source, lane: int, *, now: datetime
) -> tuple[int, timedelta]:
    """How many rows of the lane are overdue, and for how long the oldest is."""
    found = await tx.first(source._lag, lane=lane, now=now)  # noqa: SLF001 - as in `claim`
    count, oldest = found or (0, None)
    return count, now - oldest if oldest else timedelta(0)


def _named(source: Source, claimed: Iterable[Claimed]) -> dict[str, Any]:
    rows = list(claimed)
    return {
        "kind": source.kind,
        "workspaces": [each.workspace_id for each in rows],
        "ids": [each.id for each in rows],
        "tokens": [each.token for each in rows],
    }
