"""What people type behind `/todo`: add, list, done, remind, undo, help, or just what they want."""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from html import unescape
from typing import Final
from uuid import UUID

from core.actor import Actor
from core.db import Transaction
from core.models.todos import CreatedVia
from core.rules import zones
from core.rules.reminders import Wish
from core.rules.understanding import languages
from core.rules.understanding.commands import Command, Filter, Intent, Reading, Reference
from core.services import (
    changes,
    reminders,
    slack_inbound,
    slack_replies,
    todo_writes,
    users,
    voice_answers,
    voice_commands,
    voice_listing,
    voice_quick,
    voice_records,
    voice_rows,
    voice_steps,
    voice_understanding,
)
from core.services.reminders import ReminderDraft
from core.services.slack_replies import Deed, Did, Line, Notice, Reply
from core.services.slack_teams import Member
from core.services.todo_rows import Todo
from core.services.users import User
from core.services.voice_doing import Said
from core.services.voice_results import Asked, Using, VoiceResult
from core.services.voice_steps import Step
from core.services.workspaces import Access, place

USES_A_MINUTE: Final = 60
NO_SESSION: Final = UUID(int=0)
LONGEST: Final = 2000  # characters, as at the text door
AT_DUE: Final = ReminderDraft(Wish(None, None, None, timedelta(0)), None, urgent=False)

