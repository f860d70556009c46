"""An archive is made, or its person is told that there is none; what the steps do is scripted."""

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from temporalio import activity
from temporalio.client import WorkflowFailureError, WorkflowHandle
from temporalio.exceptions import ApplicationError
from temporalio.testing import WorkflowEnvironment

from core.messages import JobMessage
from tests.workflows.skipping import started
from workflows.exports import EXPORTING

MESSAGE = JobMessage(UUID(int=1), UUID(int=2))


@dataclass(slots=True)
class Steps:
    """Stand in for the activities. Writing fails so often, or for good."""

    fails: int = 0
    refused: bool = False
    wanted: bool = True
    at: list[datetime] = field(default_factory=list)
    given_up: int = 0
    stopped: int = 0

    @activity.defn(name="write_export")
    async def write(self, _: JobMessage) -> bool:
        self.at.append(activity.info().current_attempt_scheduled_time)
        if self.refused:
            raise ApplicationError("no", type="Invalid", non_retryable=True)
        if len(self.at) <= self.fails:
            raise ApplicationError("no room", type="Unavailable")
        return self.wanted

    @activity.defn(name="fail_export")
    async def give_up(self, _: JobMessage) -> None:
        self.given_up += 1

    @activity.defn(name="stop_job")
    async def stop(self, _: JobMessage) -> None:
        self.stopped += 1


def exporting(
    environment: WorkflowEnvironment, steps: Steps
) -> AbstractAsyncContextManager[WorkflowHandle[object, bool]]:
    return started(
        environment,
        "ExportData",
        MESSAGE,
        activities=[steps.give_up, steps.stop],
        beside={EXPORTING: steps.write},
        result_type=bool,
    )


@pytest.mark.parametrize(
    ("steps", "made"),
    [(Steps(), True), (Steps(fails=5), True), (Steps(wanted=False), False)],
    ids=["at once", "later", "unwanted"],
)
async def test_it_is_made_or_not_wanted(
    environment: WorkflowEnvironment, steps: Steps, *, made: bool
) -> None:
    async with exporting(environment, steps) as handle:
        assert await handle.result() is made
    assert (len(steps.at), steps.given_up, steps.stopped) == (steps.fails + 1, 0, 0)


async def test_after_a_day_its_person_is_told(environment: WorkflowEnvironment) -> None:
    steps = Steps(fails=1_000_000)
    async with exporting(environment, steps) as handle:
        with pytest.raises(WorkflowFailureError):
            await handle.result()
    assert (steps.given_up, steps.stopped) == (1, 0)
    span = steps.at[-1] - steps.at[0]
    assert timedelta(hours=23) < span <= timedelta(hours=24)


async def test_what_no_repetition_mends_is_told_at_once(environment: WorkflowEnvironment) -> None:
    steps = Steps(refused=True)
    async with exporting(environment, steps) as handle:
        with pytest.raises(WorkflowFailureError):
            await handle.result()
    assert (len(steps.at), steps.given_up) == (1, 1)


async def test_an_operator_who_stops_it_leaves_nobody_waiting(
    real_time: WorkflowEnvironment,
) -> None:
    steps = Steps(fails=1_000_000)
    async with exporting(real_time, steps) as handle:
        await handle.cancel()
        with pytest.raises(WorkflowFailureError):
            await handle.result()
    assert (steps.given_up, steps.stopped) == (0, 1)
