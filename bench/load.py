"""A load generator that costs little: one process, raw HTTP/1.1 on keep-alive connections.

python -m bench.load PLAN.json   (written by bench/api.py) prints one JSON result
"""

import asyncio
import json
import sys
import time
from itertools import count
from pathlib import Path
from typing import Any, cast

import uvloop

KEY = b"@KEY@"
_numbers = count()


class Connection(asyncio.Protocol):
    """One request at a time; counts what is not 2xx."""

    def __init__(self) -> None:
        self._buffer = b""
        self._answered: asyncio.Future[int] | None = None
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's own is no subclass

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, separator, body = self._buffer.partition(b"\r\n\r\n")
        if not separator:
            return
        lowered = head.lower()
        at = lowered.find(b"content-length:")
        length = int(lowered[at + 15 : lowered.find(b"\r\n", at) % (len(lowered) + 1)])
        if len(body) >= length:
            self._buffer = b""
            if self._answered is not None:
                self._answered.set_result(int(head[9:12]))

    def connection_lost(self, exc: Exception | None) -> None:
        if self._answered is not None and not self._answered.done():
            self._answered.set_exception(exc or ConnectionResetError())

    async def ask(self, request: bytes) -> int:
        assert self._transport is not None  # noqa: S101 (made before it is used)
        self._answered = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return await self._answered


async def main(plan: dict[str, Any]) -> dict[str, Any]:  # noqa: C901 (two loops over one state)
    """Closed loop (as fast as answers come) or, with `rate`, open loop at that many a second."""
    loop = asyncio.get_running_loop()
    requests: list[bytes] = [request.encode("latin-1") for request in plan["requests"]]
    run = f"{time.time_ns():x}"
    connections = [
        (await loop.create_connection(Connection, "127.0.0.1", plan["port"]))[1]
        for _ in range(plan["connections"])
    ]
    latencies: list[float] = []
    bad = 0
    ends = time.perf_counter() + plan["seconds"]

    def request(number: int) -> bytes:
        template = requests[number % len(requests)]
        return template.replace(KEY, f"{run}-{number}".encode())

    async def closed(connection: Connection) -> None:
        nonlocal bad
        while (began := time.perf_counter()) < ends:
            status = await connection.ask(request(next(_numbers)))
            latencies.append(time.perf_counter() - began)
            bad += not 200 <= status < 300

    async def open_loop(rate: float) -> None:
        nonlocal bad
        free: asyncio.Queue[Connection] = asyncio.Queue()
        for connection in connections:
            free.put_nowait(connection)

        async def one(due: float, connection: Connection, number: int) -> None:
            nonlocal bad
            status = await connection.ask(request(number))
            latencies.append(time.perf_counter() - due)  # from when it was due: waits count
            bad += not 200 <= status < 300
            free.put_nowait(connection)

        began = time.perf_counter()
        tasks = set()
        for number in count():
            due = began + number / rate
            if due > ends:
                break
            if (wait := due - time.perf_counter()) > 0:
                await asyncio.sleep(wait)
            task = asyncio.create_task(one(due, await free.get(), next(_numbers)))
            tasks.add(task)
            task.add_done_callback(tasks.discard)
        await asyncio.gather(*tasks)

    began = time.perf_counter()
    if plan.get("rate"):
        await open_loop(plan["rate"])
    else:
        await asyncio.gather(*(closed(protocol) for protocol in connections))
    took = time.perf_counter() - began
    latencies.sort()

    def percentile(share: float) -> float:
        return round(latencies[min(len(latencies) - 1, int(len(latencies) * share))] * 1000, 2)

    return {
        "per_second": len(latencies) / took,
        "p50": percentile(0.50),
        "p95": percentile(0.95),
        "p99": percentile(0.99),
        "bad": bad,
    }


if __name__ == "__main__":
    print(json.dumps(uvloop.run(main(json.loads(Path(sys.argv[1]).read_text())))))
