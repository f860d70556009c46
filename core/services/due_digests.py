"""Digests that fall due: looked at once more, their contents read, written into the ledger.

`begin` and `finish` are one transaction each for a batch, with the same number of queries however
many people it is for. What makes a period's digest one, wherever a worker is killed:
1. `begin` writes the period and its deliveries together; the period's key refuses a second one;
2. until `finish` the row stays due: whoever takes its lease over finds the deliveries of this
   arming, and goes on with those that are open, under their names;
3. armed anew meanwhile, the row leaves them to workflows of their own (`rescue`).
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from core import due
from core.db import Transaction
from core.due import SOURCES, Claimed
from core.messages import Kind
from core.models.deliveries import Channel
from core.rules import zones
from core.rules.digests import DigestContent, Frequency
from core.rules.preferences import Preferences
from core.services import deliveries, digest_contents, due_messages
from core.services.deliveries import Person
from core.services.digest_ledger import DigestLedger
from core.services.digest_rows import FIND, Next, reader_of
from core.services.due_ledger import Decided
from core.services.due_messages import Begun, Done
from core.statements import Query, row

SOURCE: Final = SOURCES[Kind.DIGESTS]


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
    each = reader_of(person, preferences, workspaces, since, now=now, frequency=frequency)
    return (await digest_contents.read(tx, [each]))[person.id]


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
    batch = DigestLedger(tx, now=now, dev=dev, vendors=vendors, patience=patience)
    found = {each.workspace_id: each for each in await tx.all(FIND, **_columns(claimed))}
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
