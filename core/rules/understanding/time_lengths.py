"""Lengths of time, and what they are counted from, as patterns of letters found them."""

from dataclasses import replace
from datetime import date
from typing import Final

from core.rules.understanding import time_moments as moments
from core.rules.understanding.time_days import dated, found_day
from core.rules.understanding.time_scene import (
    Ahead,
    Count,
    Found,
    Length,
    Scene,
)

_MINUTES: Final = 60


def _length(scene: Scene) -> Length | None:
    if scene.all("S"):  # 两个半小时: two and half an hour
        return Length(scene.one("S") + (scene.one("N") or 0) * _MINUTES, "minute")
    counts = [
        token.meanings.get("N", 1) for token in scene.tokens if token.meanings.keys() & {"N", "A"}
    ]
    units = scene.all("U")
    if not units:
        return None
    count, unit = (counts or [1])[0], units[0]
    if scene.all("s"):
        count += scene.one("s") / _MINUTES
    if len(units) == 1 or len(counts) == 1:
        return _counted(count, unit)
    if unit not in moments.MINUTES or units[1] not in moments.MINUTES:
        return None
    return Length(count * moments.MINUTES[unit] + counts[1] * moments.MINUTES[units[1]], "minute")


def _counted(count: float, unit: str) -> Length | None:
    if unit in moments.MINUTES:
        return Length(count * moments.MINUTES[unit], "minute")
    if count == int(count):
        return Length(int(count), unit)
    smaller = {"day": (24 * _MINUTES, "minute"), "week": (7, "day"), "year": (12, "month")}
    if unit not in smaller:
        return None
    size, name = smaller[unit]
    return Length(count * size, name)


def ahead(scene: Scene) -> Found | None:
    length = _length(scene)
    return Found(Ahead(length)) if length else None


def ago(scene: Scene) -> Found | None:
    length = _length(scene)
    return Found(Ahead(replace(length, count=-length.count))) if length else None


def lasting(scene: Scene) -> Found | None:
    length = _length(scene)
    return Found(length) if length else None


def one_after(scene: Scene) -> Found | None:
    return length_after(scene) if scene.words.bare_units else None


def one_ahead(scene: Scene) -> Found | None:
    """Через неделю, za godzinę: where no article counts it, a unit alone is one."""
    return ahead(scene) if scene.words.bare_units else None


def one_ago(scene: Scene) -> Found | None:
    return ago(scene) if scene.words.bare_units else None


def one_lasting(scene: Scene) -> Found | None:
    return lasting(scene) if scene.words.bare_units else None


def so_many_times(scene: Scene) -> Found | None:
    number = scene.one("N")
    return Found(Count(number)) if isinstance(number, int) and number > 0 else None


def length_after(scene: Scene) -> Found | None:
    """Two weeks from Tuesday, Freitag in einer Woche."""
    length = _length(replace(scene, tokens=[t for t in scene.tokens if "W" not in t.meanings]))
    if length is None or length.unit == "minute":
        return None
    if scene.all("W"):
        start = moments.weekday(scene.one("W"), scene.today, past=False)
    elif scene.all("D"):
        start = moments.later(scene.today, scene.one("D")[0], "day")
    else:
        said: date = scene.one("Y")
        start = moments.dated(said.month, said.day, None, scene.today, past=False) or scene.today
    backward = not scene.all("i") and not scene.all("f") and not scene.all("r")
    count = -int(length.count) if backward else int(length.count)
    return found_day(moments.later(start, count, length.unit), scene)


def length_after_date(scene: Scene) -> Found | None:
    """Three days before March 20th, two weeks after the 1st of May."""
    led = [n for n, token in enumerate(scene.tokens) if token.meanings.keys() & set("frut")]
    if not led:
        return None
    said = scene.tokens[: led[0]], scene.tokens[led[0] + 1 :]
    length, date_ = _length(replace(scene, tokens=said[0])), dated(replace(scene, tokens=said[1]))
    if length is None or length.unit == "minute" or date_ is None:
        return None
    if not isinstance(date_.meaning, moments.Days):
        return None
    forward = scene.tokens[led[0]].meanings.keys() & set("fr")
    count = int(length.count) if forward else -int(length.count)
    return found_day(moments.later(date_.meaning.first, count, length.unit), scene)
