"""A recurrence said in words: what a person who set it up would say, or word by word what it says.

A sentence is natural where `_natural` knows the shape of the rule. Every other rule is said
literally, part by part: clumsy, and right. Two rules that mean different days never share one.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, time
from typing import Final

from core.rules import zones
from core.rules.recurrence import Anchor, Recurrence, Shift
from core.rules.recurrence_spelling import (
    BY_THE_CLOCK,
    WEEKEND,
    WORKING,
    missing_days,
    only,
    ordered,
    spelled_out,
)
from core.rules.reminders import Due
from core.rules.rrule import ByDay, Freq, Rule, Skip, Weekday
from core.rules.words import de, en, es, fr
from core.rules.words.entries import Words
from core.rules.words.saying import clock, date_named, dates, day_of_month, every, in_zone, listed

LANGUAGES: Final = {"en": en.WORDS, "de": de.WORDS, "es": es.WORDS, "fr": fr.WORDS}
REGIONS: Final = {"EN-US": en.AMERICAN, **dict.fromkeys(en.WITH_TWELVE_HOURS, en.TWELVE_HOURS)}
DEFAULT: Final = "en"

_WEEKS: Final = 10  # makes the last of a month come after its fifth
_ALWAYS: Final = 28  # every month has so many days
_MANY: Final = 12  # more days or times than that are no sentence
_DAYS_END: Final = time(23, 59)


def language(locale: str) -> str:
    """The language that `explain` uses for this locale: `de` for `de-AT`, English if unknown."""
    wanted = locale.replace("_", "-").partition("-")[0].lower()
    return wanted if wanted in LANGUAGES else DEFAULT


def _words(locale: str) -> Words:
    """Those of its region, where a region has its own clock or order of dates."""
    region = locale.replace("_", "-").upper()
    return REGIONS.get(region, LANGUAGES[language(locale)])


def explain(recurrence: Recurrence, *, due: Due, locale: str) -> str:
    """Without a capital or a full stop, to stand alone or within a sentence.

    `due` is the start; what the rule leaves to it (the time, the day of a monthly rule) is said.
    How occurrences pile up is not. Of many excepted dates the first 50 are named.
    """
    words = _words(locale)
    done = recurrence.anchor is Anchor.COMPLETION
    rule = spelled_out(recurrence.rule, due, done=done)
    days = _natural_days(rule, words)
    times = _times(rule, due, words)
    natural = days is not None and times is not None
    text = f"{days}{times}{_ends(rule, due, words)}" if natural else _literal(rule, due, words)
    shifted = recurrence.shift is not Shift.NONE
    notes = (
        words.completion if done else "",
        dates(words.except_on, sorted(recurrence.exdates), words),
        dates(words.also_on, sorted(recurrence.rdates), words),
    )
    asides = (
        _weeks_begin(rule, words) if natural else "",
        _skipped(rule, words) if natural else "",
        words.shift[recurrence.shift] if shifted else "",
        words.holidays.format(id=recurrence.holidays) if shifted and recurrence.holidays else "",
    )
    text = ", ".join((text, *filter(None, notes)))
    text = words.aside.join((text, *filter(None, asides)))
    for joined, proper in words.instead.items():
        text = text.replace(joined, proper)
    return text


def _times(rule: Rule, due: Due, words: Words) -> str | None:
    """The times of a day, or the one that hours and minutes are counted from; led by a space."""
    if due.at is None:
        return ""
    if rule.freq in BY_THE_CLOCK:
        if rule.byhour or rule.byminute:
            return None
        return f" {words.beginning.format(time=clock(due.at, words))}{in_zone(due)}"
    hours, minutes = rule.byhour or (due.at.hour,), rule.byminute or (due.at.minute,)
    if len(hours) * len(minutes) > _MANY:
        return None
    times = [time(hour, minute, due.at.second) for hour in hours for minute in minutes]
    said = listed([clock(at, words) for at in times], words)
    return f" {words.at_times.format(list=said)}{in_zone(due)}"


def _natural_days(rule: Rule, words: Words) -> str | None:
    match rule.freq:
        case Freq.MINUTELY | Freq.HOURLY:
            return every(rule, words) if only(rule) else None
        case Freq.DAILY:
            return _in_months(every(rule, words), rule, words) if only(rule, "bymonth") else None
        case Freq.WEEKLY:
            weekly = _weekly(rule, words) if only(rule, "byday", "bymonth") else None
            return _in_months(weekly, rule, words) if weekly else None
        case Freq.MONTHLY:
            return _monthly(rule, words)
        case Freq.YEARLY:
            return _yearly(rule, words)


def _weekly(rule: Rule, words: Words) -> str | None:
    if not rule.byday:
        return every(rule, words)
    often = rule.interval > 1
    pattern = words.on_weekdays if often else words.every_weekdays
    said = pattern.format(list=listed([words.weekdays_plural[day] for _, day in rule.byday], words))
    if rule.byday == WORKING:
        said = words.on_working_days if often else words.working_days
    return f"{every(rule, words)} {said}" if often else said


def _monthly(rule: Rule, words: Words) -> str | None:
    if only(rule):
        return every(rule, words)
    friday_13th = _weekday_on_day(rule, words)
    if friday_13th:
        return friday_13th
    days = None if rule.bymonth else _days_of_month(rule, words)
    if days is None:
        return None
    if rule.interval == 1:
        return words.of_every_month.format(on=days)
    return f"{every(rule, words)} {days}"


def _weekday_on_day(rule: Rule, words: Words) -> str | None:
    """Friday the 13th: a weekday and a day that every month has, both at once."""
    both = only(rule, "byday", "bymonthday") and len(rule.byday) == len(rule.bymonthday) == 1
    if not both or rule.interval > 1 or not 1 <= rule.bymonthday[0] <= _ALWAYS:
        return None
    ordinal, weekday = rule.byday[0]
    if ordinal is not None:
        return None
    said = day_of_month(rule.bymonthday[0], words)
    return words.weekday_on_day.format(weekday=words.weekdays_plural[weekday], day=said)


def _yearly(rule: Rule, words: Words) -> str | None:
    if only(rule):
        return every(rule, words)
    if not rule.bymonth:
        return _without_months(rule, words)
    if only(rule, "bymonth", "bymonthday") and all(day > 0 for day in rule.bymonthday):
        return _on_dates(rule, words)
    if rule.bysetpos and len(rule.bymonth) > 1 and rule.freq is Freq.YEARLY:
        return None  # chosen from the days of all these months together
    days = _days_of_month(rule, words)
    if days is None:
        return None
    months = listed([words.months_of[month - 1] for month in rule.bymonth], words)
    return f"{every(rule, words)} {words.of_months.format(on=days, list=months)}"


def _without_months(rule: Rule, words: Words) -> str | None:
    if rule.byweekno:
        return _in_weeks(rule, words)
    if rule.byyearday:
        return _on_yeardays(rule, words)
    plain = only(rule, "byday") and ordered(rule)
    days = _weekday_items(rule.byday, words) if plain else None
    return f"{every(rule, words)} {words.of_the_year.format(on=days)}" if days else None


def _in_weeks(rule: Rule, words: Words) -> str | None:
    named = rule.byday and all(number > 0 for number in rule.byweekno)
    if not named or not only(rule, "byday", "byweekno") or len(rule.byweekno) > _MANY:
        return None
    days = words.weekdays_of_week.format(
        list=listed([words.weekdays[day] for _, day in rule.byday], words)
    )
    weeks = listed(_numbers(rule.byweekno, words), words)
    return f"{every(rule, words)} {words.in_weeks.format(on=days, list=weeks)}"


def _on_yeardays(rule: Rule, words: Words) -> str | None:
    if not only(rule, "byyearday") or not 0 < len(rule.byyearday) <= _MANY:
        return None
    if rule.byyearday == (-1,):
        last = words.last_day_item.format(ordinal=words.ordinals[-1])
        days = words.of_the_year.format(on=words.on_monthdays.format(list=last))
        return f"{every(rule, words)} {days}"
    if any(day < 0 for day in rule.byyearday):
        return None
    named = [words.yearday_form.format(n=day) for day in rule.byyearday]
    return f"{every(rule, words)} {words.on_yeardays.format(list=listed(named, words))}"


def _on_dates(rule: Rule, words: Words) -> str | None:
    if not 1 <= len(rule.bymonth) * len(rule.bymonthday) <= _MANY:
        return None
    items = [
        words.date_item.format(d=day, day=day_of_month(day, words), month=words.months[month - 1])
        for month in rule.bymonth
        for day in rule.bymonthday
    ]
    return f"{every(rule, words)} {words.on_dates.format(list=listed(items, words))}"


def _days_of_month(rule: Rule, words: Words) -> str | None:
    """Which days of a month, its months apart."""
    if only(rule, "bymonth", "bymonthday"):
        return _monthdays(rule.bymonthday, words)
    if only(rule, "bymonth", "byday"):
        return _weekday_items(rule.byday, words) if ordered(rule) else None
    if only(rule, "bymonth", "byday", "bysetpos"):
        kinds = {WORKING: words.working_day, WEEKEND: words.weekend_day}
        kind = kinds.get(rule.byday)
        if kind and all(place in words.ordinals for place in rule.bysetpos):
            item = words.weekday_item.format(ordinals=_ordinals(rule.bysetpos, words), weekday=kind)
            return words.on_items.format(list=item)
    return None


def _monthdays(days: Sequence[int], words: Words) -> str | None:
    if len(days) > _MANY or any(day < 0 and day not in words.ordinals for day in days):
        return None
    items = [
        words.monthday_item.format(day=day_of_month(day, words))
        if day > 0
        else words.last_day_item.format(ordinal=words.ordinals[day])
        for day in _in_order(days)
    ]
    return words.on_monthdays.format(list=listed(items, words))


def _weekday_items(byday: Iterable[ByDay], words: Words) -> str | None:
    places: dict[Weekday, list[int]] = {}
    for ordinal, day in byday:
        if ordinal is None or ordinal not in words.ordinals:
            return None
        places.setdefault(day, []).append(ordinal)
    items = [
        words.weekday_item.format(ordinals=_ordinals(found, words), weekday=words.weekdays[day])
        for day, found in sorted(places.items(), key=lambda item: _in_order(item[1])[0] % _WEEKS)
    ]
    return words.on_items.format(list=listed(items, words))


def _ordinals(places: Sequence[int], words: Words) -> str:
    first, *further = [words.ordinals[place] for place in _in_order(places)]
    return listed([first, *(words.further_ordinal.format(ordinal=each) for each in further)], words)


def _in_order(places: Iterable[int]) -> list[int]:
    """From the first to the last: 1, 2, -2, -1."""
    return sorted(places, key=lambda place: (place < 0, place))


def _in_months(said: str, rule: Rule, words: Words) -> str:
    if not rule.bymonth:
        return said
    months = [words.months[month - 1] for month in rule.bymonth]
    return f"{said} {words.in_months.format(list=listed(months, words))}"


def _literal(rule: Rule, due: Due, words: Words) -> str:
    """Every part that the rule has, by its name."""
    times = _times(rule, due, words)
    if times is None and due.at is not None:
        first = words.beginning.format(time=clock(due.at, words))
        rule = replace(rule, byminute=rule.byminute or (due.at.minute,))
        times = f" {first}{in_zone(due)}"
    else:
        rule = replace(rule, byhour=(), byminute=())
    said = {
        "bymonth": [words.months[month - 1] for month in rule.bymonth],
        "byweekno": _numbers(rule.byweekno, words),
        "byyearday": _numbers(rule.byyearday, words),
        "bymonthday": _numbers(rule.bymonthday, words),
        "byday": [_numbered(ordinal, day, words) for ordinal, day in rule.byday],
        "byhour": _numbers(rule.byhour, words),
        "byminute": _numbers(rule.byminute, words),
        "bysetpos": _numbers(rule.bysetpos, words),
    }
    parts = [
        words.parts[name].format(list=listed(items, words)) for name, items in said.items() if items
    ]
    parts.append(_weeks_begin(rule, words))
    if rule.skip is not Skip.OMIT:
        parts.append(words.parts[rule.skip])
    often = f"{every(rule, words)}{times}{_ends(rule, due, words)}"
    return words.literal.format(every=often, parts=words.aside.join(filter(None, parts)))


def _numbers(numbers: Iterable[int], words: Words) -> list[str]:
    return [str(n) if n >= 0 else words.from_end.format(n=-n) for n in _in_order(numbers)]


def _numbered(ordinal: int | None, day: Weekday, words: Words) -> str:
    name = words.weekdays[day]
    if ordinal is None:
        return name
    return words.numbered.format(weekday=name, n=_numbers([ordinal], words)[0])


def _weeks_begin(rule: Rule, words: Words) -> str:
    """If it matters; weeks that begin on Monday are taken for granted."""
    if rule.wkst is Weekday.MO:
        return ""
    return words.parts["wkst"].format(list=words.weekdays[rule.wkst])


def _skipped(rule: Rule, words: Words) -> str:
    """What happens in months without that day, if there are such months."""
    missing = missing_days(rule)
    if not missing:
        return ""
    leap = rule.bymonth == (2,) and missing == [(2, 29)]
    return (words.skip_leap if leap else words.skip_month)[rule.skip]


def _ends(rule: Rule, due: Due, words: Words) -> str:
    """Led by what sets it apart from the sentence before it."""
    if rule.count is not None:
        return f", {words.once if rule.count == 1 else words.times.format(n=rule.count)}"
    until, zone = rule.until, ""
    if until is None:
        return ""
    if isinstance(until, datetime) and until.tzinfo is not None:
        zone = "" if due.zone else " (UTC)"
        until = zones.wall(until, due.zone or "UTC")
    day = date_named(until, words)
    if not isinstance(until, datetime) or due.at is None or until.time() >= _DAYS_END:
        return f" {words.until.format(date=day)}{zone}"
    return f" {words.until_time.format(date=day, time=clock(until.time(), words))}{zone}"
