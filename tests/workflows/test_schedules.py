"""What a Schedule does when its ticks cannot be carried on."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

from temporalio import workflow
from temporalio.client import (
    Client,
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleIntervalSpec,
    WorkflowExecutionStatus,
)
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from integrations.temporal import ensure_schedules
from integrations.temporal_codec import data_converter
from tests.temporal import Server
from workflows import policies
from workflows.schedules import ticks


@workflow.defn(name="Echo")
class Echo:
    @workflow.run
    async def run(self, message: str) -> str:
        return message


def echoing(name: str) -> Schedule:
    """The policy of the ticks; all else is quicker."""
    schedule = ticks(1)["tick:reminders:0"]
    action = ScheduleActionStartWorkflow(
        "Echo", "hello", id=name, task_queue=name, run_timeout=timedelta(seconds=2)
    )
    every = ScheduleIntervalSpec(every=timedelta(seconds=1))
    return replace(schedule, action=action, spec=replace(schedule.spec, intervals=[every]))


def test_every_tick_is_given_up_some_time() -> None:
    actions = [schedule.action for schedule in ticks(2).values()]
    assert {isinstance(action, ScheduleActionStartWorkflow) for action in actions} == {True}
    assert {
        action.run_timeout for action in actions if isinstance(action, ScheduleActionStartWorkflow)
    } == {policies.TICK_ENDS}


async def test_ticks_of_keys_that_are_gone_hold_nobody_up(
    temporal_client: Client, temporal_server: Server
) -> None:
    name = f"tick:{uuid4()}"
    before = await Client.connect(
        temporal_server.address, data_converter=data_converter(b"another key of thirty-two bytes.")
    )
    await ensure_schedules(before, {name: echoing(name)})
    try:
        runner = UnsandboxedWorkflowRunner()
        async with Worker(
            temporal_client, task_queue=name, workflows=[Echo], workflow_runner=runner
        ):
            await ensure_schedules(temporal_client, {name: echoing(name)})
            async with asyncio.timeout(60):
                # Nobody tells when a workflow ends that a Schedule began.
                while WorkflowExecutionStatus.COMPLETED not in await ended(temporal_client, name):  # noqa: ASYNC110 (as above)
                    await asyncio.sleep(0.2)
            assert WorkflowExecutionStatus.TIMED_OUT in await ended(temporal_client, name)
    finally:
        await temporal_client.get_schedule_handle(name).delete()


async def ended(client: Client, name: str) -> set[WorkflowExecutionStatus | None]:
    """How the ticks so far went; Temporal appends the time to their ids."""
    found = client.list_workflows(f"WorkflowId STARTS_WITH '{name}'")
    return {each.status async for each in found}
