"""What a language must say about a recurrence. Patterns name their places in braces.

A further language is one further module like `en`, named in `core.rules.recurrence_words`; its
table test shows what the patterns become.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Words:
    """Weeks begin on Monday, years in January; units are in the order minute to year."""

    conjunction: str  # joins the last two of a list
    aside: str  # sets further notes apart
    every_one: tuple[str, ...]  # every minute, hour, day, week, month, year
    every: tuple[str, ...]  # every {n} minutes, …

    weekdays: tuple[str, ...]  # one of them
    weekdays_plural: tuple[str, ...]  # after `every_weekdays` and `on_weekdays`
    every_weekdays: str  # a week's days of every week: {list}
    on_weekdays: str  # days of some weeks: {list}
    working_days: str  # Monday to Friday of every week, holidays too
    on_working_days: str  # those of some weeks

    months: tuple[str, ...]
    months_of: tuple[str, ...]  # of January: with what stands before each of several
    in_months: str  # {list} of months

    ordinals: Mapping[int, str]  # 1 to 5, and from the end -1 to -3
    further_ordinal: str  # {ordinal}, when others stand before it
    weekday_item: str  # the {ordinals} {weekday}; its pattern for one day
    working_day: str  # one day from Monday to Friday
    weekend_day: str  # one day of Saturday and Sunday
    on_items: str  # on {list} of weekday items
    day_form: str  # {d} of a month, for the places named {day}
    day_forms: Mapping[int, str]  # those that are formed otherwise
    monthday_item: str  # the {day}
    last_day_item: str  # the {ordinal} day, from the end
    on_monthdays: str  # on {list} of monthday items
    weekday_on_day: str  # every {weekday} (plural) that is the {day} of its month
    of_every_month: str  # {on} of every month
    of_months: str  # {on} of {list} of `months_of`
    of_the_year: str  # {on} of the year
    on_yeardays: str  # on the {list} of days of the year
    yearday_form: str  # day {n} of the year, as one of several
    in_weeks: str  # {on} `weekdays_of_week` in the weeks {list}
    weekdays_of_week: str  # {list} of weekdays, in a week of the year
    date_item: str  # {d} or {day}, and {month}, as one of several
    on_dates: str  # {list} of date items

    time: str  # {h} and {m} with two digits, {hour} without a zero, {h12} and {half} of the day
    full_hour: str  # the same for times whose minute is 0
    at_times: str  # {list}
    beginning: str  # the {time} from which hours and minutes are counted
    until: str  # {date}
    until_time: str  # {date} and {time}
    date: str  # {d} or {day}, {month} and {year}
    date_listed: str  # {date} as `except_on` and `also_on` list it
    times: str  # {n} of them, more than one
    once: str

    completion: str
    skip_month: Mapping[str, str]  # by Skip: months without that day
    skip_leap: Mapping[str, str]  # by Skip: years without 29 February
    except_on: str  # {list} of dates
    also_on: str  # {list} of dates
    shift: Mapping[str, str]  # before and after
    holidays: str  # the {id} of the calendar that counts

    literal: str  # {every} and {parts}
    parts: Mapping[str, str]  # what each part is called when it is said literally: {list}
    from_end: str  # number {n}, counted from the end
    numbered: str  # {weekday}, the {n} of its month or year
    instead: Mapping[str, str]  # at last, what grammar joins otherwise
