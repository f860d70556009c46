"""The rule of a recurrence as RFC 5545 §3.3.10 writes it, with SKIP of RFC 7529.

`parse` is the only way in for text and checks what the RFCs forbid; `text` is its inverse.
Nothing here knows of dates that occur: that is `core.rules.recurrence`.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import IntEnum, StrEnum
from string import ascii_lowercase, ascii_uppercase
from typing import Final

MAX_CHARS: Final = 1_000
MAX_INTERVAL: Final = 1_000_000
MAX_COUNT: Final = 10_000  # occurrences of COUNT are counted one by one


class InvalidRule(ValueError):
    """A rule that cannot be followed: `code` for programs, `detail` is a sentence for people."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail


class Freq(StrEnum):
    MINUTELY = "MINUTELY"
    HOURLY = "HOURLY"
    DAILY = "DAILY"
    WEEKLY = "WEEKLY"
    MONTHLY = "MONTHLY"
    YEARLY = "YEARLY"


class Skip(StrEnum):
    """What becomes of a day that its month does not have (RFC 7529 §4.1)."""

    OMIT = "omit"
    BACKWARD = "backward"
    FORWARD = "forward"


class Weekday(IntEnum):
    """Numbered as `date.weekday()` does."""

    MO = 0
    TU = 1
    WE = 2
    TH = 3
    FR = 4
    SA = 5
    SU = 6


ByDay = tuple[int | None, Weekday]
Numbers = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Rule:
    """Lists are sorted and without doubles; an empty one is a part that was not given.

    `until` is a date, an aware instant in UTC, or a naive local time.
    """

    freq: Freq
    interval: int = 1
    until: date | datetime | None = None
    count: int | None = None
    byminute: Numbers = ()
    byhour: Numbers = ()
    byday: tuple[ByDay, ...] = ()
    bymonthday: Numbers = ()
    byyearday: Numbers = ()
    byweekno: Numbers = ()
    bymonth: Numbers = ()
    bysetpos: Numbers = ()
    wkst: Weekday = Weekday.MO
    skip: Skip = Skip.OMIT


# (name, least, most, whether it also counts from the end)
_LISTS: Final = {
    "BYMONTH": (1, 12, False),
    "BYWEEKNO": (1, 53, True),
    "BYYEARDAY": (1, 366, True),
    "BYMONTHDAY": (1, 31, True),
    "BYHOUR": (0, 23, False),
    "BYMINUTE": (0, 59, False),
    "BYSETPOS": (1, 366, True),
}
_KNOWN: Final = {"FREQ", "INTERVAL", "UNTIL", "COUNT", "BYDAY", "WKST", "RSCALE", "SKIP", *_LISTS}
_BYDAY: Final = re.compile(r"([+-]?\d{1,2})?(MO|TU|WE|TH|FR|SA|SU)", re.ASCII)
_NUMBER: Final = re.compile(r"[+-]?\d{1,7}", re.ASCII)
_UNTIL: Final = re.compile(r"\d{8}(T\d{6}Z?)?", re.ASCII)
_ORDINALS: Final = 53
_SPACES: Final = re.compile(r"\s*([;=,])\s*", re.ASCII)
_UPPER: Final = str.maketrans(ascii_lowercase, ascii_uppercase)  # Unicode has more


def parse(text: str) -> Rule:
    """Raises `InvalidRule`. `RRULE:` may stand before it; case does not matter, nor do spaces."""
    if len(text) > MAX_CHARS:
        raise InvalidRule("too_long", f"a rule has at most {MAX_CHARS} characters")
    spelled = _SPACES.sub(r"\1", text.strip()).translate(_UPPER)
    parts = _split(spelled.removeprefix("RRULE:").strip())
    lists = {name: _numbers(parts, name, *bounds) for name, bounds in _LISTS.items()}
    rule = Rule(
        freq=_freq(parts),
        interval=_one(parts, "INTERVAL", MAX_INTERVAL) or 1,
        until=_until(parts["UNTIL"]) if "UNTIL" in parts else None,
        count=_one(parts, "COUNT", MAX_COUNT),
        byminute=lists["BYMINUTE"],
        byhour=lists["BYHOUR"],
        byday=_bydays(parts["BYDAY"]) if "BYDAY" in parts else (),
        bymonthday=lists["BYMONTHDAY"],
        byyearday=lists["BYYEARDAY"],
        byweekno=lists["BYWEEKNO"],
        bymonth=lists["BYMONTH"],
        bysetpos=lists["BYSETPOS"],
        wkst=_weekday(parts.get("WKST", "MO")),
        skip=_skip(parts),
    )
    check(rule)
    return rule


