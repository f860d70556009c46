"""What was asked in Slack is done, then answered; what each step does is scripted."""

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from uuid import UUID

import pytest
from temporalio import activity
from temporalio.client import WorkflowHandle
from temporalio.exceptions import ApplicationError
from temporalio.testing import WorkflowEnvironment

from core.messages import SlackMessage
from tests.workflows.skipping import QUEUE, started
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


def working(
    environment: WorkflowEnvironment, steps: Steps
) -> AbstractAsyncContextManager[WorkflowHandle[object, bool]]:
    return started(
        environment,
        "HandleSlack",
        MESSAGE,
        activities=[steps.handle, steps.keep_silent],
        beside={ANSWERING: steps.answer},
        result_type=bool,
    )


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
