"""An erasure as its workflow goes through it, store by store. Works as `vt_eraser`.

1. `begin`, once the grace is over: from then on nobody signs in, and nothing is sent.
2. `enter` a store, work on it in as many transactions as it takes, `add` what each took, `leave`
   it. Counts are written with what they count: a worker that dies leaves them right.
3. `finish`: the account, the ledger and the receipt, in one transaction.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from psycopg.types.json import Jsonb

from core.db import Transaction
from core.messages import Store
from core.models.erasures import ErasureStatus
from core.rules import receipts
from core.services import (
    audits,
    data_requests,
    erasure_rows,
    erasures,
    executions,
    merges,
    subject_keys,
)
from core.statements import Query, row


@dataclass(frozen=True, slots=True)
class Waiting:
    """Not yet."""

    for_: timedelta


@dataclass(frozen=True, slots=True)
class At:
    """A store that is being erased. `since`: when that was tried first."""

    user_id: UUID
    receipt_id: UUID
    email: str | None
    since: datetime
    attempts: int


@dataclass(frozen=True, slots=True)
class _Row:
    user_id: UUID
    receipt_id: UUID
    status: str
    due_at: datetime
    steps: dict[str, Any]


_LOCK: Final = Query(
    b"""
    SELECT user_id, receipt_id, status, due_at, steps FROM erasures WHERE id = %(id)s
    FOR UPDATE
    """,
    _Row,
    {},
    writes=False,
)
_BEGIN: Final = Query(
    b"UPDATE erasures SET status = 'running' WHERE id = %(id)s", row, {}, writes=True
)
_SHUT: Final = Query(
    b"UPDATE users SET status = 'erasing', password_hash = NULL, updated_at = %(now)s"
    b" WHERE id = %(user)s",
    row,
    {},
    writes=True,
)
_SIGN_OUT: Final = Query(
    b"UPDATE sessions SET revoked_at = %(now)s WHERE user_id = %(user)s AND revoked_at IS NULL",
    row,
    {},
    writes=True,
)
_EMAIL: Final = Query(b"SELECT email FROM users WHERE id = %(user)s", row, {}, writes=False)
_PUT: Final = Query(
    b"UPDATE erasures SET steps = steps || jsonb_build_object(%(store)s::text, %(step)s::jsonb)"
    b" WHERE id = %(id)s",
    row,
    {},
    writes=True,
)
_ADD: Final = Query(
    b"""
    UPDATE erasures SET steps = jsonb_set(steps, ARRAY[%(store)s, 'counts', %(what)s]::text[],
        to_jsonb(coalesce((steps #>> ARRAY[%(store)s, 'counts', %(what)s]::text[])::bigint, 0)
                 + %(count)s))
    WHERE id = %(id)s
    """,
    row,
    {},
    writes=True,
)
_REMEMBER: Final = Query(
    b"INSERT INTO erasure_ledger (user_id, erased_at) VALUES (%(user)s, %(now)s)"
    b" ON CONFLICT DO NOTHING",
    row,
    {},
    writes=True,
)
_RECEIPT: Final = Query(
    b"INSERT INTO erasure_receipts (id, issued_at, counts, signature)"
    b" VALUES (%(id)s, %(now)s, %(counts)s, %(signature)s)",
    row,
    {},
    writes=True,
)
_DONE: Final = Query(
    b"UPDATE erasures SET status = 'done', finished_at = %(now)s WHERE id = %(id)s",
    row,
    {},
    writes=True,
)


async def begin(tx: Transaction, erasure_id: UUID, *, now: datetime) -> UUID | Waiting | None:
    """Whose account ends now; how long to wait before; null where nothing is left to do.

    Anonymous accounts that were linked to it end with it, each by an erasure of its own.
    """
    found = await tx.first(_LOCK, id=erasure_id)
    if found is None or found.status in {ErasureStatus.DONE, ErasureStatus.CANCELLED}:
        return None
    if found.status == ErasureStatus.WAITING:
        if found.due_at > now:
            return Waiting(found.due_at - now)
        tx.run(_BEGIN, id=erasure_id)
        # What an anonymous account could not bring along stayed there; it is the same person's.
        for linked in await merges.linked(tx, found.user_id):
            await erasures.request(tx, linked, grace=timedelta(0), now=now)
        audits.record(tx, "erasure.begun", actor_id=None, subject_id=found.user_id)
    tx.run(_SHUT, user=found.user_id, now=now)
    tx.run(_SIGN_OUT, user=found.user_id, now=now)
    return found.user_id


async def enter(tx: Transaction, erasure_id: UUID, store: Store, *, now: datetime) -> At | None:
    """Say that it is tried, once more. Null: it is done already, or all of it is."""
    found = await tx.first(_LOCK, id=erasure_id)
    if found is None or found.status != ErasureStatus.RUNNING:
        return None
    step = found.steps.get(store) or {"counts": {}, "attempts": 0, "since": now.isoformat()}
    if step.get("state") == "done":
        return None
    attempts = step["attempts"] + 1
    _put(tx, erasure_id, store, {**step, "state": "running", "attempts": attempts})
    address = await tx.first(_EMAIL, user=found.user_id)
    since = datetime.fromisoformat(step["since"])
    return At(found.user_id, found.receipt_id, address[0] if address else None, since, attempts)


def add(tx: Transaction, erasure_id: UUID, store: Store, what: str, count: int) -> None:
    """Queue that so many more of these went."""
    if count:
        tx.run(_ADD, id=erasure_id, store=store, what=what, count=count)


async def fail(tx: Transaction, erasure_id: UUID, store: Store, problem: str) -> None:
    """Say why it is tried again: the name of a kind of error, or of who does not answer."""
    found = await tx.first(_LOCK, id=erasure_id)
    if found is not None and store in found.steps:
        _put(tx, erasure_id, store, {**found.steps[store], "state": "retried", "problem": problem})


async def leave(
    tx: Transaction, erasure_id: UUID, store: Store, *, counts: Mapping[str, int]
) -> None:
    """It is done; `counts` of what was not told with `add`. Twice is once."""
    found = await tx.first(_LOCK, id=erasure_id)
    if found is None or found.status != ErasureStatus.RUNNING:
        return
    step = found.steps[store]
    told = {**step["counts"], **{what: n for what, n in counts.items() if n}}
    done = {key: value for key, value in step.items() if key not in {"problem", "since"}}
    _put(tx, erasure_id, store, {**done, "state": "done", "counts": told})


async def finish(
    tx: Transaction, erasure_id: UUID, workflow_id: str, *, key: Ed25519PrivateKey, now: datetime
) -> None:
    """The account goes, and its receipt is signed. Twice is once."""
    executions.close(tx, workflow_id, now=now)
    found = await tx.first(_LOCK, id=erasure_id)
    if found is None or found.status != ErasureStatus.RUNNING:
        return
    keys = await subject_keys.destroy(tx, found.user_id)
    removed = await erasure_rows.remove(tx, found.user_id)
    stores = {store: step["counts"] for store, step in found.steps.items()}
    stores[Store.ACCOUNT] = {"users": int(removed), **({"keys": keys} if keys else {})}
    receipt = {"id": str(found.receipt_id), "issued_at": now.isoformat(), "stores": stores}
    tx.run(_REMEMBER, user=found.user_id, now=now)
    tx.run(
        _RECEIPT,
        id=found.receipt_id,
        now=now,
        counts=Jsonb(stores),
        signature=receipts.sign(key, receipt),
    )
    tx.run(_DONE, id=erasure_id, now=now)
    data_requests.close(tx, erasure_id, now=now)
    audits.record(tx, "account.erased", actor_id=None, subject_id=found.user_id)


def _put(tx: Transaction, erasure_id: UUID, store: Store, step: dict[str, Any]) -> None:
    tx.run(_PUT, id=erasure_id, store=store, step=Jsonb(step))
