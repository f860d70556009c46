"""What the workflows of jobs share."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from temporalio import workflow
from temporalio.exceptions import is_cancelled_exception

with workflow.unsafe.imports_passed_through():
    from activities.jobs import Jobs

from workflows import policies
from workflows.messages import JobMessage


async def stop(message: JobMessage) -> None:
    """An operator cancelled this workflow: whoever asked for the job is told."""
    workflow.set_current_details("Cancelled; what was done stays done.")
    await workflow.execute_activity_method(Jobs.stop, message, **policies.BOOKKEEPING)


@asynccontextmanager
async def stoppable(message: JobMessage) -> AsyncIterator[None]:
    """What an operator cancels within this block is told to whoever asked for the job."""
    try:
        yield
    except (Exception, asyncio.CancelledError) as error:
        if is_cancelled_exception(error):
            await stop(message)
        raise
