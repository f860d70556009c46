"""Workflows that began before a deployment go on after it: their histories replay."""

from pathlib import Path

import pytest
from temporalio import workflow
from temporalio.client import WorkflowHistory
from temporalio.worker import Replayer, UnsandboxedWorkflowRunner

from integrations.temporal_codec import data_converter
from workflows import policies
from workflows.messages import DeliveryMessage
from workflows.registry import WORKFLOWS

with workflow.unsafe.imports_passed_through():
    from activities.deliveries import Deliveries

HISTORIES = sorted((Path(__file__).parent / "histories").glob("*.json"))


def history(path: Path) -> WorkflowHistory:
    return WorkflowHistory.from_json(path.stem, path.read_text(encoding="utf-8"))


async def replay(path: Path, *workflows: type) -> None:
    replayer = Replayer(
        workflows=workflows,
        data_converter=data_converter(b"k" * 32),
        workflow_runner=UnsandboxedWorkflowRunner(),
    )
    await replayer.replay_workflow(history(path))


@pytest.mark.parametrize("path", HISTORIES, ids=lambda path: path.stem)
async def test_recorded_histories_replay(path: Path) -> None:
    await replay(path, *WORKFLOWS)


def test_every_workflow_has_a_history() -> None:
    told = "".join(path.read_text(encoding="utf-8") for path in HISTORIES)
    for kind in WORKFLOWS:
        name = workflow._Definition.must_from_class(kind).name  # noqa: SLF001 - there is no other
        assert f'"name": "{name}"' in told


@workflow.defn(name="RetryDelivery")
class Changed:
    """As a careless change would leave it: it waits before it asks."""

    @workflow.run
    async def run(self, message: DeliveryMessage) -> int:
        await workflow.sleep(5)
        step = await workflow.execute_activity_method(
            Deliveries.attempt, message, **policies.DELIVERY_ATTEMPT
        )
        return step.attempts


async def test_a_changed_order_is_noticed() -> None:
    path = next(path for path in HISTORIES if path.stem == "retry_delivery")
    with pytest.raises(workflow.NondeterminismError):
        await replay(path, Changed)
