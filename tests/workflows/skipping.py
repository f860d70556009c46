"""The time-skipping test server, and deliveries that fail as a script says."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID, uuid4

from temporalio import activity
from temporalio.client import WorkflowHandle
from temporalio.service import RPCError
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from activities.deliveries import Step, Verdict
from core import embedded
from core.messages import DeliveryMessage
from core.models.deliveries import Channel
from core.rules.retries import USEFUL_FOR, Reason, wait
from integrations.temporal_codec import data_converter
from tests.patience import until
from workflows.deliveries import queue_of
from workflows.registry import WORKFLOWS

T = TypeVar("T")
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


@asynccontextmanager
async def started(
    environment: WorkflowEnvironment,
    workflow: str,
    *message: object,
    activities: Sequence[Callable[..., Any]],
    beside: Mapping[str, Callable[..., Any]] | None = None,
    result_type: type[T],
) -> AsyncIterator[WorkflowHandle[object, T]]:
    """The workflow, begun, with workers of its queue and of those beside it, by their names."""
    client = environment.client
    main = Worker(
        client,
        task_queue=QUEUE,
        workflows=WORKFLOWS,
        activities=activities,
        workflow_runner=UnsandboxedWorkflowRunner(),
    )
    others = [
        Worker(client, task_queue=queue_of(QUEUE, name), activities=[each])
        for name, each in (beside or {}).items()
    ]
    async with AsyncExitStack() as stack:
        for worker in (main, *others):
            await stack.enter_async_context(worker)
        handle: WorkflowHandle[object, T] = await client.start_workflow(
            workflow,
            args=message,
            id=f"{workflow}:{uuid4()}",
            task_queue=QUEUE,
            result_type=result_type,
        )
        yield handle


async def woken(handle: WorkflowHandle[object, Any], again: Callable[[], object]) -> None:
    """Until it has looked again. A signal that comes before it waits is not heard."""

    async def signalled() -> bool:
        if again():
            return True
        with suppress(RPCError):  # it is over meanwhile
            await handle.signal("look_again")
        return False

    await until(signalled)


async def run(
    environment: WorkflowEnvironment,
    workflow: str,
    script: Script,
    message: DeliveryMessage = MESSAGE,
) -> WorkflowHandle[object, int]:
    """Run it to its end, all of its waits skipped. Attempts are made in the message's queue."""
    async with started(
        environment,
        workflow,
        message,
        activities=[] if message.queue else [script.attempt],
        beside={message.queue: script.attempt} if message.queue else None,
        result_type=int,
    ) as handle:
        await handle.result()
    return handle
