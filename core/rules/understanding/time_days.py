"""Days as patterns of letters found them."""

from dataclasses import replace
from datetime import date
from typing import Any, Final

from core.rules.understanding import time_moments as moments
from core.rules.understanding.time_moments import Days
from core.rules.understanding.time_scene import (
    Found,
    Scene,
)
from core.rules.understanding.time_tokens import Literal

_HALF_UNDERSTOOD: Final = 0.6
_READ_ONE_WAY: Final = 0.8
_AMERICA: Final = ("America/", "US/", "Pacific/Honolulu", "Canada/")


def _impossible(today: date) -> Found:
    return Found(Days(None, today, today, confidence=_HALF_UNDERSTOOD))


def found_day(on: date | None, scene: Scene, **more: Any) -> Found:
    if on is None:
        return _impossible(scene.today)
    return Found(replace(moments.one_day(on, scene.today), **more))


def named_day(scene: Scene) -> Found:
    steps, part, both_ways = scene.one("D")
    if scene.past and both_ways:
        steps = -steps
    return found_day(moments.later(scene.today, steps, "day"), scene, part=part)


def a_weekday(scene: Scene) -> Found:
    number, today = scene.one("W"), scene.today
    lettered = {letter for token in scene.tokens for letter in token.meanings}
    if "L" in lettered:
        return found_day(moments.weekday(number, today, past=True), scene)
    on = moments.weekday(number, today, past=scene.past)
    if "z" in lettered or ("n" in lettered and scene.words.next_weekday == "week"):
        monday = moments.following("week", 1 + ("z" in lettered), today).first
        on = moments.later(monday, number, "day")
    elif "v" in lettered and number == today.weekday():
        on = today
    bare = len(scene.tokens) == 1
    alike = bool(scene.tokens[0].meanings.keys() & set("OND")) or scene.short
    part = next((t.meanings.get("P") for t in scene.tokens if "W" in t.meanings), None)
    found = found_day(on, scene, weekday=number, part=part)
    return replace(found, weak=bare and alike)


def _period_of(scene: Scene) -> Days | None:
    """This, next or last week; the week after next."""
    unit = scene.one("U")
    if unit in moments.MINUTES:
        return None
    lettered = {letter for token in scene.tokens for letter in token.meanings}
    if "z" in lettered:
        return moments.following(unit, 2, scene.today)
    if "n" in lettered:
        return moments.following(unit, 1, scene.today)
    if "L" in lettered:
        return moments.following(unit, -1, scene.today)
    return moments.this(unit, scene.today)


def a_period(scene: Scene) -> Found | None:
    days = _period_of(scene)
    return Found(days) if days else None


def a_weekend(scene: Scene) -> Found | None:
    if scene.one("U") != "weekend":
        return None
    return Found(moments.this("weekend", scene.today), weak=scene.words.spaced)


def weekday_of(scene: Scene) -> Found | None:
    """Friday next week."""
    days = _period_of(scene)
    if days is None or scene.one("U") not in {"week", "fortnight"}:
        return None
    return found_day(moments.later(days.first, scene.one("W"), "day"), scene)


def a_week_later(scene: Scene) -> Found | None:
    """Friday week: the one after the coming one."""
    unit = scene.one("U")
    if unit not in {"week", "fortnight"} or not scene.words.spaced or scene.glued(1):
        return None
    if scene.all("W"):
        start = moments.weekday(scene.one("W"), scene.today, past=False)
    else:
        start = moments.later(scene.today, scene.one("D")[0], "day")
    return found_day(moments.later(start, 1, unit), scene)


def edge(scene: Scene) -> Found | None:
    """The end of next month, the middle of March 2027."""
    which = next(
        name
        for name in ("end", "middle", "beginning")
        if name in {scene.one("e"), scene.one("k"), scene.one("b")}
    )
    month = scene.one("M")
    unit = scene.one("U") or "month"
    if month is not None:
        first = _month(month, scene.one("Z"), scene)
        last = moments.period(first, "month")[1]
    else:
        days = _period_of(scene)
        if days is None or unit in {"weekend", "fortnight"}:
            return None
        first, last = days.first, days.last
    return Found(moments.edge(which, first, last, unit, scene.today))


def _month(number: int, year: int | None, scene: Scene) -> date:
    """Its first day; of this month, it has begun."""
    begun = scene.today.replace(day=1)
    return moments.dated(number, 1, year, begun, past=scene.past) or begun


