"""Which of the days, times and recurrences of an utterance belong together."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from core.rules.understanding import time_moments as moments
from core.rules.understanding.time_moments import Clock, Days, Hour
from core.rules.understanding.time_rules import Repeated
from core.rules.understanding.time_scene import AfterDone, Ahead, Count, Length, Meaning, Part

STRONG: Final = 0
WEAK: Final = 1  # counts beside something else
NUMBER: Final = 2  # counts after a word that leads in a day's number
_HALF_UNDERSTOOD: Final = 0.6
_NEAR: Final = 8  # further back nothing belongs to it; also keeps hostile input cheap


@dataclass(frozen=True, slots=True)
class Item:
    """`begin` and `end` are tokens, half-open, `first` and `last` words, both included.

    `lead` is `u` or `r`: until or starting.
    """

    begin: int
    end: int
    first: int
    last: int
    meaning: Meaning | Repeated
    lead: str = ""
    weak: int = STRONG


@dataclass(slots=True)
class Group:
    """What is one `Said` in the end."""

    items: list[Item] = field(default_factory=list)
    rule: Repeated | None = None
    days: Days | None = None
    hour: Hour | None = None
    part: Part | None = None
    ahead: Length | None = None
    starting: Days | None = None
    until: Days | None = None
    lasts: Length | None = None
    count: int | None = None
    done: bool = False

    def beside(self, item: Item) -> bool:
        return bool(self.items) and self.items[-1].end == item.begin

    @property
    def timeless(self) -> bool:
        by_the_clock = self.ahead is not None and self.ahead.unit == "minute"
        return self.hour is None and not by_the_clock

    @property
    def dayless(self) -> bool:
        return self.rule is None and self.days is None and self.ahead is None


def grouped(items: Sequence[Item], clock: Clock) -> list[Group]:
    groups: list[Group] = []
    for item in items:
        group = next((each for each in reversed(groups[-_NEAR:]) if _joins(each, item)), None)
        if group is None:
            if isinstance(item.meaning, Length | Count | AfterDone):
                continue
            group = Group()
            groups.append(group)
        _join(group, item, clock)
    return groups


def _joins(group: Group, item: Item) -> bool:
    meaning = item.meaning
    beside = group.beside(item)
    match meaning:
        case Repeated():
            bare = group.days is None or (beside and group.days.weekday is None and not item.lead)
            return group.rule is None and group.ahead is None and bare
        case Hour():
            return group.timeless and (beside or not group.dayless)
        case Part():
            free = group.part is None and (beside or (group.timeless and not group.dayless))
            return free and (group.ahead is None or group.ahead.unit != "minute")
        case Days():
            return _joins_day(group, item, meaning)
        case Ahead():
            return beside and group.dayless and meaning.length.unit != "minute"
        case _:
            return group.rule is not None


def _joins_day(group: Group, item: Item, days: Days) -> bool:
    if group.rule:
        return (item.lead == "u" and group.until is None) or (
            group.starting is None and (item.lead == "r" or group.beside(item)) and item.lead != "u"
        )
    if group.ahead:
        by_weeks = group.ahead.unit in {"week", "fortnight", "month"}
        return group.beside(item) and by_weeks and days.weekday is not None
    if group.days is None:
        return True
    one_is_a_name = (group.days.weekday is None) != (days.weekday is None)
    return group.beside(item) and one_is_a_name


def _join(group: Group, item: Item, clock: Clock) -> None:
    meaning = item.meaning
    match meaning:
        case Repeated():
            group.rule = meaning
            if group.days:
                group.starting, group.days = group.days, None
        case Hour():
            group.hour = meaning
        case Part():
            group.part = meaning
        case Ahead() if group.rule is None:
            group.ahead = meaning.length
        case Days():
            _join_day(group, item, meaning, clock)
        case Length():
            group.lasts = meaning
        case Count() if meaning.number > 1:  # 每两周一次: that is how often, not until when
            group.count = meaning.number
        case AfterDone():
            group.done = True
        case _:
            pass
    group.items.append(item)


def _join_day(group: Group, item: Item, days: Days, clock: Clock) -> None:
    if group.rule:
        if item.lead == "u":
            group.until = days
        else:
            group.starting = days
    elif group.ahead and days.weekday is not None:
        there = moments.later(clock.today, int(group.ahead.count), group.ahead.unit)
        monday = moments.period(there, "week")[0]
        on = moments.later(monday, days.weekday, "day")
        group.ahead, group.days = None, moments.one_day(on, clock.today)
    elif group.days:
        group.days = _both(group.days, days)
    else:
        group.days = days
    if days.part and group.part is None:
        group.part = Part(days.part, this=days.first == clock.today)


def _both(one: Days, other: Days) -> Days:
    """Tuesday the 10th: the date counts, and what does not agree is asked about."""
    named, dated = (one, other) if one.weekday is not None else (other, one)
    if dated.first != dated.last:  # Friday, this week
        on = moments.later(moments.period(dated.first, "week")[0], named.weekday or 0, "day")
        return replace(dated, due=on, first=on, last=on) if dated.first <= on <= dated.last else one
    if dated.first.weekday() == named.weekday:
        return dated
    return replace(dated, confidence=_HALF_UNDERSTOOD)
