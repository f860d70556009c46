"""New todos: their titles, and what is said beside."""

import re
from dataclasses import replace
from typing import Any, Final

from core.rules.understanding import cleaning, languages, splitting, titles
from core.rules.understanding.commands import Command, Intent, Span
from core.rules.understanding.frames import Frame
from core.rules.understanding.hearing import HALF, SURE, Clause, certain, moment, span_of
from core.rules.understanding.spoken import WHEN, Spoken
from core.rules.understanding.words import Words

_FRACTION: Final = re.compile(r"\d/\d{1,2}$")  # a day, or a half


def creates(frame: Frame, clause: Clause) -> list[Command] | None:
    words = clause.heard.words
    frame = _named_first(frame, clause)
    # "Put the bins out" is all of it the task.
    title = frame.part if frame.name == "whole" else frame.group("title")
    if title is None:
        return [
            Command(
                Intent.CREATE,
                HALF,
                moment(clause, remind=frame.name == "remind"),
                question=languages.question(words.code, "what"),
            )
        ]
    sure = HALF if frame.name == "maybe" else SURE
    adds = frame.name in {"add", "add_list", "to_list", "timed"}
    into = into_list(frame, clause)
    if into is not None and not into[0]:
        return None
    command = create(title, clause, sure=sure, into_list=adds, article=adds)
    extra: dict[str, Any] = {}
    if frame.name == "remind":
        extra["remind"] = True
    if (value := priority_of(frame, words)) is not None:
        extra["priority"] = value
    spans = dict(command.spans)
    if into is not None:
        extra["list"], spans["list"] = into
    command = replace(command, fields={**command.fields, **extra}, spans=spans)
    if adds and "list" in command.fields:
        return one_by_one(title, command, clause)
    return [command]


def parted(frame: Frame, clause: Clause) -> Frame:
    """Of "toothpaste shopping list" only what is a name belongs to the list."""
    words = clause.heard.words
    name = frame.groups.get("list")
    free = next((each for each in ("title", "target") if each in frame.groups), None)
    if free is None or name is None or not words.spaced or frame.groups[free][1] != name[0]:
        return frame
    text = frame.part.text
    nearest = titles.nearest(text[slice(*name)], clause.heard.names.lists, words)
    at = name[1] - len(nearest)
    if (
        frame.name == "delete"
        and titles.list_name(nearest, words, clause.heard.names, only_known=True) is None
    ):
        at = name[1]  # "cancel the appointment, off the list"
    groups = {**frame.groups, free: (frame.groups[free][0], at), "list": (at, name[1])}
    return replace(frame, groups=groups)


def _named_first(frame: Frame, clause: Clause) -> Frame:
    """Where a title follows the name of a list, no more is its name than a list is called."""
    key = "known" if "known" in frame.groups else "list"
    name, title = frame.groups.get(key), frame.groups.get("title")
    heard = clause.heard
    if name is None or title is None or name[1] > title[0] or not heard.words.spaced:
        return frame
    text = frame.part.text
    end = name[1]
    while end > name[0]:
        said = text[name[0] : end].strip()
        if titles.list_name(said, heard.words, heard.names, only_known=True) is not None:
            behind = text[end:].split(" ", 1)[0]
            if end == name[1] or (key == "known" and behind in heard.words.sets["list_words"]):
                return frame
            joined = heard.words.dangling_first.match(text, end)
            begin = joined.end() if joined and joined.end() < title[1] else end
            groups = {**frame.groups, key: (name[0], end), "title": (begin, title[1])}
            return replace(frame, groups=groups)
        end = text.rfind(" ", name[0], end - 1) + 1
    return frame


def into_list(frame: Frame, clause: Clause) -> tuple[str, Span] | None:
    heard = clause.heard
    for name in ("list", "known"):
        part = frame.group(name)
        if part is not None:
            span = part.span(0, len(part.text))
            found = titles.list_name(
                part.text, heard.words, heard.names, only_known=name == "known"
            )
            return ("", span) if found is None else (found or heard.masked[slice(*span)], span)
    return None


def priority_of(frame: Frame, words: Words) -> str | None:
    groups = {name: frame.text(name) for name in ("priority", "priority_word")}
    return titles.priority_of(groups, words) if any(groups.values()) else None


def one_by_one(title: Spoken, whole: Command, clause: Clause) -> list[Command]:
    """Three of "milk, eggs and bread" that go onto a list."""
    heard = clause.heard
    slots = titles.peeled(title, heard.words, heard.names, into_list=True)
    pieces = splitting.things(slots.title, heard.words)
    if len(pieces) < 2:  # noqa: PLR2004 (one thing is no list of things)
        return [whole]
    commands = []
    for piece in pieces:
        text, span = _title(piece, clause, article=True)
        if not text:
            return [whole]
        commands.append(
            replace(
                whole,
                fields={**whole.fields, "title": text},
                spans={**whole.spans, "title": span},
            )
        )
    return commands


