"""Hostile receivers and contents: names that rebind, poison, floods; and what a tick does of it."""

import asyncio
import gc
import resource
import sys
from collections.abc import AsyncIterator, Iterator
from uuid import UUID

import pytest
from temporalio.testing import ActivityEnvironment

from activities import webhooks
from activities.tick import Ticks
from activities.webhooks import excerpt
from core.db import Database
from core.errors import VendorError
from core.messages import Kind, TickMessage
from integrations.http import guarded_client
from integrations.http_connection import Connection
from tests.patience import until
from tests.reminding import Scene
from tests.serving import serve
from tests.webhooking import (
    Receiver,
    Worker,
    attempts,
    endpoint,
    happen,
    listening,
    sent,
    state,
    worker,
)


@pytest.fixture
async def one(app_db: Database, worker_db: Database, receiver: Receiver) -> AsyncIterator[Worker]:
    async with guarded_client(webhooks.LIMITS, sandbox_url=receiver.root) as client:
        yield worker(app_db, worker_db, client)


class Rebinding:
    """A name server that answers with a public address when asked first, and then with ours."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers = list(answers)
        self.dialled: list[tuple[str, int]] = []

    async def resolve(self, _host: str, _port: int) -> list[str]:
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]

    async def connect(self, host: str, port: int) -> Connection:
        self.dialled.append((host, port))
        raise VendorError("a test that dials nobody", permanent=False)


@pytest.mark.parametrize(
    "private",
    ["127.0.0.1", "10.0.0.7", "169.254.169.254", "192.0.0.192", "::1", "::ffff:10.0.0.1",
     "64:ff9b::a00:1", "2002:a00:1::", "fec0::1", "fd00::1", "100.64.0.1"],
)  # fmt: skip
async def test_12_a_name_that_rebinds_is_never_dialled_at_home(
    app_db: Database, worker_db: Database, at: Scene, private: str
) -> None:
    """Its URL passed when the endpoint was made; each dial judges what the name is then."""
    created = await endpoint(app_db, at, "https://rebinding.example.com/in")
    net = Rebinding(["93.184.215.14"], [private], ["93.184.215.14", private])
    async with guarded_client(sandbox_url=None, resolve=net.resolve, connect=net.connect) as client:
        each = worker(app_db, worker_db, client)
        happen(at, 3)
        await each.turn(at)
        at.run("UPDATE webhook_endpoints SET next_at = now(), hold_until = NULL, failures = 0")
        await each.turn(at)
    assert net.dialled == [("93.184.215.14", 443)]
    errors = {each["error"] for each in attempts(at)}
    assert "the address is not on the public Internet" in errors
    assert {each["status"] for each in sent(at, created.endpoint.id)} == {"pending"}


async def test_12_an_address_that_was_written_past_the_door_is_not_dialled(
    app_db: Database, worker_db: Database, at: Scene
) -> None:
    created = await endpoint(app_db, at, "https://hooks.example.com/in")
    net = Rebinding(["127.0.0.1"])
    async with guarded_client(sandbox_url=None, resolve=net.resolve, connect=net.connect) as client:
        each = worker(app_db, worker_db, client)
        for url in ("http://127.0.0.1:5432/", "https://[::1]/", "file:///etc/passwd", "", "%"):
            at.run(
                "UPDATE webhook_endpoints SET url = %s, hold_until = NULL, failures = 0"
                " WHERE id = %s",
                url,
                created.endpoint.id,
            )
            happen(at)
            await each.turn(at)
    assert net.dialled == []
    assert len(attempts(at)) >= 5


async def test_poison_is_put_aside_and_the_queue_moves(
    app_db: Database, at: Scene, receiver: Receiver, one: Worker
) -> None:
    """A resource that cannot be read, a title of a megabyte, and names full of odd characters."""
    created = await listening(app_db, at, receiver)
    odd = "\u202e\ufeff\U0001f469\u200d\U0001f4bb \u0001\u007f\ufffe </script>"
    at.run("UPDATE todos SET title = %s WHERE id = %s", odd, at.todos[0])
    happen(at, subject_id=at.todos[0])
    broken = UUID(int=at.todos[0].int + 1)
    at.run(
        "INSERT INTO todos (workspace_id, id, title, position, due_at)"
        " VALUES (%s, %s, 'at no time', 1, 'infinity')",
        at.user_id,
        broken,
    )
    happen(at, subject_id=broken)
    big = UUID(int=at.todos[0].int + 2)
    at.run(
        "INSERT INTO todos (workspace_id, id, title, position) VALUES (%s, %s, %s, 1)",
        at.user_id,
        big,
        "x" * 1_000_000,
    )
    happen(at, subject_id=big)
    happen(at)
    await one.until_idle(at)
    told = {each["seq"]: each["data"] for each in receiver.accepted()}
    assert told[1]["object"]["title"] == odd
    assert (told[3]["object"], told[3]["truncated"]) == (None, True)
    assert 4 in told
    found = sent(at, created.endpoint.id)
    assert [each["status"] for each in found] == ["delivered", "failed", "delivered", "delivered"]


async def test_a_message_that_cannot_be_made_fails_alone(
    app_db: Database, at: Scene, receiver: Receiver, one: Worker
) -> None:
    """Its event is gone, and so is all that could be said of it."""
    created = await listening(app_db, at, receiver)
    happen(at, 3)
    receiver.fault(status=500)
    await one.turn(at)
    at.run("UPDATE webhook_deliveries SET body = NULL, next_at = now() WHERE event_seq = 1"
           " AND workspace_id = %s", at.user_id)  # fmt: skip
    at.run("DELETE FROM events WHERE workspace_id = %s AND seq = 1", at.user_id)
    at.run("UPDATE webhook_endpoints SET next_at = now() WHERE workspace_id = %s", at.user_id)
    await one.until_idle(at)
    first, *others = sent(at, created.endpoint.id)
    assert (first["status"], first["error"]) == (
        "failed",
        "the message could not be made; this is our fault",
    )
    assert {each["status"] for each in others} == {"delivered"}


@pytest.mark.parametrize(
    ("answer", "kept"),
    [
        (b"", None),
        (b"\x00\x00", "\ufffd\ufffd"),
        (b"\xed\xa0\x80 lone", "\ufffd\ufffd\ufffd lone"),
        (b"a" * 5000, "a" * 1024),
    ],
)
def test_what_is_kept_of_an_answer_fits_into_a_row(answer: bytes, kept: str | None) -> None:
    assert excerpt(answer) == kept
    assert len((excerpt("\u4e16".encode() * 1000) or "").encode()) <= 1024
    assert len((excerpt(b"\xff" * 5000) or "").encode()) <= 1024


async def _pouring(scope: dict[str, object], _: object, send: object) -> None:
    """Answers 200 and then pours: what is kept of it is a page."""
    if scope["type"] != "http":
        return
    await send({"type": "http.response.start", "status": 200, "headers": []})  # type: ignore[operator]  # ASGI's own shape
    for _ in range(64):
        body = {"type": "http.response.body", "body": b"\x00" * 2**20, "more_body": True}
        await send(body)  # type: ignore[operator]  # ASGI's own shape
    await send({"type": "http.response.body", "body": b""})  # type: ignore[operator]  # ASGI's own shape


@pytest.fixture(scope="session")
def pouring() -> Iterator[str]:
    with serve(_pouring, lifespan="off") as url:
        yield url


async def test_memory_is_bounded_whatever_waits_and_whatever_is_answered(
    app_db: Database, worker_db: Database, at: Scene, pouring: str
) -> None:
    """20,000 events wait, and each of the first answers is 64 MiB long."""
    await endpoint(app_db, at, f"{pouring}/hooks/x", sandbox_url=pouring)
    async with guarded_client(webhooks.LIMITS, sandbox_url=pouring) as client:
        each = worker(app_db, worker_db, client)
        happen(at, 20_000)
        await each.turn(at)
        gc.collect()
        before = _peak_mib()
        for _ in range(3):
            await each.turn(at)
        grown = _peak_mib() - before
    assert attempts(at)
    assert grown < 50, f"{grown:.0f} MiB more than before"


def _peak_mib() -> float:
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**20


async def test_a_tick_sends_what_happens_meanwhile(
    app_db: Database, worker_db: Database, at: Scene, receiver: Receiver, one: Worker
) -> None:
    """The activity as Temporal runs it: woken by the feed alone, within its next look."""
    created = await listening(app_db, at, receiver)
    ticks = Ticks(worker_db, {Kind.WEBHOOKS: one.handler}, lanes=at.lane + 1, life_s=8)
    running = asyncio.create_task(
        ActivityEnvironment().run(ticks.run, TickMessage(Kind.WEBHOOKS, at.lane))
    )
    await asyncio.sleep(0.5)
    happen(at, 3)
    await until(lambda: len(receiver.accepted()) == 3 or running.done())
    await running
    assert receiver.seqs() == [1, 2, 3]
    assert state(at, created.endpoint.id)["next_at"] is None
    assert at.leases() == 0


async def test_a_workspace_with_a_clock_of_its_own_is_told_of_all_the_same(
    app_db: Database, at: Scene, receiver: Receiver, one: Worker
) -> None:
    at.run(
        "UPDATE workspaces SET kind = 'sandbox', clock_at = now() - interval '1 year'"
        " WHERE id = %s",
        at.user_id,
    )
    await listening(app_db, at, receiver)
    happen(at, 2)
    await one.until_idle(at)
    assert receiver.seqs() == [1, 2]
