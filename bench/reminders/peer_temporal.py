"""The same job as one Temporal workflow for each reminder, which waits by itself.

python -m bench.reminders.peer_temporal work
python -m bench.reminders.peer_temporal DUE COUNT       submits
"""

import asyncio
import os
import sys
from datetime import UTC, datetime, timedelta

from temporalio import activity, workflow
from temporalio.client import Client
from temporalio.worker import Worker

QUEUE = "remind-one"
AT_A_TIME = 100
STARTS_AT_A_TIME = 50

with workflow.unsafe.imports_passed_through():
    from bench.reminders.peer_mail import HEADERS, URL, keys, mail
    from integrations.http import Client as Http
    from integrations.http import check, vendor_client


@workflow.defn(name="RemindOne")
class RemindOne:
    @workflow.run
    async def run(self, key: str) -> None:
        await workflow.execute_activity(
            "send_one", key, start_to_close_timeout=timedelta(seconds=10)
        )


class Mail:
    def __init__(self, http: Http) -> None:
        self._http = http

    @activity.defn(name="send_one")
    async def send(self, key: str) -> None:
        check(await self._http.post(URL, content=mail(key), headers=HEADERS), "vendor")


async def work() -> None:
    client = await Client.connect(os.environ["BROKER"])
    async with (
        vendor_client() as http,
        Worker(
            client,
            task_queue=QUEUE,
            workflows=[RemindOne],
            activities=[Mail(http).send],
            max_concurrent_activities=AT_A_TIME,
        ),
    ):
        print("ready.", flush=True)
        await asyncio.Event().wait()


async def submit(due: datetime, count: int) -> None:
    client = await Client.connect(os.environ["BROKER"])
    slots = asyncio.Semaphore(STARTS_AT_A_TIME)

    async def start(key: str) -> None:
        async with slots:
            await client.start_workflow(
                "RemindOne",
                key,
                id=f"remind:{key}",
                task_queue=QUEUE,
                start_delay=max(due - datetime.now(UTC), timedelta(0)),
            )

    await asyncio.gather(*map(start, keys(count)))


if __name__ == "__main__":
    if sys.argv[1] == "work":
        asyncio.run(work())
    else:
        asyncio.run(submit(datetime.fromisoformat(sys.argv[1]), int(sys.argv[2])))
