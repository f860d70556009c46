"""A file becomes todos; an import is taken back."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.imports import Imports

from workflows import jobs, policies
from workflows.messages import JobMessage


@workflow.defn(name="ImportData")
class ImportData:
    @workflow.run
    async def run(self, message: JobMessage) -> int:
        """How many items of the file were seen to. Started anew, it goes on where it was."""
        workflow.set_current_details("Reads the file.")
        async with jobs.stoppable(message):
            return await self._until_over(message)

    async def _until_over(self, message: JobMessage) -> int:
        while True:
            told = await workflow.execute_activity_method(
                Imports.bring, message, **policies.JOB_SLICE, summary="write rows"
            )
            workflow.set_current_details(f"{told.done} rows of the file were seen to.")
            if told.over:
                return told.done


@workflow.defn(name="UndoImport")
class UndoImport:
    @workflow.run
    async def run(self, message: JobMessage) -> None:
        """Until all is taken back that was not changed since."""
        workflow.set_current_details("Takes an import back.")
        async with jobs.stoppable(message):
            while not await workflow.execute_activity_method(
                Imports.take_back, message, **policies.JOB_SLICE, summary="take rows back"
            ):
                pass
