"""Reminders that fall due: looked at once more, written into the ledger, finished or armed anew.

`begin` and `finish` are one transaction each for a whole batch, so that ten thousand reminders of
one second cost fifty transactions. A batch holds fewer than 250 workspaces (feeds are locked).
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from core import due
from core.db import Transaction
from core.due import SOURCES, Claimed
from core.messages import Kind
from core.models.deliveries import Channel
from core.rules import zones
from core.services import deliveries, due_messages, foldings
from core.services.due_ledger import Decided, Ledger, Then
from core.services.due_messages import Begun, Done
from core.services.due_rows import FIND
from core.services.foldings import Foldings
from core.statements import Query, row

__all__ = ["Begun", "Decided", "Done", "Then"]  # what callers of these verbs speak of

SOURCE: Final = SOURCES[Kind.REMINDERS]


# `then_at` null: nothing to come. With a zone it is the next occurrence, another arming, and what
# was sent for this one stays as it is (`since_arm_no`); without one it is the end of quiet hours.
# The instant is only compared: found by it, whoever reminds at nine finds all that are due then.
_FINISH: Final = Query(
    b"""
    UPDATE reminders r SET next_at = done.then_at, version = r.version + 1,
        arm_no = r.arm_no + (done.then_zone IS NOT NULL)::int,
        since_arm_no = CASE WHEN done.then_zone IS NULL THEN r.since_arm_no
                            ELSE coalesce(r.since_arm_no, r.arm_no) END,
        armed_zone = CASE WHEN done.then_at IS NULL THEN r.armed_zone ELSE done.then_zone END,
        armed_tzdata = CASE WHEN done.then_at IS NULL THEN r.armed_tzdata
                            WHEN done.then_zone IS NOT NULL THEN %(tzdata)s END
    FROM unnest(%(workspaces)s::uuid[], %(ids)s::uuid[], %(arm_nos)s::int[],
                %(next_ats)s::timestamptz[], %(then_ats)s::timestamptz[], %(then_zones)s::text[])
        AS done (workspace_id, id, arm_no, next_at, then_at, then_zone)
    WHERE r.workspace_id = done.workspace_id AND r.id = done.id
      AND r.arm_no = done.arm_no AND r.next_at IS NOT DISTINCT FROM done.next_at
    """,
    row,
    {},
    writes=True,
)
_RESCUE: Final = Query(
    b"""
    INSERT INTO outbox (id, workflow_type, workflow_id, arguments, subject_id, fairness_key)
    SELECT gen_random_uuid(), %(type)s, 'delivery:' || d.id,
           jsonb_build_object('workspace_id', d.workspace_id, 'delivery_id', d.id,
                              'queue', nullif(d.channel, 'in_app')),
           d.subject_id, d.workspace_id::text
    FROM (SELECT * FROM deliveries WHERE status IN ('pending', 'sending')
          UNION ALL SELECT * FROM deliveries WHERE status = 'held') d  -- each has its index
    WHERE d.kind IN ('reminder', 'digest', 'summary', 'escalation')
      AND d.folded_into IS NULL AND d.updated_at < now() - interval '2 minutes'
      AND NOT EXISTS (SELECT FROM reminders r
                      WHERE r.workspace_id = d.workspace_id AND r.id = d.subject_id
                        AND r.arm_no = d.arm_no AND r.next_at IS NOT NULL
                        AND d.kind = 'reminder')
      AND NOT EXISTS (SELECT FROM digests g
                      WHERE g.workspace_id = d.workspace_id AND g.id = d.subject_id
                        AND g.arm_no = d.arm_no AND g.next_at IS NOT NULL
                        AND d.kind = 'digest')
      AND NOT EXISTS (SELECT FROM parked_deliveries p
                      WHERE p.workspace_id = d.workspace_id AND p.id = d.id)
      AND NOT EXISTS (SELECT FROM executions e WHERE e.workflow_id = 'delivery:' || d.id)
      AND NOT EXISTS (SELECT FROM outbox o WHERE o.workflow_id = 'delivery:' || d.id)
    ORDER BY d.updated_at
    LIMIT 500
    """,
    row,
    {},
    writes=True,
)


def rescue(tx: Transaction) -> None:
    """Queue a workflow for each open delivery that nobody looks after (as `vt_worker`).

    Such a one was put back, or held, or its worker died, and then its reminder (or digest) was
    changed, or went with its todo: no tick takes it again. Its workflow finds out what is to
    become of it, and says so in the ledger.
    """
    tx.run(_RESCUE, type=deliveries.RETRY)


async def begin(
    tx: Transaction,
    claimed: Sequence[Claimed],
    *,
    now: datetime,
    dev: bool,
    vendors: Collection[Channel] = deliveries.VENDORS,
    patience: timedelta = timedelta(0),
) -> tuple[list[Begun[Then]], list[Decided]]:
    """Write the ledger for these due reminders; what is to be sent, and what is decided already.

    What changed since it was claimed is left alone; what is armed by other zone rules than today's
    is armed anew; a completed todo's is put to rest; more than a day late is `missed`; in quiet
    hours what makes a noise is `held`; what a sandbox sends is only recorded. All of that is
    finished, lease included, when `tx` commits; only the sends remain to be done. For `patience` an
    e-mail that was found `sending` waits for its vendor's word, in a workflow of its own.
    """
    tx.act_in(list({each.workspace_id for each in claimed}))
    found = {
        each.id: each
        for each in await tx.all(FIND, kind=SOURCE.kind, **_columns(claimed, tokens=True))
    }
    folding = Foldings()
    await folding.look(
        tx,
        foldings.people(
            (each.person.id, each.wanted)
            for each in found.values()
            if not (each.recorded or each.urgent or each.obstacle)
        ),
    )
    ledger = Ledger(tx, now=now, dev=dev, vendors=vendors, foldings=folding, patience=patience)
    begun: list[Begun[Then]] = []
    over, finished = [], []
    for each in claimed:
        reminder = found.get(each.id)
        if reminder is None:
            over.append(each)
            continue
        sends = ledger.add_safely(reminder)
        if sends:
            begun.append(Begun(each, tuple(sends), ledger.then.get(each.id)))
        else:
            over.append(each)
            if reminder.id not in ledger.rearmed:
                finished.append(Done(each, (), ledger.then.get(each.id)))
    ledger.write()
    _finish(tx, finished)
    due.release(tx, SOURCE, over)
    return begun, ledger.decided


async def finish(tx: Transaction, done: Sequence[Done[Then]]) -> None:
    """Settle the deliveries, the reminders and the leases; a passing failure gets its workflow."""
    _finish(tx, await due_messages.settle(tx, done))
    due.release(tx, SOURCE, [each.claimed for each in done])


def _finish(tx: Transaction, done: Sequence[Done[Then]]) -> None:
    if done:
        tx.run(
            _FINISH,
            **_columns([each.claimed for each in done]),
            then_ats=[each.then and each.then.at for each in done],
            then_zones=[each.then and each.then.zone for each in done],
            tzdata=zones.tzdata_version(),
        )


def _columns(claimed: Iterable[Claimed], *, tokens: bool = False) -> dict[str, Any]:
    rows = list(claimed)
    columns: dict[str, Any] = {
        "workspaces": [each.workspace_id for each in rows],
        "ids": [each.id for each in rows],
        "arm_nos": [each.arm_no for each in rows],
        "next_ats": [each.next_at for each in rows],
    }
    return columns | {"tokens": [each.token for each in rows]} if tokens else columns