def _title(part: Spoken, clause: Clause, *, article: bool) -> tuple[str, Span]:
    """`article`: "a dentist appointment" that is added is a dentist appointment."""
    if article and part.spaced:
        first = part.text.split(" ", 1)[0]
        if first in clause.heard.words.sets["drop_articles"] and len(first) + 1 < len(part.text):
            part = part.part(len(first) + 1, len(part.text))
    return titles.written(part, clause.heard.masked)


def create(
    title: Spoken, clause: Clause, *, sure: float, into_list: bool, article: bool = False
) -> Command:
    heard = clause.heard
    slots = titles.peeled(title, heard.words, heard.names, into_list=into_list)
    text, span = _title(slots.title, clause, article=article)
    fields = moment(clause)
    spans = {**slots.spans}
    if clause.own and (due_span := span_of(clause.own[0])):
        spans["recurrence" if "recurrence" in fields else "due"] = due_span
        spans["due"] = due_span
    if slots.priority is not None:
        fields["priority"] = slots.priority
    tags = [*(tag for tag, _ in clause.tags), *slots.tags]
    if tags:
        fields["tags"] = list(dict.fromkeys(tags))
        spans.setdefault("tags", clause.tags[0][1] if clause.tags else span)
    if slots.into is not None:
        fields["list"] = slots.into
    if not text:
        return Command(
            Intent.CREATE,
            HALF,
            fields,
            spans=spans,
            question=languages.question(heard.words.code, "what"),
        )
    fields["title"] = text
    spans["title"] = span
    doubtful = _doubtful(slots.title, heard.words) or _left_over(title, heard.words)
    doubtful = doubtful or _FRACTION.search(text) is not None
    if sure < SURE and not doubtful:
        doubtful = heard.words.finders["doubtful_bare"].search(slots.title.text) is not None
    if heard.doubts and doubtful:
        sure = min(sure, HALF)
    return Command(Intent.CREATE, min(sure, certain(clause.own)), fields, spans=spans)


def with_slots(command: Command, slots: titles.Slots) -> Command:
    """With what stood behind the phrase; what was said within it counts first."""
    found = {"list": slots.into, "priority": slots.priority, "tags": slots.tags}
    more = {name: value for name, value in found.items() if value}
    return replace(
        command, fields={**more, **command.fields}, spans={**slots.spans, **command.spans}
    )


def _doubtful(title: Spoken, words: Words) -> bool:
    return bool(
        is_number(title, words)
        or title.text.replace(WHEN, "").strip() in words.positions
        or words.finders["corrections"].search(title.text)
        or _counted(title, words)
        or words.doubtful_first.match(title.text)
        or words.doubtful_last.search(title.text)
        or words.finders["doubtful"].search(_unquoted(title))
    )


def _unquoted(title: Spoken) -> str:
    """Without the names of books and the like: 《明天》 says no day."""
    quotes = cleaning.quoted(title.raw)
    return "".join(
        char
        for char, place in zip(title.text, title.starts, strict=True)
        if not any(start <= place < end for start, end in quotes)
    )


def _counted(title: Spoken, words: Words) -> bool:
    """Whether a number stands before a task: "at noon and | 6 water the tomatoes"."""
    first, _, rest = title.text.partition(" ")
    number = first.isdigit() or first in words.numbers
    return words.spaced and number and words.finders["verbs"].match(rest) is not None


def is_number(part: Spoken, words: Words) -> bool:
    said = part.text.replace(WHEN, " ").split() if words.spaced else []
    return bool(said) and all(word.isdigit() or word in words.numbers for word in said)


def _left_over(title: Spoken, words: Words) -> bool:
    """Whether a number stands beside a time, as of "at 9 and 5" and "for 7 tonight"."""
    if not words.spaced or WHEN not in title.text:
        return False
    before = title.text[: title.text.index(WHEN)].split()[-2:]
    if (
        len(before) > 1
        and before[0] in words.sets["joins"]
        and (before[1].isdigit() or before[1] in words.numbers)
    ):
        return True
    behind = title.text[title.text.index(WHEN) + 1 :].replace(WHEN, " ").split()
    if behind and behind[0] in words.sets["joins"]:
        behind = behind[1:]
    return bool(behind) and (behind[0].isdigit() or behind[0] in words.numbers)
