"""The Schedules: one per kind and lane. Pausing one in the Temporal UI stops that kind there."""

from datetime import timedelta
from typing import Final

from temporalio.client import (
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleIntervalSpec,
    ScheduleOverlapPolicy,
    SchedulePolicy,
    ScheduleSpec,
)
from temporalio.common import Priority

from core.due import SOURCES
from workflows import policies
from workflows.dispatch import TASK_QUEUE, attributes
from workflows.messages import Kind, TickMessage

CATCH_UP: Final = timedelta(seconds=60)


def ticks(lanes: int) -> dict[str, Schedule]:
    """Schedule id -> Schedule, for `temporal.ensure_schedules`."""
    return {
        f"tick:{kind}:{lane}": _tick(kind, lane)
        for kind in SOURCES
        for lane in range(1 if kind is Kind.PARKED else lanes)
    }


def _tick(kind: Kind, lane: int) -> Schedule:
    return Schedule(
        action=ScheduleActionStartWorkflow(
            "Tick",
            TickMessage(kind, lane),
            id=f"tick:{kind}:{lane}",
            task_queue=TASK_QUEUE,
            run_timeout=policies.TICK_ENDS,
            static_summary=f"Delivers due {kind} of lane {lane} for 30 s",
            typed_search_attributes=attributes("Tick", f"{kind}:{lane}"),
            priority=Priority(priority_key=1),  # before the retries that an outage leaves behind
        ),
        spec=ScheduleSpec(intervals=[ScheduleIntervalSpec(every=policies.TICK_EVERY)]),
        # A tick that ends a moment late must not leave the lane alone for the next 30 s.
        policy=SchedulePolicy(overlap=ScheduleOverlapPolicy.BUFFER_ONE, catchup_window=CATCH_UP),
    )
