"""An archive of what is kept of a person: one step, which begins anew when it is broken off."""

import asyncio

from temporalio import workflow
from temporalio.exceptions import ActivityError, is_cancelled_exception

with workflow.unsafe.imports_passed_through():
    from activities.exports import Exports

from workflows import jobs, policies
from workflows.deliveries import queue_of
from workflows.messages import JobMessage

# A queue of its own: a few gigabytes wait there, and not in the workers' hands.
EXPORTING = "exports"


@workflow.defn(name="ExportData")
class ExportData:
    @workflow.run
    async def run(self, message: JobMessage) -> bool:
        """Whether there is one: its person may have removed it meanwhile."""
        workflow.set_current_details("Writes the archive; its job says how far it is.")
        try:
            made = await workflow.execute_activity_method(
                Exports.write,
                message,
                task_queue=queue_of(workflow.info().task_queue, EXPORTING),
                **policies.EXPORT,
                summary="write and seal",
            )
        except (Exception, asyncio.CancelledError) as error:
            if is_cancelled_exception(error):
                await jobs.stop(message)
            elif isinstance(error, ActivityError):
                workflow.set_current_details("It could not be written in a day; its person knows.")
                await workflow.execute_activity_method(
                    Exports.give_up, message, **policies.BOOKKEEPING
                )
            raise
        workflow.set_current_details(
            "Ready, and its person was told." if made else "Nobody wants it any more."
        )
        return made