def check(rule: Rule) -> None:
    """Raises `InvalidRule` for parts that RFC 5545 does not allow beside one another."""
    for forbidden, code, detail in _forbidden(rule):
        if forbidden:
            raise InvalidRule(code, detail)


def _forbidden(rule: Rule) -> Iterable[tuple[bool, str, str]]:
    freq = rule.freq
    numbered = any(ordinal is not None for ordinal, _ in rule.byday)
    others = (
        rule.byminute or rule.byhour or rule.byday or rule.bymonthday,
        rule.byyearday or rule.byweekno or rule.bymonth,
    )
    return (
        (
            rule.count is not None and rule.until is not None,
            "count_and_until",
            "a rule ends by COUNT or by UNTIL, not by both",
        ),
        (
            bool(rule.bysetpos) and not any(others),
            "setpos_alone",
            "BYSETPOS chooses from what another BY… part names: give one",
        ),
        (
            bool(rule.byweekno) and freq is not Freq.YEARLY,
            "weekno_not_yearly",
            "BYWEEKNO is for FREQ=YEARLY alone",
        ),
        (
            bool(rule.byyearday) and freq in {Freq.DAILY, Freq.WEEKLY, Freq.MONTHLY},
            "yearday_not_allowed",
            f"BYYEARDAY cannot stand in a {freq} rule",
        ),
        (
            bool(rule.bymonthday) and freq is Freq.WEEKLY,
            "monthday_not_allowed",
            "BYMONTHDAY cannot stand in a WEEKLY rule",
        ),
        (
            numbered and freq not in {Freq.MONTHLY, Freq.YEARLY},
            "ordinal_not_allowed",
            "a number before a weekday, such as 2MO, is for MONTHLY and YEARLY rules",
        ),
        (
            numbered and bool(rule.byweekno),
            "ordinal_with_weekno",
            "a number before a weekday cannot stand beside BYWEEKNO",
        ),
    )


def _split(text: str) -> Mapping[str, str]:
    if not text:
        raise InvalidRule("empty", "a rule needs at least FREQ, such as FREQ=DAILY")
    parts: dict[str, str] = {}
    for part in text.removesuffix(";").split(";"):
        name, equals, value = part.partition("=")
        if not equals or not value:
            raise InvalidRule("malformed", f"{_quoted(part)} is not written NAME=VALUE")
        if name in parts:
            raise InvalidRule("duplicate", f"{_quoted(name)} is given twice")
        if name == "BYSECOND":
            raise InvalidRule("seconds", "BYSECOND is not supported: todos keep to the minute")
        if name not in _KNOWN:
            raise InvalidRule("unknown_part", f"{_quoted(name)} is no part of a rule")
        parts[name] = value
    return parts


def _freq(parts: Mapping[str, str]) -> Freq:
    if "FREQ" not in parts:
        raise InvalidRule("freq_missing", "a rule needs FREQ, such as FREQ=DAILY")
    if parts["FREQ"] == "SECONDLY":
        raise InvalidRule("seconds", "FREQ=SECONDLY is not supported: the shortest is MINUTELY")
    try:
        return Freq(parts["FREQ"])
    except ValueError:
        raise InvalidRule("freq", f"FREQ is one of {', '.join(Freq)}") from None


def _skip(parts: Mapping[str, str]) -> Skip:
    if parts.get("RSCALE", "GREGORIAN") != "GREGORIAN":
        raise InvalidRule("rscale", "RSCALE is GREGORIAN: other calendars are not supported")
    if "SKIP" not in parts:
        return Skip.OMIT
    if "RSCALE" not in parts:
        raise InvalidRule("skip_alone", "SKIP needs RSCALE=GREGORIAN beside it (RFC 7529)")
    try:
        return Skip(parts["SKIP"].lower())
    except ValueError:
        raise InvalidRule("skip", "SKIP is OMIT, BACKWARD or FORWARD") from None


