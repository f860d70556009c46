"""Creates at a steady rate, each journaled, and how the API answered them."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from uuid import UUID, uuid4

import httpx2
import orjson

from bench.chaos.journal import Journal
from core.errors import VendorError
from integrations.http import Client, vendor_client
from integrations.http_transport import Limits
from tests.people import API, Person, register

PATIENCE_S = 20.0
KEPT_S = 4.0  # a connection; uvicorn closes one that is unused for 5 s
JSON = {"content-type": "application/json"}


@dataclass(frozen=True, slots=True)
class Answer:
    """`status` is 0 when the connection broke; `reminder` is set when one was asked for."""

    key: str
    began: float
    seconds: float
    status: int
    retry_after: bool
    person: Person
    reminder: tuple[UUID, datetime] | None

    @property
    def ended(self) -> float:
        return self.began + self.seconds


@dataclass(slots=True)
class Writers:
    """`reminded` is the share of todos that get a reminder by e-mail within some seconds."""

    url: str
    http: Client
    rng: Random
    people: list[Person]
    reminded: float = 0.0
    journal: Journal = field(default_factory=Journal)
    answers: list[Answer] = field(default_factory=list)

    async def write(self, seconds: float, *, rate: float) -> list[Answer]:
        """Open loop: one more each 1/rate, however long the others take; those of this time."""
        first = len(self.answers)
        began = time.monotonic()
        async with asyncio.TaskGroup() as group:
            for nth in range(int(seconds * rate)):
                await asyncio.sleep(max(began + nth / rate - time.monotonic(), 0))
                group.create_task(self._create(uuid4().hex, self.rng.choice(self.people)))
        return self.answers[first:]

    async def again(self) -> None:
        """Ask once more for all that were not acknowledged, as a client does."""
        for answer in [each for each in self.answers if each.status != 201]:
            await self._try(answer.key, answer.person, {"title": answer.key})

    async def _create(self, key: str, person: Person) -> None:
        self.journal.invoked(key)
        body: dict[str, object] = {"title": key}
        if self.rng.random() < self.reminded:
            due = datetime.now(UTC) + timedelta(seconds=self.rng.uniform(3, 20))
            at = {"date": f"{due:%Y-%m-%d}", "time": f"{due:%H:%M:%S}", "timezone": "UTC"}
            body["reminders"] = [{"at": at, "channels": ["email"]}]
        self.answers.append(await self._try(key, person, body))

    async def _try(self, key: str, person: Person, body: dict[str, object]) -> Answer:
        began = time.monotonic()
        status, retry_after, reminder = 0, False, None
        try:
            answer = await self.http.post(
                f"{self.url}{API}/todos",
                content=orjson.dumps(body),
                headers={**person.headers, **JSON, "idempotency-key": key},
            )
        except VendorError:
            self.journal.unknown(key)
        else:
            status, retry_after = answer.status_code, "retry-after" in answer.headers
            if status == 201:
                self.journal.acknowledged(key)
                for each in answer.json()["reminders"]:
                    at = datetime.fromisoformat(each["next_fire_at"])
                    reminder = UUID(each["id"]), at
            elif status < 500:
                self.journal.failed(key)
            else:  # it may have been committed all the same
                self.journal.unknown(key)
        seconds = time.monotonic() - began
        return Answer(key, began, seconds, status, retry_after, person, reminder)


@asynccontextmanager
async def writers(
    url: str, rng: Random, *, people: int = 8, reminded: float = 0.0
) -> AsyncIterator[Writers]:
    """Our own client: one that looks at all its connections for each request is soon the slow part.

    A connection is always free, since waiting for one would count as the API's time.
    """
    async with httpx2.AsyncClient(base_url=url, trust_env=False) as http:
        made = [await register(http, f"writer{nth}") for nth in range(people)]
    limits = Limits(timeout=PATIENCE_S, connections=10_000, keepalive=KEPT_S)
    async with vendor_client(limits) as client:
        yield Writers(url, client, rng, made, reminded)


def p99_ms(answers: list[Answer]) -> float:
    took = sorted(each.seconds for each in answers)
    return took[int(len(took) * 0.99)] * 1000
