"""The Schedules: one per kind and lane, and one that forgets what is over.

Pausing one in the Temporal UI stops that.
"""

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


def all_(lanes: int) -> dict[str, Schedule]:
    """Schedule id -> Schedule, for `temporal.ensure_schedules`."""
    return ticks(lanes) | {"retention": _retention()}


def ticks(lanes: int) -> dict[str, Schedule]:
    """Those of what falls due."""
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


def _retention() -> Schedule:
    return Schedule(
        action=ScheduleActionStartWorkflow(
            "Forget",
            id="retention",
            task_queue=TASK_QUEUE,
            static_summary="Forgets what is over, class by class",
            typed_search_attributes=attributes("Forget", "retention"),
            priority=Priority(priority_key=5),  # after whatever somebody waits for
        ),
        spec=ScheduleSpec(intervals=[ScheduleIntervalSpec(every=policies.RETENTION_EVERY)]),
        # One that has much to do goes on; the next one would do the same.
        policy=SchedulePolicy(overlap=ScheduleOverlapPolicy.SKIP, catchup_window=CATCH_UP),
    )
