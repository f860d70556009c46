"""The end of a connection: the provider is told, and then we forget what we could get in with."""

import asyncio

from temporalio import workflow
from temporalio.exceptions import ActivityError, is_cancelled_exception

with workflow.unsafe.imports_passed_through():
    from activities.connections import Connections

from workflows import policies
from workflows.messages import ConnectionMessage


@workflow.defn(name="Disconnect")
class Disconnect:
    @workflow.run
    async def run(self, message: ConnectionMessage) -> bool:
        """Whether the provider was told, or needed not to be. Connected again, it is left alone."""
        workflow.set_current_details("Gives the access back to the provider.")
        told = True
        try:
            await workflow.execute_activity_method(
                Connections.give_back, message, **policies.REVOCATION, summary="tell the provider"
            )
        except (ActivityError, asyncio.CancelledError) as error:
            # Cancelled by an operator or not: the access is not to be kept for that.
            told = False
            if is_cancelled_exception(error):
                workflow.set_current_details("An operator stopped it; forgets the access.")
        await workflow.execute_activity_method(
            Connections.forget, message, **policies.BOOKKEEPING, summary="forget the access"
        )
        workflow.set_current_details(
            "The access was given back, and forgotten."
            if told
            else "The provider did not answer for a day; the access was forgotten all the same."
        )
        return told
