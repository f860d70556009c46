"""A person changed zones, and has much that is floating: it follows in batches."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.zones import Zones

from workflows import jobs, policies
from workflows.messages import JobMessage, ZoneMessage


@workflow.defn(name="ChangeZone")
class ChangeZone:
    @workflow.run
    async def run(self, message: JobMessage) -> int:
        """How many rows were moved. Started anew, it looks at all of them once more."""
        workflow.set_current_details("Moves floating times, the soonest first.")
        async with jobs.stoppable(message):
            return await self._until_over(ZoneMessage(message, None))

    async def _until_over(self, message: ZoneMessage) -> int:
        while True:
            done = await workflow.execute_activity_method(
                Zones.change, message, **policies.JOB_SLICE
            )
            if done.of:
                figures = f"{done.looked_at} of {done.of} looked at, {done.moved} moved"
                workflow.set_current_details(f"{figures}.")
            if done.after is None:
                return done.moved
            message = ZoneMessage(message.job, done.after)
