"""Recordings sent to an API that dies again and again, by clients that do not give up."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from hashlib import sha256
from random import Random
from uuid import UUID, uuid4

import httpx2

from bench.chaos.journal import Journal
from tests.people import API, Person
from tests.voicing import noise

SMALLEST = 100
LARGEST = 600_000
PIECE = 65_536  # at most, and then a moment of nothing: so kills meet every byte
PAUSE_S = 0.02
PATIENCE_S = 20.0
AGAIN_S = 0.05
CHANGES_ITS_WAY = 0.2  # of the tries after the first
TWICE = 0.15  # of what was acknowledged is sent once more
GIVES_UP = 0.03  # of those who got no answer never ask again
PARTIAL = "application/offset+octet-stream"
# 409: two tries met, as the first one's last transaction outlived its server for a moment.
PASSING = frozenset({408, 409, 429, 500, 503})


@dataclass(slots=True)
class Capture:
    """`memo_id` once it was acknowledged."""

    person: Person
    audio: bytes
    in_parts: bool
    with_key: bool
    id: UUID = field(default_factory=uuid4)
    memo_id: str | None = None

    @property
    def digest(self) -> str:
        return sha256(self.audio).hexdigest()


@dataclass(slots=True)
class Recorder:
    """One who records one thing after the other, on a bad network. `url` may change meanwhile."""

    url: Callable[[], str]
    http: httpx2.AsyncClient
    rng: Random
    journal: Journal
    captures: list[Capture] = field(default_factory=list)
    answers: Counter[str] = field(default_factory=Counter)
    violations: list[str] = field(default_factory=list)

    async def record(self, person: Person) -> None:
        """One recording, until it is acknowledged. A few give up."""
        rng = self.rng
        audio = noise(int(SMALLEST * (LARGEST / SMALLEST) ** rng.random()))
        capture = Capture(person, audio, rng.random() < 0.5, rng.random() < 0.5)
        self.captures.append(capture)
        self.journal.invoked(str(capture.id))
        while not await self._sent(capture):
            self.journal.unknown(str(capture.id))
            if rng.random() < GIVES_UP:
                return
            await asyncio.sleep(AGAIN_S)
            if rng.random() < CHANGES_ITS_WAY:
                capture.in_parts = not capture.in_parts
        self.journal.acknowledged(str(capture.id))
        if rng.random() < TWICE:
            await self._sent(capture)

    async def _sent(self, capture: Capture) -> bool:
        """Whether this try was acknowledged."""
        way: Callable[[Capture], Awaitable[httpx2.Response]]
        way = self._in_parts if capture.in_parts else self._whole
        try:
            answer = await way(capture)
        except httpx2.TransportError:
            self.answers["none"] += 1
            return False
        self.answers[str(answer.status_code)] += 1
        if not answer.is_success:
            if answer.status_code not in PASSING:
                self.violations.append(f"answered {answer.status_code}: {answer.text[:200]}")
            return False
        memo_id: str = answer.json()["result"]["memo_id"]
        if capture.memo_id not in (None, memo_id):
            self.violations.append(f"{capture.id} is {capture.memo_id} and {memo_id}")
        capture.memo_id = memo_id
        return True

    async def _whole(self, capture: Capture) -> httpx2.Response:
        url = f"{self.url()}{API}/voice/memos"
        told = {"capture_id": str(capture.id), "sha256": capture.digest}
        file = ("memo.wav", capture.audio, "audio/wav")
        form = httpx2.Request("POST", url, data=told, files={"audio": file})
        headers = {**form.headers, **capture.person.headers}
        if capture.with_key:
            headers["Idempotency-Key"] = capture.id.hex
        body = self._slowly(form.read())
        return await self.http.post(url, content=body, headers=headers, timeout=PATIENCE_S)

    async def _in_parts(self, capture: Capture) -> httpx2.Response:
        own = capture.person.headers
        told = {"capture_id": str(capture.id), "sha256": capture.digest}
        length = {"Upload-Length": str(len(capture.audio))}
        base = self.url()
        made = await self.http.post(
            f"{base}{API}/voice/uploads", json=told, headers={**own, **length}
        )
        if made.status_code != 201:
            return made
        path, at = made.headers["location"], int(made.headers["upload-offset"])
        while True:
            size = self.rng.randint(1, max(len(capture.audio) - at, 1))
            part = capture.audio[at : at + size]
            headers = {
                **own,
                "Content-Type": PARTIAL,
                "Upload-Offset": str(at),
                "Content-Length": str(len(part)),
            }
            answer = await self.http.patch(
                base + path, content=self._slowly(part), headers=headers, timeout=PATIENCE_S
            )
            if answer.status_code != 204:
                return answer
            at = int(answer.headers["upload-offset"])

    async def _slowly(self, body: bytes) -> AsyncIterator[bytes]:
        at = 0
        while at < len(body):
            size = self.rng.randint(1, PIECE)
            yield body[at : at + size]
            at += size
            await asyncio.sleep(self.rng.uniform(0, PAUSE_S))
