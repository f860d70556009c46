"""Commands on todos that there are: which one is meant, and what becomes of it."""

from dataclasses import dataclass, field, replace
from typing import Any, Final

from core.rules.understanding import asking, creating, languages, titles
from core.rules.understanding.commands import Command, Filter, Intent, Reference, Span
from core.rules.understanding.frames import Frame
from core.rules.understanding.hearing import (
    HALF,
    SURE,
    TOLD,
    Clause,
    certain,
    due_part,
    moment,
    span_of,
)
from core.rules.understanding.spoken import WHEN, Spoken, fold
from core.rules.understanding.words import Words

_TOLD: Final = frozenset({"done", "finish"})


@dataclass(slots=True)
class _Change:
    """What becomes of a todo; `ask` is the question for what is missing."""

    fields: dict[str, Any] = field(default_factory=dict)
    spans: dict[str, Span] = field(default_factory=dict)
    sure: float = SURE
    ask: str | None = None


def on_target(frame: Frame, intent: Intent, clause: Clause) -> list[Command] | None:
    """Null where the phrase fits, and what it names is no list, no name, no tag."""
    change = _change(frame, intent, clause)
    if change is None:
        return None
    target, filter_ = reference(frame, clause)
    ask = change.ask
    if target is None and intent is not Intent.SNOOZE:
        ask = "target"
    sure = {"done_noun": HALF}.get(frame.name, TOLD if frame.name in _TOLD else SURE)
    sure = min(sure, change.sure)
    if frame.name == "done" and clause.part.text.startswith(WHEN):
        sure = min(sure, HALF)  # "yesterday I bought milk" is told, not reported
    return [
        Command(
            intent,
            sure if ask is None else min(sure, HALF),
            change.fields,
            filter=filter_,
            target=target,
            spans=change.spans,
            question=None if ask is None else languages.question(clause.heard.words.code, ask),
        )
    ]


def _change(  # noqa: PLR0911 (one return for each kind of change)
    frame: Frame, intent: Intent, clause: Clause
) -> _Change | None:
    match frame.name:
        case "move" | "snooze":
            return _in_time(frame, intent, clause)
        case "rename":
            return _renamed(frame, clause)
        case "tag":
            return _tagged(frame, clause)
        case "move_list":
            into = creating.into_list(frame, clause)
            return _Change({"list": into[0]}, {"list": into[1]}) if into and into[0] else None
        case "set_priority":
            return _Change({"priority": creating.priority_of(frame, clause.heard.words) or "high"})
        case "untag":
            return _Change(sure=HALF, ask="change")  # which tags are left is not known here
        case "clear_priority":
            return _Change({"priority": "none"})
        case "clear_due":
            return _Change({"due": None})
    return _Change()


def _in_time(frame: Frame, intent: Intent, clause: Clause) -> _Change:
    if "due" not in moment(clause):
        return _Change(sure=HALF, ask="until" if intent is Intent.SNOOZE else "when")
    # Of "move the meeting on monday to friday" the last one is where it goes.
    time = clause.own[-1]
    fields: dict[str, Any] = {"due": time.due}
    if time.recurrence is not None:
        fields["recurrence"] = time.recurrence
    part = due_part(time, clause.heard)
    if part is not None and intent is Intent.UPDATE:
        fields["due_part"] = part
    sure = min(certain([time]), _moved(frame, clause))
    return _Change(fields, {"due": span_of(time)}, sure=sure)


def _renamed(frame: Frame, clause: Clause) -> _Change | None:
    new = frame.group("new")
    text, span = titles.written(new, clause.heard.masked) if new else ("", (0, 0))
    # "Change the meeting from 5 to 6" is no new title.
    number = new is not None and creating.is_number(new, clause.heard.words)
    sure = HALF if number else SURE
    return _Change({"title": text}, {"title": span}, sure=sure) if text else None


def _tagged(frame: Frame, clause: Clause) -> _Change | None:
    part = frame.group("tag")
    if part is None:
        return None
    heard = clause.heard
    span = part.span(0, len(part.text))
    found = titles.tag_names(heard.masked[slice(*span)], heard.words, heard.names)
    return _Change({"tags": found}, {"tags": span})


def _moved(frame: Frame, clause: Clause) -> float:
    """Half sure where it is moved "from monday to friday": no week of five days is meant."""
    time, words = clause.own[-1], clause.heard.words
    if time.recurrence is None:
        return SURE
    first = fold(clause.heard.masked[slice(*time.spans[0])]).split()[:1]
    before = frame.part.text.partition(WHEN)[0].split()[-1:]
    return HALF if words.sets["from_words"].intersection(first + before) else SURE


def is_reference(frame: Frame, clause: Clause) -> bool:
    target, _ = reference(frame, clause)
    return target is not None and target.text is None


def reference(  # noqa: C901, PLR0911 (a ladder: the first that fits is meant)
    frame: Frame, clause: Clause
) -> tuple[Reference | None, Filter | None]:
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
        # "Bórrala", "mejor el domingo": a phrase that names no todo is about the one before.
        return (None, None) if frame.name in {"done", "snooze"} else (Reference(position=0), None)
    for _ in range(2):
        part = _inner(part, words)
        text = part.text.strip(WHEN + " ")
        if text in words.positions:
            return Reference(position=words.positions[text]), None
        if any(pattern.regex.match(part.text) for pattern in words.every_all):
            return Reference(every=True), _filter(part, frame, clause)
        for pattern in words.every_filtered:
            match = pattern.regex.match(part.text)
            if match is not None:
                found = asking.asked(
                    part.part(*match.span("filter")),
                    _telling(frame, clause).own,
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


def _telling(frame: Frame, clause: Clause) -> Clause:
    """Without the time that todos are moved to: that does not tell which."""
    moved = frame.name in {"move", "snooze"} and "when" in frame.groups
    return replace(clause, own=clause.own[:-1]) if moved else clause


def _filter(part: Spoken, frame: Frame, clause: Clause) -> Filter | None:
    if WHEN not in part.text and WHEN not in clause.part.text:
        return None
    clause = _telling(frame, clause)
    return everything(clause) if clause.own else None


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


def everything(clause: Clause, *, done: bool = False) -> Filter:
    heard = clause.heard
    nothing = clause.part.part(0, 0)
    return asking.asked(
        nothing, clause.own, heard.words, heard.names, today=heard.today, done=done
    ).filter
