"""One spelling for rules that name the same days, for whoever says or converts them."""

from calendar import monthrange
from dataclasses import replace
from datetime import date
from typing import Final

from core.rules.reminders import Due
from core.rules.rrule import ByDay, Freq, Rule, Weekday

WORKING: Final[tuple[ByDay, ...]] = tuple((None, day) for day in Weekday if day < Weekday.SA)
WEEKEND: Final[tuple[ByDay, ...]] = ((None, Weekday.SA), (None, Weekday.SU))
BY_THE_CLOCK: Final = {Freq.MINUTELY, Freq.HOURLY}
_DAYS: Final = ("byday", "bymonthday", "byyearday", "byweekno", "bymonth", "bysetpos")
_SHORTEST: Final = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)  # January first


def spelled_out(rule: Rule, due: Due, *, done: bool) -> Rule:
    """With what RFC 5545 takes from the start written out, in the simplest spelling.

    `done`: it counts from the completion, which replaces the start; nothing is taken then.
    """
    if due.at is None:
        rule = replace(rule, byhour=(), byminute=())  # RFC 5545: to be ignored for a date
    if not done:
        rule = _from_start(rule, due)
    rule = _one_place(_one_frequency(rule))
    by_weeks = rule.freq is Freq.WEEKLY and (rule.interval > 1 or rule.bysetpos)
    on_start = not done and not rule.bysetpos and rule.byday == ((None, Weekday(due.on.weekday())),)
    if not rule.byweekno and (not by_weeks or on_start or not (rule.byday or done)):
        rule = replace(rule, wkst=Weekday.MO)  # where weeks begin changes nothing
    return rule


def only(rule: Rule, *names: str) -> bool:
    """Whether no other part says which days. With several times BYSETPOS chooses among these."""
    if rule.bysetpos and max(len(rule.byhour), len(rule.byminute)) > 1:
        return False
    return not any(getattr(rule, name) for name in _DAYS if name not in names)


def ordered(rule: Rule) -> bool:
    """Whether each weekday is one by number."""
    return bool(rule.byday) and all(ordinal is not None for ordinal, _ in rule.byday)


def missing_days(rule: Rule) -> list[tuple[int, int]]:
    """The (month, day) that its months do not have every year: those that SKIP is for."""
    if rule.freq not in {Freq.MONTHLY, Freq.YEARLY}:
        return []
    return [
        (month, day)
        for month in rule.bymonth or range(1, 13)
        for day in rule.bymonthday
        if abs(day) > _SHORTEST[month - 1]
    ]


def start_fits(rule: Rule, due: Due) -> bool:
    """Whether the start, always the first occurrence, is one that this spelled out rule names."""
    at, on = due.at, due.on
    days = monthrange(on.year, on.month)[1]
    weeks, left = (on.day - 1) // 7 + 1, (days - on.day) // 7 + 1
    weekday = Weekday(on.weekday())
    named = {(None, weekday), (weeks, weekday), (-left, weekday)}
    return (
        (not rule.bymonth or on.month in rule.bymonth)
        and (not rule.bymonthday or not {on.day, on.day - days - 1}.isdisjoint(rule.bymonthday))
        and (not rule.byday or not named.isdisjoint(rule.byday))
        and (not rule.bysetpos or not _places(rule, on, days).isdisjoint(rule.bysetpos))
        and (at is None or not rule.byhour or at.hour in rule.byhour)
        and (at is None or not rule.byminute or at.minute in rule.byminute)
    )


def _places(rule: Rule, on: date, days: int) -> set[int]:
    """Which one it is of its month's days of this rule, from both ends."""
    weekdays = {day for _, day in rule.byday}
    month = [on.replace(day=day) for day in range(1, days + 1)]
    chosen = [day for day in month if day.weekday() in weekdays]
    return {chosen.index(on) + 1, chosen.index(on) - len(chosen)} if on in chosen else set()


def _from_start(rule: Rule, due: Due) -> Rule:
    if rule.byday or rule.bymonthday or rule.byyearday:
        return rule
    if rule.freq is Freq.WEEKLY or rule.byweekno:
        return replace(rule, byday=((None, Weekday(due.on.weekday())),))
    if rule.freq is Freq.MONTHLY:
        return replace(rule, bymonthday=(due.on.day,))
    if rule.freq is Freq.YEARLY:
        months = rule.bymonth or (due.on.month,)
        return replace(rule, bymonthday=(due.on.day,), bymonth=months)
    return rule


def _one_frequency(rule: Rule) -> Rule:
    """Every Friday of every month is every Friday; the 1st of each month named is yearly."""
    if rule.interval != 1 or rule.freq in BY_THE_CLOCK:
        return rule
    if rule.byday and only(rule, "byday", "bymonth") and not ordered(rule):
        unnumbered = all(ordinal is None for ordinal, _ in rule.byday)
        if unnumbered and len(rule.byday) == len(Weekday):
            return replace(rule, freq=Freq.DAILY, byday=())
        return replace(rule, freq=Freq.WEEKLY) if unnumbered else rule
    chosen_by_month = not rule.bysetpos or len(rule.bymonth) == 1
    if rule.freq is Freq.MONTHLY and rule.bymonth and chosen_by_month:
        return replace(rule, freq=Freq.YEARLY)
    if rule.freq is Freq.YEARLY and rule.bymonthday and only(rule, "bymonthday"):
        return replace(rule, freq=Freq.MONTHLY)
    return rule


def _one_place(rule: Rule) -> Rule:
    """The first of a month's Mondays is its first Monday."""
    if rule.freq is not Freq.MONTHLY or not rule.bysetpos or len(rule.byday) != 1:
        return rule
    ordinal, day = rule.byday[0]
    if ordinal is not None or not only(rule, "byday", "bysetpos"):
        return rule
    return replace(rule, byday=tuple((place, day) for place in rule.bysetpos), bysetpos=())
