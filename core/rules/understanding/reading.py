"""An utterance read: which commands it holds, in the order they were said.

1. The language: a hint, else script and words.
2. What was not meant is blanked out: fillers, stutters, what was corrected.
3. Times are found; a quotation and "the Friday magazine" hold none.
4. It is parted where both sides are commands.
5. Each part is one phrase of the lexicon, or the bare name of a task.

Text is data: nothing in it is done but what such a phrase, at the beginning of it, says.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from core.rules.understanding import (
    cleaning,
    combining,
    corrections,
    languages,
    lexicon,
    naming,
    splitting,
    times,
)
from core.rules.understanding import words as phrases
from core.rules.understanding.commands import Command, Intent, Reading, Said, Span
from core.rules.understanding.deciding import decided
from core.rules.understanding.frames import is_chatter, stripped
from core.rules.understanding.hearing import Clause, Heard, kept_times
from core.rules.understanding.spoken import Spoken, fold, spoken
from core.rules.understanding.text import normalise
from core.rules.understanding.time_moments import Clock
from core.rules.understanding.titles import known
from core.rules.understanding.typed import typed
from core.rules.understanding.words import Words

VERSION: Final = 1  # raised with everything that changes what is understood
MAX_COMMANDS: Final = 20
_HALVES: Final = ("morning", "evening")
Find = Callable[[str], Sequence[Said]]

# Where no blanks are written one stands behind any letter; "C#" and "page#4" are none.
_TAG: Final = re.compile(r"(?<![!-~])#([^\s#@,.;:!?，。、！？；：،؛؟।]{1,60})")  # noqa: RUF001 (signs of other scripts)
_LONGEST: Final = 5_000  # characters: five minutes of speech; the rest of a text is not looked at


def read(
    text: str,
    *,
    now: datetime,
    zone: str,
    due_zone: str | None = None,
    language: str | None = None,
    default: Intent | None = None,
    lists: Sequence[str] = (),
    tags: Sequence[str] = (),
) -> Reading:
    """Pure and linear in the length of the text. `now` is aware, `zone` the person's.

    `default` CREATE is for what was typed to be a todo: then all of it is one, but for what
    `core.rules.understanding.typed` reads in it. `lists` and `tags` are the names there are.
    """
    text = text[:_LONGEST]
    code = languages.language(text, language)
    words = phrases.of(code)
    read_by = lexicon.load(code)
    clock = Clock(now, zone, due_zone)

    heard_as = spoken(text, spaced=words.spaced).text
    past = words.finders["asks_done"].search(heard_as) is not None
    lasting = words.finders["lasting"].search(heard_as) is not None

    half = next((name for name in _HALVES if words.finders[f"of_{name}"].search(heard_as)), None)

    def find(raw: str) -> Sequence[Said]:
        return times.find(normalise(raw), read_by, clock, past=past, lasting=lasting, half=half)

    today = now.astimezone(ZoneInfo(zone)).date()
    named = naming.names(text, words)
    quotes = [*cleaning.quoted(text), *named.sure]
    heard = Heard(text, text, words, known(lists, tags, words), today, quotes, named.may)
    if default is Intent.CREATE:
        return Reading(code, typed(replace(heard, doubts=False), find))
    raw = cleaning.without_fillers(text, words)
    if _is_chatter(spoken(raw, spaced=words.spaced), words):
        return Reading(code, [])
    meant = corrections.corrected(raw, words, find)
    if meant is None:
        return Reading(code, [])
    return Reading(code, _commands(replace(heard, masked=meant), find)[:MAX_COMMANDS])


def _is_chatter(said: Spoken, words: Words) -> bool:
    part = stripped(said, words)
    return is_chatter(said, words) or is_chatter(part, words)


def _commands(heard: Heard, find: Find) -> list[Command]:
    masked, tags = _tagged(heard)
    times = kept_times(masked, find(cleaning.blank(masked, heard.quotes)), heard)
    said = spoken(
        masked,
        spaced=heard.words.spaced,
        holes=[span for time in times for span in time.spans],
    )
    heard = replace(heard, masked=masked)
    commands: list[Command] = []
    before: Clause | None = None
    parts = splitting.clauses(said, heard.words, heard.quotes)
    for index, part in enumerate(parts):
        end = _bounds(parts[index + 1])[0] if index + 1 < len(parts) else len(masked)
        own = [tag for tag in tags if _bounds(part)[0] <= tag[1][0] < end or not index]
        own = [tag for tag in own if tag[1][0] < end]
        clause = Clause(part, _within(part, times, heard, find), heard, own)
        if before is not None:
            clause = _shared(before, clause)
        found = decided(clause)
        if before is not None and not found:
            continue
        undone = any(command.intent is Intent.UNDO for command in commands)
        found = [each for each in found if not (undone and each.intent is Intent.UNDO)]
        commands = combining.combined(commands, found)
        before = clause
    return commands


def _tagged(heard: Heard) -> tuple[str, list[tuple[str, Span]]]:
    """`#work` is a tag wherever it stands."""
    tags = []
    for match in _TAG.finditer(heard.masked):
        if not match[1].isdigit():
            name = heard.names.tags.get(fold(match[1], spaced=heard.words.spaced), match[1])
            tags.append((name, match.span()))
    return cleaning.blank(heard.masked, [span for _, span in tags]), tags


def _bounds(part: Spoken) -> Span:
    return (part.starts[0], part.ends[-1]) if part.starts else (0, 0)


def _within(part: Spoken, times: Sequence[Said], heard: Heard, find: Find) -> list[Said]:
    start, end = _bounds(part)
    inside = [[start <= span[0] and span[1] <= end for span in time.spans] for time in times]
    if any(any(each) and not all(each) for each in inside):
        # "Call mom tomorrow and dad in the evening": parted, these are two times.
        masked = cleaning.blank(heard.masked, [(0, start), (end, len(heard.masked)), *heard.quotes])
        return kept_times(masked, find(masked), heard)
    return [time for time, each in zip(times, inside, strict=True) if any(each)]


def _shared(before: Clause, clause: Clause) -> Clause:
    """A time said first is that of the bare task after it: "tomorrow call mom and buy milk"."""
    if clause.own or splitting.kind(clause.part, clause.heard.words) != "verb":
        return clause
    first = [
        time
        for time in before.own
        if not before.part.raw[_bounds(before.part)[0] : time.spans[0][0]].strip()
        or splitting.leads(before.part, time.spans[0], before.heard.words)
    ]
    return replace(clause, own=first)
