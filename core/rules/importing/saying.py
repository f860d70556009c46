"""Due times and recurrences in words, as products write them into their files."""

import re
from dataclasses import dataclass
from typing import Final

from core.rules import recurrence_reading as reading
from core.rules import todoist_translated, zones
from core.rules.importing import moments, texts, written_dates
from core.rules.importing.records import Repeats, Scene
from core.rules.recurrence import Recurrence, check
from core.rules.recurrence_reading import Reader
from core.rules.reminders import Due
from core.rules.rrule import InvalidRule, text
from core.rules.understanding import lexicon, times
from core.rules.understanding.text import normalise
from core.rules.understanding.times import Clock

_SURE: Final = 0.6
_LONGEST: Final = 200
_WHOLE: Final = {"tod": "today", "tom": "tomorrow", "tmr": "tomorrow"}
_SHORT: Final = re.compile(rf"\b({'|'.join(_WHOLE)})\b", re.IGNORECASE)
_SIGNS: Final = " \t.,;:@-–"  # noqa: RUF001 (what people type between a day and a time)


@dataclass(frozen=True, slots=True)
class Said:
    """`lost` tells the words that were not understood, or that no rule says."""

    due: Due | None = None
    repeats: Repeats | None = None
    lost: tuple[str, ...] = ()


def read(raw: str, scene: Scene, *, zone: str | None, language: str) -> Said:
    """`zone` fixes times; null: they float. `language` is a tag as `pt_BR`. Never raises."""
    said = texts.line(raw)
    due = moments.due(said, zone)
    if due is not None:
        return Said(due)
    code = language.strip().lower().replace("_", "-").partition("-")[0] or "en"
    if len(said) > _LONGEST:
        return _not_understood(said)
    found = _in_language(said, scene, zone, code)
    if found is None and code != "en":  # what was typed in English counts in every language
        found = _in_language(said, scene, zone, "en")
    return found or _not_understood(said)


def _in_language(said: str, scene: Scene, zone: str | None, code: str) -> Said | None:
    """Null where the words are not this language's."""
    if code == "en":
        said = _SHORT.sub(lambda match: _WHOLE[match[0].lower()], said)
    repeating = _repeating(said, scene, zone, code)
    if repeating is not None:
        return repeating
    today = zones.today(scene.now, zone or scene.zone)
    due = written_dates.read(said, today, zone=zone, language=code)
    return Said(due) if due else _found(said, scene, zone, code)


def _repeating(said: str, scene: Scene, zone: str | None, code: str) -> Said | None:
    known = code if code in todoist_translated.LANGUAGES else "en"
    reader = Reader(scene.now, scene.zone, zone, known)
    try:
        found = reading.rule(said, reader) if _is_rule(said) else reading.words(said, reader)
    except InvalidRule as error:
        return Said(None, None, (f"it repeats ({texts.excerpt(said)}), and cannot: {error}",))
    except (ValueError, OverflowError):
        return None
    if found.recurrence is None:
        why = "; ".join(found.cannot_express)
        return Said(found.due, None, (f"it repeats ({texts.excerpt(said)}): {why}",))
    kept = repeats(found.recurrence, found.due, scene.zone)
    if kept is None:
        return Said(found.due, None, (f"it repeats ({texts.excerpt(said)}), and never occurs",))
    return Said(found.due, kept, tuple(found.cannot_express))


def _is_rule(said: str) -> bool:
    return said.upper().removeprefix("RRULE:").startswith("FREQ=")


def _found(said: str, scene: Scene, zone: str | None, code: str) -> Said | None:
    """In every language that utterances are understood in; only where all of it is understood."""
    if code not in lexicon.codes():
        return None
    clock = Clock(scene.now, scene.zone, zone)
    found = times.find(normalise(said), lexicon.load(code), clock)
    left = list(said)
    for start, end in (span for each in found for span in each.spans):
        left[start:end] = " " * (end - start)
    only = found[0] if len(found) == 1 else None
    if only is None or only.due is None or only.confidence < _SURE or "".join(left).strip(_SIGNS):
        return None
    if not moments.within(only.due.on):
        return None
    kept = repeats(only.recurrence, only.due, scene.zone) if only.recurrence else None
    if only.recurrence and kept is None:
        return None
    return Said(only.due, kept)


def repeats(recurrence: Recurrence, due: Due | None, zone: str) -> Repeats | None:
    """Null for what can never occur with such a due time."""
    if due is None:
        return None
    try:
        check(recurrence, due, zone=zone)
    except (InvalidRule, OverflowError):
        return None
    return Repeats(text(recurrence.rule), recurrence)


def _not_understood(said: str) -> Said:
    return Said(None, None, (f"the date {texts.excerpt(said)!r} was not understood",))
