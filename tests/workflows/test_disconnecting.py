"""An access is given back or not, and is forgotten either way; what each step does is scripted."""

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from temporalio import activity
from temporalio.client import WorkflowHandle
from temporalio.exceptions import ApplicationError
from temporalio.testing import WorkflowEnvironment

from core.messages import ConnectionMessage
from tests.workflows.skipping import started

MESSAGE = ConnectionMessage(UUID(int=1), UUID(int=2))


@dataclass(slots=True)
class Steps:
    """Stand in for the activities. The provider does not answer so often, or refuses for good."""

    fails: int = 0
    refused: bool = False
    at: list[datetime] = field(default_factory=list)
    forgotten: int = 0

    @activity.defn(name="give_back_connection")
    async def give_back(self, _: ConnectionMessage) -> None:
        self.at.append(activity.info().current_attempt_scheduled_time)
        if self.refused:
            raise ApplicationError("no", type="VendorError", non_retryable=True)
        if len(self.at) <= self.fails:
            raise ApplicationError("no answer", type="VendorError")

    @activity.defn(name="forget_connection")
    async def forget(self, _: ConnectionMessage) -> None:
        self.forgotten += 1


def disconnecting(
    environment: WorkflowEnvironment, steps: Steps
) -> AbstractAsyncContextManager[WorkflowHandle[object, bool]]:
    return started(
        environment,
        "Disconnect",
        MESSAGE,
        activities=[steps.give_back, steps.forget],
        result_type=bool,
    )


@pytest.mark.parametrize(
    ("steps", "told", "tried"),
    [(Steps(), True, 1), (Steps(fails=12), True, 13), (Steps(refused=True), False, 1)],
    ids=["at once", "later", "refused"],
)
async def test_it_is_forgotten_once(
    environment: WorkflowEnvironment, steps: Steps, tried: int, *, told: bool
) -> None:
    async with disconnecting(environment, steps) as handle:
        assert await handle.result() is told
    assert (len(steps.at), steps.forgotten) == (tried, 1)


async def test_after_a_day_without_an_answer_nobody_waits_any_more(
    environment: WorkflowEnvironment,
) -> None:
    steps = Steps(fails=1_000_000)
    async with disconnecting(environment, steps) as handle:
        assert await handle.result() is False
    assert steps.forgotten == 1
    span = steps.at[-1] - steps.at[0]
    assert timedelta(hours=23) < span <= timedelta(hours=24)
    gaps = [later - earlier for earlier, later in zip(steps.at, steps.at[1:], strict=False)]
    assert max(gaps) <= timedelta(minutes=15, seconds=1)


async def test_an_operator_who_stops_it_leaves_nothing_behind(
    real_time: WorkflowEnvironment,
) -> None:
    steps = Steps(fails=1_000_000)
    async with disconnecting(real_time, steps) as handle:
        await handle.cancel()
        assert await handle.result() is False
    assert steps.forgotten == 1
