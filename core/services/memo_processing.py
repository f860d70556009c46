"""What becomes of a recording, step by step: each is one transaction that can be done again.

1. `lock` finds the memo and its job. An `Ending` instead: there is nothing left to do, because it
   is over, was deleted, or a newer job took its place; the job says so as well.
2. What was done stands in the job's `result` from the same transaction: `transcribed`, so that no
   vendor is asked twice for one job, and in the end `outcome`.
3. The ends tell: the memo's state, an event, and a line in the app.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

from sqlalchemy import bindparam, insert, update

from core.db import Transaction
from core.events import Event
from core.messages import JobMessage
from core.models.jobs import JobStatus
from core.models.memos import MemoStatus, VoiceMemos
from core.models.transcriptions import Transcriptions
from core.rules import retries
from core.services import audio_times, jobs, memos, notification_rows
from core.services.jobs import Found
from core.services.memo_rows import MemoRow
from core.services.memos import Heard
from core.services.voice_results import VoiceResult
from core.statements import Query, query, row

KIND: Final = "voice_memo"  # of notifications
SUPERSEDED: Final = "a newer processing took its place"
DELETED: Final = "the memo was deleted"
STOPPED: Final = "it was stopped; the recording is kept"
NOBODY_SPEAKS: Final = "nobody was heard in it"
NO_WORDS: Final = "somebody was heard, but no words could be made out"


class Ending(StrEnum):
    """What came of a recording, or of another step once it is over."""

    DONE = "done"
    ASKED = "asked"  # its owner answers before anything is done
    NO_SPEECH = "no_speech"
    FAILED = "failed"
    GONE = "gone"  # deleted, stopped, or processed anew by another job


class Waiting(StrEnum):
    """Why no transcriber can be asked now."""

    NONE_CONFIGURED = "none is set up"
    LANGUAGE = "none of them knows the language"
    CONSENT = "its owner did not agree to the ones that are set up"
    UNANSWERED = "none of them answers"


SENTENCES: Final = {
    Waiting.NONE_CONFIGURED: "no transcriber is set up; the recording is kept until one is",
    Waiting.LANGUAGE: "no transcriber that is set up knows this language; the recording is kept",
    Waiting.CONSENT: "it is transcribed as soon as you agree to a transcriber outside",
    Waiting.UNANSWERED: "no transcriber answers at the moment; it goes on as soon as one does",
}
_STATUS: Final = {
    Ending.DONE: MemoStatus.DONE,
    Ending.ASKED: MemoStatus.NEEDS_CONFIRMATION,
    Ending.NO_SPEECH: MemoStatus.NO_SPEECH,
    Ending.FAILED: MemoStatus.FAILED,
}


class Stage(StrEnum):
    """What is being done now, of a memo that is not over."""

    LISTENING = "listening"
    TRANSCRIBING = "transcribing"
    UNDERSTANDING = "understanding"


@dataclass(frozen=True, slots=True)
class Work:
    """A recording and its job, locked for a step."""

    job: Found
    memo: MemoRow

    @property
    def transcribed(self) -> bool:
        """By this job; or it works on the words that are there."""
        asked = self.job.result
        if asked.get("transcribed"):
            return True
        heard_anew = asked.get("language") is not None and self.memo.blob is not None
        return bool(asked.get("reprocess")) and self.memo.transcript is not None and not heard_anew

    @property
    def language(self) -> str | None:
        """What was asked for, else what was found before."""
        asked: str | None = self.job.result.get("language")
        return asked or self.memo.language


@dataclass(frozen=True, slots=True)
class Bill:
    """What a transcription was worth; `cost_microdollars` is null where nobody says."""

    transcriber: str
    model: str
    audio_s: float
    cost_microdollars: int | None


_BILL = query(
    insert(Transcriptions).values(
        workspace_id=bindparam("workspace_id"),
        id=bindparam("id"),
        memo_id=bindparam("memo_id"),
        transcriber=bindparam("transcriber"),
        model=bindparam("model"),
        audio_s=bindparam("audio_s"),
        cost_microdollars=bindparam("cost_microdollars"),
        created_at=bindparam("now"),
    )
)

# Names that are likely to be said. A worker asks in nobody's name, so it says which workspace.
_KEYWORDS = Query(
    b"""
    (SELECT name FROM lists WHERE workspace_id = %(workspace_id)s AND deleted_at IS NULL
     ORDER BY position, id LIMIT 50)
    UNION
    (SELECT tag FROM todos, unnest(tags) AS tag
     WHERE workspace_id = %(workspace_id)s AND deleted_at IS NULL
     GROUP BY tag ORDER BY count(*) DESC, tag LIMIT 50)
    """,
    row,
    {},
    writes=False,
)
_LASTS = query(
    update(VoiceMemos)
    .where(
        VoiceMemos.workspace_id == bindparam("of_workspace_id"),
        VoiceMemos.id == bindparam("of_id"),
    )
    .values(duration_s=bindparam("seconds"))
)


async def lock(tx: Transaction, message: JobMessage, *, now: datetime) -> Work | Ending:
    """In the order in which whoever deletes a memo locks: first the memo, then its job."""
    tx.act_in([message.workspace_id])
    job = await jobs.last(tx, message.workspace_id, message.job_id)
    if job is None:  # with its workspace or its person; nothing else names the workflow
        await jobs.lock(tx, message.workspace_id, message.job_id)
        return Ending.GONE
    tx.act_in([message.workspace_id], job.user_id)
    memo = await memos.lock(tx, message.workspace_id, UUID(job.result["memo_id"]))
    found = await jobs.lock(tx, message.workspace_id, message.job_id)
    if found is None:
        told = await jobs.last(tx, message.workspace_id, message.job_id)
        return Ending(told.result.get("outcome", Ending.GONE)) if told else Ending.GONE
    if memo is None or memo.job_id != found.id:
        error = DELETED if memo is None else SUPERSEDED
        jobs.finish(tx, found, JobStatus.CANCELLED, found.result, error=error, now=now)
        return Ending.GONE
    return Work(found, memo)


def tell(tx: Transaction, work: Work, stage: Stage, progress: float, *, now: datetime) -> None:
    """Queue saying what is done now, to whoever asks for the memo or for the job."""
    understanding = stage is Stage.UNDERSTANDING
    status = MemoStatus.UNDERSTANDING if understanding else MemoStatus.TRANSCRIBING
    memos.tell(tx, work.memo, status, stage=stage, now=now)
    jobs.tell(tx, work.job, progress, work.job.result | {"stage": stage}, now=now)


async def keywords(tx: Transaction, work: Work) -> list[str]:
    """Names of lists and tags: what transcribers get wrong unless they know."""
    found = await tx.all(_KEYWORDS, workspace_id=work.memo.workspace_id)
    return [name for (name,) in found]


def lasts(tx: Transaction, work: Work, seconds: float) -> None:
    """Queue keeping how long the recording is, now that it was decoded."""
    of = {"of_workspace_id": work.memo.workspace_id, "of_id": work.memo.id}
    tx.run(_LASTS, **of, seconds=seconds)


def wait(
    tx: Transaction, work: Work, why: Waiting, *, asked: timedelta, now: datetime
) -> timedelta:
    """Queue saying that it waits, and for what; how long: 5, 15, 45 s, doubling to 15 min.

    `asked` is for how long all of them rest. The rounds are counted in the job's row.
    """
    rounds = work.job.result.get("rounds", 0) + 1
    spread = retries.wait(work.job.id, rounds, asked)
    memos.tell(tx, work.memo, MemoStatus.WAITING, problem=SENTENCES[why], now=now)
    told = {"stage": None, "rounds": rounds, "next_at": (now + spread).isoformat()}
    result = work.job.result | told
    jobs.tell(tx, work.job, 0.0, result, status=JobStatus.WAITING, now=now)
    if work.memo.status != MemoStatus.WAITING:
        tx.emit(Event(work.memo.workspace_id, "voice_memo.waiting", work.memo.id))
    return spread


def heard(
    tx: Transaction,
    work: Work,
    what: Heard,
    bill: Bill,
    *,
    words: bool,
    retention: timedelta | None,
    now: datetime,
) -> None:
    """Queue keeping what was heard, and that this job has heard it.

    Without `words` that is its end. The audio's time runs from now on.
    """
    tx.run(
        _BILL,
        workspace_id=work.memo.workspace_id,
        id=work.job.id,
        memo_id=work.memo.id,
        transcriber=bill.transcriber,
        model=bill.model,
        audio_s=bill.audio_s,
        cost_microdollars=bill.cost_microdollars,
        now=now,
    )
    memos.hear(tx, work.memo, what, now=now)
    if not words:
        end(tx, work, Ending.NO_SPEECH, NO_WORDS, retention=retention, now=now)
        return
    audio_times.begin(tx, work.memo.workspace_id, work.memo.id, retention, now=now)
    told = {name: value for name, value in work.job.result.items() if name != "next_at"}
    told |= {"stage": Stage.UNDERSTANDING, "transcribed": True}
    memos.tell(tx, work.memo, MemoStatus.UNDERSTANDING, stage=Stage.UNDERSTANDING, now=now)
    jobs.tell(tx, work.job, 0.7, told, now=now)


def understood(tx: Transaction, work: Work, made: VoiceResult, *, now: datetime) -> Ending:
    """Queue its end, in the transaction that did what was said."""
    if made.needs_confirmation or made.question is not None:
        ending, line = Ending.ASKED, "A recording of yours waits for your answer"
    elif made.commands:
        changes = "1 thing" if len(made.commands) == 1 else f"{len(made.commands)} things"
        ending, line = Ending.DONE, f"A recording of yours was understood: {changes}"
    else:
        ending, line = Ending.DONE, "There was nothing to do in a recording of yours"
    _end(tx, work, ending, None, line, {"command_id": str(work.job.id)}, now=now)
    return ending


def end(
    tx: Transaction,
    work: Work,
    ending: Ending,
    problem: str,
    *,
    retention: timedelta | None,
    now: datetime,
) -> None:
    """Queue that nothing comes of it, and why. The audio's time runs from now on."""
    audio_times.begin(tx, work.memo.workspace_id, work.memo.id, retention, now=now)
    line = f"Nothing came of a recording of yours: {problem}"
    _end(tx, work, ending, problem, line, {}, now=now)


async def stop(tx: Transaction, message: JobMessage, *, now: datetime) -> None:
    """An operator, or a mistake of ours, ended its work: the recording can be processed anew."""
    work = await lock(tx, message, now=now)
    if isinstance(work, Work):
        memos.tell(tx, work.memo, MemoStatus.FAILED, problem=STOPPED, now=now)
        result = work.job.result | {"stage": None}
        jobs.finish(tx, work.job, JobStatus.CANCELLED, result, error=STOPPED, now=now)


def _end(
    tx: Transaction,
    work: Work,
    ending: Ending,
    problem: str | None,
    line: str,
    result: dict[str, str],
    *,
    now: datetime,
) -> None:
    memos.tell(tx, work.memo, _STATUS[ending], problem=problem, now=now)
    failed = ending is Ending.FAILED
    jobs.finish(
        tx,
        work.job,
        JobStatus.FAILED if failed else JobStatus.SUCCEEDED,
        work.job.result | {"stage": None, "outcome": ending} | result,
        error=problem if failed else None,
        now=now,
    )
    memo = work.memo
    told = notification_rows.told(memo.workspace_id, memo.user_id, KIND, line, key=work.job.id)
    notification_rows.add(tx, [told])
