"""What is over is forgotten. Started by a Schedule every five minutes."""

from typing import Final

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.retention import Retention

from workflows import policies

MOST_ROUNDS: Final = 20  # then the Schedule's next one goes on, with a history of its own


@workflow.defn(name="Forget")
class Forget:
    @workflow.run
    async def run(self) -> int:
        """How many rows were forgotten."""
        workflow.set_current_details(
            "Forgets what is over, class by class, in short transactions. Pause its Schedule to "
            "keep everything; nothing else waits for it."
        )
        rows = 0
        for _ in range(MOST_ROUNDS):
            forgot = await workflow.execute_activity_method(Retention.forget, **policies.RETENTION)
            rows += forgot.rows
            told = f"Forgot {rows} rows."
            if forgot.failed:
                told += f" {forgot.failed} rules failed: `voicetodo admin retention` says which."
            workflow.set_current_details(told)
            if not forgot.unfinished:
                break
        return rows
