"""The same job on Procrastinate: one job with a time for each reminder.

Runs in the peers' environment; `main()` with `work`, or with DUE and COUNT, which submits. Not to
be run as a script: its tasks must not belong to `__main__`.
"""

import asyncio
import os
import sys
from datetime import datetime

import aiohttp
from procrastinate import App, PsycopgConnector

from bench.reminders.peer_mail import HEADERS, URL, keys, mail

AT_A_TIME = 100
LOOK_EVERY_S = 0.5  # 5 s by itself, of which half would be lateness

app = App(connector=PsycopgConnector(conninfo=os.environ["BROKER"]))
_http: list[aiohttp.ClientSession] = []


@app.task(name="send")  # type: ignore[untyped-decorator]  # not installed where types are checked
async def send(key: str) -> None:
    async with _http[0].post(URL, data=mail(key), headers=HEADERS) as answer:
        if answer.status != 202:
            raise RuntimeError(answer.status)


async def work() -> None:
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=AT_A_TIME)) as http:
        _http.append(http)
        async with app.open_async():
            await app.schema_manager.apply_schema_async()
            print("ready.", flush=True)
            await app.run_worker_async(
                concurrency=AT_A_TIME, fetch_job_polling_interval=LOOK_EVERY_S
            )


async def submit(due: datetime, count: int) -> None:
    async with app.open_async():
        await send.configure(schedule_at=due).batch_defer_async(
            *({"key": key} for key in keys(count))
        )


def main() -> None:
    if sys.argv[1] == "work":
        asyncio.run(work())
    else:
        asyncio.run(submit(datetime.fromisoformat(sys.argv[1]), int(sys.argv[2])))