def bare_month(scene: Scene) -> Found:
    first = _month(scene.one("M"), scene.one("Z"), scene)
    last = moments.period(first, "month")[1]
    due = first if first >= scene.today else last
    led = len(scene.tokens) > 1
    return Found(Days(due if due >= scene.today else None, first, last), weak=not led)


def _day_of(scene: Scene) -> int | None:
    number = scene.one("ON")
    return number if isinstance(number, int) else None


def dated(scene: Scene) -> Found | None:
    """March 15, the 15th of March 2027, 3月15日."""
    months = scene.all("M")
    numbers = [
        n
        for token in scene.tokens
        if "M" not in token.meanings
        for n in [token.meanings.get("O", token.meanings.get("N"))]
        if n is not None
    ]
    year = scene.one("Z")
    if year in numbers:
        numbers.remove(year)
    if not months:
        months, numbers = numbers[:1], numbers[1:]
    if not numbers or not all(isinstance(n, int) for n in (*numbers, *months)):
        return None
    day = numbers[0]
    if day > 31 and len(scene.tokens) == 2:  # noqa: PLR2004 (days of a month)
        return None
    return found_day(moments.dated(months[0], day, year, scene.today, past=scene.past), scene)


def led_date(scene: Scene) -> Found | None:
    """By April 15."""
    return dated(replace(scene, tokens=scene.tokens[1:]))


def a_month_day(scene: Scene) -> Found | None:
    """The 15th."""
    day = _day_of(scene)
    if day is None or not 1 <= day <= 99:  # noqa: PLR2004 (a year, a price)
        return None
    found = found_day(moments.day_of_month(day, scene.today, past=scene.past), scene)
    marked = bool(scene.all("j"))
    return replace(found, weak=not marked, number=not marked and not scene.all("O"))


def month_day_of(scene: Scene) -> Found | None:
    """The 15th of next month, the last day of the month."""
    days = _period_of(scene)
    if days is None or (scene.all("U")[-1] != "month" and scene.all("U")[0] != "month"):
        return None
    days = _period_of(
        replace(
            scene,
            tokens=[
                t
                for t in scene.tokens
                if t.meanings.get("U") != "day"
                and not ("L" in t.meanings and "day" in scene.all("U"))
            ],
        )
    )
    if days is None:
        return None
    day = _day_of(scene)
    if day is None:
        return found_day(days.last, scene) if "day" in scene.all("U") else None
    on = moments.dated(days.first.month, day, days.first.year, scene.today, past=False)
    return found_day(on, scene)


def nth_weekday_of(scene: Scene) -> Found | None:
    """The first Monday of next month, the last Friday of March 2027."""
    at = next(n for n, token in enumerate(scene.tokens) if n and "W" in token.meanings)
    nth = scene.tokens[at - 1].meanings.get("O", -1)
    rest = replace(scene, tokens=[*scene.tokens[: at - 1], *scene.tokens[at + 1 :]])
    month = rest.one("M")
    days = None if month else _period_of(rest)
    if not month and (days is None or rest.one("U") != "month"):
        return None
    year = rest.one("Z")
    first = days.first if days else _month(month, year, scene)
    last = moments.period(first, "month")[1]
    on = moments.nth_weekday(nth, scene.tokens[at].meanings["W"], first, last)
    return None if on and on < scene.today and not year else found_day(on, scene)


def literal_date(scene: Scene) -> Found | None:
    literal: Literal = scene.one("C")
    if not isinstance(literal.value, date):
        return _impossible(scene.today) if literal.strong else None
    said = literal.value
    year = said.year if said.year > 4 else None  # noqa: PLR2004 (no year was written)
    on = moments.dated(said.month, said.day, year, scene.today, past=scene.past)
    sure = literal.sure or scene.clock.zone.startswith(_AMERICA)
    found = found_day(on, scene, confidence=1.0 if sure else _READ_ONE_WAY)
    return replace(found, weak=not literal.strong)


def holiday(scene: Scene) -> Found:
    said: date = scene.one("Y")
    on = moments.dated(said.month, said.day, None, scene.today, past=scene.past)
    return replace(found_day(on, scene), weak=True)


def next_so_many(scene: Scene) -> Found | None:
    """The next three days."""
    count, unit = scene.one("N"), scene.one("U")
    if unit in moments.MINUTES or not isinstance(count, int):
        return None
    if scene.all("L"):
        return Found(Days(None, moments.later(scene.today, -count, unit), scene.today))
    last = moments.later(scene.today, count, unit)
    return Found(Days(last, scene.today, last, confidence=_READ_ONE_WAY))
