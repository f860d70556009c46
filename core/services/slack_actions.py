"""Buttons that people press in Slack, and the shortcut that makes a todo of a message."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from html import unescape
from typing import Any, Final
from uuid import UUID

from core.errors import Invalid, NotFound
from core.models.deliveries import DeliveryKind
from core.models.todos import CreatedVia
from core.rules import slack_buttons
from core.rules.reminders import Wish
from core.rules.slack_buttons import COMPLETE, OfChange, OfDelivery, OfQuestion, OfTodo
from core.rules.snooze import Span
from core.rules.understanding.answers import NO
from core.services import (
    reminders,
    slack_commands,
    todo_writes,
    todos,
    voice_answers,
)
from core.services.reminders import ReminderDraft
from core.services.slack_commands import Done, Talk
from core.services.slack_replies import Deed, Did, Line, Notice, Reply
from core.services.todos import TodoDraft
from core.statements import Query

LONGEST_TITLE: Final = 500
NOTHING_SAID: Final = "Message from Slack"  # of a message without words: a picture, a file
REMINDING: Final = frozenset({DeliveryKind.REMINDER, DeliveryKind.ESCALATION})

_LABELLED: Final = re.compile(r"<(?:[^<>|\s]*)\|([^<>]*)>")
_BARE: Final = re.compile(r"<(?:[#@!][^<>]*|(https?://[^<>\s]+|mailto:[^<>\s]+))>")


@dataclass(frozen=True, slots=True)
class _Delivery:
    kind: str
    subject_id: UUID
    todo_id: UUID | None


_DELIVERY: Final = Query(
    b"""
    SELECT kind, subject_id, todo_id FROM deliveries
    WHERE workspace_id IN (SELECT workspace_id FROM memberships WHERE user_id = %(user_id)s)
      AND id = %(id)s AND user_id = %(user_id)s
    """,
    _Delivery,
    {},
    writes=False,
)


async def press(talk: Talk, body: Mapping[str, Any]) -> Done:
    """Do what the button says; pressed twice, it is done. Raises what the verbs raise."""
    action, subject = body["action_id"], slack_buttons.read(body["value"])
    match subject:
        case OfQuestion(command_id, choice):
            return Done("answer", await _answer(talk, command_id, choice))
        case OfChange(change_set):
            return Done("undo", await slack_commands.take_back(talk, change_set))
        case OfDelivery() | OfTodo() if action == COMPLETE:
            return Done("complete", await _complete(talk, subject))
        case OfDelivery() | OfTodo() if action in slack_buttons.MINUTES:
            minutes = slack_buttons.MINUTES[action]
            return Done("snooze", await _snooze(talk, subject, minutes))
    raise Invalid("this button is not ours")


async def make_todo(talk: Talk, body: Mapping[str, Any], permalink: str | None) -> Done:
    """A todo of a message: its first line is the title, where it stands is in the description.

    No times are read in it: they are somebody else's words.
    """
    title, rest = _divided(_plain(body["text"]))
    draft = TodoDraft(
        title=title or NOTHING_SAID,
        description="\n\n".join(filter(None, (rest, permalink))),
        created_via=CreatedVia.SLACK,
    )
    todo = await todos.create(
        talk.tx, talk.actor, draft, workspace_id=talk.member.workspace_id, now=talk.now
    )
    did = Did(Deed.ADDED, Line.of(todo))
    return Done("make_todo", replace(talk.reply(), did=(did,), undo=talk.tx.change_set_id))


async def _answer(talk: Talk, command_id: UUID, choice: str) -> Reply:
    result = await voice_answers.confirm(
        talk.tx,
        talk.actor,
        command_id,
        choice,
        using=talk.using,
        now=talk.now,
        via=CreatedVia.SLACK,
    )
    if choice == NO:
        return replace(talk.reply(), notice=Notice.DECLINED)
    return await slack_commands.told(talk, result)


async def _complete(talk: Talk, subject: OfDelivery | OfTodo) -> Reply:
    todo_id = await _todo(talk, subject)
    todo, following = await todos.complete(talk.tx, talk.actor, todo_id, now=talk.now)
    next_due = Line.of(following).due if following is not None else None
    did = Did(Deed.COMPLETED, Line.of(todo), next_due=next_due)
    undo = talk.tx.change_set_id if talk.tx.events else None
    reply = replace(talk.reply(), did=(did,), undo=undo)
    if isinstance(subject, OfTodo) and subject.words is not None:
        listing = await slack_commands.listing(talk, subject.words)
        return replace(reply, listing=listing)
    return reply


async def _snooze(talk: Talk, subject: OfDelivery | OfTodo, minutes: int) -> Reply:
    reminder_id = await _reminder(talk, subject)
    if reminder_id is None:
        todo_id = await _todo(talk, subject)
    else:
        todo_id = (await reminders.get(talk.tx, talk.actor, reminder_id)).todo_id
    row = await todo_writes.lock(talk.tx, talk.actor, todo_id)
    if reminder_id is None and row.reminders:
        soonest = min(row.reminders, key=lambda each: each.next_fire_at or talk.now)
        reminder_id = soonest.id
    later = timedelta(minutes=minutes)
    if reminder_id is None:
        at = (talk.now + later).replace(microsecond=0)
        wish = Wish(at.date(), at.time(), "UTC", None)
        draft = ReminderDraft(wish, None, urgent=False)
        reminder = await reminders.add(talk.tx, talk.actor, row, draft, now=talk.now)
    else:
        wait = Span(0, int(later.total_seconds()))
        reminder = await reminders.snooze(talk.tx, talk.actor, reminder_id, wait, now=talk.now)
    did = Did(Deed.SNOOZED, Line.of(row.answer()), until=reminder.next_fire_at)
    return replace(talk.reply(), did=(did,), undo=talk.tx.change_set_id)


async def _delivery(talk: Talk, delivery_id: UUID) -> _Delivery:
    found = await talk.tx.first(_DELIVERY, id=delivery_id, user_id=talk.actor.user_id)
    if found is None:
        raise NotFound("what this button is about is gone")
    return found


async def _reminder(talk: Talk, subject: OfDelivery | OfTodo) -> UUID | None:
    """The one that a message told; null where none is, or it is gone."""
    if isinstance(subject, OfTodo):
        return None
    delivery = await _delivery(talk, subject.id)
    if delivery.kind not in REMINDING:
        return None
    found = await reminders.find(talk.tx, talk.actor, delivery.subject_id)
    return None if found is None else found.id


async def _todo(talk: Talk, subject: OfDelivery | OfTodo) -> UUID:
    if isinstance(subject, OfTodo):
        return subject.id
    delivery = await _delivery(talk, subject.id)
    if delivery.todo_id is None:
        raise NotFound("what this button is about is gone")
    return delivery.todo_id


def _plain(text: str) -> str:
    """Without Slack's marks of links and mentions: those that have a name are told by it.

    https://docs.slack.dev/messaging/formatting-message-text#retrieving-messages
    """
    named = _LABELLED.sub(r"\1", text)
    bare = _BARE.sub(lambda found: (found[1] or "").removeprefix("mailto:"), named)
    return unescape(bare)


def _divided(text: str) -> tuple[str, str]:
    """The first line as a title, and all of the text where that is more."""
    whole = "".join(c if c.isprintable() or c == "\n" else " " for c in text).strip()
    first = " ".join(whole.partition("\n")[0].split())
    if len(first) <= LONGEST_TITLE:
        return first, whole if whole != first else ""
    return first[: LONGEST_TITLE - 1].rstrip() + "…", whole
