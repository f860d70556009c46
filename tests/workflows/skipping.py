"""The time-skipping test server, and deliveries that fail as a script says."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from temporalio import activity
from temporalio.client import WorkflowHandle
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from activities.deliveries import Step, Verdict
from core import embedded
from core.messages import DeliveryMessage
from core.models.deliveries import Channel
from core.rules.retries import USEFUL_FOR, Reason, wait
from integrations.temporal_codec import data_converter
from workflows.deliveries import queue_of
from workflows.registry import WORKFLOWS

QUEUE = "skipping"
MESSAGE = DeliveryMessage(UUID(int=1), UUID(int=2))


@dataclass(slots=True)
class Script:
    """Stands in for the activity: `failures` attempts fail, each with the vendor's wish, if any.

    The waits are the real rule's; what is tested is that the workflow keeps to them.
    """

    failures: list[timedelta | None]
    first_wait: timedelta | None = None  # the tick made the first attempt
    at: list[datetime] = field(default_factory=list)

    @activity.defn(name="attempt_delivery")
    async def attempt(self, _: DeliveryMessage) -> Step:
        now = activity.info().current_attempt_scheduled_time
        if self.first_wait is not None:
            ms = int(self.first_wait.total_seconds() * 1000)
            self.first_wait = None
            return Step(Verdict.AGAIN, 0, Channel.EMAIL, None, ms)
        self.at.append(now)
        nth = len(self.at)
        if nth > len(self.failures):
            return Step(Verdict.OVER, nth, Channel.EMAIL, None, 0)
        if now - self.at[0] >= USEFUL_FOR:
            return Step(Verdict.OVER, nth, Channel.EMAIL, Reason.TOO_LATE, 0)
        due = wait(MESSAGE.delivery_id, nth, self.failures[nth - 1])
        due = min(due, self.at[0] + USEFUL_FOR - now)
        ms = int(due.total_seconds() * 1000) + 1
        return Step(Verdict.AGAIN, nth, Channel.EMAIL, Reason.VENDOR_UNAVAILABLE, ms)

    @property
    def gaps(self) -> list[float]:
        pairs = zip(self.at, self.at[1:], strict=False)
        return [(later - earlier).total_seconds() for earlier, later in pairs]


@asynccontextmanager
async def skipping() -> AsyncIterator[WorkflowEnvironment]:
    environment = await WorkflowEnvironment.start_time_skipping(
        test_server_existing_path=str(embedded.temporal_test_server_binary()),
        data_converter=data_converter(b"k" * 32),
    )
    async with environment:
        yield environment


async def run(
    environment: WorkflowEnvironment,
    workflow: str,
    script: Script,
    message: DeliveryMessage = MESSAGE,
) -> WorkflowHandle[object, int]:
    """Run it to its end, all of its waits skipped. Attempts are made in the message's queue."""
    attempts = [script.attempt]
    async with AsyncExitStack() as stack:
        worker = Worker(
            environment.client,
            task_queue=QUEUE,
            workflows=WORKFLOWS,
            activities=[] if message.queue else attempts,
            workflow_runner=UnsandboxedWorkflowRunner(),
        )
        await stack.enter_async_context(worker)
        if message.queue:
            queue = queue_of(QUEUE, message.queue)
            beside = Worker(environment.client, task_queue=queue, activities=attempts)
            await stack.enter_async_context(beside)
        handle: WorkflowHandle[object, int] = await environment.client.start_workflow(
            workflow, message, id=f"{workflow}:{id(script)}", task_queue=QUEUE, result_type=int
        )
        await handle.result()
    return handle
