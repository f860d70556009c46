"""Which todos are asked for: "what's due this week", "show my overdue work tasks"."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from core.rules.understanding.commands import Filter, Said
from core.rules.understanding.spoken import WHEN, Spoken, fold
from core.rules.understanding.titles import Known, list_name, peeled, tidy
from core.rules.understanding.words import Words

_STATUSES: Final = ("overdue", "pending", "completed")
_GONE: Final = "\x02"


@dataclass(frozen=True, slots=True)
class Asked:
    """`telling`: something in it says that todos are meant, `nouns`: a word for todos does.

    `rest` says something else.
    """

    filter: Filter
    telling: bool
    nouns: bool
    rest: str


def asked(
    part: Spoken, times: Sequence[Said], words: Words, names: Known, *, today: date, done: bool
) -> Asked:
    """`times` are those said within the part. `done`: what was done is asked for."""
    slots = peeled(part, words, names, into_list=True, whole=True)
    text = slots.title.text
    statuses = {"completed"} if done else set()
    for status in _STATUSES:
        text, found = _without(text, words.status.get(status))
        if found:
            statuses.add(status)
    priority = slots.priority
    if priority is None and (match := words.finders["priority"].search(text)) is not None:
        priority = words.priority.get(match[0].strip())
        text, _ = _without(text, words.finders["priority"])
    text, nouns = _without(text, words.finders["nouns"])
    text, _ = _without(text, words.finders["filter_words"])
    rest, said = _left(text.replace(WHEN, _GONE), slots.title)
    given, tag = slots.into, slots.tags[0] if slots.tags else None
    if rest and given is None and (name := list_name(rest, words, names, only_known=True)):
        given, rest, said = name, "", ""
    elif rest and given is None and name == "":
        given, rest, said = said, "", ""
    if rest and tag is None and rest in names.tags:
        tag, rest, said = names.tags[rest], "", ""
    first, last = _days(times)
    if times and _is_end(part.raw, times[0], words):
        first = None
    if "overdue" in statuses:
        last = today - timedelta(days=1)
    return Asked(
        Filter(
            due_from=first,
            due_to=last,
            list=given,
            tag=tag,
            priority=priority,
            status="completed" if statuses == {"completed"} else "pending",
            text=said or None,
        ),
        telling=bool(nouns or statuses or times or given or tag or priority),
        nouns=nouns,
        rest=rest,
    )


def _without(text: str, finder: re.Pattern[str] | None) -> tuple[str, bool]:
    if finder is None:
        return text, False
    new, count = finder.subn(lambda match: _gone(match[0]), text)
    return (text, False) if not count else (new, True)


def _gone(text: str) -> str:
    kept = text.rstrip(" ")
    return _GONE * len(kept) + text[len(kept) :]


def _left(text: str, title: Spoken) -> tuple[str, str]:
    """What no word of a question accounts for: as it is compared, and as it was said."""
    places = [index for index, char in enumerate(text) if char not in {_GONE, " "}]
    if not places:
        return "", ""
    first, last = places[0], places[-1] + 1
    start, end = title.span(first, last)
    return text[first:last].replace(_GONE, "").strip(), tidy(title.raw[start:end])


def _is_end(raw: str, time: Said, words: Words) -> bool:
    """By Friday: whatever is due until then."""
    start, end = time.spans[0]
    return fold(raw[start:end]).split(" ", 1)[0] in words.sets["until_words"]


def _days(times: Sequence[Said]) -> tuple[date | None, date | None]:
    for time in times:
        if time.first is not None or time.last is not None:
            return time.first, time.last
        if time.due is not None:
            return time.due.on, time.due.on
    return None, None
