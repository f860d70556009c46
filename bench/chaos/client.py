"""A client that keeps asking, as ours does, and a journal of what it asked for and was told."""

import asyncio
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import orjson

from bench.chaos.journal import Journal
from core.errors import VendorError
from integrations.http import Client
from tests.people import API, Person

GIVE_UP_S = 90.0
AGAIN_S = 0.3
JSON = {"content-type": "application/json"}
GONE = 404
Answers = Counter[int]


@dataclass(frozen=True, slots=True)
class Told:
    """How an operation ended. `asked` to `granted` is when it may have taken effect.

    `granted` is null when nobody knows whether it did; `body` is null when it was not done.
    """

    key: str
    asked: datetime
    granted: datetime | None
    status: int
    body: dict[str, Any] | None

    @property
    def done(self) -> bool:
        return self.body is not None


@dataclass(slots=True)
class Account:
    """A person whose access token is renewed when it is refused."""

    person: Person
    token: str
    entering: asyncio.Lock = field(default_factory=asyncio.Lock)


@dataclass(slots=True)
class Asking:
    """Operations of many people on one API. Each has its own id, however often it is tried."""

    url: str
    http: Client
    journal: Journal = field(default_factory=Journal)
    statuses: Answers = field(default_factory=Counter)
    change_sets: dict[UUID, str] = field(default_factory=dict)  # -> the operation's id
    silent: set[str] = field(default_factory=set)  # acknowledged, with nothing left to change
    unclaimed: int = 0  # tries without an answer that may have left a change set behind

    async def ask(
        self, account: Account, method: str, path: str, body: Mapping[str, object] | None = None
    ) -> Told:
        """Ask until it is answered for good, or for a minute and a half."""
        key = str(body["title"]) if method == "POST" and path == "/todos" and body else uuid4().hex
        self.journal.invoked(key)
        asked, deadline, in_doubt = datetime.now(UTC), time.monotonic() + GIVE_UP_S, False
        while time.monotonic() < deadline:
            token = account.token
            try:
                answer = await self.http.request(
                    method,
                    self.url + API + path,
                    content=orjson.dumps(body) if body is not None else b"",
                    headers={"authorization": f"Bearer {token}", "idempotency-key": key, **JSON},
                )
            except VendorError:
                self.journal.unknown(key)
                in_doubt = True
                self.unclaimed += 1
                await asyncio.sleep(AGAIN_S)
                continue
            status = answer.status_code
            self.statuses[status] += 1
            if answer.is_success or (in_doubt and method == "DELETE" and status == GONE):
                self.journal.acknowledged(key)
                if found := answer.headers.get("change-set"):
                    self.change_sets[UUID(found)] = key
                else:
                    self.silent.add(key)
                told = orjson.loads(answer.content) if answer.content else {}
                return Told(
                    key, asked, datetime.now(UTC), status, told if answer.is_success else {}
                )
            if status == 401:
                await self._enter(account, token)
            elif status >= 500 or _is_under_way(answer.content):
                self.journal.unknown(key)
                in_doubt = True
                self.unclaimed += 1
                await asyncio.sleep(AGAIN_S)
            else:
                self.journal.failed(key)
                granted = None if in_doubt else datetime.now(UTC)
                return Told(key, asked, granted, status, None)
        return Told(key, asked, None, 0, None)

    async def _enter(self, account: Account, refused: str) -> None:
        async with account.entering:
            if account.token != refused:
                return
            person = account.person
            content = orjson.dumps({"email": person.email, "password": person.password})
            try:
                answer = await self.http.post(
                    f"{self.url}{API}/auth/login", content=content, headers=JSON
                )
            except VendorError:
                return
            if answer.is_success:
                account.token = answer.json()["access_token"]
            await asyncio.sleep(AGAIN_S)


def _is_under_way(content: bytes) -> bool:
    return b"is not finished" in content