def _one(parts: Mapping[str, str], name: str, most: int) -> int | None:
    if name not in parts:
        return None
    value = parts[name]
    if not _NUMBER.fullmatch(value) or not value.isdigit() or not 1 <= int(value) <= most:
        raise InvalidRule("out_of_range", f"{name} is a whole number from 1 to {most}")
    return int(value)


def _numbers(
    parts: Mapping[str, str],
    name: str,
    least: int,
    most: int,
    from_end: bool,  # noqa: FBT001 (a row of _LISTS)
) -> Numbers:
    if name not in parts:
        return ()
    told = f"{least} to {most}" + (f" or -{most} to -{least}" if from_end else "")
    found = set()
    for each in parts[name].split(","):
        number = int(each) if _NUMBER.fullmatch(each) else None
        size = abs(number) if number is not None and from_end else number
        if number is None or size is None or not least <= size <= most:
            raise InvalidRule("out_of_range", f"{name} takes {told}, not {_quoted(each)}")
        found.add(number)
    return tuple(sorted(found))


def _bydays(value: str) -> tuple[ByDay, ...]:
    found: set[ByDay] = set()
    for each in value.split(","):
        match = _BYDAY.fullmatch(each)
        ordinal = int(match[1]) if match and match[1] else None
        if not match or (ordinal is not None and not 1 <= abs(ordinal) <= _ORDINALS):
            wanted = "weekdays such as MO, 2TU or -1FR (numbers to 53)"
            raise InvalidRule("out_of_range", f"BYDAY takes {wanted}, not {_quoted(each)}")
        found.add((ordinal, Weekday[match[2]]))
    return tuple(sorted(found, key=lambda day: (day[0] or 0, day[1])))


def _weekday(value: str) -> Weekday:
    try:
        return Weekday[value]
    except KeyError:
        raise InvalidRule("out_of_range", "WKST is a weekday such as MO") from None


def _until(value: str) -> date | datetime:
    shape = "%Y%m%dT%H%M%S" if "T" in value else "%Y%m%d"
    try:
        # strptime alone would take fewer digits
        at = datetime.strptime(value.removesuffix("Z"), shape) if _UNTIL.fullmatch(value) else None  # noqa: DTZ007 (naive unless Z says otherwise, as the RFC means it)
    except ValueError:
        at = None
    if at is None:
        wanted = "a date or time such as 20301231, 20301231T090000 or 20301231T080000Z"
        raise InvalidRule("until", f"UNTIL is {wanted}")
    if "T" not in value:
        return at.date()
    return at.replace(tzinfo=UTC) if value.endswith("Z") else at


def _quoted(value: str) -> str:
    return f"`{value[:40]}`"


def text(rule: Rule) -> str:
    """The one spelling of this rule; `parse` of it gives the rule back."""
    return ";".join(f"{name}={value}" for name, value in _told(rule) if value)


def _told(rule: Rule) -> Iterable[tuple[str, str]]:
    written: Callable[[Numbers], str] = lambda numbers: ",".join(map(str, numbers))  # noqa: E731 (five uses, one line)
    skips = rule.skip is not Skip.OMIT
    return (
        ("FREQ", rule.freq),
        ("INTERVAL", str(rule.interval) if rule.interval != 1 else ""),
        ("UNTIL", _until_text(rule.until)),
        ("COUNT", str(rule.count or "")),
        ("BYMONTH", written(rule.bymonth)),
        ("BYWEEKNO", written(rule.byweekno)),
        ("BYYEARDAY", written(rule.byyearday)),
        ("BYMONTHDAY", written(rule.bymonthday)),
        ("BYDAY", ",".join(f"{ordinal or ''}{day.name}" for ordinal, day in rule.byday)),
        ("BYHOUR", written(rule.byhour)),
        ("BYMINUTE", written(rule.byminute)),
        ("BYSETPOS", written(rule.bysetpos)),
        ("WKST", rule.wkst.name if rule.wkst is not Weekday.MO else ""),
        ("RSCALE", "GREGORIAN" if skips else ""),
        ("SKIP", rule.skip.upper() if skips else ""),
    )


def _until_text(until: date | datetime | None) -> str:
    if until is None:
        return ""
    zulu = ""
    if isinstance(until, datetime) and until.tzinfo is not None:
        until, zulu = until.astimezone(UTC).replace(tzinfo=None), "Z"
    # Not %Y: of the years before 1000 it writes fewer digits on some systems.
    return until.isoformat().replace("-", "").replace(":", "") + zulu
