"""App Homes in Slack: what is due today and overdue, shown as long as somebody looks.

Opening one makes its row due at once. For ten minutes after that the row also follows the feed of
its connection's workspace, three seconds behind at most, so that a burst of changes is one call of
Slack's; and what shows the same as before is no call at all. Nothing is written by who changes
todos.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any, Final, Self
from uuid import UUID

from core import due
from core.crypto import Keyring
from core.db import Transaction
from core.due import SOURCES, Claimed
from core.messages import Kind
from core.models.connections import Provider
from core.rules import zones
from core.rules.digests import DigestContent, Frequency
from core.rules.preferences import Preferences
from core.services import connections, digest_contents, lanes
from core.services.connections import Connection
from core.services.digest_contents import Reader
from core.statements import Query, row

SOURCE: Final = SOURCES[Kind.SLACK_HOMES]
MOST_FAILURES: Final = 5  # in a row; then it waits until it is opened again
FIRST_WAIT: Final = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class Home:
    """One that is to show what is. `seq`: the feed was there when it was looked at."""

    workspace_id: UUID
    id: UUID
    arm_no: int
    seq: int
    shows: bytes | None
    failures: int
    user_id: UUID
    slack_user_id: str
    locale: str
    zone: str
    preferences: Preferences

    @classmethod
    def of_row(cls, *values: Any) -> Self:
        read: tuple[Any, ...] = (*values[:-1], Preferences.of(values[-1]))
        return cls(*read)


@dataclass(frozen=True, slots=True)
class Content:
    """`reminders`: of these todos, when they remind next."""

    digest: DigestContent
    reminders: Mapping[UUID, datetime]


@dataclass(frozen=True, slots=True)
class Shown:
    """What became of one. `shows` null: nothing new was published; `next_at`: it is tried again."""

    home: Home
    shows: bytes | None = None
    failed: bool = False
    next_at: datetime | None = None


_LOOK: Final = Query(
    b"""
    INSERT INTO slack_homes AS h (workspace_id, id, lane, next_at, looked_at)
    VALUES (%(workspace_id)s, %(id)s, %(lane)s, %(now)s, %(now)s)
    ON CONFLICT (workspace_id, id) DO UPDATE SET
        next_at = excluded.next_at, looked_at = excluded.looked_at, arm_no = h.arm_no + 1,
        shows = NULL, failures = 0, updated_at = excluded.looked_at
    """,
    row,
    {},
    writes=True,
)
_FIND: Final = Query(
    b"""
    SELECT h.workspace_id, h.id, h.arm_no, coalesce(f.seq, 0), h.shows, h.failures, c.user_id,
           m.slack_user_id, u.locale, u.timezone, u.preferences
    FROM unnest(%(workspaces)s::uuid[], %(ids)s::uuid[], %(arm_nos)s::int[])
        AS mine (workspace_id, id, arm_no)
    JOIN slack_homes h ON h.workspace_id = mine.workspace_id AND h.id = mine.id
        AND h.arm_no = mine.arm_no
    JOIN connections c ON c.workspace_id = h.workspace_id AND c.id = h.id
    JOIN slack_members m ON m.workspace_id = c.workspace_id AND m.connection_id = c.id
    JOIN users u ON u.id = c.user_id AND u.status = 'active'
    LEFT JOIN feeds f ON f.workspace_id = h.workspace_id
    """,
    Home.of_row,
    {},
    writes=False,
)
_REMINDERS: Final = Query(
    b"""
    SELECT todo_id, min(next_at) FROM reminders
    WHERE workspace_id = ANY (%(workspaces)s::uuid[]) AND todo_id = ANY (%(todos)s::uuid[])
      AND next_at IS NOT NULL
    GROUP BY todo_id
    """,
    row,
    {},
    writes=False,
)
_FINISH: Final = Query(
    b"""
    UPDATE slack_homes SET next_at = %(next_at)s, seq = %(seq)s, failures = %(failures)s,
        shows = coalesce(%(shows)s, shows),
        published_at = CASE WHEN %(shows)s::bytea IS NULL THEN published_at ELSE %(now)s END,
        updated_at = %(now)s
    WHERE workspace_id = %(workspace_id)s AND id = %(id)s AND arm_no = %(arm_no)s
    """,
    row,
    {},
    writes=True,
)
_CLOSE: Final = Query(
    b"""
    UPDATE slack_homes h SET next_at = NULL, failures = %(failures)s, updated_at = %(now)s
    FROM unnest(%(workspaces)s::uuid[], %(ids)s::uuid[], %(arm_nos)s::int[])
        AS mine (workspace_id, id, arm_no)
    WHERE h.workspace_id = mine.workspace_id AND h.id = mine.id AND h.arm_no = mine.arm_no
    """,
    row,
    {},
    writes=True,
)


def publish(tx: Transaction, workspace_id: UUID, connection_id: UUID, *, now: datetime) -> None:
    """Queue showing what is, within a second or so, and keeping it so for ten minutes.

    Call when the Home was opened, or somebody pressed a button on it; `tx` acts in the workspace.
    """
    lane = lanes.of(connection_id)
    tx.run(_LOOK, workspace_id=workspace_id, id=connection_id, lane=lane, now=now)


async def find(tx: Transaction, claimed: Sequence[Claimed], *, now: datetime) -> list[Home]:
    """Those of the claimed that can be shown; the others are closed until they are opened."""
    tx.act_in(list({each.workspace_id for each in claimed}))
    found = await tx.all(_FIND, **_columns(claimed))
    ours = {(each.workspace_id, each.id) for each in found}
    closed = [each for each in claimed if (each.workspace_id, each.id) not in ours]
    if closed:
        tx.run(_CLOSE, **_columns(closed), failures=MOST_FAILURES, now=now)
        due.release(tx, SOURCE, closed)
    return found


async def read(
    tx: Transaction,
    homes: Sequence[Home],
    workspaces: Mapping[UUID, Sequence[UUID]],
    *,
    now: datetime,
) -> dict[UUID, Content]:
    """What each person is shown, as a digest of today has it (`due_digests.workspaces_of`)."""
    everywhere = list({key for each in homes for key in workspaces.get(each.user_id, ())})
    tx.act_in(everywhere)
    digests = await digest_contents.read(
        tx,
        [
            Reader(
                user_id=each.user_id,
                zone=each.zone,
                frequency=Frequency.DAILY,
                workspaces=workspaces.get(each.user_id, ()),
                muted=each.preferences.muted_lists,
                since=zones.instant(zones.today(now, each.zone), time(0), each.zone),
                now=now,
            )
            for each in {home.user_id: home for home in homes}.values()
        ],
    )
    todos = [i.id for each in digests.values() for part in each.parts for i in part.items]
    reminders = dict(await tx.all(_REMINDERS, workspaces=everywhere, todos=todos))
    return {
        user_id: Content(
            digest,
            {
                item.id: reminders[item.id]
                for part in digest.parts
                for item in part.items
                if item.id in reminders
            },
        )
        for user_id, digest in digests.items()
    }


async def connection(tx: Transaction, home: Home, *, ring: Keyring) -> Connection | None:
    """By which it is shown; none where it is paused."""
    tx.act_in([home.workspace_id])
    return await connections.find(tx, home.workspace_id, home.user_id, Provider.SLACK, ring=ring)


def finish(tx: Transaction, claimed: Claimed, shown: Shown, *, now: datetime) -> None:
    """Queue what became of it. One that was opened again meanwhile is left to that."""
    home = shown.home
    tx.act_in([home.workspace_id])
    given_up = shown.failed and shown.next_at is None
    tx.run(
        _FINISH,
        workspace_id=home.workspace_id,
        id=home.id,
        arm_no=home.arm_no,
        seq=home.seq,
        shows=shown.shows,
        failures=MOST_FAILURES if given_up else home.failures + 1 if shown.failed else 0,
        next_at=shown.next_at,
        now=now,
    )
    due.release(tx, SOURCE, [claimed])


def again(home: Home, asked: timedelta | None, *, now: datetime) -> datetime | None:
    """When to try one that failed; null: no more, until it is opened."""
    if home.failures + 1 >= MOST_FAILURES:
        return None
    return now + (asked or FIRST_WAIT * 2**home.failures)


def _columns(claimed: Sequence[Claimed]) -> dict[str, Any]:
    return {
        "workspaces": [each.workspace_id for each in claimed],
        "ids": [each.id for each in claimed],
        "arm_nos": [each.arm_no for each in claimed],
    }
