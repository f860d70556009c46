"""The steps of a recording's work that need no transcriber: listening, choosing, understanding."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from temporalio import activity

from activities import errors
from activities.heartbeats import beating
from activities.recordings import MISSING, Audio, Reader
from activities.transcribers import Transcribers
from core import clock, faults, logs, metrics
from core.actor import Actor
from core.db import Database, Transaction
from core.errors import Error, Invalid, NotFound, Rejected, Unauthenticated
from core.messages import JobMessage, Provider, TranscriptionMessage
from core.services import (
    consents,
    memo_processing,
    memo_secrets,
    subject_keys,
    voice_advice,
    voice_commands,
)
from core.services.memo_processing import NOBODY_SPEAKS, Ending, Stage, Waiting, Work
from core.services.voice_advice import Advice, Unsure
from core.services.voice_results import Asked, Memo, Using, VoiceResult
from integrations.audio.sound import Speech

log = logs.get(__name__)

TRIES: Final = 8  # of understanding; after some two minutes it is no passing trouble
CANNOT_BE_OPENED: Final = "it cannot be opened; whoever runs this service can find out why"
NOT_UNDERSTOOD: Final = "something went wrong at understanding it, which is our fault"
ACCOUNT_CLOSED: Final = "the account is closed"


@dataclass(frozen=True, slots=True)
class Next:
    """Who transcribes next; nobody: how long to wait, and why. `ending`: it is over."""

    ending: Ending | None
    provider: Provider | None = None
    wait_ms: int = 0
    why: Waiting | None = None


@dataclass(frozen=True, slots=True)
class Listened:
    """`transcribed`: the words are there already. Else `next` says who is asked for them."""

    transcribed: bool
    next: Next


class Memos:
    """`app_db` works as `vt_app`."""

    def __init__(
        self,
        app_db: Database,
        audio: Audio,
        transcribers: Transcribers,
        using: Using,
        *,
        now: Callable[[], datetime] = clock.now,
    ) -> None:
        self._db = app_db
        self._audio = audio
        self._reader = Reader(app_db, audio)
        self._transcribers = transcribers
        self._using = using
        self._now = now

    @activity.defn(name="listen_to_memo")
    async def listen(self, message: JobMessage) -> Listened:
        """Decode the recording and look for speech; without any, that is its end.

        Run twice, it hears the same, and who finds the job over writes nothing.
        """
        try:
            async with beating():
                return await self._listen(message)
        except Error as error:
            raise errors.translate(error) from error

    @activity.defn(name="choose_transcriber")
    async def choose(self, message: TranscriptionMessage) -> Next:
        """Say who is asked next, after the one that was asked last; or write that it waits.

        Run twice, it may wait a little longer.
        """
        try:
            return await self._choose(message.job, message.provider)
        except Error as error:
            raise errors.translate(error) from error

    @activity.defn(name="understand_memo")
    async def understand(self, message: JobMessage) -> Ending:
        """Understand the words, do what they say, and tell what came of it, all at once.

        Run twice, it finds the job over and answers the same; what it did before in a repeated
        processing stands under (memo, position) and is not done again.
        """
        try:
            async with beating():
                return await self._understand(message)
        except Error as error:
            raise errors.translate(error) from error

    @activity.defn(name="stop_memo")
    async def stop(self, message: JobMessage) -> None:
        """Write that it was stopped. Twice is harmless: what is over stays as it is."""
        async with self._db.transaction() as tx:
            await memo_processing.stop(tx, message, now=self._now())

    async def _listen(self, message: JobMessage) -> Listened:
        async with self._db.transaction() as tx:
            work = await memo_processing.lock(tx, message, now=self._now())
            if isinstance(work, Ending):
                return Listened(transcribed=False, next=Next(work))
            if work.transcribed:
                memo_processing.tell(tx, work, Stage.UNDERSTANDING, 0.7, now=self._now())
                return Listened(transcribed=True, next=Next(None))
            memo_processing.tell(tx, work, Stage.LISTENING, 0.1, now=self._now())
        try:
            speech = await self._reader.speech(work.memo)
            began = await self._audio.recordings.speech_begins(speech)
        except NotFound:
            return self._over(await self._end(message, Ending.FAILED, MISSING))
        except Invalid as error:
            log.warning("memo.unusable", subject_id=work.memo.id, reason=error.code)
            problem = CANNOT_BE_OPENED if error.code == "invalid" else error.detail
            return self._over(await self._end(message, Ending.FAILED, problem))
        faults.point("memo_listened")
        if began is None:
            silent = Ending.NO_SPEECH
            return self._over(await self._end(message, silent, NOBODY_SPEAKS, speech=speech))
        return Listened(transcribed=False, next=await self._choose(message, None, speech=speech))

    def _over(self, ending: Ending) -> Listened:
        return Listened(transcribed=False, next=Next(ending))

    async def _end(
        self, message: JobMessage, ending: Ending, problem: str, *, speech: Speech | None = None
    ) -> Ending:
        async with self._db.transaction() as tx:
            work = await memo_processing.lock(tx, message, now=self._now())
            if isinstance(work, Ending):
                return work
            if speech is not None:
                memo_processing.lasts(tx, work, speech.seconds)
            retention = self._audio.retention
            memo_processing.end(tx, work, ending, problem, retention=retention, now=self._now())
        return ending

    async def _choose(
        self, message: JobMessage, last: Provider | None, *, speech: Speech | None = None
    ) -> Next:
        async with self._db.transaction() as tx:
            work = await memo_processing.lock(tx, message, now=self._now())
            if isinstance(work, Ending):
                return Next(work)
            if work.transcribed and last is not None:
                return Next(None, last)  # it was killed after it had heard, and says so when asked
            if speech is not None:
                memo_processing.lasts(tx, work, speech.seconds)
            choice = self._transcribers.after(
                last,
                language=work.language,
                consented=await consents.stands(tx, work.memo.user_id),
                tenant=message.workspace_id,
            )
            if choice.provider is not None:
                return Next(None, choice.provider)
            now = self._now()
            wait = memo_processing.wait(tx, work, choice.why, asked=choice.rest, now=now)
        metrics.MEMO_WAITS.labels(choice.why.name.lower()).inc()
        log.info("memo.waits", subject_id=work.memo.id, reason=choice.why.name.lower())
        return Next(None, None, round(wait / timedelta(milliseconds=1)), choice.why)

    async def _understand(self, message: JobMessage) -> Ending:
        try:
            ending = await self._understood(message)
        except Unauthenticated:
            return await self._end(message, Ending.FAILED, ACCOUNT_CLOSED)
        except Rejected as error:
            log.warning("memo.not_applied", subject_id=message.job_id, error=error)
            return await self._end(message, Ending.FAILED, error.detail)
        except Exception as error:
            if isinstance(error, Error) or activity.info().attempt < TRIES:
                raise
            log.error("memo.not_understood", subject_id=message.job_id, error=error)
            return await self._end(message, Ending.FAILED, NOT_UNDERSTOOD)
        faults.point("memo_understood")
        return ending

    async def _understood(
        self, message: JobMessage, *, in_session: bool = True, advice: Advice | None = None
    ) -> Ending:
        try:
            async with self._db.transaction() as tx:
                work = await memo_processing.lock(tx, message, now=self._now())
                if isinstance(work, Ending):
                    return work
                made = await self._applied(tx, work, advice, in_session=in_session)
                return memo_processing.understood(tx, work, made, now=self._now())
        except Unsure as unsure:
            if self._using.adviser is None:
                raise
            advice = await voice_advice.consult(self._using.adviser, unsure)
            return await self._understood(message, in_session=in_session, advice=advice)
        except NotFound:  # the session it was said in was deleted
            if not in_session:
                raise
            return await self._understood(message, in_session=False, advice=advice)

    async def _applied(
        self, tx: Transaction, work: Work, advice: Advice | None, *, in_session: bool
    ) -> VoiceResult:
        memo = work.memo
        # As this person, with what they may do by now; the database looks.
        tx.act_for(memo.user_id, limit_key=f"memos:{memo.user_id}")
        ring = await subject_keys.opening(tx, self._audio.ring, memo.user_id)
        return await voice_commands.run(
            tx,
            Actor(memo.user_id, work.job.id),
            memo_secrets.transcript(ring, memo) or "",
            Asked(language=work.language, session_id=memo.session_id if in_session else None),
            using=self._using,
            workspace_id=memo.workspace_id,
            now=self._now(),
            memo=Memo.of(memo, work.job.id),
            stt_confidence=memo.stt_confidence,
            advice=advice,
        )
