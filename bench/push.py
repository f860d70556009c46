"""What one push message costs the worker: written, encrypted, signed, sent.

python -m bench.push     PUSHES by environment

The push service is the sandbox's, in a process of its own; what counts is the processor time of
ours, so that the figure is that of one core whatever else runs.
"""

import asyncio
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from datetime import time as wall_time
from uuid import UUID, uuid4

import httpx2
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from py_vapid import Vapid02
from rich.console import Console
from rich.table import Table

from bench.results import keep
from core.models.deliveries import Channel, DeliveryKind
from core.rules.push import Subscription
from core.rules.reminders import Due
from core.services.deliveries import Person, Send
from integrations.http import guarded_client
from integrations.pushes import Pushes
from integrations.web_push import WebPush, seal

PUSHES = int(os.environ.get("PUSHES", "3000"))
ABREAST = 100
KEY = generate_private_key(SECP256R1())
NOBODY = UUID(int=0)


def example(target: Subscription) -> Send:
    now = datetime.now(UTC)
    return Send(
        workspace_id=NOBODY,
        delivery_id=uuid4(),
        attempt=1,
        failures=0,
        kind=DeliveryKind.REMINDER,
        channel=Channel.PUSH,
        subject_id=NOBODY,
        todo_id=NOBODY,
        title="Call the dentist about number 1234",
        due=Due(now.date(), wall_time(9), "Europe/Berlin"),
        due_at=now,
        arm_no=1,
        began_at=now,
        person=Person(
            NOBODY, None, False, "Ada Lovelace", "Europe/Berlin", "en", active=True, member=True
        ),
        target=target,
    )


def cost(step: Callable[[], object], times: int) -> float:
    """Milliseconds of this process for one."""
    began = time.process_time()
    for _ in range(times):
        step()
    return (time.process_time() - began) / times * 1000


async def sent(web_push: WebPush, pushes: Pushes, to: list[Subscription]) -> tuple[float, float]:
    """Milliseconds of this process for each, and how many went out a second."""
    waiting = iter(range(PUSHES))

    async def work() -> None:
        for nth in waiting:
            await web_push.send(pushes.render(example(to[nth % len(to)])))

    cpu, began = time.process_time(), time.perf_counter()
    await asyncio.gather(*(work() for _ in range(ABREAST)))
    return (time.process_time() - cpu) / PUSHES * 1000, PUSHES / (time.perf_counter() - began)


@contextmanager
def sandbox() -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "uvicorn", "integrations.sandbox.app:app", "--port", str(port)]
    process = subprocess.Popen([*command, "--log-level", "error"])
    url = f"http://127.0.0.1:{port}"
    try:
        for _ in range(100):
            try:
                httpx2.get(f"{url}/health", trust_env=False)
                break
            except httpx2.TransportError:
                time.sleep(0.1)
        yield url
    finally:
        process.terminate()
        process.wait()


async def measure(url: str) -> Table:
    pushes = Pushes("https://todo.example", b"k" * 32)
    async with (
        httpx2.AsyncClient(base_url=url, trust_env=False) as http,
        guarded_client(sandbox_url=url) as client,
    ):
        given = [(await http.post("/push/subscriptions")).json() for _ in range(20)]
        to = [Subscription(uuid4(), each["endpoint"], **each["keys"]) for each in given]
        push = pushes.render(example(to[0]))
        claims = {"aud": url, "exp": int(time.time()) + 3600, "sub": "mailto:todo@example.com"}
        web_push = WebPush(client, KEY, "mailto:todo@example.com", frozenset({"*"}))
        await web_push.send(push)
        whole, per_second = await sent(web_push, pushes, to)
        rows = await http.get("/ledger.json", params={"vendor": "web_push"})
        accepted = sum(row["response_status"] == 201 for row in rows.json())
        if accepted != PUSHES + 1:
            raise RuntimeError(f"{accepted} of {PUSHES + 1} were accepted")
    table = Table("step", "ms of one core", "a second on one core")
    for name, one in (
        ("write it, with three links", cost(lambda: pushes.render(example(to[0])), 2000)),
        ("encrypt it (RFC 8291)", cost(lambda: seal(to[0], push.content), 2000)),
        (
            "sign a token (RFC 8292): once a service and 11 hours",
            cost(lambda: Vapid02(KEY).sign(claims), 500),
        ),
        ("all of it, and send it", whole),
    ):
        table.add_row(name, f"{one:.3f}", f"{1000 / one:,.0f}")
    table.add_row("by the clock, beside the service that decrypts", "", f"{per_second:,.0f}")
    return table


def main() -> None:
    with sandbox() as url:
        table = asyncio.run(measure(url))
    Console(width=120).print(table)
    size = f"{PUSHES} messages; aim ≥ 500 a second on one core"
    keep("Push messages", "python -m bench.push", table, note=size)


if __name__ == "__main__":
    main()
