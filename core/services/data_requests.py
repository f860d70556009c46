"""The register of what people ask for under Chapter III of the GDPR, and until when it is answered.

Exports and erasures write themselves in; whatever comes by mail, an operator writes in. One month
from receipt, and two more once if the person is told so within the first (Art. 12(3)).
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from core.db import Transaction
from core.errors import Conflict, NotFound
from core.ids import uuid7
from core.rules.data_requests import RequestKind, RequestOutcome
from core.statements import Query, row


@dataclass(frozen=True, slots=True)
class DataRequest:
    """`subject_id` is the export or erasure that answers it; without one, people do.

    A null `user_id`: from somebody without an account.
    """

    id: UUID
    kind: str
    user_id: UUID | None
    subject_id: UUID | None
    received_at: datetime
    due_at: datetime
    extended_at: datetime | None
    closed_at: datetime | None
    outcome: str | None


_COLUMNS: Final = (
    b"id, kind, user_id, subject_id, received_at, due_at, extended_at, closed_at, outcome"
)
_ADD: Final = Query(
    b"""
    INSERT INTO data_requests (id, kind, user_id, subject_id, received_at, due_at)
    VALUES (%(id)s, %(kind)s, %(user_id)s, %(subject_id)s, %(at)s::timestamptz,
        (%(at)s::timestamptz AT TIME ZONE 'UTC' + interval '1 month') AT TIME ZONE 'UTC')
    ON CONFLICT (subject_id) DO NOTHING
    """,
    row,
    {},
    writes=True,
)
# Who is gone waits for no archive any more.
_CLOSE_OF: Final = Query(
    b"""
    UPDATE data_requests SET closed_at = %(now)s,
        outcome = CASE WHEN subject_id = %(subject_id)s THEN %(outcome)s ELSE 'withdrawn' END
    WHERE closed_at IS NULL AND (
        subject_id = %(subject_id)s
        OR subject_id IS NOT NULL AND %(outcome)s = 'done' AND user_id = (
            SELECT user_id FROM data_requests
            WHERE subject_id = %(subject_id)s AND kind = 'erasure'
        )
    )
    """,
    row,
    {},
    writes=True,
)
_CLOSE: Final = Query(
    b"""
    UPDATE data_requests SET closed_at = %(now)s, outcome = %(outcome)s
    WHERE id = %(id)s AND closed_at IS NULL
    RETURNING """
    + _COLUMNS,
    DataRequest,
    {},
    writes=True,
)
_EXTEND: Final = Query(
    b"""
    UPDATE data_requests SET extended_at = %(now)s,
        due_at = (received_at AT TIME ZONE 'UTC' + interval '3 months') AT TIME ZONE 'UTC'
    WHERE id = %(id)s AND closed_at IS NULL AND extended_at IS NULL AND due_at > %(now)s
    RETURNING """
    + _COLUMNS,
    DataRequest,
    {},
    writes=True,
)
_GET: Final = Query(
    b"SELECT " + _COLUMNS + b" FROM data_requests WHERE id = %(id)s",
    DataRequest,
    {},
    writes=False,
)
_PERSON: Final = Query(
    b"SELECT id FROM users WHERE email = lower(%(email)s)", row, {}, writes=False
)
_PAGE: Final = Query(
    b"SELECT "
    + _COLUMNS
    + b"""
    FROM data_requests WHERE closed_at IS NULL OR %(closed)s::boolean
    ORDER BY closed_at DESC NULLS FIRST, due_at LIMIT 1000
    """,
    DataRequest,
    {},
    writes=False,
)


def begin(
    tx: Transaction,
    kind: RequestKind,
    user_id: UUID | None,
    *,
    now: datetime,
    subject_id: UUID | None = None,
) -> UUID:
    """Queue a request that came `now`. Those of one `subject_id` are one, however often told."""
    request_id = uuid7()
    tx.run(_ADD, id=request_id, kind=kind, user_id=user_id, subject_id=subject_id, at=now)
    return request_id


def close(
    tx: Transaction,
    subject_id: UUID,
    outcome: RequestOutcome = RequestOutcome.DONE,
    *,
    now: datetime,
) -> None:
    """Queue that this export or erasure answered its request; what is closed stays as it is.

    An erasure that is done ends the exports of its person that were not.
    """
    tx.run(_CLOSE_OF, subject_id=subject_id, outcome=outcome, now=now)


async def close_by_hand(
    tx: Transaction, request_id: UUID, outcome: RequestOutcome, *, now: datetime
) -> DataRequest:
    """Raises `NotFound`, `Conflict` when it was closed before."""
    found = await tx.first(_CLOSE, id=request_id, outcome=outcome, now=now)
    return found or await _refuse(tx, request_id, "it is closed already")


async def extend(tx: Transaction, request_id: UUID, *, now: datetime) -> DataRequest:
    """Two months more. Raises `NotFound`, `Conflict` when it is too late or was done before."""
    found = await tx.first(_EXTEND, id=request_id, now=now)
    return found or await _refuse(
        tx, request_id, "only an open request is extended, once, and within its first month"
    )


async def _refuse(tx: Transaction, request_id: UUID, why: str) -> DataRequest:
    if await tx.first(_GET, id=request_id) is None:
        raise NotFound("there is no such request")
    raise Conflict(why)


async def person(tx: Transaction, email: str) -> UUID:
    """Whose address it is. Raises `NotFound`."""
    found = await tx.first(_PERSON, email=email)
    if found is None:
        raise NotFound(f"there is no account of {email}")
    (user_id,) = found
    return UUID(str(user_id))


async def page(tx: Transaction, *, closed: bool = False) -> list[DataRequest]:
    """Open ones, the most urgent first, and then those that are `closed`; 1,000 at most."""
    return await tx.all(_PAGE, closed=closed)
