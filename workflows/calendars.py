"""A calendar and the todos of a workspace come into step: slice by slice, until they agree.

Where it goes on stands in the sync's row only. So a slice that is repeated does nothing twice, and
a workflow that is started anew, because Temporal lost its data, goes on where it was.
"""

import asyncio

from temporalio import workflow
from temporalio.exceptions import is_cancelled_exception

with workflow.unsafe.imports_passed_through():
    from activities.calendar_syncs import CalendarSyncs
    from activities.calendars import Calendars, State
    from core.models.calendars import Phase

from workflows import policies
from workflows.deliveries import queue_of
from workflows.messages import CalendarMessage
from workflows.waiting import Waiting

# A queue of its own: a vendor that hangs keeps nobody else's work waiting.
CALENDARS = "calendars"
IN_WORDS = {
    Phase.LISTING: "Reads what changed at the calendar",
    Phase.TODOS: "Looks at all todos",
    Phase.FEED: "Writes what changed here",
    Phase.DELETIONS: "Looks at what was deleted",
}
ENDS = {
    State.SYNCED: "In step.",
    State.PAUSED: "Stopped: the calendar's provider does not let us in; its owner was told.",
    State.OVER: "Over: another run took its place, or the connection is gone.",
}


@workflow.defn(name="SyncCalendar")
class SyncCalendar(Waiting):
    @workflow.run
    async def run(self, message: CalendarMessage) -> State:
        """What came of it. It waits for a calendar that does not answer, for as long as that is."""
        try:
            state = await self._until_over(message)
        except (Exception, asyncio.CancelledError) as error:
            if not is_cancelled_exception(error):
                raise
            workflow.set_current_details("Cancelled; the next run goes on where it was.")
            await workflow.execute_activity_method(
                CalendarSyncs.stop, message, **policies.BOOKKEEPING
            )
            raise
        workflow.set_current_details(ENDS[state])
        return state

    async def _until_over(self, message: CalendarMessage) -> State:
        while True:
            done = await workflow.execute_activity_method(
                Calendars.sync_slice,
                message,
                task_queue=queue_of(workflow.info().task_queue, CALENDARS),
                **policies.JOB_SLICE,
            )
            if done.state in ENDS:
                return done.state
            if done.state is State.WAITS:
                await self.wait(
                    done.wait_ms,
                    why=f"Waits: {done.why}",
                    goes_on="Goes on",
                    until="until the calendar is tried",
                )
            elif done.phase is not None:
                figures = f": {done.done} of {done.of}" if done.of else ""
                workflow.set_current_details(f"{IN_WORDS[done.phase]}{figures}.")
            if workflow.info().is_continue_as_new_suggested():
                workflow.continue_as_new(message)
