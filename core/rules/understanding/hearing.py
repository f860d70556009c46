"""What is at hand where a clause is decided: the utterance, and the times said in it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Final

from core.rules.understanding.commands import Said, Span
from core.rules.understanding.spoken import Spoken, fold, spoken
from core.rules.understanding.titles import Known
from core.rules.understanding.words import Words, names_day

# What a phrase says by itself. From 0.85 on a command acts, from 0.6 on it waits for a yes.
SURE: Final = 0.95
TOLD: Final = 0.86  # "I called mom": done, if there is a todo like that
HALF: Final = 0.7


@dataclass(frozen=True, slots=True)
class Heard:
    """`masked` is the text with what was not meant blanked out.

    `quotes` hold no times. In `may` a time may be part of a name. `doubts`: a title that seems to
    hold more than a title is asked about; what was typed is meant as it stands.
    """

    masked: str
    original: str
    words: Words
    names: Known
    today: date
    quotes: Sequence[Span]
    may: Sequence[Span] = ()
    doubts: bool = True


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
        _asked(time, heard.may)
        for time in found
        if not any(
            start <= span[0] and span[1] <= end for span in time.spans for start, end in held
        )
        and not _names(raw, time, heard.words)
    ]


def _asked(time: Said, may: Sequence[Span]) -> Said:
    """Half sure where it may be part of a name: "watch Sunday Politics"."""
    if any(start < end_ and start_ < end for start, end in may for start_, end_ in time.spans):
        return replace(time, confidence=min(time.confidence, HALF))
    return time


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
    noun = after[1] and words.finders["nouns"].match(fold(after[1]) + " ")
    if after[0][:1] in "'’":  # noqa: RUF001 (an apostrophe)
        return not noun  # "today's tasks"
    if raw[start:end].casefold().endswith(("'s", "’s")):  # noqa: RUF001 (an apostrophe)
        return not noun
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


def span_of(said: Said) -> Span:
    return max(said.spans, key=lambda span: span[1] - span[0])


def certain(times: Sequence[Said]) -> float:
    """Of two times that are said apart, which one is meant is asked about."""
    several = HALF if len([time for time in times if time.due is not None]) > 1 else 1.0
    over = any(time.due is None and time.recurrence is None for time in times)
    return min([several, HALF if over else 1.0, *(time.confidence for time in times)])


def moment(clause: Clause, *, remind: bool = False) -> dict[str, Any]:
    fields: dict[str, Any] = {"remind": True} if remind else {}
    for time in clause.own:
        if time.due is None and time.recurrence is None:
            continue
        fields["due"] = time.due
        if time.recurrence is not None:
            fields["recurrence"] = time.recurrence
        break
    return fields


def due_part(said: Said, heard: Heard) -> str | None:
    """`time` where no day was said, `day` where no time was; null where both were."""
    text = " ".join(heard.masked[start:end] for start, end in said.spans)
    if said.due is None or said.recurrence is not None:
        return None
    if said.due.at is None:
        return "day"
    return None if names_day(text, heard.words) else "time"
