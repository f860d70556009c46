"""What a language model proposes, held against what was said: it can choose words, invent none.

1. Titles, names and times are stretches of the utterance, and are taken from there.
2. Times are read by the language's own lexicon; of a language without one, from the model's
   rendering of that stretch in English.
3. It can mean one todo at a time, never all of them, and none by its id.

A proposal with one flaw is dropped as a whole: who misses one rule has not understood the rest.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from core.rules.understanding import languages, lexicon, times, titles
from core.rules.understanding import words as phrases
from core.rules.understanding.commands import (
    Command,
    Filter,
    Intent,
    Reading,
    Reference,
    Said,
    Span,
)
from core.rules.understanding.spoken import WHEN, fold, spoken
from core.rules.understanding.text import normalise
from core.rules.understanding.time_moments import Clock
from core.rules.understanding.titles import Known

PROPOSED: Final = 0.7  # of every command: it waits for a yes
MOST: Final = 10  # commands of one utterance
_TARGETED: Final = (
    Intent.COMPLETE,
    Intent.REOPEN,
    Intent.UPDATE,
    Intent.DELETE,
    Intent.SNOOZE,
)
_PRIORITIES: Final = ("high", "medium", "low", "none")
# Thai, Lao, Burmese, Khmer, Japanese and Chinese part no words: any stretch of them may be one.
_UNPARTED: Final = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]")


@dataclass(frozen=True, slots=True)
class Wish:
    """One command as the model says it; null: not spoken of.

    `title` is that of a new todo, or the new one of a todo that is changed; `target` tells which
    todo is meant. `when_in_english` counts where the language has no lexicon.
    """

    intent: Intent
    title: str | None = None
    target: str | None = None
    when: str | None = None
    when_in_english: str | None = None
    remind: bool = False
    priority: str | None = None
    tags: Sequence[str] = ()
    list: str | None = None


@dataclass(frozen=True, slots=True)
class Proposal:
    """No wishes: the model found nothing to do."""

    wishes: Sequence[Wish]


class _Flawed(Exception):
    """Something in it was not said, or cannot be read."""


@dataclass(frozen=True, slots=True)
class _Utterance:
    text: str
    code: str | None  # of the lexicon; null: there is none
    clock: Clock
    names: Known


def checked(
    proposal: Proposal,
    text: str,
    *,
    language: str,
    now: datetime,
    zone: str,
    due_zone: str | None = None,
    lists: Sequence[str] = (),
    tags: Sequence[str] = (),
) -> Reading | None:
    """What of it stands up to the utterance; null: it does not. Pure; never raises.

    Every command has the confidence `PROPOSED`, whatever the model thinks of itself.
    """
    code = languages.tabled(language)
    names = titles.known(lists, tags, phrases.of(code or languages.DEFAULT))
    said = _Utterance(text, code, Clock(now, zone, due_zone), names)
    if len(proposal.wishes) > MOST:
        return None
    try:
        return Reading(language, [_command(wish, said) for wish in proposal.wishes])
    except _Flawed:
        return None


def _command(wish: Wish, said: _Utterance) -> Command:
    fields: dict[str, Any] = {}
    spans: dict[str, Span] = {}
    holes: tuple[Span, ...] = ()
    moment = None
    if wish.when is not None:
        moment, place = _moment(wish, said)
        holes, spans["due"] = (place,), place
    if wish.title is not None:
        fields["title"], spans["title"] = _stretch(wish.title, said.text, holes)
    if wish.list is not None:
        own, spans["list"] = _stretch(wish.list, said.text)
        fields["list"] = said.names.lists.get(fold(own), own)
    if wish.tags:
        own_tags = [_stretch(each, said.text)[0] for each in wish.tags]
        fields["tags"] = [said.names.tags.get(fold(each), each) for each in own_tags]
    if wish.priority is not None:
        if wish.priority not in _PRIORITIES:
            raise _Flawed
        fields["priority"] = wish.priority
    target = None
    if wish.target is not None:
        target, spans["target"] = _stretch(wish.target, said.text, holes)
    if wish.intent is Intent.LIST:
        return Command(wish.intent, PROPOSED, filter=_filter(fields, target, moment))
    if wish.intent is Intent.UNDO:
        return Command(wish.intent, PROPOSED)
    fields |= _due(wish, moment, said)
    _require(wish.intent, fields, target)
    meant = None if target is None or wish.intent is Intent.CREATE else Reference(text=target)
    return Command(wish.intent, PROPOSED, fields, target=meant, spans=spans)


def _require(intent: Intent, fields: dict[str, Any], target: str | None) -> None:
    needed = {
        Intent.CREATE: bool(fields.get("title")),
        Intent.UPDATE: bool(fields),
        Intent.SNOOZE: fields.get("due") is not None,
    }
    if intent is Intent.UNKNOWN or not needed.get(intent, True):
        raise _Flawed
    if intent in _TARGETED and not target:
        raise _Flawed


def _moment(wish: Wish, said: _Utterance) -> tuple[Said, Span]:
    """The one time that the whole of the phrase says: a part of it would be another time."""
    place = _place(wish.when or "", said.text)
    phrase = said.text[slice(*place)] if said.code else wish.when_in_english or ""
    read_by = lexicon.load(said.code or languages.DEFAULT)
    lasting = wish.intent is Intent.SNOOZE
    found = times.find(normalise(phrase), read_by, said.clock, lasting=lasting)
    if len(found) != 1:
        raise _Flawed
    rest = "".join(
        char
        for at, char in enumerate(phrase)
        if not any(start <= at < end for start, end in found[0].spans)
    )
    if any(char.isalnum() for char in rest):
        raise _Flawed
    return found[0], place


def _due(wish: Wish, moment: Said | None, said: _Utterance) -> dict[str, Any]:
    if moment is None:
        return {"remind": True} if wish.remind and wish.intent is Intent.CREATE else {}
    if moment.due is None and moment.recurrence is None:
        raise _Flawed  # it has passed
    fields: dict[str, Any] = {"due": moment.due}
    if moment.recurrence is not None:
        fields["recurrence"] = moment.recurrence
    if wish.remind and wish.intent is Intent.CREATE:
        fields["remind"] = True
    if wish.intent is Intent.UPDATE and moment.due is not None and moment.recurrence is None:
        phrase = (wish.when if said.code else wish.when_in_english) or ""
        if moment.due.at is None:
            fields["due_part"] = "day"
        elif not phrases.names_day(phrase, phrases.of(said.code or languages.DEFAULT)):
            fields["due_part"] = "time"
    return fields


def _filter(fields: dict[str, Any], target: str | None, moment: Said | None) -> Filter:
    first, last = (None, None) if moment is None else (moment.first, moment.last)
    if moment is not None and moment.due is not None and first is None and last is None:
        first = last = moment.due.on
    tags = fields.get("tags", [None])
    return Filter(
        due_from=first,
        due_to=last,
        list=fields.get("list"),
        tag=tags[0],
        priority=fields.get("priority"),
        status="pending",
        text=target,
    )


def _stretch(words: str, text: str, holes: Sequence[Span] = ()) -> tuple[str, Span]:
    """The person's own words for it, and where they stand, what lies in `holes` aside."""
    start, end = _place(words, text, holes)
    own = "".join(
        " " if any(first <= at < last for first, last in holes) else text[at]
        for at in range(start, end)
    )
    tidied = titles.tidy(" ".join(own.split()))
    if not tidied:
        raise _Flawed
    return tidied, (start, end)


def _place(words: str, text: str, holes: Sequence[Span] = ()) -> Span:
    """Where in the text these words stand, one after the other; case, accents and signs aside."""
    wanted = fold(words, spaced=False)
    if not wanted:
        raise _Flawed
    heard = spoken(text, spaced=False, holes=holes)
    kept = [at for at, char in enumerate(heard.text) if char != WHEN]
    plain = "".join(heard.text[at] for at in kept)
    at = plain.find(wanted)
    while at >= 0:
        start = heard.starts[kept[at]]
        end = heard.ends[kept[at + len(wanted) - 1]]
        if _parted(text, start) and _parted(text, end):
            return start, end
        at = plain.find(wanted, at + 1)
    raise _Flawed


def _parted(text: str, at: int) -> bool:
    """Whether a word may begin or end here: "art" is no word of "party"."""
    if at in {0, len(text)}:
        return True
    before, after = text[at - 1], text[at]
    if not (before.isalnum() and after.isalnum()):
        return True
    return bool(_UNPARTED.match(before) or _UNPARTED.match(after))
