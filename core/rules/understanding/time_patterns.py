"""What the letters of an utterance mean together, in every language: days, times, lengths.

Each pattern has a function that makes what it found of it, or declines; the first one that does
not decline counts, so longer patterns stand before their beginnings.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Final

from core.rules.understanding import time_moments as moments
from core.rules.understanding.text import Text
from core.rules.understanding.time_moments import Clock, Days, Hour
from core.rules.understanding.time_tokens import Literal, Token
from core.rules.understanding.time_words import TimeWords

_HALF_UNDERSTOOD: Final = 0.6
_MORNING: Final = 7  # hours to there are those of the afternoon as well
_READ_ONE_WAY: Final = 0.8
_HOURS: Final = 24
_MINUTES: Final = 60
_AMERICA: Final = ("America/", "US/", "Pacific/Honolulu", "Canada/")


@dataclass(frozen=True, slots=True)
class Length:
    """So many units: minutes (also of hours), or days, weeks and so on."""

    count: float
    unit: str


@dataclass(frozen=True, slots=True)
class Ahead:
    """A length from now on; negative: ago."""

    length: Length


@dataclass(frozen=True, slots=True)
class Count:
    number: int


@dataclass(frozen=True, slots=True)
class Part:
    name: str
    this: bool


@dataclass(frozen=True, slots=True)
class AfterDone:
    """It counts from its completion."""


Meaning = AfterDone | Days | Hour | Part | Length | Ahead | Count


@dataclass(frozen=True, slots=True)
class Found:
    """`weak`: it may well be something else, unless it stands beside a day or a time.

    `number`: a day of the month that was only a number.
    """

    meaning: Meaning
    weak: bool = False
    number: bool = False


@dataclass(frozen=True, slots=True)
class Scene:
    """The tokens that a pattern fits, and what they have to be read by."""

    tokens: Sequence[Token]
    clock: Clock
    past: bool
    words: TimeWords
    text: Text

    def all(self, letter: str) -> list[Any]:
        return [token.meanings[letter] for token in self.tokens if letter in token.meanings]

    def one(self, letters: str) -> Any:
        """The meaning of the first token that has one of these letters, in their order."""
        for letter in letters:
            for token in self.tokens:
                if letter in token.meanings:
                    return token.meanings[letter]
        return None

    def glued(self, at: int) -> bool:
        """Whether words were left out before this token."""
        return at > 0 and self.tokens[at].first != self.tokens[at - 1].last + 1

    @property
    def short(self) -> bool:
        """Three letters, as `sun` and `mon` have: as likely another word."""
        first = self.text.words[self.tokens[0].first].text
        return len(first) <= len("sun") and first.isascii()

    @property
    def today(self) -> date:
        return self.clock.today


Reader = Callable[[Scene], Found | None]


def _impossible(today: date) -> Found:
    return Found(Days(None, today, today, confidence=_HALF_UNDERSTOOD))


def _days(on: date | None, scene: Scene, **more: Any) -> Found:
    if on is None:
        return _impossible(scene.today)
    return Found(replace(moments.one_day(on, scene.today), **more))


# Days


def _named(scene: Scene) -> Found:
    steps, part, both_ways = scene.one("D")
    if scene.past and both_ways:
        steps = -steps
    return _days(moments.later(scene.today, steps, "day"), scene, part=part)


def _weekday(scene: Scene) -> Found:
    number, today = scene.one("W"), scene.today
    lettered = {letter for token in scene.tokens for letter in token.meanings}
    if "L" in lettered:
        return _days(moments.weekday(number, today, past=True), scene)
    on = moments.weekday(number, today, past=scene.past)
    if "z" in lettered or ("n" in lettered and scene.words.next_weekday == "week"):
        monday = moments.following("week", 1 + ("z" in lettered), today).first
        on = moments.later(monday, number, "day")
    elif "v" in lettered and number == today.weekday():
        on = today
    bare = len(scene.tokens) == 1
    alike = bool(scene.tokens[0].meanings.keys() & set("OND")) or scene.short
    part = next((t.meanings.get("P") for t in scene.tokens if "W" in t.meanings), None)
    found = _days(on, scene, weekday=number if bare else None, part=part)
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


def _period(scene: Scene) -> Found | None:
    days = _period_of(scene)
    return Found(days) if days else None


def _weekend(scene: Scene) -> Found | None:
    if scene.one("U") != "weekend":
        return None
    return Found(moments.this("weekend", scene.today), weak=scene.words.spaced)


def _weekday_of(scene: Scene) -> Found | None:
    """Friday next week."""
    days = _period_of(scene)
    if days is None or scene.one("U") not in {"week", "fortnight"}:
        return None
    return _days(moments.later(days.first, scene.one("W"), "day"), scene)


def _edge(scene: Scene) -> Found | None:
    """The end of next month, the middle of March."""
    which = next(
        name
        for name in ("end", "middle", "beginning")
        if name in {scene.one("e"), scene.one("k"), scene.one("b")}
    )
    month = scene.one("M")
    unit = scene.one("U") or "month"
    if month is not None:
        first = _month(month, None, scene)
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


def _bare_month(scene: Scene) -> Found:
    first = _month(scene.one("M"), scene.one("Z"), scene)
    last = moments.period(first, "month")[1]
    due = first if first >= scene.today else last
    led = len(scene.tokens) > 1
    return Found(Days(due if due >= scene.today else None, first, last), weak=not led)


def _day_of(scene: Scene) -> int | None:
    number = scene.one("ON")
    return number if isinstance(number, int) else None


def _date(scene: Scene) -> Found | None:
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
    return _days(moments.dated(months[0], day, year, scene.today, past=scene.past), scene)


def _month_day(scene: Scene) -> Found | None:
    """The 15th."""
    day = _day_of(scene)
    if day is None or not 1 <= day <= 99:  # noqa: PLR2004 (a year, a price)
        return None
    found = _days(moments.day_of_month(day, scene.today, past=scene.past), scene)
    marked = bool(scene.all("j"))
    return replace(found, weak=not marked, number=not marked and not scene.all("O"))


def _month_day_of(scene: Scene) -> Found | None:
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
    if "day" in scene.all("U"):
        return _days(days.last, scene)
    day = _day_of(scene)
    if day is None:
        return None
    on = moments.dated(days.first.month, day, days.first.year, scene.today, past=False)
    return _days(on, scene)


def _nth_weekday_of(scene: Scene) -> Found | None:
    """The first Monday of next month, the last Friday of March."""
    at = next(n for n, token in enumerate(scene.tokens) if n and "W" in token.meanings)
    nth = scene.tokens[at - 1].meanings.get("O", -1)
    rest = replace(scene, tokens=[*scene.tokens[: at - 1], *scene.tokens[at + 1 :]])
    month = rest.one("M")
    days = None if month else _period_of(rest)
    if not month and (days is None or rest.one("U") != "month"):
        return None
    first = days.first if days else _month(month, None, scene)
    last = moments.period(first, "month")[1]
    on = moments.nth_weekday(nth, scene.tokens[at].meanings["W"], first, last)
    return None if on and on < scene.today else _days(on, scene)


def _literal_date(scene: Scene) -> Found | None:
    literal: Literal = scene.one("C")
    if not isinstance(literal.value, date):
        return _impossible(scene.today) if literal.strong else None
    said = literal.value
    year = said.year if said.year > 4 else None  # noqa: PLR2004 (no year was written)
    on = moments.dated(said.month, said.day, year, scene.today, past=scene.past)
    sure = literal.sure or scene.clock.zone.startswith(_AMERICA)
    found = _days(on, scene, confidence=1.0 if sure else _READ_ONE_WAY)
    return replace(found, weak=not literal.strong)


def _holiday(scene: Scene) -> Found:
    said: date = scene.one("Y")
    on = moments.dated(said.month, said.day, None, scene.today, past=scene.past)
    return replace(_days(on, scene), weak=True)


def _next_so_many(scene: Scene) -> Found | None:
    """The next three days."""
    count, unit = scene.one("N"), scene.one("U")
    if unit in moments.MINUTES or not isinstance(count, int):
        return None
    if scene.all("L"):
        return Found(Days(None, moments.later(scene.today, -count, unit), scene.today))
    last = moments.later(scene.today, count, unit)
    return Found(Days(last, scene.today, last, confidence=_READ_ONE_WAY))


# Times of the clock


def _hour(hour: float, minute: int = 0, *, sure: bool = False) -> Hour | None:
    if not isinstance(hour, int) or not 0 <= hour <= _HOURS or not 0 <= minute < _MINUTES:
        if isinstance(hour, float) and 0 < hour < _HOURS and hour * 4 == int(hour * 4):
            return Hour(int(hour), int(hour % 1 * _MINUTES))  # ढाई बजे: 2.5
        return None
    if hour == _HOURS and minute:
        return None
    return Hour(hour, minute, sure=sure or hour > 12 or hour == 0)  # noqa: PLR2004 (of a clock)


def _with_half(said: Hour | None, scene: Scene) -> Found | None:
    """5 pm, 5 in the afternoon."""
    if said is None:
        return None
    half = scene.one("m") or (scene.one("P") if scene.tokens[-1].meanings.get("P") else None)
    if said.hour > _MORNING and not scene.words.twelve_hours:
        said = replace(said, sure=True)
    return Found(moments.in_part(said, half) if half else said)


def _shifted(scene: Scene) -> Found | None:
    """Quarter to six, halb drei; 两点半, dos menos cuarto."""
    minutes: int = scene.one("q") or scene.one("s")
    number = scene.one("N")
    if not isinstance(number, int) or not 0 <= number <= _HOURS:
        return None
    hour, minute = divmod(number * _MINUTES + minutes, _MINUTES)
    return _with_half(_hour(hour % _HOURS if number > 12 else hour or 12, minute), scene)  # noqa: PLR2004 (of a clock)


def _minutes_first(scene: Scene) -> Found | None:
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


def _hour_first(scene: Scene) -> Found | None:
    """17h30, cinq heures moins dix, las cinco y diez, 五点十分, five thirty pm."""
    number, minutes, *_ = scene.all("N")
    if not isinstance(number, int) or not isinstance(minutes, int) or minutes > 59:  # noqa: PLR2004
        return None
    if scene.all("~"):
        hour, minute = divmod(number * _MINUTES - minutes, _MINUTES)
        return _with_half(_hour(hour or 12, minute), scene)
    exact = any("Q" in token.meanings for token in scene.tokens)
    marked = scene.all("&") or "minute" in scene.all("U") or scene.tokens[-1].meanings.get("m")
    if exact or (minutes < 10 and not marked):  # noqa: PLR2004 (5 Uhr 3 Eier)
        return None
    return _with_half(_hour(number, minutes), scene)


def _from_to(scene: Scene) -> Found | None:
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


def _written(scene: Scene) -> Found | None:
    literal: Literal = scene.one("T")
    led = len(scene.tokens) > 1
    if not led and not literal.strong:
        return None
    if literal.value is None or isinstance(literal.value, date):
        return None
    said = Hour(literal.value.hour, literal.value.minute, sure=literal.sure)
    return _with_half(said, scene)


def _oclock(scene: Scene) -> Found | None:
    number = scene.one("N")
    mark = next((token for token in scene.tokens if "c" in token.meanings), None)
    found = _with_half(_hour(number, sure="m" in scene.tokens[-1].meanings), scene)
    if found is None or scene.all("m") or scene.all("P") or mark is None:
        return found
    unled = "a" not in scene.tokens[0].meanings and "u" not in scene.tokens[0].meanings
    return replace(found, weak=unled and "U" in mark.meanings)


def _of_part(scene: Scene) -> Found | None:
    """5 in the afternoon, without `at`."""
    led = scene.glued(len(scene.tokens) - 1) or scene.all("i")
    if not led and ("D" in scene.tokens[-1].meanings or not scene.all("c")):
        return None
    return _with_half(_hour(scene.one("N")), scene)


def _bare_hour(scene: Scene) -> Found | None:
    """At 5; at 1730. After `by` a number may be anything."""
    number = scene.one("N")
    if isinstance(number, float) or "A" in scene.tokens[-1].meanings:
        return None
    if number > 99:  # noqa: PLR2004 (hours and minutes in one number)
        hour, minute = divmod(number, 100)
        return _with_half(_hour(hour, minute, sure=number > 999), scene)  # noqa: PLR2004
    found = _with_half(_hour(number), scene)
    led = "a" in scene.tokens[0].meanings
    return replace(found, weak=not led) if found else None


def _part(scene: Scene) -> Found:
    this = bool(scene.all("v"))
    led = len(scene.tokens) > 1
    name = scene.one("P")
    led = led or scene.tokens[0].last > scene.tokens[0].first  # in the morning
    return Found(
        Part(name, this=this),
        weak=scene.words.spaced and not led and name not in {"noon", "midnight"},
    )


# Lengths


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
    if len(units) > 1 and len(counts) > 1:
        if unit not in moments.MINUTES or units[1] not in moments.MINUTES:
            return None
        return Length(
            count * moments.MINUTES[unit] + counts[1] * moments.MINUTES[units[1]], "minute"
        )
    if unit in moments.MINUTES:
        return Length(count * moments.MINUTES[unit], "minute")
    if count != int(count):
        sizes = {"day": 24 * _MINUTES, "week": 7}
        if unit not in sizes:
            return None
        return Length(count * sizes[unit], "minute" if unit == "day" else "day")
    return Length(int(count), unit)


def _ahead(scene: Scene) -> Found | None:
    length = _length(scene)
    return Found(Ahead(length)) if length else None


def _ago(scene: Scene) -> Found | None:
    length = _length(scene)
    return Found(Ahead(replace(length, count=-length.count))) if length else None


def _lasting(scene: Scene) -> Found | None:
    length = _length(scene)
    return Found(length) if length else None


def _times(scene: Scene) -> Found | None:
    number = scene.one("N")
    return Found(Count(number)) if isinstance(number, int) and number > 0 else None


def _length_after(scene: Scene) -> Found | None:
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
    return _days(moments.later(start, count, length.unit), scene)


_LENGTH: Final = "(?:NS|S|(?:N|A)U(?:&?NU)|(?:N|A)Us|(?:N|A)sU|(?:N|A)U|sU)"
_THIS: Final = "(?:v|n|L|z)"
_PATTERNS: Final[Sequence[tuple[str, Reader]]] = (
    (f"{_LENGTH}(?:f|r|u|t)(?:W|D|Y)", _length_after),
    ("rP?(?:Nc?m?|T)(?:t|u)a?P?(?:Nc?(?:m|i?P)|Nc|T)", _from_to),
    ("(?:a|P)?(?:Ncm?|Nm|T)(?:t|u)a?P?(?:Nc|Nc?m|T)", _from_to),
    (f"Wi{_LENGTH}l?", _length_after),
    (f"(?:i|f)?{_LENGTH}l", _ahead),
    (f"{_LENGTH}i(?!N|P|U|M|W)", _ahead),
    (f"g{_LENGTH}", _ago),
    (f"{_LENGTH}g", _ago),
    (f"i{_LENGTH}", _ahead),
    ("nNU|NnU|LNU", _next_so_many),
    ("Nx", _times),
    ("a?NU?(?:p|t)qNc?(?:m|i?P)?", _minutes_first),
    ("aNU?(?:p|t)Nc?(?:m|i?P)?|NU?(?:p|t)Nc?(?:c|m|i?P)", _minutes_first),
    ("a?qNc?(?:m|i?P)?", _shifted),
    ("aNc?s(?:m|i?P)?|Ncs(?:m|i?P)?", _shifted),
    ("(?:a|P)?Nc~NU?(?:i?P)?|aN~N(?:i?P)?", _hour_first),
    ("(?:a|u)?NcNU?(?:m|i?P)?|aN&N(?:i?P)?|aNN(?:m|i?P)?|NNm", _hour_first),
    ("(?:a|u)?Tc?(?:m|i?P)?", _written),
    ("(?:a|u)?Nc?m", _oclock),
    ("(?:a|u)Nc(?:i?P)?|Nci?P", _oclock),
    ("(?:a|u)?Nc(?!i?(?:N|A|U))", _oclock),
    (
        "(?:O|N)jJ?(?:n|v)U|(?:n|v)Uj?(?:O|N)j?|(?:O|N)U(?:n|v)|LUU(?:n|v)?|LU(?:n|v)U|(?:O|N)(?:n|v)U|OU",
        _month_day_of,
    ),
    (f"(?:O|L)W(?:{_THIS}U|U{_THIS}|M|U)|(?:{_THIS}U|U|M)(?:O|L)W", _nth_weekday_of),
    ("(?:Z|N)UM(?:O|N)j|(?:Z|N)U(?:NJ)(?:O|N)j|NJ(?:O|N)j?", _date),
    ("(?:O|jN|N)j?MZ|M(?:O|N)j?Z?|(?:O|jN|N)j?M", _date),
    ("(?:n|v|L)UW|W(?:n|v|L)U|WU(?:n|v|L)", _weekday_of),
    (f"(?:e|k|b)(?:{_THIS}U|U{_THIS}|U|M)|(?:{_THIS}U|U|M)(?:e|k)", _edge),
    ("vP", _part),
    ("(?:v|n|L|z)W|W(?:v|n|L|z)|W", _weekday),
    ("nUz|Uz|(?:v|n|L|z)U|U(?:v|n|L|z)", _period),
    ("U", _weekend),
    ("D", _named),
    ("C", _literal_date),
    ("Y", _holiday),
    ("(?:v|n|i|u|r)M|M(?:v|n|Z)|M", _bare_month),
    ("jN|Nj|O", _month_day),
    ("(?:a|u)N(?!U|%)(?:i?P)?", _bare_hour),
    ("Ni?P", _of_part),
    ("(?:a|i|u)?P", _part),
    (f"d{_LENGTH}", _lasting),
    (f"{_LENGTH}", _lasting),
    ("N", _month_day),
)


class Patterns:
    """Those of a language, by the letters that they begin with."""

    def __init__(self, words: TimeWords) -> None:
        self._by_letter: dict[str, list[tuple[re.Pattern[str], Reader]]] = {}
        compiled = [(pattern, words.pattern(pattern), reader) for pattern, reader in _PATTERNS]
        for meant, letter in words.letters.items():
            self._by_letter[letter] = [
                (regex, reader) for pattern, regex, reader in compiled if _heads(pattern) & meant
            ]

    def at(self, letters: str, place: int) -> "list[tuple[re.Match[str], Reader]]":
        """Those that fit here, in their order."""
        found = (
            (regex.match(letters, place), reader)
            for regex, reader in self._by_letter.get(letters[place], ())
        )
        return [(match, reader) for match, reader in found if match]


def _heads(pattern: str) -> set[str]:
    """The letters that what fits a pattern can begin with."""
    heads: set[str] = set()
    for choice in _choices(pattern):
        at = 0
        while at < len(choice):
            if choice[at] == "(":
                end = _closing(choice, at)
                inner = choice[at + 3 : end]
                heads |= set() if choice[at : at + 3] == "(?!" else _heads(inner)
            else:
                end = at
                heads.add(choice[at])
            if choice[end + 1 : end + 2] != "?":
                break
            at = end + 2
    return heads


def _choices(pattern: str) -> list[str]:
    depth = 0
    found = [""]
    for char in pattern:
        depth += {"(": 1, ")": -1}.get(char, 0)
        if char == "|" and not depth:
            found.append("")
        else:
            found[-1] += char
    return found


def _closing(choice: str, at: int) -> int:
    depth = 0
    for place in range(at, len(choice)):
        depth += {"(": 1, ")": -1}.get(choice[place], 0)
        if not depth:
            return place
    raise ValueError(choice)
