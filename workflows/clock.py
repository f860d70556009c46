"""The clock of a sandbox moves forward. All that it is told stands in the job's row."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.clock import Clocks

from workflows import jobs, policies
from workflows.messages import JobMessage


@workflow.defn(name="AdvanceClock")
class AdvanceClock:
    @workflow.run
    async def run(self, message: JobMessage) -> int:
        """How many due rows were worked on."""
        workflow.set_current_details("Moves the clock from one due instant to the next.")
        async with jobs.stoppable(message):
            return await self._until_over(message)

    async def _until_over(self, message: JobMessage) -> int:
        while True:
            moved = await workflow.execute_activity_method(
                Clocks.advance, message, **policies.JOB_SLICE
            )
            figures = f"{moved.instants} instants, {moved.handled} due rows worked on"
            workflow.set_current_details(f"{moved.permille / 10:.1f} % of the way; {figures}.")
            if moved.over:
                return moved.handled
