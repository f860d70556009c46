"""Something typed or pressed in Slack: done, then answered. What it says stands in rows only.

Doing it goes on until it is done, however long PostgreSQL is away. An answer is of use for half an
hour, which is how long Slack takes it; a workflow that is started anew does only what is left.
"""

from temporalio import workflow
from temporalio.exceptions import ActivityError, is_cancelled_exception

with workflow.unsafe.imports_passed_through():
    from activities.slack_app import SlackApp

from workflows import policies
from workflows.deliveries import queue_of
from workflows.messages import SlackMessage

# A queue of its own: while Slack is slow, answers wait there, and not in the hands of reminders.
ANSWERING = "slack-answers"


@workflow.defn(name="HandleSlack")
class HandleSlack:
    @workflow.run
    async def run(self, message: SlackMessage) -> bool:
        """Whether an answer was given; often none is needed."""
        workflow.set_current_details("Doing what was asked in Slack.")
        answers = await workflow.execute_activity_method(
            SlackApp.handle, message, **policies.SLACK_DEED, summary="do it, once"
        )
        if not answers:
            workflow.set_current_details("Done; nothing needed to be said.")
            return False
        workflow.set_current_details("Done; saying so.")
        try:
            await workflow.execute_activity_method(
                SlackApp.answer,
                message,
                task_queue=queue_of(workflow.info().task_queue, ANSWERING),
                **policies.SLACK_ANSWER,
                summary="answer",
            )
        except ActivityError as error:
            if is_cancelled_exception(error):
                raise
            workflow.set_current_details("Done; Slack took no answer for half an hour.")
            await workflow.execute_activity_method(
                SlackApp.keep_silent, message, **policies.BOOKKEEPING, summary="give up answering"
            )
            return False
        workflow.set_current_details("Done and answered.")
        return True
