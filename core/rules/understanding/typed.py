"""What was typed to be a todo: `Call mom tomorrow 5pm #family @phone p1 {friday}`.

Todoist's signs: `#list @tag p1..p4 !high {deadline}`. No other intent than to create is seen:
who types "Cancel the gym" into a list of todos wants to be reminded of it.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from core.rules.understanding import cleaning, creating, deciding, frames
from core.rules.understanding.commands import Command, Intent, Said, Span
from core.rules.understanding.hearing import SURE, Clause, Heard, kept_times
from core.rules.understanding.spoken import fold, spoken
from core.rules.understanding.titles import Known, list_name

Find = Callable[[str], Sequence[Said]]

_SIGNS: Final = re.compile(r"(?<!\S)([#@])([^\s#@{}]{1,60})")
_PRIORITY: Final = re.compile(r"(?<!\S)(?:!!?|[pP](?=[1-4](?!\S)))([^\s!]{1,20})(?!\S)")
_DEADLINE: Final = re.compile(r"\{([^{}\n]{1,100})\}")
_NUMBERED: Final = {"1": "high", "2": "medium", "3": "low", "4": "none"}
_CREATING: Final = frozenset({"remind", "create", "add", "add_list", "to_list", "timed"})
MAX_LINES: Final = 20


@dataclass(slots=True)
class _Signs:
    into: tuple[str, Span] | None
    tags: list[tuple[str, Span]]
    priority: tuple[str, Span] | None
    deadline: Span | None
    masked: str


def typed(heard: Heard, find: Find) -> list[Command]:
    """One todo for each line."""
    commands: list[Command] = []
    start = 0
    for line in heard.masked.split("\n")[:MAX_LINES]:
        end = start + len(line)
        if line.strip():
            masked = " " * start + line + " " * (len(heard.masked) - end)
            commands.extend(_line(replace(heard, masked=masked), find))
        start = end + 1
    return commands


def _line(heard: Heard, find: Find) -> list[Command]:
    signs = _signs(heard)
    heard = replace(heard, masked=signs.masked)
    times = kept_times(heard.masked, find(cleaning.blank(heard.masked, heard.quotes)), heard)
    if signs.deadline is not None and not any(time.due for time in times):
        first, last = signs.deadline
        only = " " * first + heard.original[first:last]
        times = list(find(only))
    holes = [span for time in times for span in time.spans]
    masked = cleaning.blank(heard.masked, [signs.deadline] if signs.deadline else [])
    part = spoken(
        masked, spaced=heard.words.spaced, holes=[s for s in holes if masked[s[0]] != " "]
    )
    clause = Clause(part, times, replace(heard, masked=masked), tuple(signs.tags))
    return [_with(signs, command) for command in _created(clause)]


def _created(clause: Clause) -> list[Command]:
    part = frames.stripped(clause.part, clause.heard.words)
    for frame in frames.matching(part, clause.heard.words):
        if frame.name in _CREATING:
            commands = deciding.framed(frame, clause)
            if commands and all(command.question is None for command in commands):
                return commands
    return [creating.create(clause.part, clause, sure=SURE, into_list=True)]


def _with(signs: _Signs, command: Command) -> Command:
    fields, spans = dict(command.fields), dict(command.spans)
    if signs.into is not None:
        fields["list"], spans["list"] = signs.into
    if signs.priority is not None:
        fields["priority"], spans["priority"] = signs.priority
    return replace(command, intent=Intent.CREATE, fields=fields, spans=spans)


def _signs(heard: Heard) -> _Signs:
    raw = heard.masked
    found = _Signs(None, [], None, None, raw)
    quotes = cleaning.quoted(raw)
    gone: list[Span] = []
    for match in _SIGNS.finditer(raw):
        if any(start < match.start() < end for start, end in quotes):
            continue
        name = match[2].rstrip(".,;:!?")
        span = (match.start(), match.start() + 1 + len(name))
        if not name or (match[1] == "#" and name.isdigit()):
            continue  # "fix bug #12"
        if match[1] == "#":
            found.into = (_list(name, heard.names, heard), span)
        else:
            known = heard.names.tags.get(fold(name, spaced=heard.words.spaced))
            found.tags.append((known or name, span))
        gone.append(span)
    for match in _PRIORITY.finditer(raw):
        value = _NUMBERED.get(match[1]) or heard.words.priority.get(
            fold(match[1], spaced=heard.words.spaced)
        )
        if value is not None:
            found.priority = (value, match.span())
            gone.append(match.span())
    deadline = _DEADLINE.search(raw)
    if deadline is not None:
        found.deadline = deadline.span(1)
        gone.append(deadline.span())
    found.masked = cleaning.blank(raw, gone)
    return found


def _list(name: str, names: Known, heard: Heard) -> str:
    # A list of several words is typed with hyphens or underscores, as there is no end to it else.
    for spelling in (name, name.replace("_", " ").replace("-", " ")):
        folded = fold(spelling, spaced=heard.words.spaced)
        found = list_name(folded, heard.words, names, only_known=False)
        if found:
            return found
    return name
