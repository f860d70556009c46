"""What the workflows of jobs share."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.jobs import Jobs

from workflows import policies
from workflows.messages import JobMessage


async def stop(message: JobMessage) -> None:
    """An operator cancelled this workflow: whoever asked for the job is told."""
    workflow.set_current_details("Cancelled; what was done stays done.")
    await workflow.execute_activity_method(Jobs.stop, message, **policies.BOOKKEEPING)
