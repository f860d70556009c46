"""Everything that falls due, one kind and lane at a time. Started by a Schedule every 30 s."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.tick import Ticks

from workflows import policies
from workflows.messages import TickMessage


@workflow.defn(name="Tick")
class Tick:
    @workflow.run
    async def run(self, message: TickMessage) -> int:
        """How many rows were worked on."""
        what = f"{message.kind}, lane {message.lane}"
        workflow.set_current_details(
            f"Looks each second at what falls due ({what}) and delivers it, for 30 s. "
            "Pause its Schedule to stop deliveries; nothing is lost, it becomes late."
        )
        count = await workflow.execute_activity_method(
            Ticks.run, message, **policies.TICK, summary=what
        )
        workflow.set_current_details(f"Worked on {count} due rows ({what}).")
        return count
