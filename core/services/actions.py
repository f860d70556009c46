"""What the links in our messages do. Whoever holds one needs no session: it speaks for its person.

One link does one thing, once: a second use answers what the first did. What it did is written in
the transaction that did it.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal
from uuid import UUID

from core import crypto
from core.actor import Actor
from core.db import Transaction
from core.errors import NotFound, Unauthenticated
from core.rules import actions
from core.rules.actions import Action, Verb
from core.rules.snooze import Span
from core.services import reminders, todos
from core.services.workspaces import Access, place
from core.statements import Query, row

USES_A_MINUTE: Final = 60
NO_SESSION: Final = UUID(int=0)


@dataclass(frozen=True, slots=True)
class Told:
    """What a link is about, to be read before it is followed. `used_at`: it was, already.

    `minutes`: of a snooze, else 0.
    """

    action: Literal["complete", "snooze"]
    minutes: int
    title: str
    used_at: datetime | None


@dataclass(frozen=True, slots=True)
class Done:
    """What following it did; `again`: it had done so before, at `done_at`, and did nothing now."""

    action: Literal["complete", "snooze"]
    minutes: int
    todo_id: UUID
    reminder_id: UUID | None
    title: str
    snoozed_until: datetime | None
    done_at: datetime
    again: bool


@dataclass(frozen=True, slots=True)
class _Subject:
    todo_id: UUID
    title: str
    used_at: datetime | None
    until_at: datetime | None


_SUBJECT: Final = Query(
    b"""
    SELECT t.id, t.title, u.used_at, u.until_at
    FROM todos t
    LEFT JOIN used_actions u ON u.workspace_id = t.workspace_id AND u.id = %(id)s
    WHERE t.workspace_id = %(workspace_id)s AND t.deleted_at IS NULL
      AND t.id = CASE WHEN %(of_reminder)s THEN
          (SELECT r.todo_id FROM reminders r WHERE r.workspace_id = %(workspace_id)s
              AND r.id = %(subject_id)s AND r.user_id = %(user_id)s)
          ELSE %(subject_id)s END
    """,
    _Subject,
    {},
    writes=False,
)
# Of two at a time the second waits here for the first, and then finds what it wrote.
_CLAIM: Final = Query(
    b"""
    INSERT INTO used_actions (workspace_id, id, user_id, used_at, expires_at)
    VALUES (%(workspace_id)s, %(id)s, %(user_id)s, %(now)s, %(expires_at)s)
    ON CONFLICT DO NOTHING
    RETURNING id
    """,
    row,
    {},
    writes=True,
)
_KEEP: Final = Query(
    b"""
    UPDATE used_actions SET until_at = %(until_at)s
    WHERE workspace_id = %(workspace_id)s AND id = %(id)s
    """,
    row,
    {},
    writes=True,
)


async def look(tx: Transaction, encryption: bytes, token: str, *, now: datetime) -> Told:
    """What the link would do; nothing is done. Raises `NotFound` for all but a live one."""
    action = _read(encryption, token, now=now)
    subject = await _subject(tx, action)
    return Told(_name(action), action.minutes, subject.title, subject.used_at)


async def use(tx: Transaction, encryption: bytes, token: str, *, now: datetime) -> Done:
    """Do what the link says, unless it was done. Raises `NotFound` for all but a live one.

    What cannot be done (its todo is completed: nothing to snooze) is said, and does not use it up.
    """
    action = _read(encryption, token, now=now)
    subject = await _subject(tx, action)
    actor = Actor(action.user_id, NO_SESSION)
    await place(tx, actor, action.workspace_id, Access.WRITE, now=now)
    claimed = await tx.first(
        _CLAIM,
        workspace_id=action.workspace_id,
        id=action.id,
        user_id=action.user_id,
        now=now,
        expires_at=action.expires_at,
    )
    if claimed is None:
        subject = await _subject(tx, action)
        return _done(action, subject, subject.until_at, subject.used_at or now, again=True)
    until = None
    if action.verb is Verb.COMPLETE:
        await todos.complete(tx, actor, action.subject_id, now=now)
    else:
        wish = Span(0, int(timedelta(minutes=action.minutes).total_seconds()))
        snoozed = await reminders.snooze(tx, actor, action.subject_id, wish, now=now)
        until = snoozed.next_fire_at
        tx.run(_KEEP, workspace_id=action.workspace_id, id=action.id, until_at=until)
    return _done(action, subject, until, now, again=False)


def _read(encryption: bytes, token: str, *, now: datetime) -> Action:
    action = actions.read(crypto.derive(encryption, actions.PURPOSE), token)
    if action is None or now >= action.expires_at:
        raise NotFound("this link has expired, or is not ours")
    return action


async def _subject(tx: Transaction, action: Action) -> _Subject:
    """In the name of its person, who must still be there and see the todo."""
    if tx.entered is None:
        tx.act_for(action.user_id, limit_key=f"actions:{action.user_id}", limit=USES_A_MINUTE)
    try:
        found = await tx.first(
            _SUBJECT,
            workspace_id=action.workspace_id,
            id=action.id,
            of_reminder=action.verb is Verb.SNOOZE,
            subject_id=action.subject_id,
            user_id=action.user_id,
        )
    except Unauthenticated as error:  # says that a session ended: there is none
        raise NotFound("the account of this link is closed") from error
    if found is None:
        raise NotFound("what this link is about is gone")
    return found


def _done(
    action: Action, subject: _Subject, until: datetime | None, at: datetime, *, again: bool
) -> Done:
    reminder_id = action.subject_id if action.verb is Verb.SNOOZE else None
    return Done(
        action=_name(action),
        minutes=action.minutes,
        todo_id=subject.todo_id,
        reminder_id=reminder_id,
        title=subject.title,
        snoozed_until=until,
        done_at=at,
        again=again,
    )


def _name(action: Action) -> Literal["complete", "snooze"]:
    return "complete" if action.verb is Verb.COMPLETE else "snooze"
