"""Records the histories that `test_replay.py` replays: `python -m tests.workflows.record`.

Record anew only after a change that running workflows cannot meet, with a new file name then: what
stands here is what deployed workers left behind.
"""

import asyncio
import re
import sys
from datetime import timedelta
from pathlib import Path

from temporalio import activity
from temporalio.client import WorkflowHandle
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from core.messages import Kind, TickMessage
from tests.workflows.skipping import QUEUE, Script, run, skipping
from workflows.registry import WORKFLOWS

HISTORIES = Path(__file__).parent / "histories"


@activity.defn(name="tick")
async def tick(_: TickMessage) -> int:
    return 3


async def main() -> None:
    HISTORIES.mkdir(exist_ok=True)
    async with skipping() as environment:
        throttled = Script([None, timedelta(minutes=2), None])
        await _write("retry_delivery", await run(environment, "RetryDelivery", throttled))
        waits = Script([], first_wait=timedelta(seconds=5))
        await _write("retry_delivery_first_waits", await run(environment, "RetryDelivery", waits))
        at_once = Script([])
        await _write("send_verification", await run(environment, "SendVerification", at_once))
        async with Worker(
            environment.client,
            task_queue=QUEUE,
            workflows=WORKFLOWS,
            activities=[tick],
            workflow_runner=UnsandboxedWorkflowRunner(),
        ):
            handle: WorkflowHandle[object, int] = await environment.client.start_workflow(
                "Tick", TickMessage(Kind.REMINDERS, 0), id="tick", task_queue=QUEUE, result_type=int
            )
            await handle.result()
            await _write("tick", handle)


async def _write(name: str, handle: WorkflowHandle[object, int]) -> None:
    history = await handle.fetch_history()
    anonymous = re.sub(r'"identity": "[^"]*"', '"identity": "worker"', history.to_json())
    (HISTORIES / f"{name}.json").write_text(anonymous + "\n", encoding="utf-8")
    sys.stdout.write(f"{name}: {len(history.events)} events\n")


if __name__ == "__main__":
    asyncio.run(main())
