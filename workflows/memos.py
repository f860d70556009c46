"""A recording becomes todos: heard, transcribed, understood. What is said stands in rows only.

Each step finds in the memo's and the job's row what was done already. So a step that is repeated
does nothing twice, and a workflow that is started anew, because Temporal lost its data, goes on
where it was.
"""

import asyncio

from temporalio import workflow
from temporalio.exceptions import ActivityError, is_cancelled_exception

with workflow.unsafe.imports_passed_through():
    from activities.memos import Memos, Next
    from activities.transcriptions import Outcome, Transcriptions, Turn
    from core.services.memo_processing import Ending

from workflows import policies
from workflows.deliveries import queue_of
from workflows.messages import JobMessage, Provider, TranscriptionMessage
from workflows.waiting import Waiting

# A queue of its own: hours of audio wait there, and not in the workers' hands, where reminders are.
LISTENING = "recordings"
IN_WORDS = {
    Ending.DONE: "Understood, and done.",
    Ending.ASKED: "Understood; its owner was asked before anything is done.",
    Ending.NO_SPEECH: "Nobody speaks in it; its owner was told.",
    Ending.FAILED: "Nothing can be made of it; its owner was told why.",
    Ending.GONE: "The recording is gone.",
}


@workflow.defn(name="ProcessVoiceMemo")
class ProcessVoiceMemo(Waiting):
    @workflow.run
    async def run(self, message: JobMessage) -> Ending:
        """What came of it. It waits for a transcriber for as long as there is none."""
        try:
            ending = await self._until_over(message)
        except (Exception, asyncio.CancelledError) as error:
            # What is neither is a mistake of ours, which a deployment mends: Temporal waits for it.
            if not is_cancelled_exception(error) and not isinstance(error, ActivityError):
                raise
            workflow.set_current_details("Stopped; the recording is kept.")
            await workflow.execute_activity_method(Memos.stop, message, **policies.BOOKKEEPING)
            raise
        workflow.set_current_details(IN_WORDS[ending])
        return ending

    async def _until_over(self, message: JobMessage) -> Ending:
        workflow.set_current_details("Listening: is it audio, and does somebody speak?")
        heard = await workflow.execute_activity_method(
            Memos.listen,
            message,
            task_queue=queue_of(workflow.info().task_queue, LISTENING),
            **policies.LISTENING,
            summary="decode, look for speech",
        )
        if not heard.transcribed:
            ending = await self._transcribed(message, heard.next)
            if ending is not None:
                return ending
        workflow.set_current_details("Understanding what was said, and doing it.")
        return await workflow.execute_activity_method(
            Memos.understand, message, **policies.UNDERSTANDING, summary="understand and apply"
        )

    async def _transcribed(self, message: JobMessage, chosen: Next) -> Ending | None:
        """Ask one provider after the other until one has answered. Null: the words are there."""
        while chosen.ending is None:
            if chosen.provider is None:
                await self._wait(message, chosen)
            else:
                turn = await self._asked(message, chosen.provider)
                if turn.outcome == Outcome.WRITTEN:
                    return None
                if turn.outcome == Outcome.OVER:
                    return turn.ending or Ending.GONE
            chosen = await workflow.execute_activity_method(
                Memos.choose,
                TranscriptionMessage(message, chosen.provider),
                **policies.BOOKKEEPING,
                summary="who transcribes next",
            )
        return chosen.ending

    async def _asked(self, message: JobMessage, provider: Provider) -> Turn:
        workflow.set_current_details(f"Transcribing, by {provider}.")
        try:
            return await workflow.execute_activity_method(
                Transcriptions.transcribe,
                TranscriptionMessage(message, provider),
                task_queue=queue_of(workflow.info().task_queue, f"transcribe-{provider}"),
                **policies.TRANSCRIPTION,
                summary=f"by {provider}",
            )
        except ActivityError as error:
            # It failed several times, or nobody works on its queue any more: the next one's turn.
            if is_cancelled_exception(error):
                raise
            return Turn(Outcome.UNANSWERED)

    async def _wait(self, message: JobMessage, chosen: Next) -> None:
        await self.wait(
            chosen.wait_ms,
            why=f"Waiting for a transcriber: {chosen.why}",
            goes_on="Looks again",
            until="until transcribers are tried",
        )
        if workflow.info().is_continue_as_new_suggested():  # it has waited for days
            workflow.continue_as_new(message)
