"""What one clause asks to be done, and how sure that is."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Final

from core.rules.understanding import asking, frames, languages, splitting, titles
from core.rules.understanding.commands import Command, Filter, Intent, Reference, Said, Span
from core.rules.understanding.frames import Frame
from core.rules.understanding.spoken import WHEN, Spoken, fold, spoken
from core.rules.understanding.titles import Known
from core.rules.understanding.words import Words, names_day

# What a phrase says by itself. From 0.85 on a command acts, from 0.6 on it waits for a yes.
SURE: Final = 0.95
IMPERATIVE: Final = 0.9  # "buy milk"
TOLD: Final = 0.86  # "I called mom": done, if there is a todo like that
HALF: Final = 0.7
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
    "move_list": Intent.UPDATE,
    "snooze": Intent.SNOOZE,
    "list": Intent.LIST,
    "search": Intent.LIST,
    "undo": Intent.UNDO,
}
_NOUN_WORDS: Final = 6  # a thing has a name that short
_TIMED_WORDS: Final = 10


@dataclass(frozen=True, slots=True)
class Heard:
    """`masked` is the text with what was not meant blanked out."""

    masked: str
    original: str
    words: Words
    names: Known
    today: date
    quotes: Sequence[Span]


@dataclass(frozen=True, slots=True)
class Clause:
    """`own` are the times said within it."""

    part: Spoken
    own: Sequence[Said]
    heard: Heard
    tags: Sequence[tuple[str, Span]] = ()


def kept_times(raw: str, found: Sequence[Said], heard: Heard) -> list[Said]:
    """Without those that are part of a name: in a quotation, "the Friday magazine"."""
    held = [*heard.quotes, *_references(raw, heard.words)] if found else []
    return [
        time
        for time in found
        if not any(
            start <= span[0] and span[1] <= end for span in time.spans for start, end in held
        )
        and not _names(raw, time, heard.words)
    ]


def _references(raw: str, words: Words) -> list[Span]:
    """Where "the second one" is said: no day of a month."""
    said = spoken(raw, spaced=words.spaced)
    return [said.span(*match.span()) for match in words.finders["refs"].finditer(said.text)]


_WORD_BEFORE: Final = re.compile(r"(\w+)[ ]$")
_FIRST_WORD: Final = re.compile(r"\w+")
_WORD_AFTER: Final = re.compile(r"^(?:['’]s)?[ ](\w+)|^(['’]s)\b")  # noqa: RUF001 (an apostrophe)


def _names(raw: str, time: Said, words: Words) -> bool:
    """Whether it tells which thing is meant, between an article and a noun."""
    if len(time.spans) != 1 or not words.spaced:
        return False
    start, end = time.spans[0]
    after = _WORD_AFTER.match(raw[end : end + 40])
    if after is None:
        return False
    if after[0][:1] in "'’":  # noqa: RUF001 (an apostrophe)
        return True
    if raw[start:end].endswith(("'s", "’s")):  # noqa: RUF001 (an apostrophe)
        return True
    own = _FIRST_WORD.match(raw[start:end])
    if own is not None and fold(own[0]) in words.sets["naming"] and raw[:start].strip():
        before = own[0]
    else:
        found = _WORD_BEFORE.search(raw[max(0, start - 20) : start])
        before = found[1] if found else ""
    return (
        fold(before) in words.sets["naming"]
        and fold(after[1]) not in words.sets["joins"]
        # "On the 15th call mom": after a day of the month no thing is named.
        and not (
            re.search(r"\d|\s\w+\s", raw[start:end])
            and words.finders["verbs"].match(fold(raw[end : end + 40]) + " ")
        )
    )


def decided(clause: Clause) -> list[Command]:
    """Empty for chatter and for what is not to be done."""
    words = clause.heard.words
    part = frames.stripped(clause.part, words)
    if not part.text.strip(WHEN + " "):
        return []
    if any(pattern.regex.match(part.text) for pattern in words.chatter):
        return []
    for frame in frames.matching(part, words):
        if frame.name == "nothing":
            return []
        commands = framed(frame, clause)
        if commands is not None:
            return commands
    return _bare(part, clause)


def framed(frame: Frame, clause: Clause) -> list[Command] | None:
    """Null where the phrase fits and what is in it does not."""
    intent = _INTENTS[frame.name]
    if intent is Intent.CREATE:
        if frame.name == "timed" and not clause.own:
            return None
        return _creates(frame, clause)
    if frame.name == "finish" and clause.own and not _is_reference(frame, clause):
        # "finish the report by friday" is to be done still.
        return [create(frame.part, clause, sure=IMPERATIVE, into_list=False)]
    if intent is Intent.LIST:
        return _list(frame, clause)
    if intent is Intent.UNDO:
        return [Command(intent, SURE)]
    return _on_target(frame, intent, clause)


def _is_reference(frame: Frame, clause: Clause) -> bool:
    target, _ = reference(frame, clause)
    return target is not None and target.text is None


def _creates(frame: Frame, clause: Clause) -> list[Command] | None:
    words = clause.heard.words
    title = frame.group("title")
    if title is None:
        return [
            Command(
                Intent.CREATE,
                HALF,
                _moment(clause, remind=frame.name == "remind"),
                question=languages.question(words.code, "what"),
            )
        ]
    sure = HALF if frame.name == "maybe" else SURE
    adds = frame.name in {"add", "add_list", "to_list", "timed"}
    into = _into_list(frame, clause)
    if into is not None and not into[0]:
        return None
    command = create(title, clause, sure=sure, into_list=adds, article=adds)
    extra: dict[str, Any] = {}
    if frame.name == "remind":
        extra["remind"] = True
    if (value := _priority(frame, words)) is not None:
        extra["priority"] = value
    spans = dict(command.spans)
    if into is not None:
        extra["list"], spans["list"] = into
    command = replace(command, fields={**command.fields, **extra}, spans=spans)
    if adds and "list" in command.fields:
        return _one_by_one(title, command, clause)
    return [command]


def _into_list(frame: Frame, clause: Clause) -> tuple[str, Span] | None:
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


def _priority(frame: Frame, words: Words) -> str | None:
    groups = {name: frame.text(name) for name in ("priority", "priority_word")}
    return titles.priority_of(groups, words) if any(groups.values()) else None


def _one_by_one(title: Spoken, whole: Command, clause: Clause) -> list[Command]:
    """ "milk, eggs and bread" onto a list are three."""
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
    fields = _moment(clause)
    spans = {**slots.spans}
    if clause.own and (due_span := _span_of(clause.own[0])):
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
    return Command(Intent.CREATE, min(sure, _certain(clause.own)), fields, spans=spans)


def _span_of(said: Said) -> Span:
    return max(said.spans, key=lambda span: span[1] - span[0])


def _certain(times: Sequence[Said]) -> float:
    """Of two times that are said apart, which one is meant is asked about."""
    several = HALF if len([time for time in times if time.due is not None]) > 1 else 1.0
    return min([several, *(time.confidence for time in times)])


def _moment(clause: Clause, *, remind: bool = False) -> dict[str, Any]:
    fields: dict[str, Any] = {"remind": True} if remind else {}
    for time in clause.own:
        if time.due is None and time.recurrence is None:
            continue
        fields["due"] = time.due
        if time.recurrence is not None:
            fields["recurrence"] = time.recurrence
        break
    return fields


def _list(frame: Frame, clause: Clause) -> list[Command] | None:
    heard = clause.heard
    part = frame.group("filter")
    done = bool(heard.words.finders["asks_done"].search(frame.part.text))
    if part is None:
        return [Command(Intent.LIST, SURE, filter=_everything(clause, heard))]
    found = asking.asked(part, clause.own, heard.words, heard.names, today=heard.today, done=done)
    if frame.name == "search":
        return [Command(Intent.LIST, IMPERATIVE, filter=found.filter)] if found.rest else None
    if found.rest and not found.nouns:
        return None
    if not (found.telling or done):
        return None
    return [Command(Intent.LIST, IMPERATIVE if found.rest else SURE, filter=found.filter)]


def _everything(clause: Clause, heard: Heard) -> Filter:
    nothing = clause.part.part(0, 0)
    return asking.asked(
        nothing, clause.own, heard.words, heard.names, today=heard.today, done=False
    ).filter


def _on_target(frame: Frame, intent: Intent, clause: Clause) -> list[Command] | None:
    heard = clause.heard
    words = heard.words
    target, filter_ = reference(frame, clause)
    ask: str | None = None
    sure = TOLD if frame.name in {"done", "finish"} else SURE
    if frame.name == "done_noun":
        sure = HALF
    if target is None and intent is not Intent.SNOOZE:
        ask = "target"
    fields: dict[str, Any] = {}
    spans: dict[str, Span] = {}
    if frame.name in {"move", "snooze"}:
        fields = _moment(clause)
        if "due" not in fields:
            ask = ask or ("until" if intent is Intent.SNOOZE else "when")
        else:
            spans["due"] = _span_of(clause.own[-1])
            sure = min(sure, _certain(clause.own[-1:]), _moved(frame, clause))
            fields |= _last_moment(clause)
            part = due_part(clause.own[-1], heard)
            if part is not None and intent is Intent.UPDATE:
                fields["due_part"] = part
    elif frame.name == "rename":
        new = frame.group("new")
        text, span = titles.written(new, heard.masked) if new else ("", (0, 0))
        if not text:
            return None
        fields["title"], spans["title"] = text, span
    elif frame.name == "set_priority":
        fields["priority"] = _priority(frame, words) or "high"
    elif frame.name in {"clear_priority", "clear_due"}:
        fields |= {"priority": "none"} if frame.name == "clear_priority" else {"due": None}
    elif frame.name == "tag":
        part_ = frame.group("tag")
        if part_ is None:
            return None
        span = part_.span(0, len(part_.text))
        name = titles.tag_name(heard.masked[slice(*span)], words, heard.names)
        fields["tags"], spans["tags"] = [name], span
    elif frame.name == "move_list":
        into = _into_list(frame, clause)
        if into is None or not into[0]:
            return None
        fields["list"], spans["list"] = into
    return [
        Command(
            intent,
            min(sure, HALF) if ask else sure,
            fields,
            filter=filter_,
            target=target,
            spans=spans,
            question=None if ask is None else languages.question(words.code, ask),
        )
    ]


def _moved(frame: Frame, clause: Clause) -> float:
    """ "Move it from monday to friday" is no week of five days, though it sounds alike."""
    text = frame.part.text
    before = text[: text.rindex(WHEN)].split() if WHEN in text else []
    starts = bool(before) and before[-1] in clause.heard.words.sets["from_words"]
    return HALF if starts and clause.own[-1].recurrence is not None else SURE


def _last_moment(clause: Clause) -> dict[str, Any]:
    """Of "move the meeting on monday to friday" the last one is where it goes."""
    time = clause.own[-1]
    fields: dict[str, Any] = {"due": time.due}
    if time.recurrence is not None:
        fields["recurrence"] = time.recurrence
    return fields


def due_part(said: Said, heard: Heard) -> str | None:
    """`time` where no day was said, `day` where no time was; null where both were."""
    text = " ".join(heard.masked[start:end] for start, end in said.spans)
    if said.due is None or said.recurrence is not None:
        return None
    if said.due.at is None:
        return "day"
    return None if names_day(text, heard.words) else "time"


def reference(frame: Frame, clause: Clause) -> tuple[Reference | None, Filter | None]:
    """Which todo is meant; with every todo that fits, what it has to fit."""
    heard = clause.heard
    words = heard.words
    if "every" in frame.groups:
        return Reference(every=True), None
    part = frame.group("ref") or frame.group("target")
    if part is None:
        verb = frame.text("done")
        if verb in words.done:
            return Reference(text=words.done[verb]), None
        return (Reference(position=0), None) if frame.name == "complete" else (None, None)
    for _ in range(2):
        part = _inner(part, words)
        text = part.text.strip(WHEN + " ")
        if text in words.positions:
            return Reference(position=words.positions[text]), None
        if any(pattern.regex.match(part.text) for pattern in words.every_all):
            return Reference(every=True), _filter(part, clause)
        for pattern in words.every_filtered:
            match = pattern.regex.match(part.text)
            if match is not None:
                found = asking.asked(
                    part.part(*match.span("filter")),
                    clause.own,
                    words,
                    heard.names,
                    today=heard.today,
                    done=False,
                )
                if found.telling and not found.rest:
                    return Reference(every=True), found.filter
    said, _ = titles.written(part, heard.masked)
    past = words.done.get(frame.text("done"))
    if past is not None and said:
        said = f"{past} {said}"
    return (Reference(text=said), None) if said else (None, None)


def _filter(part: Spoken, clause: Clause) -> Filter | None:
    if WHEN not in part.text and WHEN not in clause.part.text:
        return None
    return _everything(clause, clause.heard)


def _inner(part: Spoken, words: Words) -> Spoken:
    """Without "the task called", "my", and times at the ends."""
    slots = titles.Slots(part)
    text = slots.title.text
    sign = WHEN + (" " if words.spaced else "")
    first, last = 0, len(text)
    while text.startswith(sign, first):
        first += len(sign)
    while text.endswith(sign, first, last):
        last -= len(sign)
    part = part.part(first, last)
    if part.text.strip() in words.positions:
        return part
    if any(pattern.regex.match(part.text) for pattern in words.every_all + words.every_filtered):
        return part
    best = part
    for pattern in words.plain_target:
        match = pattern.regex.match(part.text)
        if match is not None:
            inner = part.part(*match.span("target"))
            if len(inner.text) < len(best.text):
                best = inner
    return best


def _bare(part: Spoken, clause: Clause) -> list[Command]:
    """No phrase around it: a task by its verb or its deadline, a thing, or talk."""
    heard = clause.heard
    words = heard.words
    text = part.text
    asks = heard.masked[part.ends[-1] - 1 :].lstrip()[:1] in "?？؟" if part.ends else False  # noqa: RUF001
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
        return [create(part, clause, sure=HALF if asks else IMPERATIVE, into_list=False)]
    if finite.search(text) or asks:
        return []
    size = len(text.split()) if words.spaced else (len(text) + 1) // 2
    due = any(time.due is not None for time in clause.own)
    command = create(part, clause, sure=TOLD if due else NOUN, into_list=True)
    if "list" in command.fields and size <= _TIMED_WORDS:
        return _one_by_one(part, replace(command, confidence=TOLD), clause)
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
