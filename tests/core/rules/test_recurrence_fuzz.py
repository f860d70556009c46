"""Rules written by somebody who means harm, or cannot spell: read or refused, and never for long.

Steps are bounded exactly (`test_recurrence_limits`); here the clock is asked, generously, for what
steps do not count.
"""

from contextlib import suppress
from datetime import UTC, date, datetime, time
from itertools import islice
from time import process_time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.rules.recurrence import Anchor, Recurrence, Shift, next_after, occurrences
from core.rules.reminders import Due
from core.rules.rrule import InvalidRule, parse, text

MOST_S = 2.0  # forty times what the worst takes on an idle machine
BEGUN = Due(date(2027, 1, 31), time(9, 30), "Europe/Berlin")
LATER = datetime(2044, 7, 1, 3, 30, tzinfo=UTC)
EVERY_HOUR, EVERY_MINUTE = ",".join(map(str, range(24))), ",".join(map(str, range(60)))
NUMBERS = st.one_of(
    st.integers(-400, 400).map(str),
    st.sampled_from(["1000000", "0", "-0", "+1", "01", "٣", "½", "", "1e3", "0x1", "9" * 40]),
)
VALUES = st.one_of(
    NUMBERS,
    st.lists(NUMBERS, max_size=60).map(",".join),
    st.lists(
        st.builds("{}{}".format, NUMBERS | st.just(""), st.sampled_from(["MO", "su", "XX", "F"])),
        max_size=8,
    ).map(",".join),
    st.sampled_from(
        [
            *("DAILY", "yearly", "MINUTELY", "Hourly", "WEEKLY", "MONTHLY", "SECONDLY"),
            *(EVERY_HOUR, EVERY_MINUTE, "20300230", "20301231T235960Z", "99991231", "00010101"),
            *("MO,TU,WE,TH,FR,SA,SU", "GREGORIAN", "CHINESE", "FORWARD", "backward", "53MO,-53SU"),
        ]
    ),
)
NAMES = st.sampled_from(
    [
        *("FREQ", "INTERVAL", "COUNT", "UNTIL", "WKST", "RSCALE", "SKIP", "freq", "ByDay", "X-A"),
        *("BYMONTH", "BYWEEKNO", "BYYEARDAY", "BYMONTHDAY", "BYDAY", "BYHOUR", "BYMINUTE"),
        *("BYSETPOS", "BYSECOND", "BYEASTER", ""),
    ]
)
PARTS = st.lists(st.builds("{}={}".format, NAMES, VALUES), max_size=8)
FREQS = st.sampled_from(["", "FREQ=MINUTELY", "FREQ=HOURLY", "FREQ=DAILY", "FREQ=YEARLY"])
WRITTEN = st.one_of(
    st.text(max_size=200),
    st.builds(lambda freq, parts: ";".join(filter(None, [freq, *parts])), FREQS, PARTS),
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(WRITTEN, st.sampled_from(Anchor), st.sampled_from(Shift))
def test_anything_is_followed_or_refused(written: str, anchor: Anchor, shift: Shift) -> None:
    began = process_time()
    with suppress(InvalidRule):
        recurrence = Recurrence(parse(written), anchor, shift=shift)
        assert parse(text(recurrence.rule)) == recurrence.rule
        list(islice(occurrences(recurrence, BEGUN, zone="UTC"), 5))
        next_after(recurrence, BEGUN, after=LATER, zone="UTC")
    assert process_time() - began < MOST_S


@pytest.mark.parametrize(
    "written",
    [  # each was made to be slow: sets that are large, or empty after a long look
        f"FREQ=YEARLY;BYDAY=MO,TU,WE,TH,FR,SA,SU;BYHOUR={EVERY_HOUR};BYMINUTE={EVERY_MINUTE};BYSETPOS=-366",
        f"FREQ=MINUTELY;BYHOUR={EVERY_HOUR};BYMINUTE={EVERY_MINUTE};BYMONTH=2;BYMONTHDAY=30",
        f"FREQ=MONTHLY;COUNT=10000;BYDAY=MO,TU,WE,TH,FR,SA,SU;BYHOUR={EVERY_HOUR}",
        f"FREQ=HOURLY;COUNT=10000;BYMINUTE={EVERY_MINUTE}",
        "FREQ=DAILY;COUNT=10000;INTERVAL=999999",
        "FREQ=MINUTELY;INTERVAL=999983;BYHOUR=3;BYMINUTE=7;BYDAY=MO;BYMONTHDAY=29;BYMONTH=2",
        "FREQ=HOURLY;INTERVAL=8761;BYYEARDAY=-366;BYDAY=SU",
        "FREQ=YEARLY;BYWEEKNO=53;BYMONTH=1;BYDAY=MO;BYHOUR=9",
        "FREQ=MONTHLY;BYDAY=5FR;BYMONTH=2;BYSETPOS=2",
    ],
)
def test_what_was_made_to_be_slow(written: str) -> None:
    recurrence = Recurrence(parse(written))
    began = process_time()
    with suppress(InvalidRule):
        list(islice(occurrences(recurrence, BEGUN, zone="UTC"), 5))
    with suppress(InvalidRule):
        next_after(recurrence, BEGUN, after=LATER, zone="UTC")
    assert process_time() - began < MOST_S


@pytest.mark.parametrize(
    "written",
    [
        "freq=weekly;byday=mo,we",
        "RRULE:FREQ=WEEKLY;BYDAY=MO,WE",
        "rrule:FREQ=WEEKLY;BYDAY=WE,MO,MO;",
        "  FREQ=WEEKLY;BYDAY=MO,WE \r\n",
        "FREQ = WEEKLY ; BYDAY = MO, WE",
        "BYDAY=WE,MO;FREQ=WEEKLY;INTERVAL=1;WKST=MO",
    ],
)
def test_spellings_of_one_rule(written: str) -> None:
    assert text(parse(written)) == "FREQ=WEEKLY;BYDAY=MO,WE"
