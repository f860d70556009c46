"""The order of a run's slices and its waits; what each slice does is scripted."""

import asyncio
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from temporalio import activity
from temporalio.client import WorkflowFailureError, WorkflowHandle
from temporalio.testing import WorkflowEnvironment

from activities.calendars import Sliced, State, Why
from core.messages import CalendarMessage
from core.models.calendars import Phase
from tests.workflows.skipping import skipping, started, woken
from workflows.calendars import CALENDARS

RUN = CalendarMessage(UUID(int=1), UUID(int=2), 7)
LISTED = Sliced(State.GOES_ON, Phase.LISTING)
HALF = Sliced(State.GOES_ON, Phase.TODOS, 50, 100)
WAITS = Sliced(State.WAITS, Phase.FEED, 0, 0, 90_000, Why.THROTTLED)
SYNCED, PAUSED = Sliced(State.SYNCED), Sliced(State.PAUSED)


@dataclass(slots=True)
class Script:
    """Stands in for the activities: these slices, one after the other; the last one again."""

    slices: list[Sliced]
    at: list[datetime] = field(default_factory=list)
    stopped: int = 0
    began: asyncio.Event = field(default_factory=asyncio.Event)

    @activity.defn(name="sync_calendar_slice")
    async def slice(self, run: CalendarMessage) -> Sliced:
        assert run == RUN
        self.began.set()
        self.at.append(activity.info().current_attempt_scheduled_time)
        return self.slices.pop(0) if len(self.slices) > 1 else self.slices[0]

    @activity.defn(name="stop_calendar_sync")
    async def stop(self, _: CalendarMessage) -> None:
        self.stopped += 1

    @property
    def gaps(self) -> list[float]:
        pairs = zip(self.at, self.at[1:], strict=False)
        return [(later - earlier).total_seconds() for earlier, later in pairs]


def running(
    environment: WorkflowEnvironment, script: Script
) -> AbstractAsyncContextManager[WorkflowHandle[object, State]]:
    return started(
        environment,
        "SyncCalendar",
        RUN,
        activities=[script.stop],
        beside={CALENDARS: script.slice},
        result_type=State,
    )


async def test_slice_follows_slice_and_what_is_asked_for_is_waited_for() -> None:
    script = Script([LISTED, HALF, WAITS, SYNCED])
    async with skipping() as environment, running(environment, script) as handle:
        assert await handle.result() is State.SYNCED
    assert len(script.at) == 4
    first, second, third = script.gaps
    assert max(first, second) < 5
    assert 90 <= third < 100


@pytest.mark.parametrize("state", [State.PAUSED, State.OVER])
async def test_other_ends_are_ends(state: State) -> None:
    script = Script([Sliced(state)])
    async with skipping() as environment, running(environment, script) as handle:
        assert await handle.result() is state
    assert len(script.at) == 1


async def test_an_operator_need_not_wait(real_time: WorkflowEnvironment) -> None:
    long = Sliced(State.WAITS, Phase.FEED, 0, 0, 24 * 3600 * 1000, Why.UNANSWERED)
    script = Script([long, SYNCED])
    async with running(real_time, script) as handle:
        await woken(handle, lambda: len(script.at) == 2)
        assert await handle.result() is State.SYNCED
    assert script.gaps[0] < timedelta(hours=1).total_seconds()


async def test_one_that_is_cancelled_says_so_in_its_row(real_time: WorkflowEnvironment) -> None:
    long = Sliced(State.WAITS, Phase.FEED, 0, 0, 24 * 3600 * 1000, Why.UNANSWERED)
    script = Script([long])
    async with running(real_time, script) as handle:
        await script.began.wait()
        await handle.cancel()
        with suppress(WorkflowFailureError):
            await handle.result()
    assert script.stopped == 1