_TO_ME: Final = re.compile(
    r"(?:me|us|mich|uns)\b\s*(?:to\b|about\b|that\b|an\b)?\s*", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Talk:
    """Somebody known who says something, now."""

    tx: Transaction
    actor: Actor
    member: Member
    user: User
    using: Using
    now: datetime

    @property
    def today(self) -> date:
        return self.now.astimezone(zones.zone(self.user.timezone)).date()

    def reply(self) -> Reply:
        """To be completed."""
        return Reply(self.user.locale, self.user.timezone, self.today)


@dataclass(frozen=True, slots=True)
class Done:
    """`verb`: in a word of ours, which command it was."""

    verb: str
    reply: Reply


async def begin(tx: Transaction, member: Member, using: Using, *, now: datetime) -> Talk:
    """From here on in the name of this person, with what they may do by now.

    Raises `Unauthenticated` where the account is closed, `RateLimited`.
    """
    tx.act_for(member.user_id, limit_key=f"slack:{member.user_id}", limit=USES_A_MINUTE)
    user = await users.get(tx, member.user_id)
    # What is not understood is told so at once: a language model would keep people waiting.
    using = replace(using, adviser=None)
    return Talk(tx, Actor(member.user_id, NO_SESSION), member, user, using, now)


async def run(talk: Talk, text: str) -> Done:
    """Do what was typed. Raises what the verbs raise, and then nothing is done."""
    words = unescape(text).strip()[:LONGEST]
    first, _, rest = words.partition(" ")
    verb = first.lower()
    if verb in _VERBS:
        return Done(verb, await _VERBS[verb](talk, rest.strip()))
    if not words:
        return Done("list", await _list(talk, ""))
    return Done("say", await _said(talk, words))


async def add(talk: Talk, words: str) -> Reply:
    if not words:
        return replace(talk.reply(), notice=Notice.HELP)
    return _added(talk, await _new(talk, words))


async def listing(talk: Talk, words: str) -> slack_replies.Listing:
    """Open todos, by due time: all, or those that the words ask for."""
    asked = Asked(zone=None)
    member = talk.member
    context = await voice_understanding.context_of(talk.tx, talk.actor, asked, member.workspace_id)
    spot = await place(talk.tx, talk.actor, member.workspace_id, Access.READ, now=talk.now)
    meant = Filter()
    if words:
        text = f"list {words}"
        read = await voice_understanding.read(talk.tx, text, asked, context, moment=spot.now)
        lists = [each.filter for each in read.commands if each.intent is Intent.LIST]
        meant = next((each for each in lists if each is not None), Filter(text=words))
    said = Said(
        NO_SESSION, None, "", talk.using.ring, member.workspace_id, spot.now, wants_reminders=False
    )
    found = await voice_listing.todos(talk.tx, talk.actor, meant, said)
    return slack_replies.of_listing(found, words)


async def told(talk: Talk, result: VoiceResult) -> Reply:
    """What came of words, with buttons for what is asked back."""
    waiting: list[Step] = []
    if result.id is not None and result.proposed:
        row = await talk.tx.first(voice_rows.LOCK, id=result.id, user_id=talk.actor.user_id)
        using = await talk.using.of(talk.tx, talk.actor.user_id)
        kept = None if row is None else voice_records.opened(row, using.ring)
        waiting = [] if kept is None else [voice_steps.read(each) for each in kept["proposed"]]
    return slack_replies.of_voice(talk.user, talk.today, result, waiting)


async def take_back(talk: Talk, change_set: UUID) -> Reply:
    await changes.undo(talk.tx, talk.actor, change_set, now=talk.now)
    voice_records.undone(talk.tx, talk.actor, change_set)
    slack_inbound.forget_change(talk.tx, talk.actor.user_id, change_set)
    return replace(talk.reply(), notice=Notice.UNDONE)


async def _list(talk: Talk, words: str) -> Reply:
    return replace(talk.reply(), listing=await listing(talk, words))


async def _done(talk: Talk, words: str) -> Reply:
    if not words:
        return replace(talk.reply(), notice=Notice.HELP)
    language = languages.tabled(talk.user.locale) or languages.DEFAULT
    meant = Command(Intent.COMPLETE, 1.0, target=Reference(text=words))
    return await _said(talk, words, Reading(language, [meant]))


async def _said(talk: Talk, words: str, understood: Reading | None = None) -> Reply:
    asked = Asked()
    if understood is None:
        answered = await voice_answers.spoken(
            talk.tx,
            talk.actor,
            words,
            asked,
            using=talk.using,
            workspace_id=talk.member.workspace_id,
            now=talk.now,
        )
        if answered is not None:
            return await told(talk, answered)
    result = await voice_commands.run(
        talk.tx,
        talk.actor,
        words,
        asked,
        using=talk.using,
        workspace_id=talk.member.workspace_id,
        now=talk.now,
        understood=understood,
        via=CreatedVia.SLACK,
    )
    return await told(talk, result)


async def _remind(talk: Talk, words: str) -> Reply:
    """A new todo, with a reminder at its time."""
    words = _TO_ME.sub("", words, count=1) if _TO_ME.match(words) else words
    if not words:
        return replace(talk.reply(), notice=Notice.HELP)
    made = await _new(talk, words)
    reply = _added(talk, made)
    without = [todo for todo in made if not todo.reminders]
    for todo in without:
        if todo.due is not None:
            row = await todo_writes.lock(talk.tx, talk.actor, todo.id)
            reminder = await reminders.add(talk.tx, talk.actor, row, AT_DUE, now=talk.now)
            todo.reminders.append(reminder)
    if any(todo.due is None for todo in without):
        return replace(reply, notice=Notice.NO_TIME)
    return _added(talk, made)


async def _new(talk: Talk, words: str) -> list[Todo]:
    quick = await voice_quick.add(
        talk.tx,
        talk.actor,
        words,
        Asked(),
        ring=talk.using.ring,
        workspace_id=talk.member.workspace_id,
        now=talk.now,
        via=CreatedVia.SLACK,
    )
    return [quick.todo] if quick.todo is not None else quick.todos


def _added(talk: Talk, made: list[Todo]) -> Reply:
    did = [Did(Deed.ADDED, Line.of(todo), reminded_at=_reminded_at(todo)) for todo in made]
    return replace(talk.reply(), did=tuple(did), undo=talk.tx.change_set_id)


def _reminded_at(todo: Todo) -> datetime | None:
    return min((each.next_fire_at for each in todo.reminders if each.next_fire_at), default=None)


async def _undo(talk: Talk, _: str) -> Reply:
    last = await slack_inbound.last_change(talk.tx, talk.actor.user_id, now=talk.now)
    if last is None:
        return replace(talk.reply(), notice=Notice.NOTHING_TO_UNDO)
    return await take_back(talk, last)


async def _connected(talk: Talk, _: str) -> Reply:
    name = talk.user.email or talk.user.name
    return replace(talk.reply(), notice=Notice.CONNECTED, detail=name)


async def _help(talk: Talk, _: str) -> Reply:
    return replace(talk.reply(), notice=Notice.HELP)


_VERBS: Final[dict[str, Callable[[Talk, str], Awaitable[Reply]]]] = {
    "add": add,
    "list": _list,
    "done": _done,
    "remind": _remind,
    "undo": _undo,
    "connect": _connected,
    "help": _help,
}
