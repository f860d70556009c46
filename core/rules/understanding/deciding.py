"""What one clause asks to be done, and how sure that is."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from core.rules.understanding import aiming, asking, creating, frames, languages, splitting, titles
from core.rules.understanding.commands import Command, Intent, Reference
from core.rules.understanding.frames import Frame
from core.rules.understanding.hearing import HALF, SURE, TOLD, Clause
from core.rules.understanding.spoken import WHEN, Spoken, fold

IMPERATIVE: Final = 0.9  # "buy milk"
NOUN: Final = 0.65  # "milk"
NOTHING: Final = 0.3
_INTENTS: Final[Mapping[str, Intent]] = {
    "remind": Intent.CREATE,
    "create": Intent.CREATE,
    "add": Intent.CREATE,
    "add_list": Intent.CREATE,
    "to_list": Intent.CREATE,
    "timed": Intent.CREATE,
    "maybe": Intent.CREATE,
    "whole": Intent.CREATE,
    "complete": Intent.COMPLETE,
    "done_noun": Intent.COMPLETE,
    "finish": Intent.COMPLETE,
    "done": Intent.COMPLETE,
    "reopen": Intent.REOPEN,
    "delete": Intent.DELETE,
    "rename": Intent.UPDATE,
    "move": Intent.UPDATE,
    "set_priority": Intent.UPDATE,
    "clear_priority": Intent.UPDATE,
    "clear_due": Intent.UPDATE,
    "tag": Intent.UPDATE,
    "untag": Intent.UPDATE,
    "move_list": Intent.UPDATE,
    "snooze": Intent.SNOOZE,
    "list": Intent.LIST,
    "search": Intent.LIST,
    "undo": Intent.UNDO,
}
_NOUN_WORDS: Final = 6  # a thing has a name that short
_TIMED_WORDS: Final = 10


def decided(clause: Clause) -> list[Command]:
    """Empty for chatter and for what is not to be done."""
    words = clause.heard.words
    part = frames.stripped(clause.part, words)
    if not part.text.strip(WHEN + " "):
        return []
    if frames.is_chatter(part, words):
        return []
    for frame in frames.matching(part, words):
        if frame.name == "nothing":
            return []
        commands = framed(frame, clause)
        if commands is not None:
            return commands
    commands = _followed(part, clause)
    return _bare(part, clause) if commands is None else commands


def _followed(part: Spoken, clause: Clause) -> list[Command] | None:
    """Where verbs are last, what belongs to a title may stand behind them: "Milch kaufen
    hinzufügen, hohe Priorität". Null where it does not.
    """
    heard = clause.heard
    slots = titles.peeled(part, heard.words, heard.names, into_list=True)
    if slots.title.text == part.text:
        return None
    for frame in frames.matching(slots.title, heard.words):
        if frame.name == "nothing":
            return []
        if _INTENTS[frame.name] is Intent.CREATE and frame.group("title") is not None:
            frame = creating.parted(frame, clause)  # noqa: PLW2901 (the same, parted)
            commands = creating.creates(frame, clause)
            if commands is not None:
                found = [creating.with_slots(command, slots) for command in commands]
                title = frame.group("title")
                if slots.into is not None and len(found) == 1 and title is not None:
                    return creating.one_by_one(title, found[0], clause)
                return found
    return None


def framed(  # noqa: PLR0911 (one return for each kind of phrase)
    frame: Frame, clause: Clause
) -> list[Command] | None:
    """Null where the phrase fits and what is in it does not."""
    intent = _INTENTS[frame.name]
    frame = creating.parted(frame, clause)
    if intent is Intent.CREATE:
        if frame.name == "timed" and not clause.own:
            return None
        return creating.creates(frame, clause)
    if frame.name == "finish" and clause.own and not aiming.is_reference(frame, clause):
        # "finish the report by friday" is to be done still.
        return [creating.create(frame.part, clause, sure=IMPERATIVE, into_list=False)]
    if frame.name == "move" and _recurs(frame, clause):
        return [creating.create(frame.part, clause, sure=IMPERATIVE, into_list=False)]
    if frame.name == "delete" and _deadline(clause):
        # "Cancel the gym membership before the 20th": that is no way to speak of a todo.
        return [creating.create(frame.part, clause, sure=IMPERATIVE, into_list=False)]
    if intent is Intent.LIST:
        return _list(frame, clause)
    if intent is Intent.UNDO:
        return [Command(intent, SURE)]
    if frame.name == "set_priority" and _aside(frame, clause):
        return None
    if frame.name == "done" and _is_asked(frame, clause):
        return None
    return aiming.on_target(frame, intent, clause)


def _is_asked(frame: Frame, clause: Clause) -> bool:
    """Whether it is a verb that only an accent makes a past one: "compre", not "compré"."""
    part = frame.group("done")
    if part is None or frame.groups["done"][0]:
        return False
    said = part.raw[slice(*part.span(0, len(part.text)))].casefold()
    spelled = clause.heard.words.spelled.get(part.text.strip(), said)
    return not spelled[-1:].isascii() and said[-1:].isascii()


def _recurs(frame: Frame, clause: Clause) -> bool:
    """Whether it is a task itself: "change the filter every month", and not "to every month"."""
    words, text = clause.heard.words, frame.part.text
    begin, end = frame.groups.get("target", (0, 0))
    return (
        0 < begin <= text.find(WHEN) < end
        and any(time.recurrence is not None for time in clause.own)
        and words.finders["verbs"].match(text) is not None
        and not aiming.is_reference(frame, clause)
    )


def _deadline(clause: Clause) -> bool:
    until = clause.heard.words.sets["until_words"]
    said = (fold(clause.heard.masked[slice(*span)]) for time in clause.own for span in time.spans)
    return any(each.split(" ", 1)[0] in until for each in said)


def _aside(frame: Frame, clause: Clause) -> bool:
    """Whether the priority is only added: "call the bank, it's urgent" is to be done."""
    target = frame.groups.get("target")
    part = frame.part
    if target is None or target[0]:
        return False
    found = [pattern.search(part.text) for pattern in clause.heard.words.behind["priority"]]
    start = min((match.start() for match in found if match), default=0)
    return start > 0 and "," in part.raw[part.ends[start - 1] : part.starts[start]]


def _list(frame: Frame, clause: Clause) -> list[Command] | None:
    heard = clause.heard
    part = frame.group("filter")
    done = bool(heard.words.finders["asks_done"].search(frame.part.text))
    if part is None:
        return [Command(Intent.LIST, SURE, filter=aiming.everything(clause, done=done))]
    found = asking.asked(part, clause.own, heard.words, heard.names, today=heard.today, done=done)
    if frame.name == "search":
        return [Command(Intent.LIST, IMPERATIVE, filter=found.filter)] if found.rest else None
    if found.rest and not found.nouns:
        return None
    if not (found.telling or done):
        return None
    return [Command(Intent.LIST, IMPERATIVE if found.rest else SURE, filter=found.filter)]


def _bare(  # noqa: PLR0911 (a ladder: the first that fits is meant)
    part: Spoken, clause: Clause
) -> list[Command]:
    """No phrase around it: a task by its verb or its deadline, a thing, or talk."""
    heard = clause.heard
    words = heard.words
    text = part.text
    asks = heard.masked[part.ends[-1] - 1 :].lstrip()[:1] in "?？؟" if part.ends else False  # noqa: RUF001 (marks)
    if text.strip() in words.positions:
        where = Reference(position=words.positions[text.strip()])
        ask = languages.question(words.code, "change")
        return [Command(Intent.UNKNOWN, NOTHING, target=where, question=ask)]
    if words.finders["statements"].match(text):
        return []
    text = titles.peeled(part, words, heard.names, into_list=True).title.text
    verb = splitting.is_task(text, words)
    first = words.finders["verbs"].match(text) if verb else None
    finite = words.finders["finite"]
    if first is not None and finite.match(text, first.end()):
        return []
    if verb:
        # By a verb at its end it may be a statement as well.
        half = asks or (first is None and finite.search(text) is not None)
        return [creating.create(part, clause, sure=HALF if half else IMPERATIVE, into_list=False)]
    if finite.search(text) or asks:
        return []
    size = len(text.split()) if words.spaced else (len(text) + 1) // 2
    due = any(time.due is not None for time in clause.own)
    command = creating.create(part, clause, sure=TOLD if due else NOUN, into_list=True)
    if "list" in command.fields and size <= _TIMED_WORDS:
        return creating.one_by_one(part, replace(command, confidence=TOLD), clause)
    if due and size <= _TIMED_WORDS:
        return [command]
    if size <= _NOUN_WORDS:
        return [replace(command, confidence=min(command.confidence, NOUN))]
    if size <= 2 * _NOUN_WORDS:
        return [
            Command(
                Intent.UNKNOWN,
                NOTHING,
                question=languages.question(words.code, "unclear"),
            )
        ]
    return []
