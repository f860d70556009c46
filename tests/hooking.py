"""An installation that delivers webhooks to the sandbox, and what arrived there."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from temporalio.testing import ActivityEnvironment

from activities.tick import Ticks
from activities.webhooks import LIMITS, Posting, Webhooks
from api.main import create_app
from core import keys
from core.db import Database
from core.messages import Kind, TickMessage
from core.services import webhook_secrets
from core.settings import Settings
from integrations.http import guarded_client
from integrations.sandbox.app import create_app as create_sandbox
from tests import plain
from tests.beside import alongside
from tests.patience import until
from tests.serving import serve
from tests.settings import unlimited


@dataclass(frozen=True, slots=True)
class Arrived:
    """One request at a receiver, and what it was answered."""

    headers: dict[str, str]
    body: str
    status: int | None


@dataclass(frozen=True, slots=True)
class Hooking:
    """`api` and `sandbox` are base URLs; a worker looks after everybody's endpoints."""

    api: str
    sandbox: str
    settings: Settings

    def url(self, name: str) -> str:
        return f"{self.sandbox}/hooks/{name}"

    def arrived(self, name: str) -> list[Arrived]:
        rows = plain.get(f"{self.sandbox}/ledger.json?vendor=hooks").json()
        return [
            Arrived(row["request"]["headers"], row["request"]["body"], row["response_status"])
            for row in rows
            if row["kind"] == name
        ]

    def fault(self, name: str, **fault: Any) -> None:
        body = {"vendor": "hooks", "kind": name, "times": 1, **fault}
        answer = plain.post(f"{self.sandbox}/faults", json=body)
        assert answer.status_code == 201, answer.text

    async def until(self, name: str, count: int) -> list[Arrived]:
        """What arrived, once it is so much; and that it is no more."""
        await until(lambda: len(self.arrived(name)) >= count)
        found = self.arrived(name)
        assert len(found) == count
        return found


@contextmanager
def hooking(database_url: str, folder: Path) -> Iterator[Hooking]:
    settings = unlimited(database_url, folder, pool_size=4)
    with serve(create_sandbox(settings)) as sandbox:
        port = int(sandbox.rpartition(":")[2])
        known = settings.model_copy(update={"sandbox_port": port})
        with serve(create_app(known)) as api, _working(known):
            yield Hooking(api, sandbox, known)


@contextmanager
def _working(settings: Settings) -> Iterator[None]:
    """Ticks of every lane, in a thread of their own, until the block ends."""

    async def work(ended: threading.Event) -> None:
        url = settings.database_url
        assert url is not None
        app_db = Database(url.get_secret_value(), role="vt_app", size=4)
        worker_db = Database(url.get_secret_value(), role="vt_worker", size=4)
        await app_db.open()
        await worker_db.open()
        ring = keys.load(settings).ring.of(webhook_secrets.PURPOSE)
        async with guarded_client(LIMITS, sandbox_url=settings.sandbox_url) as client:
            handlers = {Kind.WEBHOOKS: Webhooks(app_db, Posting(client, ring))}
            ticks = Ticks(worker_db, handlers, lanes=settings.lanes, life_s=1.0)
            while not ended.is_set():
                await asyncio.gather(
                    *(
                        ActivityEnvironment().run(ticks.run, TickMessage(Kind.WEBHOOKS, lane))
                        for lane in range(settings.lanes)
                    )
                )
        await app_db.close()
        await worker_db.close()

    with alongside(work):
        yield
