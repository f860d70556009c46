"""Where a series begins that was only said: its first due time, from words or from a bare rule."""

from dataclasses import replace
from datetime import date, datetime, time, timedelta

from core.rules import zones
from core.rules.recurrence import LAST
from core.rules.recurrence_expand import Steps, walls
from core.rules.reminders import Due
from core.rules.rrule import Freq, InvalidRule, Rule

_BY_THE_CLOCK = {Freq.HOURLY, Freq.MINUTELY}
_MINUTE = timedelta(minutes=1)


def first_due(
    rule: Rule,
    *,
    at: time | None,
    starting: date | None,
    now: datetime,
    zone: str,
    due_zone: str | None,
) -> Due:
    """The first time that the rule names, from a day on that was said or else from now.

    Its interval counts from there: every other Friday begins on the next Friday. A rule by the
    hour or minute without a time begins with the next minute. `due_zone` is that of a due with a
    time. Raises `InvalidRule` for a rule that never occurs.
    """
    soon = zones.wall(now, zone).replace(second=0, microsecond=0) + _MINUTE
    at = at or _time_of(rule, soon)
    start = datetime.combine(starting or soon.date(), at or zones.ALL_DAY)
    low = start if starting or at is None else max(start, soon)
    if rule.freq in _BY_THE_CLOCK and not (rule.byhour or rule.byminute):
        start += timedelta(days=int(start < low))
        return Due(start.date(), start.time(), due_zone)
    plain = replace(rule, interval=1, count=None, until=None)
    found = next(walls(plain, start, low=low, high=LAST, steps=Steps()), None)
    if found is None:
        raise InvalidRule("never_occurs", "this rule never occurs")
    if at is None:
        return Due(found.at.date(), None, None)
    return Due(found.at.date(), found.at.time(), due_zone)


def _time_of(rule: Rule, soon: datetime) -> time | None:
    """That of the rule; any will do where it names the minute only."""
    if rule.freq in _BY_THE_CLOCK:
        return soon.time()
    if not rule.byhour and not rule.byminute:
        return None
    return time((*rule.byhour, 0)[0], (*rule.byminute, 0)[0])
