"""What accounts need over time: for now, the mails about them."""

from temporalio import workflow

from workflows.deliveries import until_over
from workflows.messages import DeliveryMessage


@workflow.defn(name="SendVerification")
class SendVerification:
    @workflow.run
    async def run(self, message: DeliveryMessage) -> int:
        """The first attempt at once, then as every other delivery; how many attempts were made."""
        return await until_over(message)


@workflow.defn(name="SendMail")
class SendMail:
    @workflow.run
    async def run(self, message: DeliveryMessage) -> int:
        """As `SendVerification`, of any other mail about the account."""
        return await until_over(message)
