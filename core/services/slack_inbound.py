"""What Slack told us: written before it is acknowledged, done once, answered after that.

1. `take` writes it and asks for the workflow, in the transaction of Slack's request. Told again, in
   whatever order and however often, it is the same row, and nothing more is written.
2. `lock` reads it for whoever does it; `done` closes it in the transaction that did it, with what
   is to be said to it.
3. `said`, once that is said.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID, uuid5

from psycopg.types.json import Jsonb

from core import outbox
from core.db import Transaction
from core.models.slack_inbound import InboundKind
from core.services import executions
from core.statements import Query, row

WORKFLOW: Final = "HandleSlack"
PRIORITY: Final = 1  # somebody looks at the screen
_OURS: Final = UUID("7c1b3f0e-5d2a-4c8e-9b51-2f6c5a1d9e44")  # under which ids are made of keys


@dataclass(frozen=True, slots=True)
class Told:
    """`key` is Slack's own id of it; `body` is what is needed of it, in JSON."""

    kind: InboundKind
    key: str
    team_id: str
    slack_user_id: str
    body: Mapping[str, Any]

    @property
    def id(self) -> UUID:
        return uuid5(_OURS, f"{self.kind}|{self.team_id}|{self.key}")


@dataclass(frozen=True, slots=True)
class Inbound:
    """As it stands; `body` is null once it is done, `answer` once that is said, or if none is."""

    id: UUID
    kind: InboundKind
    team_id: str
    slack_user_id: str
    body: dict[str, Any] | None
    answer: dict[str, Any] | None
    received_at: datetime
    done_at: datetime | None


@dataclass(frozen=True, slots=True)
class Ending:
    """What came of it: `result` in a word, whose it was, what it changed, what is to be said."""

    result: str
    user_id: UUID | None = None
    change_set_id: UUID | None = None
    answer: Mapping[str, Any] | None = None


_TAKE: Final = Query(
    b"""
    INSERT INTO slack_inbound (id, kind, team_id, slack_user_id, body, received_at)
    VALUES (%(id)s, %(kind)s, %(team_id)s, %(slack_user_id)s, %(body)s, %(now)s)
    ON CONFLICT DO NOTHING
    RETURNING id
    """,
    row,
    {},
    writes=True,
)
_COLUMNS: Final = b"""
    SELECT id, kind, team_id, slack_user_id, body, answer, received_at, done_at
    FROM slack_inbound WHERE id = %(id)s
"""
_GET: Final = Query(_COLUMNS, Inbound, {}, writes=False)
_LOCK: Final = Query(_COLUMNS + b"FOR UPDATE", Inbound, {}, writes=False)
_DONE: Final = Query(
    b"""
    UPDATE slack_inbound SET body = NULL, answer = %(answer)s, result = %(result)s,
        user_id = %(user_id)s, change_set_id = %(change_set_id)s, done_at = %(now)s
    WHERE id = %(id)s
    """,
    row,
    {},
    writes=True,
)
_SAID: Final = Query(
    b"UPDATE slack_inbound SET answer = NULL WHERE id = %(id)s", row, {}, writes=True
)
_LAST_CHANGE: Final = Query(
    b"""
    SELECT change_set_id FROM slack_inbound
    WHERE user_id = %(user_id)s AND change_set_id IS NOT NULL
      AND done_at > %(now)s - interval '1 day'
    ORDER BY done_at DESC, id LIMIT 1
    """,
    row,
    {},
    writes=False,
)
_FORGET_CHANGE: Final = Query(
    b"""
    UPDATE slack_inbound SET change_set_id = NULL
    WHERE user_id = %(user_id)s AND change_set_id = %(change_set_id)s
    """,
    row,
    {},
    writes=True,
)


async def take(tx: Transaction, told: Told, *, now: datetime) -> bool:
    """Keep it and have it done; False: it was told before."""
    taken = await tx.first(
        _TAKE,
        id=told.id,
        kind=told.kind,
        team_id=told.team_id,
        slack_user_id=told.slack_user_id,
        body=Jsonb(dict(told.body)),
        now=now,
    )
    if taken is None:
        return False
    outbox.start(
        tx,
        WORKFLOW,
        workflow_id(told.id),
        subject_id=told.id,
        tenant=uuid5(_OURS, told.team_id),
        priority=PRIORITY,
        inbound_id=told.id,
    )
    return True


async def lock(tx: Transaction, inbound_id: UUID) -> Inbound | None:
    """Null: it is forgotten. Who is the second to do it waits here, and then finds it done."""
    return await tx.first(_LOCK, id=inbound_id)


async def get(tx: Transaction, inbound_id: UUID) -> Inbound | None:
    return await tx.first(_GET, id=inbound_id)


def done(tx: Transaction, inbound: Inbound, ending: Ending, *, now: datetime) -> None:
    """Queue closing it, with the change that it asked for."""
    tx.run(
        _DONE,
        id=inbound.id,
        result=ending.result,
        user_id=ending.user_id,
        change_set_id=ending.change_set_id,
        answer=None if ending.answer is None else Jsonb(dict(ending.answer)),
        now=now,
    )
    if ending.answer is None:
        executions.close(tx, workflow_id(inbound.id), now=now)


def said(tx: Transaction, inbound_id: UUID, *, now: datetime) -> None:
    """Queue writing that nothing is left to say, or that nobody can be told any more."""
    tx.run(_SAID, id=inbound_id)
    executions.close(tx, workflow_id(inbound_id), now=now)


async def last_change(tx: Transaction, user_id: UUID, *, now: datetime) -> UUID | None:
    """The change set of what this person did last in Slack, within a day."""
    found = await tx.first(_LAST_CHANGE, user_id=user_id, now=now)
    return None if found is None else found[0]


def forget_change(tx: Transaction, user_id: UUID, change_set_id: UUID) -> None:
    """It was taken back: the next undo is of the one before."""
    tx.run(_FORGET_CHANGE, user_id=user_id, change_set_id=change_set_id)


def workflow_id(inbound_id: UUID) -> str:
    return f"slack:{inbound_id}"
