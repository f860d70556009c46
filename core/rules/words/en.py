from dataclasses import replace
from typing import Final

from core.rules.words.entries import Words

_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)

WORDS: Final = Words(
    conjunction=" and ",
    aside="; ",
    every_one=(
        "every minute",
        "every hour",
        "every day",
        "every week",
        "every month",
        "every year",
    ),
    every=(
        *("every {n} minutes", "every {n} hours", "every {n} days"),
        *("every {n} weeks", "every {n} months", "every {n} years"),
    ),
    weekdays=_DAYS,
    weekdays_plural=_DAYS,
    every_weekdays="every {list}",
    on_weekdays="on {list}",
    working_days="every weekday",
    on_working_days="on weekdays",
    months=_MONTHS,
    months_of=_MONTHS,
    in_months="in {list}",
    ordinals={
        1: "first",
        2: "second",
        3: "third",
        4: "fourth",
        5: "fifth",
        -1: "last",
        -2: "second to last",
        -3: "third to last",
    },
    further_ordinal="{ordinal}",
    weekday_item="the {ordinals} {weekday}",
    working_day="weekday",
    weekend_day="weekend day",
    on_items="on {list}",
    day_form="{d}th",
    day_forms={
        1: "1st",
        2: "2nd",
        3: "3rd",
        21: "21st",
        22: "22nd",
        23: "23rd",
        31: "31st",
    },
    monthday_item="the {day}",
    last_day_item="the {ordinal} day",
    on_monthdays="on {list}",
    weekday_on_day="every {weekday} the {day}",
    of_every_month="{on} of every month",
    of_months="{on} of {list}",
    of_the_year="{on} of the year",
    on_yeardays="on {list} of the year",
    yearday_form="day {n}",
    in_weeks="{on} of week {list}",
    weekdays_of_week="on {list}",
    date_item="{d} {month}",
    on_dates="on {list}",
    time="{h}:{m}",
    full_hour="{h}:{m}",
    at_times="at {list}",
    beginning="beginning at {time}",
    until="until {date}",
    until_time="until {date} at {time}",
    date="{d} {month} {year}",
    date_listed="{date}",
    times="{n} times",
    once="once",
    completion="counted from when it was done",
    skip_month={
        "omit": "months without that day are left out",
        "backward": "in shorter months on the last day",
        "forward": "in shorter months on the first day of the next month",
    },
    skip_leap={
        "omit": "only in leap years",
        "backward": "in other years on 28 February",
        "forward": "in other years on 1 March",
    },
    except_on="except on {list}",
    also_on="and also on {list}",
    shift={
        "before": "on the business day before if it falls on a day off",
        "after": "on the next business day if it falls on a day off",
    },
    holidays="holidays: {id}",
    literal="{every}, limited to {parts}",
    parts={
        "bymonth": "month: {list}",
        "byweekno": "week of the year: {list}",
        "byyearday": "day of the year: {list}",
        "bymonthday": "day of the month: {list}",
        "byday": "weekday: {list}",
        "byhour": "hour: {list}",
        "byminute": "minute: {list}",
        "bysetpos": "of these only number: {list}",
        "wkst": "weeks begin on {list}",
        "backward": "a day that does not exist: the one before",
        "forward": "a day that does not exist: the one after",
    },
    from_end="{n} from the end",
    numbered="{weekday} (number {n})",
    instead={},
)

# Where English is written with twelve hours (CLDR); Americans name the month before its day, too.
WITH_TWELVE_HOURS: Final = ("EN-AU", "EN-CA", "EN-IN", "EN-NZ", "EN-PH", "EN-PK")
TWELVE_HOURS: Final = replace(WORDS, time="{h12}:{m} {half}", full_hour="{h12}:{m} {half}")
AMERICAN: Final = replace(
    TWELVE_HOURS,
    date_item="{month} {d}",
    date="{month} {d}, {year}",
    skip_leap={
        "omit": "only in leap years",
        "backward": "in other years on February 28",
        "forward": "in other years on March 1",
    },
)
