"""A person's digest: armed for their next period. `due_digests` sends it."""

from datetime import datetime
from typing import Final
from uuid import UUID

from core.db import Transaction
from core.rules import zones
from core.rules.digests import Plan
from core.services import lanes
from core.statements import Query, row

# An arming that says nothing new changes nothing: what is on its way for it goes on.
_ARM: Final = Query(
    b"""
    INSERT INTO digests AS g (workspace_id, id, lane, next_at, due_on, period, armed_zone,
                              armed_tzdata, updated_at)
    VALUES (%(user_id)s, %(user_id)s, %(lane)s, %(next_at)s, %(due_on)s, %(period)s, %(zone)s,
            %(tzdata)s, %(now)s)
    ON CONFLICT (workspace_id, id) DO UPDATE SET
        next_at = excluded.next_at, due_on = excluded.due_on, period = excluded.period,
        armed_zone = excluded.armed_zone, armed_tzdata = excluded.armed_tzdata,
        arm_no = g.arm_no + 1, updated_at = excluded.updated_at
    WHERE (g.next_at, g.period) IS DISTINCT FROM (excluded.next_at, excluded.period)
    """,
    row,
    {},
    writes=True,
)
_DISARM: Final = Query(
    b"""
    UPDATE digests SET next_at = NULL, due_on = NULL, period = NULL, arm_no = arm_no + 1,
        updated_at = %(now)s
    WHERE workspace_id = %(user_id)s AND id = %(user_id)s AND next_at IS NOT NULL
    """,
    row,
    {},
    writes=True,
)


def follow(tx: Transaction, user_id: UUID, plan: Plan, zone: str, *, now: datetime) -> None:
    """Queue arming it for this plan in this zone, or putting it to rest.

    Call whenever one of the two changed. One row a person: unlike todos and reminders it always
    moves at once, never in a job. A period that was told already is not told again by any plan.
    """
    slot = plan.next(now, zone, user_id)
    if slot is None:
        tx.run(_DISARM, user_id=user_id, now=now)
        return
    tx.run(
        _ARM,
        user_id=user_id,
        lane=lanes.of(user_id),
        next_at=slot.at,
        due_on=slot.on,
        period=slot.period,
        zone=zone,
        tzdata=zones.tzdata_version(),
        now=now,
    )
