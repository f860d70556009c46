"""A recording's words, asked of one provider. Runs on that provider's own task queue."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from temporalio import activity

from activities import errors
from activities.heartbeats import beating
from activities.recordings import MISSING, Audio, Reader
from activities.transcribers import Transcribers
from core import clock, faults, logs
from core.crypto import Keyring
from core.db import Database, Transaction
from core.errors import Error, Invalid, NotFound, VendorError
from core.messages import Provider, TranscriptionMessage
from core.services import consents, memo_processing, memo_secrets, subject_keys
from core.services.memo_processing import Bill, Ending, Stage, Work
from core.services.memos import Heard
from integrations.transcription.protocol import Transcript
from integrations.transcription.registry import Provider as SetUp

log = logs.get(__name__)


class Outcome(StrEnum):
    WRITTEN = "written"  # the words are there
    UNANSWERED = "unanswered"  # refused, resting, or not set up here: the next one's turn
    OVER = "over"  # nothing is left to do


@dataclass(frozen=True, slots=True)
class Turn:
    """What came of asking a provider; `ending` where that was all."""

    outcome: Outcome
    ending: Ending | None = None


class Transcriptions:
    """`app_db` works as `vt_app`."""

    def __init__(
        self,
        app_db: Database,
        audio: Audio,
        transcribers: Transcribers,
        *,
        now: Callable[[], datetime] = clock.now,
    ) -> None:
        self._db = app_db
        self._audio = audio
        self._reader = Reader(app_db, audio)
        self._transcribers = transcribers
        self._now = now

    @activity.defn(name="transcribe_memo")
    async def transcribe(self, message: TranscriptionMessage) -> Turn:
        """Ask one provider for the words, and keep them sealed in the memo's row.

        Run twice, it finds the words and asks nobody; only one that was killed between the answer
        and its own commit has the provider do it once more, under the same key.
        """
        try:
            async with beating():
                return await self._transcribe(message)
        except Error as error:
            raise errors.translate(error) from error

    async def _transcribe(self, message: TranscriptionMessage) -> Turn:
        provider = message.provider
        transcriber = self._transcribers.get(provider) if provider is not None else None
        if provider is None or transcriber is None:
            return Turn(Outcome.UNANSWERED)
        begun = await self._begun(message, provider, transcriber)
        if isinstance(begun, Turn):
            return begun
        work, keywords = begun
        faults.point("memo_before_vendor")
        try:
            heard = await self._heard(message, provider, transcriber, work, keywords)
        except (NotFound, Invalid):
            return await self._missing(message)
        if heard is None:
            return Turn(Outcome.UNANSWERED)
        faults.point("memo_heard")
        turn = await self._written(message, heard)
        faults.point("memo_transcribed")
        return turn

    async def _begun(
        self, message: TranscriptionMessage, provider: Provider, transcriber: SetUp
    ) -> tuple[Work, list[str]] | Turn:
        async with self._db.transaction() as tx:
            work = await self._locked(tx, message)
            if isinstance(work, Turn):
                return work
            # It may have waited for its turn, and the consent been withdrawn meanwhile.
            if transcriber.third_party and not await consents.stands(tx, work.memo.user_id):
                return Turn(Outcome.UNANSWERED)
            memo_processing.tell(tx, work, Stage.TRANSCRIBING, 0.3, now=self._now())
            keywords = await memo_processing.keywords(tx, work)
        if not self._transcribers.admit(provider, message.job.workspace_id):
            return Turn(Outcome.UNANSWERED)
        return work, keywords

    async def _locked(self, tx: Transaction, message: TranscriptionMessage) -> Work | Turn:
        work = await memo_processing.lock(tx, message.job, now=self._now())
        if isinstance(work, Ending):
            return Turn(Outcome.OVER, work)
        return Turn(Outcome.WRITTEN) if work.transcribed else work

    async def _heard(
        self,
        message: TranscriptionMessage,
        provider: Provider,
        transcriber: SetUp,
        work: Work,
        keywords: list[str],
    ) -> Transcript | None:
        """Null: not from this one. Raises what Temporal is to repeat."""
        tenant = message.job.workspace_id
        speech = await self._reader.speech(work.memo)
        # Reading waits for its turn as well: what is looked at last is what counts.
        if transcriber.third_party and not await self._agreed(work):
            return None
        try:
            heard = await transcriber.transcribe(
                speech,
                language=work.language,
                keywords=keywords,
                idempotency_key=str(work.job.id),
            )
        except VendorError as error:
            if error.permanent:
                self._transcribers.answered(provider, tenant)
            else:
                self._transcribers.failed(provider, tenant, error)
            log.warning("memo.not_transcribed", vendor=provider, permanent=error.permanent)
            if error.permanent or self._transcribers.rests(provider, tenant):
                return None
            raise
        self._transcribers.answered(provider, tenant)
        return heard

    async def _agreed(self, work: Work) -> bool:
        async with self._db.transaction() as tx:
            return await consents.stands(tx, work.memo.user_id)

    async def _written(self, message: TranscriptionMessage, heard: Transcript) -> Turn:
        retention = self._audio.retention
        async with self._db.transaction() as tx:
            work = await self._locked(tx, message)
            if isinstance(work, Turn):
                return work
            ring = await subject_keys.sealing(tx, self._audio.ring, work.memo.user_id)
            kept = _sealed(ring, work, heard)
            bill = Bill(heard.transcriber, heard.model, heard.audio_s, heard.cost_microdollars)
            spoken = bool(heard.text.strip())
            memo_processing.heard(
                tx, work, kept, bill, words=spoken, retention=retention, now=self._now()
            )
        return Turn(Outcome.WRITTEN) if spoken else Turn(Outcome.OVER, Ending.NO_SPEECH)

    async def _missing(self, message: TranscriptionMessage) -> Turn:
        """It could be decoded a moment ago: it was deleted since, or its time came."""
        async with self._db.transaction() as tx:
            work = await self._locked(tx, message)
            if isinstance(work, Turn):
                return work
            ending, retention = Ending.FAILED, self._audio.retention
            memo_processing.end(tx, work, ending, MISSING, retention=retention, now=self._now())
        return Turn(Outcome.OVER, ending)


def _sealed(ring: Keyring, work: Work, heard: Transcript) -> Heard:
    words = [
        {
            "text": each.text,
            "start": each.start_s,
            "end": each.end_s,
            "confidence": each.confidence,
        }
        for each in heard.words
    ]
    return Heard(
        memo_secrets.seal_transcript(ring, work.memo, heard.text),
        memo_secrets.seal_words(ring, work.memo, words) if words else None,
        heard.language,
        heard.transcriber,
        heard.quality,
        heard.confidence,
        heard.audio_s,
    )
