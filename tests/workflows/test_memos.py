"""The order of a recording's steps, its fallbacks and its waits; what each does is scripted."""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from temporalio import activity
from temporalio.client import WorkflowFailureError, WorkflowHandle
from temporalio.exceptions import ApplicationError, CancelledError
from temporalio.testing import WorkflowEnvironment

from activities.memos import Listened, Next
from activities.transcriptions import Outcome, Turn
from core.messages import JobMessage, Provider, TranscriptionMessage
from core.services.memo_processing import Ending, Waiting
from core.settings import TRANSCRIBERS
from tests.patience import until
from tests.workflows.skipping import QUEUE, skipping, started, woken
from workflows import policies
from workflows.memos import LISTENING

JOB = JobMessage(UUID(int=1), UUID(int=2))
OPENAI, DEEPGRAM, EMBEDDED = Provider.OPENAI, Provider.DEEPGRAM, Provider.EMBEDDED
ORDER = (OPENAI, DEEPGRAM)
QUARTER = 15 * 60 * 1000


@dataclass(slots=True)
class Steps:
    """Stand in for the activities. `answering` is who transcribes, from the round on that it says;
    who is `broken` fails each time it is asked, others refuse.
    """

    answering: dict[Provider, int] = field(default_factory=dict)
    broken: tuple[Provider, ...] = ()
    order: tuple[Provider, ...] = ORDER
    heard: Listened | None = None
    fails: bool = False  # at understanding, for good
    said: list[str] = field(default_factory=list)
    asked_at: list[datetime] = field(default_factory=list)
    rounds: int = 0

    @activity.defn(name="listen_to_memo")
    async def listen(self, _: JobMessage) -> Listened:
        self.said.append("listen")
        return self.heard or Listened(transcribed=False, next=self._next(None))

    @activity.defn(name="choose_transcriber")
    async def choose(self, message: TranscriptionMessage) -> Next:
        return self._next(message.provider)

    @activity.defn(name="transcribe_memo")
    async def transcribe(self, message: TranscriptionMessage) -> Turn:
        provider = message.provider
        assert provider is not None
        assert activity.info().task_queue == f"{QUEUE}.transcribe-{provider}"
        self.said.append(provider)
        self.asked_at.append(activity.info().current_attempt_scheduled_time)
        if provider in self.broken:
            raise ApplicationError("no answer", type="VendorError")
        if self.rounds >= self.answering.get(provider, 1_000_000):
            return Turn(Outcome.WRITTEN)
        return Turn(Outcome.UNANSWERED)

    @activity.defn(name="understand_memo")
    async def understand(self, _: JobMessage) -> Ending:
        self.said.append("understand")
        if self.fails:
            raise ApplicationError("no", type="Forbidden", non_retryable=True)
        return Ending.DONE

    @activity.defn(name="stop_memo")
    async def stop(self, _: JobMessage) -> None:
        self.said.append("stop")

    def _next(self, last: Provider | None) -> Next:
        left = self.order[self.order.index(last) + 1 if last else 0 :]
        if left:
            return Next(None, left[0])
        self.rounds += 1
        return Next(None, None, QUARTER, Waiting.UNANSWERED)


def working(
    environment: WorkflowEnvironment, steps: Steps, queues: Sequence[Provider] = tuple(Provider)
) -> AbstractAsyncContextManager[WorkflowHandle[object, Ending]]:
    """With a worker on the queues of these providers, and the workflow started."""
    return started(
        environment,
        "ProcessVoiceMemo",
        JOB,
        activities=[steps.choose, steps.understand, steps.stop],
        beside={LISTENING: steps.listen, **{f"transcribe-{q}": steps.transcribe for q in queues}},
        result_type=Ending,
    )


async def run(steps: Steps, queues: Sequence[Provider] = tuple(Provider)) -> Ending:
    async with skipping() as environment, working(environment, steps, queues) as handle:
        return await handle.result()


def test_every_transcriber_that_can_be_set_up_has_a_name_here() -> None:
    assert {*map(str, Provider)} == {*TRANSCRIBERS}


async def test_who_comes_first_is_asked_first() -> None:
    steps = Steps({OPENAI: 0, DEEPGRAM: 0})
    assert await run(steps) == Ending.DONE
    assert steps.said == ["listen", "openai", "understand"]


async def test_who_refuses_makes_way_for_the_next() -> None:
    steps = Steps({DEEPGRAM: 0})
    assert await run(steps) == Ending.DONE
    assert steps.said == ["listen", "openai", "deepgram", "understand"]


async def test_who_fails_is_asked_three_times() -> None:
    steps = Steps({DEEPGRAM: 0}, broken=(OPENAI,))
    assert await run(steps) == Ending.DONE
    assert steps.said == ["listen", *["openai"] * 3, "deepgram", "understand"]


async def test_a_queue_on_which_nobody_works_holds_up_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # The test server does not skip the time that an activity waits for a worker.
    monkeypatch.setitem(policies.TRANSCRIPTION, "schedule_to_start_timeout", timedelta(seconds=1))
    steps = Steps({DEEPGRAM: 0})
    assert await run(steps, [DEEPGRAM]) == Ending.DONE
    assert steps.said == ["listen", "deepgram", "understand"]


@pytest.mark.parametrize("order", [ORDER, ()])
async def test_it_waits_for_as_long_as_it_takes(order: tuple[Provider, ...]) -> None:
    steps = Steps({OPENAI: 4 * 24}, order=order)  # a day
    if not order:  # none is set up, until somebody does that
        steps.heard = Listened(transcribed=False, next=steps._next(None))  # noqa: SLF001 - its own
        steps.order = (OPENAI,)
        steps.answering = {OPENAI: 1}
    assert await run(steps) == Ending.DONE
    assert steps.said[-1] == "understand"
    assert steps.said.count("understand") == 1
    if order:
        waited = steps.asked_at[-1] - steps.asked_at[0]
        assert timedelta(days=1) <= waited < timedelta(days=1, hours=1)


async def test_an_operator_need_not_wait(real_time: WorkflowEnvironment) -> None:
    """A quarter of an hour, that is."""
    steps = Steps({OPENAI: 1})
    async with working(real_time, steps) as handle:
        before = await real_time.get_current_time()
        await woken(handle, lambda: "understand" in steps.said)
        assert await real_time.get_current_time() - before < timedelta(minutes=10)
        assert await handle.result() == Ending.DONE


async def test_stopped_by_an_operator(real_time: WorkflowEnvironment) -> None:
    steps = Steps()
    async with working(real_time, steps) as handle:
        await until(lambda: steps.rounds)
        await handle.cancel()
        with pytest.raises(WorkflowFailureError) as caught:
            await handle.result()
    assert isinstance(caught.value.cause, CancelledError)
    assert steps.said[-1] == "stop"


async def test_a_mistake_of_ours_leaves_nothing_hanging() -> None:
    steps = Steps({OPENAI: 0}, fails=True)
    with pytest.raises(WorkflowFailureError):
        await run(steps)
    assert steps.said[-2:] == ["understand", "stop"]


@pytest.mark.parametrize("ending", [Ending.NO_SPEECH, Ending.FAILED, Ending.GONE])
async def test_what_is_over_at_listening_is_over(ending: Ending) -> None:
    steps = Steps(heard=Listened(transcribed=False, next=Next(ending)))
    assert await run(steps) == ending
    assert steps.said == ["listen"]


async def test_words_that_are_there_are_not_asked_for() -> None:
    steps = Steps(heard=Listened(transcribed=True, next=Next(None)))
    assert await run(steps) == Ending.DONE
    assert steps.said == ["listen", "understand"]
