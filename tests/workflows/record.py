"""Records the histories that `test_replay.py` replays: `python -m tests.workflows.record`.

Record anew only after a change that running workflows cannot meet, with a new file name then: what
stands here is what deployed workers left behind.
"""

import asyncio
import re
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

from temporalio import activity
from temporalio.client import WorkflowHandle
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from activities.clock import Moved
from activities.zones import Rearmed
from core.messages import JobMessage, Kind, TickMessage, ZoneCursor, ZoneMessage
from tests.workflows.skipping import QUEUE, Script, run, skipping
from workflows.registry import WORKFLOWS

HISTORIES = Path(__file__).parent / "histories"


@activity.defn(name="tick")
async def tick(_: TickMessage) -> int:
    return 3


JOB = JobMessage(UUID(int=1), UUID(int=2))
CURSOR = ZoneCursor(0, datetime(2027, 3, 28, tzinfo=UTC), UUID(int=3), UUID(int=1))


class Slices:
    """Stand in for the activities of jobs: two slices each, and then it is over."""

    def __init__(self) -> None:
        self.moved = [Moved(False, 500, 1, 2), Moved(True, 1000, 2, 3)]
        self.rearmed = [Rearmed(CURSOR, 200, 300, 150), Rearmed(None, 300, 300, 200)]

    @activity.defn(name="advance_clock")
    async def advance(self, _: JobMessage) -> Moved:
        return self.moved.pop(0)

    @activity.defn(name="change_zone")
    async def change(self, _: ZoneMessage) -> Rearmed:
        return self.rearmed.pop(0)


async def main() -> None:
    HISTORIES.mkdir(exist_ok=True)
    async with skipping() as environment:
        throttled = Script([None, timedelta(minutes=2), None])
        await _write("retry_delivery", await run(environment, "RetryDelivery", throttled))
        waits = Script([], first_wait=timedelta(seconds=5))
        await _write("retry_delivery_first_waits", await run(environment, "RetryDelivery", waits))
        at_once = Script([])
        await _write("send_verification", await run(environment, "SendVerification", at_once))
        await _write("send_mail", await run(environment, "SendMail", at_once))
        slices = Slices()
        async with Worker(
            environment.client,
            task_queue=QUEUE,
            workflows=WORKFLOWS,
            activities=[tick, slices.advance, slices.change],
            workflow_runner=UnsandboxedWorkflowRunner(),
        ):
            handle: WorkflowHandle[object, int] = await environment.client.start_workflow(
                "Tick", TickMessage(Kind.REMINDERS, 0), id="tick", task_queue=QUEUE, result_type=int
            )
            await handle.result()
            await _write("tick", handle)
            for name, kind in (("advance_clock", "AdvanceClock"), ("change_zone", "ChangeZone")):
                handle = await environment.client.start_workflow(
                    kind, JOB, id=name, task_queue=QUEUE, result_type=int
                )
                await handle.result()
                await _write(name, handle)


async def _write(name: str, handle: WorkflowHandle[object, int]) -> None:
    history = await handle.fetch_history()
    anonymous = re.sub(r'"identity": "[^"]*"', '"identity": "worker"', history.to_json())
    (HISTORIES / f"{name}.json").write_text(anonymous + "\n", encoding="utf-8")
    sys.stdout.write(f"{name}: {len(history.events)} events\n")


if __name__ == "__main__":
    asyncio.run(main())
