"""Endpoints and the work on them, without Temporal around it: what a tick does, step by step."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID, uuid4

import httpx2
import orjson

from activities.shift import Hand
from activities.webhooks import Posting, Webhooks
from core import clock, due
from core.actor import Actor
from core.crypto import Keyring
from core.db import Database
from core.due import Claimed
from core.ids import uuid7
from core.models.webhooks import Payload
from core.services import webhook_endpoints
from core.services.webhook_endpoints import Created, Draft
from integrations.http import Client
from tests.patience import until
from tests.reminding import Scene

RING: Final = Keyring((b"k" * 32,))


@dataclass(slots=True)
class Clock:
    """A time that passes when it is told to."""

    at: datetime = field(default_factory=clock.now)

    def __call__(self) -> datetime:
        return self.at

    def advance(self, by: timedelta) -> None:
        self.at += by


async def endpoint(
    db: Database,
    at: Scene,
    url: str,
    *,
    events: Sequence[str] = ("*",),
    payload: Payload = Payload.FULL,
    sandbox_url: str | None = None,
) -> Created:
    """In the lane of the scene, which no other test looks at."""
    async with db.transaction() as tx:
        tx.act_in([at.user_id], at.user_id)
        made = await webhook_endpoints.create(
            tx,
            Actor(at.user_id, uuid4()),
            at.user_id,
            Draft(url, list(events), payload=payload),
            ring=RING,
            sandbox_url=sandbox_url,
            now=clock.now(),
        )
    at.run("UPDATE webhook_endpoints SET lane = %s WHERE id = %s", at.lane, made.endpoint.id)
    return made


def happen(
    at: Scene,
    count: int = 1,
    *,
    event_type: str = "todo.updated",
    subject_id: UUID | None = None,
    when: datetime | None = None,
) -> None:
    """So many events more in the feed of the scene, as a transaction numbers them."""
    at.run(
        "WITH numbered AS (UPDATE feeds SET seq = seq + %s WHERE workspace_id = %s"
        " RETURNING seq - %s AS base)"
        " INSERT INTO events (workspace_id, seq, type, subject_id, actor_id, change_set_id,"
        " changed, at) SELECT %s, base + n, %s, %s, %s, %s, '{title}', coalesce(%s, now())"
        " FROM numbered, generate_series(1, %s) n",
        count,
        at.user_id,
        count,
        at.user_id,
        event_type,
        subject_id or uuid7(),
        at.user_id,
        uuid7(),
        when,
        count,
    )


@dataclass(frozen=True, slots=True)
class Worker:
    """One that looks at the lanes it is told of."""

    handler: Webhooks
    worker_db: Database
    now: Callable[[], datetime]

    async def claim(self, at: Scene, *, limit: int = 200) -> list[Claimed]:
        async with self.worker_db.transaction() as tx:
            due.wake(tx, self.handler.source, at.lane, lanes=at.lane + 2, now=self.now())
            return await due.claim(
                tx,
                self.handler.source,
                at.lane,
                now=self.now(),
                horizon=timedelta(0),
                limit=limit,
            )

    async def work(self, claimed: Sequence[Claimed]) -> None:
        hand = Hand()
        asked_at = asyncio.get_running_loop().time()
        for each in claimed:
            hand.take(each, asked_at=asked_at)
        await self.handler.work(claimed, hand)

    async def turn(self, at: Scene) -> int:
        """Claim what is due and work on it; how many endpoints that were."""
        claimed = await self.claim(at)
        await self.work(claimed)
        return len(claimed)

    async def until_idle(self, at: Scene, *, most: int = 1000) -> None:
        for _ in range(most):
            if not await self.turn(at):
                return
        raise AssertionError("there is always more to send")


def worker(
    app_db: Database,
    worker_db: Database,
    client: Client,
    now: Callable[[], datetime] = clock.now,
    **options: Any,
) -> Worker:
    handler = Webhooks(app_db, Posting(client, RING), now=now, **options)
    return Worker(handler, worker_db, now)


@dataclass(frozen=True, slots=True)
class Receiver:
    """One of the sandbox's, under a name that no other test has."""

    http: httpx2.Client
    name: str = field(default_factory=lambda: f"r{uuid4().hex}")
    since: int = field(init=False)  # the ledger's row at which the test began

    def __post_init__(self) -> None:
        object.__setattr__(self, "since", self.http.get("/latest.json").json()["seq"])

    @property
    def root(self) -> str:
        return str(self.http.base_url).rstrip("/")

    @property
    def url(self) -> str:
        return f"{self.root}/hooks/{self.name}"

    def rows(self) -> list[dict[str, Any]]:
        asked = {"vendor": "hooks", "since": str(self.since)}
        found = self.http.get("/ledger.json", params=asked).json()
        return [each for each in found if each["kind"] == self.name]

    def accepted(self) -> list[dict[str, Any]]:
        """The messages that were answered with a 2xx, in the order in which they came."""
        return [
            orjson.loads(each["request"]["body"])
            for each in self.rows()
            if each["response_status"] in range(200, 300)
        ]

    def seqs(self) -> list[int]:
        return [each["seq"] for each in self.accepted()]

    def ids(self) -> list[str]:
        return [each["request"]["headers"]["webhook-id"] for each in self.rows()]

    def fault(self, **fault: object) -> None:
        told = {"vendor": "hooks", "kind": self.name, "times": 1, **fault}
        answer = self.http.post("/faults", json=told)
        assert answer.status_code == 201, answer.text

    async def met(self) -> None:
        """Return when every fault has met a call; one with a delay is under way then."""
        await until(lambda: not self.http.get("/faults.json").json())


def state(at: Scene, endpoint_id: UUID) -> dict[str, Any]:
    [found] = at.rows("SELECT * FROM webhook_endpoints WHERE id = %s", endpoint_id)
    return found


def sent(at: Scene, endpoint_id: UUID) -> list[dict[str, Any]]:
    return at.rows(
        "SELECT * FROM webhook_deliveries WHERE endpoint_id = %s ORDER BY event_seq, id",
        endpoint_id,
    )


def attempts(at: Scene) -> list[dict[str, Any]]:
    return at.rows(
        "SELECT * FROM webhook_attempts WHERE workspace_id = %s ORDER BY at, nth", at.user_id
    )


async def listening(db: Database, at: Scene, receiver: Receiver, **options: Any) -> Created:
    """An endpoint of the scene at this receiver."""
    return await endpoint(db, at, receiver.url, sandbox_url=receiver.root, **options)
