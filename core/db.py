"""One transaction object: SQLAlchemy writes the SQL, psycopg runs it in pipelines.

A PostgreSQL pipeline is one implicit transaction: everything sent before its Sync commits or
fails as a whole. So a request that reads nothing before it writes costs one round trip: identity
and row-level security, the statements, the numbering of events and the commit, all together.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, time
from typing import Any, Final, Self, TypeVar
from uuid import UUID

from psycopg import AsyncCursor, AsyncPipeline
from psycopg import Error as PsycopgError
from psycopg.types.json import Jsonb
from psycopg_pool import PoolTimeout

from core import clock, violations
from core.errors import Error, KeyReplayed, RateLimited, Unauthenticated
from core.events import Event
from core.ids import uuid7
from core.pool import Connection, Pool, answered_within, pool
from core.statements import ABORT, ACT_FOR, ACT_IN, ENTER, HIT, LEAVE, NOTHING, Query

T = TypeVar("T")
# For work that nobody waits for; one statement of an erasure may take 120 s, and several travel
# together. Who answers a person gives `Database` less.
WAIT_FOR_ANSWER_S: Final = 300.0
UNLIMITED: Final = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Caller:
    """A signed-in person as their token says; the database checks it with the first statement."""

    user_id: UUID
    session_id: UUID
    limit_key: str = "unlimited"
    limit: int = UNLIMITED
    window_s: int = 60
    claim: bytes | None = None  # hash of an idempotency key to be claimed on the way in


@dataclass(frozen=True, slots=True)
class Answer:
    """A stored answer; the hashes say what it answers, without telling."""

    key_hash: bytes | None = None
    request_hash: bytes | None = None
    status: int | None = None
    sealed: bytes | None = None


@dataclass(frozen=True, slots=True)
class Membership:
    role: str
    clock_at: datetime | None  # null: time passes by itself


@dataclass(frozen=True, slots=True)
class Person:
    """The caller as the database knows them now, and what they used of their rate limit."""

    timezone: str
    all_day_time: time
    email_verified: bool
    memberships: dict[UUID, Membership]
    hits: int
    resets_at: datetime

    @classmethod
    def of_row(cls, timezone: str, all_day_time: time, *rest: Any) -> Self:
        verified, ids, roles, clocks, hits, resets_at = rest
        memberships = zip(ids or (), map(Membership, roles or (), clocks or ()), strict=True)
        return cls(timezone, all_day_time, verified, dict(memberships), hits, resets_at)


Statement = tuple[Query[Any], dict[str, Any]]


class Transaction:
    """Statements queued into one pipeline: sent together, committed together.

    1. `run` queues. Writes that need no answer should be queued: they travel with the commit.
    2. `all` and `first` send what is queued, identity first, and wait for the last answer.
    3. `commit` numbers the buffered events in the last statement (`vt_leave`) and ends it all.

    A read-only transaction ends with each answer, which saves the commit's own round trip.
    """

    def __init__(self, pool: Pool, *, patience_s: float, read_only: bool = False) -> None:
        self.change_set_id = uuid7()
        self.began_at = clock.now()
        self.caller: Caller | None = None
        self.actor_id: UUID | None = None
        self.events: list[Event] = []
        self.entered: Person | None = None
        self._pool = pool
        self._patience_s = patience_s
        self._answer: Answer | None = None
        self._used = 0  # cursors of the pipeline: each holds its answer until the pipeline ends
        self._connection: Connection | None = None  # taken with the first round trip
        self._read_only = read_only
        self._identity: Statement | None = None
        self._queue: list[Statement] = []
        self._pipeline: AbstractAsyncContextManager[AsyncPipeline] | None = None
        self._wrote = False
        self._refused = False

    def enter(self, caller: Caller) -> None:
        """Work as this person. The check travels with the first statement and ends the rest."""
        self.caller = caller
        self.actor_id = caller.user_id
        self._identity = (
            ENTER,
            {
                "session": caller.session_id,
                "user": caller.user_id,
                "key": caller.limit_key,
                "limit": caller.limit,
                "seconds": caller.window_s,
                "claim": caller.claim,
            },
        )

    def act_for(
        self, user_id: UUID, *, limit_key: str, limit: int = UNLIMITED, window_s: int = 60
    ) -> None:
        """Work as this person without a session of theirs: they gave away a link that may do so.

        As with `enter`, the check travels with the first statement and ends the rest.
        """
        self.actor_id = user_id
        self._identity = (
            ACT_FOR,
            {"user": user_id, "key": limit_key, "limit": limit, "seconds": window_s},
        )

    def act_in(self, workspaces: Sequence[UUID], user_id: UUID | None = None) -> None:
        """Work on the rows of these workspaces (the worker; a registration), as nobody else."""
        self.actor_id = user_id
        ids = _array(workspaces)
        self._identity = (ACT_IN, {"user": str(user_id or ""), "readable": ids, "writable": ids})

    def run(self, statement: Query[Any], **parameters: Any) -> None:
        self._queue.append((statement, parameters))

    async def all(self, statement: Query[T], **parameters: Any) -> list[T]:
        self.run(statement, **parameters)
        return await self._send(answered=True)

    async def first(self, statement: Query[T], **parameters: Any) -> T | None:
        rows = await self.all(statement, **parameters)
        return rows[0] if rows else None

    async def person(self) -> Person:
        """The caller, checked. Costs a round trip only when nothing was read before."""
        if self.entered is None:
            if self._queue:  # a write came first: the answer awaited must be one with rows
                self.run(NOTHING)
            await self._send()
        if self.entered is None:
            raise Unauthenticated
        return self.entered

    def emit(self, event: Event) -> None:
        self.events.append(event)

    def keep(self, answer: Answer) -> None:
        """What an idempotency key was answered, to be stored with the change."""
        self._answer = answer

    async def commit(self) -> None:
        if self.events or self._answer is not None:
            self._queue_leaving()
        if self._pipeline is not None or self._queue or self._unchecked:
            await self._send(ends=True)

    async def roll_back(self) -> None:
        """Undo all of it. What was only queued was never sent; reads have nothing to undo.

        A request that fails before its first statement is counted against the rate limit here.
        """
        self._queue.clear()
        uncounted = self.caller is not None and (self._wrote or self._refused)
        if self._wrote:
            self.run(ABORT)
        if self._pipeline is not None or (self._unchecked and self._connection is None):
            with suppress(Error, PsycopgError):  # the reason for this roll-back, once more
                await self._send(ends=True)
        if uncounted and self._connection is not None:
            with suppress(PsycopgError):
                await self._execute(self._connection, *self._hit())

    async def release(self) -> None:
        if self._connection is not None:
            await self._pool.putconn(self._connection)

    async def abandon(self) -> None:
        """Cancelled in the middle of an answer: close the connection, the server rolls back."""
        if self._connection is not None:
            await self._connection.close()
        if self._pipeline is not None:
            with suppress(PsycopgError):
                await self._pipeline.__aexit__(None, None, None)

    @property
    def _unchecked(self) -> bool:
        return self._identity is not None and self._identity[0] in (ENTER, ACT_FOR)

    def _queue_leaving(self) -> None:
        """Number the events and keep the answer: the last statement before the commit."""
        answer = self._answer or Answer()
        self.run(
            LEAVE,
            events=Jsonb(self.events) if self.events else None,
            actor=self.actor_id,
            change_set=self.change_set_id,
            key=answer.key_hash,
            request=answer.request_hash,
            status=answer.status,
            answer=answer.sealed,
        )

    async def _send(self, *, answered: bool = False, ends: bool = False) -> list[Any]:
        """One round trip: everything queued and, if it is `answered`, the last one's answer."""
        statements, self._queue = self._queue, []
        entering = self._unchecked
        if self._identity is not None:
            statements.insert(0, self._identity)
        ends = ends or self._read_only
        rows: list[Any] = []
        try:
            connection = self._connection or await self._take()
            with answered_within(self._patience_s, connection):
                if self._pipeline is None:
                    self._pipeline = connection.pipeline()
                    await self._pipeline.__aenter__()
                cursors = [await self._execute(connection, *statement) for statement in statements]
                if ends:
                    pipeline, self._pipeline, self._used = self._pipeline, None, 0
                    await pipeline.__aexit__(None, None, None)
                if answered:  # first the last: one wait brings the others along
                    into = statements[-1][0].into
                    rows = [into(*values) for values in await cursors[-1].fetchall()]
                if entering:
                    self.entered = Person.of_row(*(await cursors[0].fetchall())[0])
            self._identity = self._again() if self._read_only else None
        except (PsycopgError, PoolTimeout) as error:
            known = violations.translate(error)
            # An ended session, a spent limit and a key that is known count nothing, or themselves.
            self._refused = not isinstance(known, (Unauthenticated, RateLimited, KeyReplayed))
            raise known from error
        return rows

    async def _take(self) -> Connection:
        """One of the pool, which waits for it in `wait_for`: that of Python 3.11 forgets a
        cancellation in the moment of success (https://github.com/python/cpython/issues/86296).
        """
        task = asyncio.current_task()
        before = task.cancelling() if task else 0  # who tidies up after one may do so in peace
        self._connection = await self._pool.getconn()
        if task and task.cancelling() > before:
            raise asyncio.CancelledError
        return self._connection

    def _hit(self) -> Statement:
        """Counts a request whose own count went with its transaction."""
        assert self.caller is not None  # noqa: S101 (the caller of this looked)
        return HIT, {
            "key": self.caller.limit_key,
            "limit": self.caller.limit,
            "seconds": self.caller.window_s,
        }

    def _again(self) -> Statement | None:
        """Settings end with a transaction: what brings them to the next of a read-only one."""
        if self.entered is None:
            return self._identity
        writable = [key for key, m in self.entered.memberships.items() if m.role != "viewer"]
        return ACT_IN, {
            "user": str(self.actor_id),
            "readable": _array(self.entered.memberships),
            "writable": _array(writable),
        }

    async def _execute(
        self, connection: Connection, statement: Query[Any], parameters: dict[str, Any]
    ) -> AsyncCursor[Any]:
        self._wrote = self._wrote or statement.writes
        if self._used == len(connection.cursors):
            connection.cursors.append(connection.cursor())
        cursor = connection.cursors[self._used]
        self._used += 1
        return await cursor.execute(statement.sql, {**statement.constants, **parameters})


class Database:
    """A pool of connections that work in one role (`vt_app` for people, `vt_worker` for claims).

    Whoever waits longer than `patience_s` for one round trip is told Unavailable.
    """

    def __init__(
        self, url: str, *, role: str, size: int, patience_s: float = WAIT_FOR_ANSWER_S
    ) -> None:
        self._patience_s = patience_s
        self._pool = pool(url, role=role, size=size)

    async def open(self) -> None:
        await self._pool.open()

    async def close(self) -> None:
        await self._pool.close()

    @asynccontextmanager
    async def transaction(self, *, read_only: bool = False) -> AsyncIterator[Transaction]:
        """Commits when the block ends, or leaves no trace when it raises.

        Takes a connection with the first statement, not before: a slow upload holds none.
        """
        transaction = Transaction(self._pool, patience_s=self._patience_s, read_only=read_only)
        try:
            yield transaction
            await transaction.commit()
        except Exception:
            await transaction.roll_back()
            raise
        except BaseException:
            await transaction.abandon()
            raise
        finally:
            await transaction.release()


def _array(ids: Iterable[UUID]) -> str:
    return "{" + ",".join(map(str, ids)) + "}"
