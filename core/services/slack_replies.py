"""What is to be said to something done in Slack: facts; words and blocks are made of them later."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from enum import StrEnum
from typing import Final
from uuid import UUID

from core.rules.reminders import Due
from core.rules.slack_buttons import OfQuestion
from core.rules.understanding.answers import NO, YES
from core.rules.understanding.commands import Intent
from core.services import voice_steps
from core.services.todo_rows import Todo
from core.services.users import User
from core.services.voice_results import Told, VoiceResult
from core.services.voice_steps import Step

MOST_LISTED: Final = 10


class Deed(StrEnum):
    """What was done to one todo."""

    ADDED = "added"
    COMPLETED = "completed"
    REOPENED = "reopened"
    CHANGED = "changed"
    DELETED = "deleted"
    SNOOZED = "snoozed"


class Notice(StrEnum):
    """A sentence about no todo in particular."""

    UNDONE = "undone"
    ALL_DONE = "all_done"  # to several at once
    NOTHING_TO_UNDO = "nothing_to_undo"
    DECLINED = "declined"
    NOT_UNDERSTOOD = "not_understood"
    NO_TIME = "no_time"  # to be reminded at
    HELP = "help"
    LINK = "link"  # it is not known who they are
    CONNECTED = "connected"
    CLOSED = "closed"  # their account is
    REFUSED = "refused"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Line:
    """A todo in one line."""

    id: UUID | None
    title: str
    due: Due | None = None
    recurs: bool = False

    @classmethod
    def of(cls, todo: Todo) -> "Line":
        due = None
        if todo.due is not None:
            at = time.fromisoformat(todo.due.time) if todo.due.time else None
            due = Due(todo.due.date, at, todo.due.timezone)
        return cls(todo.id, todo.title, due, recurs=todo.recurrence is not None)


@dataclass(frozen=True, slots=True)
class Did:
    """`next_due`: of the occurrence that follows; `until`: of what was snoozed."""

    deed: Deed
    line: Line
    next_due: Due | None = None
    until: datetime | None = None
    reminded_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Choice:
    """`label` is a title; null: a yes, or a no."""

    answer: OfQuestion
    label: str | None = None


@dataclass(frozen=True, slots=True)
class Listing:
    """The first of those asked for by `words`, and how many more there are, at least."""

    lines: Sequence[Line]
    more: int
    words: str


@dataclass(frozen=True, slots=True)
class Reply:
    """`locale`, `zone` and `today` are the person's; `undo` is a change set."""

    locale: str = "en"
    zone: str = "UTC"
    today: date | None = None
    did: Sequence[Did] = ()
    notice: Notice | None = None
    detail: str = ""  # of a notice: why it was refused, who is connected
    question: str | None = None
    choices: Sequence[Choice] = ()
    listing: Listing | None = None
    undo: UUID | None = None
    url: str | None = None


DEEDS: Final = {
    Intent.CREATE: Deed.ADDED,
    Intent.COMPLETE: Deed.COMPLETED,
    Intent.REOPEN: Deed.REOPENED,
    Intent.UPDATE: Deed.CHANGED,
    Intent.DELETE: Deed.DELETED,
    Intent.SNOOZE: Deed.SNOOZED,
}


def of_listing(todos: Sequence[Todo], words: str) -> Listing:
    lines = tuple(Line.of(each) for each in todos[:MOST_LISTED])
    return Listing(lines, max(0, len(todos) - MOST_LISTED), words)


def of_voice(user: User, today: date, result: VoiceResult, waiting: Sequence[Step]) -> Reply:
    """What was understood and done, and what is asked before more (`waiting`) is done."""
    deeds = [told for told in result.commands if told.intent in DEEDS]
    did = [Did(DEEDS[told.intent], _line(told)) for told in deeds if told.todo or _title(told)]
    intents = {told.intent for told in result.commands}
    listed = Intent.LIST in intents
    notice = Notice.UNDONE if Intent.UNDO in intents and result.executed else None
    if len(did) < len(deeds):
        notice = Notice.ALL_DONE
    if not (did or listed or notice or result.question):
        notice = Notice.NOT_UNDERSTOOD
    return Reply(
        user.locale,
        user.timezone,
        today,
        did=tuple(did),
        notice=notice,
        question=result.question,
        choices=tuple(_choices(result.id, waiting)),
        listing=of_listing(result.todos, "") if listed else None,
        undo=result.undo_token if deeds else None,
    )


def _line(told: Told) -> Line:
    due = voice_steps.due_of(told.fields.get("due"))
    recurs = told.fields.get("recurrence") is not None
    if told.todo is None:
        return Line(None, _title(told), due, recurs=recurs)
    return Line(told.todo.id, told.todo.title, due, recurs=recurs)


def _title(told: Told) -> str:
    """Of a new todo; what is done to several at once names none."""
    return str(told.fields.get("title") or "") if told.intent is Intent.CREATE else ""


def _choices(command_id: UUID | None, steps: Sequence[Step]) -> list[Choice]:
    """A yes where that is enough; else which of those that fit; neither where nothing does."""
    if command_id is None or not steps:
        return []
    no = Choice(OfQuestion(command_id, NO))
    if all(step.is_whole or len(step.offered) == 1 for step in steps):
        return [Choice(OfQuestion(command_id, YES)), no]
    unsure = [each for step in steps if not step.is_whole for each in step.offered]
    named = [Choice(OfQuestion(command_id, str(each.id)), each.title) for each in unsure]
    return [*named, no] if named else []
