"""Times of the clock, and parts of the day, as patterns of letters found them."""

from dataclasses import replace
from datetime import date
from typing import Final

from core.rules.understanding import time_moments as moments
from core.rules.understanding.time_moments import Hour
from core.rules.understanding.time_scene import (
    Found,
    Part,
    Scene,
)
from core.rules.understanding.time_tokens import Literal

_MORNING: Final = 7  # hours to there are those of the afternoon as well
_HOURS: Final = 24
_MINUTES: Final = 60


def _hour(hour: float, minute: int = 0, *, sure: bool = False) -> Hour | None:
    if not 0 <= hour <= _HOURS or not 0 <= minute < _MINUTES:
        return None
    if isinstance(hour, float):  # ढाई बजे: 2.5
        quarters = hour * 4
        return Hour(int(hour), int(hour % 1 * _MINUTES)) if quarters == int(quarters) else None
    if hour == _HOURS and minute:
        return None
    return Hour(hour, minute, sure=sure or hour > 12 or hour == 0)  # noqa: PLR2004 (of a clock)


def _together(number: float, *, sure: bool = False) -> Hour | None:
    """An hour, or hours and minutes in one number: 17, 930, 1730."""
    if number <= 99:  # noqa: PLR2004 (two digits)
        return _hour(number, sure=sure)
    hour, minute = divmod(int(number), 100)
    return _hour(hour, minute, sure=sure or number > 999)  # noqa: PLR2004 (as an army says it)


def _with_half(said: Hour | None, scene: Scene) -> Found | None:
    """5 pm, 5 in the afternoon."""
    if said is None:
        return None
    half = scene.one("m") or (scene.one("P") if scene.tokens[-1].meanings.get("P") else None)
    if said.hour > _MORNING and not scene.words.twelve_hours:
        said = replace(said, sure=True)
    return Found(moments.in_part(said, half) if half else said)


def shifted(scene: Scene) -> Found | None:
    """Quarter to six, halb drei; 两点半, dos menos cuarto."""
    minutes: int = scene.one("q") or scene.one("s")
    number = scene.one("N")
    if not isinstance(number, int) or not 0 <= number <= _HOURS:
        return None
    hour, minute = divmod(number * _MINUTES + minutes, _MINUTES)
    return _with_half(_hour(hour % _HOURS if number > 12 else hour or 12, minute), scene)  # noqa: PLR2004 (of a clock)


def minutes_first(scene: Scene) -> Found | None:
    """Ten past five, zehn vor halb drei."""
    minutes, *_, number = scene.all("N")
    if not isinstance(minutes, int) or not isinstance(number, int) or number > _HOURS:
        return None
    if minutes % 5 and not scene.all("U"):  # from 2 to 4
        return None
    if not 1 <= minutes <= 30:  # noqa: PLR2004 (half an hour)
        return None
    sign = 1 if any("p" in token.meanings for token in scene.tokens) else -1
    total = number * _MINUTES + (scene.one("q") or 0) + sign * minutes
    hour, minute = divmod(total, _MINUTES)
    return _with_half(_hour(hour or 12, minute), scene)


def hour_first(scene: Scene) -> Found | None:
    """17h30, cinq heures moins dix, las cinco y diez, 五点十分, five thirty pm."""
    number, minutes, *_ = scene.all("N")
    if not isinstance(number, int) or not isinstance(minutes, int) or minutes > 59:  # noqa: PLR2004 (of a clock)
        return None
    if scene.all("~"):
        hour, minute = divmod(number * _MINUTES - minutes, _MINUTES)
        return _with_half(_hour(hour or 12, minute), scene)
    exact = any("Q" in token.meanings for token in scene.tokens)
    marked = scene.all("&") or "minute" in scene.all("U") or scene.tokens[-1].meanings.get("m")
    both = scene.all("&") and scene.words.minutes_first  # at 9 and 5
    if exact or both or (minutes < 10 and not marked):  # noqa: PLR2004 (5 Uhr 3 Eier)
        return None
    return _with_half(_hour(number, minutes), scene)


def from_to(scene: Scene) -> Found | None:
    """From 2 to 4 pm: it begins at 2 pm."""
    half = scene.one("m") or scene.one("P")
    if scene.all("T"):
        literal: Literal = scene.one("T")
        if literal.value is None or isinstance(literal.value, date):
            return None
        said: Hour | None = Hour(literal.value.hour, literal.value.minute, sure=literal.sure)
    else:
        said = _hour(scene.one("N"))
    if said is None:
        return None
    return Found(moments.in_part(said, half) if half and not said.sure else said)


def written(scene: Scene) -> Found | None:
    literal: Literal = scene.one("T")
    led = len(scene.tokens) > 1
    if not led and not literal.strong:
        return None
    if literal.value is None or isinstance(literal.value, date):
        return None
    said = Hour(literal.value.hour, literal.value.minute, sure=literal.sure)
    return _with_half(said, scene)


def oclock(scene: Scene) -> Found | None:
    number = scene.one("N")
    mark = next((token for token in scene.tokens if "c" in token.meanings), None)
    found = _with_half(_together(number, sure="m" in scene.tokens[-1].meanings), scene)
    if found is None or scene.all("m") or scene.all("P") or mark is None:
        return found
    unled = "a" not in scene.tokens[0].meanings and "u" not in scene.tokens[0].meanings
    return replace(found, weak=unled and "U" in mark.meanings)


def of_part(scene: Scene) -> Found | None:
    """5 in the afternoon, without `at`."""
    led = scene.glued(len(scene.tokens) - 1) or scene.all("i")
    if not led and ("D" in scene.tokens[-1].meanings or not scene.all("c")):
        return None
    return _with_half(_hour(scene.one("N")), scene)


def of_day(scene: Scene) -> Found | None:
    """At 3 дня, which is of the day and days: an hour, where "for 3 дня" is a length."""
    led, number, part = (token.meanings for token in scene.tokens)
    if "U" not in part or ("d" in led and "U" not in number):
        return None
    return _with_half(_hour(number["N"]), scene)


def bare_hour(scene: Scene) -> Found | None:
    """At 5; at 1730; в полшестого, but not at 5.5. After `by` a number may be anything."""
    number = scene.one("N")
    written = scene.text.words[scene.tokens[-1].last].text[0].isdigit()
    if (isinstance(number, float) and written) or "A" in scene.tokens[-1].meanings:
        return None
    found = _with_half(_together(number), scene)
    if number > 99:  # noqa: PLR2004 (nothing else is written so)
        return found
    led = "a" in scene.tokens[0].meanings
    return replace(found, weak=not led) if found else None


def a_part(scene: Scene) -> Found:
    this = bool(scene.all("v"))
    led = len(scene.tokens) > 1
    name = scene.one("P")
    led = led or scene.tokens[0].last > scene.tokens[0].first  # in the morning
    return Found(
        Part(name, this=this),
        weak=scene.words.spaced and not led and name not in {"noon", "midnight"},
    )
