"""What accounts need over time: for now, the mail that verifies an address."""

from temporalio import workflow

from workflows.deliveries import until_over
from workflows.messages import DeliveryMessage


@workflow.defn(name="SendVerification")
class SendVerification:
    @workflow.run
    async def run(self, message: DeliveryMessage) -> int:
        """The first attempt at once, then as every other delivery; how many attempts were made."""
        return await until_over(message)
