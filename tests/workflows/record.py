"""Records the histories that `test_replay.py` replays: `python -m tests.workflows.record`.

What stands there already is left alone: it is what deployed workers left behind. After a change
that running workflows cannot meet, record under a new name.
"""

import asyncio
import re
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from temporalio import activity
from temporalio.client import WorkflowHandle
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from activities.clock import Moved
from activities.imports import Progress
from activities.memos import Listened, Next
from activities.zones import Rearmed
from core.messages import (
    JobMessage,
    Kind,
    Provider,
    Queue,
    Store,
    TickMessage,
    ZoneCursor,
    ZoneMessage,
)
from core.services.memo_processing import Ending
from tests.workflows import test_disconnecting as ending
from tests.workflows import test_erasures as erasures
from tests.workflows import test_exports as exports
from tests.workflows import test_retention as retention
from tests.workflows import test_slack as slack
from tests.workflows.skipping import MESSAGE, QUEUE, Script, run, skipping
from tests.workflows.test_calendars import HALF, LISTED, PAUSED, SYNCED, WAITS, running
from tests.workflows.test_calendars import Script as CalendarScript
from tests.workflows.test_memos import Steps, working
from workflows.registry import WORKFLOWS

HISTORIES = Path(__file__).parent / "histories"


@activity.defn(name="tick")
async def tick(_: TickMessage) -> int:
    return 3


JOB = JobMessage(UUID(int=1), UUID(int=2))
CURSOR = ZoneCursor(0, datetime(2027, 3, 28, tzinfo=UTC), UUID(int=3), UUID(int=1))


MEMOS = {
    "": Steps({Provider.OPENAI: 0}),
    "_waits": Steps({Provider.DEEPGRAM: 2}, broken=(Provider.OPENAI,)),
    "_silence": Steps(heard=Listened(transcribed=False, next=Next(Ending.NO_SPEECH))),
    "_again": Steps(heard=Listened(transcribed=True, next=Next(None))),
}


SLACK = {
    "": slack.Steps(),
    "_silent": slack.Steps(answers=False),
    "_unanswered": slack.Steps(refused=True),
}


ENDINGS = {"": ending.Steps(fails=1), "_refused": ending.Steps(refused=True)}


EXPORTS = {"": exports.Steps(fails=1), "_unwanted": exports.Steps(wanted=False)}


ERASURES = {
    "": erasures.Steps(waits=[erasures.GRACE], fails={Store.MAIL: 1}),
    "_cancelled": erasures.Steps(waits=[erasures.GRACE], over=True),
}


CALENDARS = {
    "": (LISTED, HALF, SYNCED),
    "_waits": (LISTED, WAITS, SYNCED),
    "_paused": (PAUSED,),
}


class Slices:
    """Stand in for the activities of jobs: two slices each, and then it is over."""

    def __init__(self) -> None:
        self.moved = [Moved(False, 500, 1, 2), Moved(True, 1000, 2, 3)]
        self.brought = [Progress(over=False, done=4000), Progress(over=True, done=5000)]
        self.taken_back = [False, True]
        self.rearmed = [Rearmed(CURSOR, 200, 300, 150), Rearmed(None, 300, 300, 200)]

    @activity.defn(name="advance_clock")
    async def advance(self, _: JobMessage) -> Moved:
        return self.moved.pop(0)

    @activity.defn(name="change_zone")
    async def change(self, _: ZoneMessage) -> Rearmed:
        return self.rearmed.pop(0)

    @activity.defn(name="import_data")
    async def bring(self, _: JobMessage) -> Progress:
        return self.brought.pop(0)

    @activity.defn(name="undo_import")
    async def take_back(self, _: JobMessage) -> bool:
        return self.taken_back.pop(0)


JOBS = {
    "advance_clock": "AdvanceClock",
    "change_zone": "ChangeZone",
    "import_data": "ImportData",
    "undo_import": "UndoImport",
}


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
        pushed = replace(MESSAGE, queue=Queue.PUSH)
        again = await run(environment, "RetryDelivery", Script([None]), pushed)
        await _write("retry_delivery_queue", again)
        slices = Slices()
        async with Worker(
            environment.client,
            task_queue=QUEUE,
            workflows=WORKFLOWS,
            activities=[tick, slices.advance, slices.change, slices.bring, slices.take_back],
            workflow_runner=UnsandboxedWorkflowRunner(),
        ):
            handle: WorkflowHandle[object, int] = await environment.client.start_workflow(
                "Tick", TickMessage(Kind.REMINDERS, 0), id="tick", task_queue=QUEUE, result_type=int
            )
            await handle.result()
            await _write("tick", handle)
            for name, kind in JOBS.items():
                job: WorkflowHandle[object, Any] = await environment.client.start_workflow(
                    kind, JOB, id=name, task_queue=QUEUE
                )
                await job.result()
                await _write(name, job)
        for name, asked in SLACK.items():
            async with slack.working(environment, asked) as handled:
                await handled.result()
                await _write(f"handle_slack{name}", handled)
        for name, end in ENDINGS.items():
            async with ending.disconnecting(environment, end) as ended:
                await ended.result()
                await _write(f"disconnect{name}", ended)
        for name, written in EXPORTS.items():
            async with exports.exporting(environment, written) as archive:
                await archive.result()
                await _write(f"export_data{name}", archive)
        for name, erased in ERASURES.items():
            async with erasures.erasing(environment, erased) as leaving:
                await leaving.result()
                await _write(f"erase_account{name}", leaving)
        async with retention.forgetting(environment, retention.Rounds(unfinished=1)) as forgetting:
            await forgetting.result()
            await _write("forget", forgetting)
        for name, planned in CALENDARS.items():
            async with running(environment, CalendarScript(list(planned))) as calendar:
                await calendar.result()
                await _write(f"sync_calendar{name}", calendar)
        for name, steps in MEMOS.items():
            async with working(environment, steps) as memo:
                await memo.result()
                await _write(f"process_voice_memo{name}", memo)


async def _write(name: str, handle: WorkflowHandle[object, Any]) -> None:
    path = HISTORIES / f"{name}.json"
    if path.exists():
        return
    history = await handle.fetch_history()
    anonymous = re.sub(r'"identity": "[^"]*"', '"identity": "worker"', history.to_json())
    path.write_text(anonymous + "\n", encoding="utf-8")
    sys.stdout.write(f"{name}: {len(history.events)} events\n")


if __name__ == "__main__":
    asyncio.run(main())
