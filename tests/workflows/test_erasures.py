"""An erasure waits for the end of its grace, and then goes through every store in their order."""

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from temporalio import activity
from temporalio.client import WorkflowHandle
from temporalio.exceptions import ApplicationError
from temporalio.testing import WorkflowEnvironment

from activities.erasures import Begun
from core.messages import ErasureMessage, ErasureStep, Store
from tests.workflows.skipping import started

MESSAGE = ErasureMessage(UUID(int=7))
GRACE = timedelta(days=14)


@dataclass(slots=True)
class Steps:
    """Stand in for the activities. `fails`: how often a store is refused before it is done."""

    waits: list[timedelta] = field(default_factory=list)
    over: bool = False
    fails: dict[Store, int] = field(default_factory=dict)
    begun: list[datetime] = field(default_factory=list)
    stores: list[Store] = field(default_factory=list)
    at: list[datetime] = field(default_factory=list)

    @activity.defn(name="begin_erasure")
    async def begin(self, _: ErasureMessage) -> Begun:
        self.begun.append(activity.info().current_attempt_scheduled_time)
        if self.waits:
            return Begun(over=False, wait_ms=int(self.waits.pop(0).total_seconds() * 1000))
        return Begun(over=self.over, wait_ms=0)

    @activity.defn(name="erase_store")
    async def erase(self, step: ErasureStep) -> None:
        self.at.append(activity.info().current_attempt_scheduled_time)
        if self.fails.get(step.store, 0):
            self.fails[step.store] -= 1
            raise ApplicationError("not yet", type="Unfinished")
        self.stores.append(step.store)


def erasing(
    environment: WorkflowEnvironment, steps: Steps
) -> AbstractAsyncContextManager[WorkflowHandle[object, bool]]:
    return started(
        environment,
        "EraseAccount",
        MESSAGE,
        activities=[steps.begin, steps.erase],
        result_type=bool,
    )


async def test_it_waits_for_the_end_of_the_grace(environment: WorkflowEnvironment) -> None:
    steps = Steps(waits=[GRACE])
    async with erasing(environment, steps) as handle:
        assert await handle.result() is True
    asked, begun = steps.begun
    assert GRACE <= begun - asked < GRACE + timedelta(minutes=1)
    assert steps.stores == list(Store)


async def test_one_that_was_cancelled_meanwhile_touches_nothing(
    environment: WorkflowEnvironment,
) -> None:
    steps = Steps(waits=[GRACE], over=True)
    async with erasing(environment, steps) as handle:
        assert await handle.result() is False
    assert steps.stores == []


async def test_a_service_that_is_away_for_days_is_asked_until_it_answers(
    environment: WorkflowEnvironment,
) -> None:
    steps = Steps(fails={Store.CONNECTIONS: 300, Store.MAIL_SERVICE: 2})
    async with erasing(environment, steps) as handle:
        assert await handle.result() is True
    assert steps.stores == list(Store)
    assert steps.at[300] - steps.at[0] > timedelta(days=3) - timedelta(hours=6)
