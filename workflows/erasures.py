"""The end of an account: after its grace, one store after the other, until nothing is left."""

from datetime import timedelta

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.erasures import Erasures

from workflows import policies
from workflows.messages import ErasureMessage, ErasureStep, Store


@workflow.defn(name="EraseAccount")
class EraseAccount:
    @workflow.run
    async def run(self, message: ErasureMessage) -> bool:
        """Whether the account was erased; not, if it was cancelled during its grace."""
        workflow.set_current_details("Waits for the end of the grace.")
        while True:
            begun = await workflow.execute_activity_method(
                Erasures.begin, message, **policies.BOOKKEEPING, summary="close the account"
            )
            if begun.over:
                workflow.set_current_details("Cancelled, or done already.")
                return False
            if begun.wait_ms == 0:
                break
            await workflow.sleep(timedelta(milliseconds=begun.wait_ms))
        for store in Store:
            workflow.set_current_details(f"Erases: {store}.")
            await workflow.execute_activity_method(
                Erasures.erase,
                ErasureStep(message.erasure_id, store),
                **policies.ERASURE,
                summary=store,
            )
        workflow.set_current_details("Erased; the receipt is signed.")
        return True
