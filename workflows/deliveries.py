"""A delivery whose first attempt failed for a passing reason: tried again until that is over.

Whether, when and how is computed in the activity, from the delivery's row: 5, 15, 45 s, doubling to
15 min, or what the vendor asked for, until it is of no more use. So a workflow that is started
anew, because Temporal lost its data, goes on where it was.
"""

from datetime import timedelta

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.deliveries import Deliveries, Step, Verdict

from workflows import policies
from workflows.messages import DeliveryMessage

SHORTEST_WAIT = timedelta(milliseconds=100)


@workflow.defn(name="RetryDelivery")
class RetryDelivery:
    @workflow.run
    async def run(self, message: DeliveryMessage) -> int:
        """How many attempts were made, the first one included."""
        return await until_over(message)


def queue_of(own: str, queue: str) -> str:
    """The task queue of one vendor, or of one kind of them, beside the workflows' `own`."""
    return f"{own}.{queue}"


async def until_over(message: DeliveryMessage) -> int:
    """Attempt and wait in turn. The last activity also closes our own record of this workflow."""
    queue = message.queue and queue_of(workflow.info().task_queue, message.queue)
    while True:
        step = await workflow.execute_activity_method(
            Deliveries.attempt, message, task_queue=queue, **policies.DELIVERY_ATTEMPT
        )
        if step.verdict == Verdict.OVER:
            workflow.set_current_details(_in_words(step))
            return step.attempts
        wait = max(timedelta(milliseconds=step.wait_ms), SHORTEST_WAIT)
        next_at = workflow.now() + wait
        workflow.set_current_details(f"{_in_words(step)}; next at {next_at:%Y-%m-%d %H:%M:%S} UTC")
        await workflow.sleep(wait, summary=f"until attempt {step.attempts + 1}")


def _in_words(step: Step) -> str:
    """For an operator: channel, number and reason, nothing that a person wrote."""
    if step.channel is None:
        return "The delivery is gone"
    if step.attempts == 0 and step.verdict == Verdict.AGAIN:
        return f"The first attempt by {step.channel} is to come"
    if step.reason is None:
        return f"Sent by {step.channel}, with attempt {step.attempts}"
    if step.verdict == Verdict.OVER:
        return f"Given up by {step.channel}, after attempt {step.attempts}: {step.reason}"
    return f"Attempt {step.attempts} by {step.channel} failed: {step.reason}"
