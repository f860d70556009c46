"""What was asked in Slack is done, then answered; what each step does is scripted."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from uuid import UUID, uuid4

import pytest
from temporalio import activity
from temporalio.client import WorkflowHandle
from temporalio.exceptions import ApplicationError
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from core.messages import SlackMessage
from tests.workflows.skipping import QUEUE, skipping
from workflows.deliveries import queue_of
from workflows.registry import WORKFLOWS
from workflows.slack import ANSWERING

MESSAGE = SlackMessage(UUID(int=1))


@dataclass(slots=True)
class Steps:
    """Stand in for the activities. Doing it fails so often; so does answering, or for good."""

    fails: int = 0
    answers: bool = True
    unanswered: int = 0
    refused: bool = False
    said: list[str] = field(default_factory=list)

    @activity.defn(name="do_in_slack")
    async def handle(self, _: SlackMessage) -> bool:
        self.said.append("do")
        if self.said.count("do") <= self.fails:
            raise ApplicationError("no database", type="Unavailable")
        return self.answers

    @activity.defn(name="answer_in_slack")
    async def answer(self, _: SlackMessage) -> None:
        assert activity.info().task_queue == f"{QUEUE}.slack-answers"
        self.said.append("answer")
        if self.refused:
            raise ApplicationError("no", type="VendorError", non_retryable=True)
        if self.said.count("answer") <= self.unanswered:
            raise ApplicationError("no answer", type="VendorError")

    @activity.defn(name="keep_silent_in_slack")
    async def keep_silent(self, _: SlackMessage) -> None:
        self.said.append("silent")


@asynccontextmanager
async def working(
    environment: WorkflowEnvironment, steps: Steps
) -> AsyncIterator[WorkflowHandle[object, bool]]:
    async with AsyncExitStack() as stack:
        for worker in (
            Worker(
                environment.client,
                task_queue=QUEUE,
                workflows=WORKFLOWS,
                activities=[steps.handle, steps.keep_silent],
                workflow_runner=UnsandboxedWorkflowRunner(),
            ),
            Worker(
                environment.client,
                task_queue=queue_of(QUEUE, ANSWERING),
                activities=[steps.answer],
            ),
        ):
            await stack.enter_async_context(worker)
        yield await environment.client.start_workflow(
            "HandleSlack", MESSAGE, id=f"slack:{uuid4()}", task_queue=QUEUE, result_type=bool
        )


@pytest.fixture(scope="module")
async def environment() -> AsyncIterator[WorkflowEnvironment]:
    async with skipping() as found:
        yield found


@pytest.mark.parametrize(
    ("steps", "answered", "said"),
    [
        (Steps(), True, ["do", "answer"]),
        (Steps(answers=False), False, ["do"]),
        (Steps(fails=3), True, ["do", "do", "do", "do", "answer"]),
        (Steps(unanswered=2), True, ["do", "answer", "answer", "answer"]),
        (Steps(refused=True), False, ["do", "answer", "silent"]),
    ],
    ids=["answered", "silent", "repeated", "answered_late", "unanswerable"],
)
async def test_it_is_done_and_answered(
    environment: WorkflowEnvironment, steps: Steps, *, answered: bool, said: list[str]
) -> None:
    async with working(environment, steps) as handle:
        assert await handle.result() is answered
    assert steps.said == said


async def test_after_half_an_hour_nobody_listens(environment: WorkflowEnvironment) -> None:
    steps = Steps(unanswered=1000)
    async with working(environment, steps) as handle:
        assert await handle.result() is False
    assert steps.said[-1] == "silent"
    assert 28 <= steps.said.count("answer") <= 40
