"""What is over is forgotten round by round; and a Schedule sees to it, whoever is up."""

import asyncio
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field

from temporalio import activity
from temporalio.client import Client, ScheduleActionExecutionStartWorkflow, WorkflowHandle
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

from activities.retention import Forgot, Retention
from core.db import Database
from core.services import retention
from core.services.retention_rules import RULES
from integrations.temporal import ensure_schedules
from tests.workflows.skipping import skipping, started
from workflows import schedules
from workflows.dispatch import TASK_QUEUE
from workflows.retention import MOST_ROUNDS, Forget


@dataclass(slots=True)
class Rounds:
    """Stand in for the activity: so many rounds leave something over."""

    unfinished: int = 0
    failed: int = 0
    answers: list[Forgot] = field(default_factory=list)

    @activity.defn(name="forget_over")
    async def forget(self) -> Forgot:
        goes_on = len(self.answers) < self.unfinished
        self.answers.append(Forgot(7, self.failed, int(goes_on)))
        return self.answers[-1]


def forgetting(
    environment: WorkflowEnvironment, rounds: Rounds
) -> AbstractAsyncContextManager[WorkflowHandle[object, int]]:
    return started(environment, "Forget", activities=[rounds.forget], result_type=int)


async def test_it_goes_on_while_something_is_left_but_not_for_ever() -> None:
    async with skipping() as environment:
        for unfinished, rounds in ((0, 1), (2, 3), (MOST_ROUNDS + 5, MOST_ROUNDS)):
            script = Rounds(unfinished, failed=1)
            async with forgetting(environment, script) as handle:
                assert await handle.result() == 7 * rounds
            assert len(script.answers) == rounds


async def test_its_schedule_starts_it(temporal_client: Client, database_url: str) -> None:
    """And what each rule came to is written down."""
    database = Database(database_url, role="vt_retention", size=1)
    await database.open()
    ours = {"retention": schedules.all_(1)["retention"]}
    rules = [rule for rule in RULES if rule.name in {"slack", "uploads"}]
    handle = temporal_client.get_schedule_handle("retention")
    try:
        async with Worker(
            temporal_client,
            task_queue=TASK_QUEUE,
            workflows=[Forget],
            activities=[Retention(database, rules=rules).forget],
        ):
            assert await ensure_schedules(temporal_client, ours) == 1
            async with asyncio.timeout(60):
                while not (done := (await handle.describe()).info.recent_actions):  # noqa: ASYNC110 (nor does a server)
                    await asyncio.sleep(0.1)
                started = done[0].action
                assert isinstance(started, ScheduleActionExecutionStartWorkflow)
                await temporal_client.get_workflow_handle(started.workflow_id).result()
        async with database.transaction(read_only=True) as tx:
            runs = await retention.runs(tx)
        assert {"slack", "uploads"} <= runs.keys()
        assert runs["slack"].error is None
    finally:
        await handle.delete()
        await database.close()
