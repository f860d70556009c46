# ruff: noqa: E501 (a table with an example on each line, as the RFC has it)
"""Every example of RFC 5545 §3.8.5.3 with the occurrences that it lists.

All start at 09:00 in New York. "…" in the RFC is a limit here: the first so many are compared.
"Every three hours until 5 PM" has the UNTIL of erratum 3883: the printed one ends before 15:00.
"""

from collections.abc import Iterator
from datetime import datetime, time
from itertools import islice

import pytest

from core.rules.recurrence import Recurrence, occurrences
from core.rules.reminders import Due
from core.rules.rrule import parse

ZONE = "America/New_York"
MONTHS = [f"{datetime(2000, month, 1):%b}" for month in range(1, 13)]  # noqa: DTZ001 (names of months)


def days(text: str, at: str = "09:00") -> list[str]:
    """`1997 Sep 2,3-5 Oct 1` as local times."""
    return [f"{day}T{at}" for day in _days(text)]


def _days(text: str) -> Iterator[str]:
    year = month = 0
    for word in text.split():
        if word in MONTHS:
            month = MONTHS.index(word) + 1
        elif len(word) == 4 and word.isdigit():
            year = int(word)
        else:
            for part in word.split(","):
                first, _, last = part.partition("-")
                for day in range(int(first), int(last or first) + 1):
                    yield f"{year}-{month:02}-{day:02}"


def times(day: str, texts: str) -> list[str]:
    return [f"{day}T{at}" for at in texts.split()]


def every(day: str, minutes: range) -> list[str]:
    return [f"{day}T{minute // 60:02}:{minute % 60:02}" for minute in minutes]


TWO_DAYS_TO_CHRISTMAS = "1997 Sep 2-30 Oct 1-31 Nov 1-30 Dec 1-23"
JANUARIES = "1998 Jan 1-31 1999 Jan 1-31 2000 Jan 1-31"
MWF_TO_CHRISTMAS = (
    "1997 Sep 1,3,5,15,17,19,29 Oct 1,3,13,15,17,27,29,31 Nov 10,12,14,24,26,28 Dec 8,10,12,22"
)
# (from, start, rule, occurrences, whether that is all of them)
EXAMPLES = [
    ("1997-09-02", "FREQ=DAILY;COUNT=10", days("1997 Sep 2-11"), True),
    ("1997-09-02", "FREQ=DAILY;UNTIL=19971224T000000Z", days(TWO_DAYS_TO_CHRISTMAS), True),
    ("1997-09-02", "FREQ=DAILY;INTERVAL=2", days("1997 Sep 2,4,6,8,10,12,14,16,18,20,22,24,26,28,30 Oct 2,4,6,8,10,12,14,16,18,20,22,24,26,28,30 Nov 1,3,5,7,9,11,13,15,17,19,21,23,25,27,29 Dec 1,3"), False),
    ("1997-09-02", "FREQ=DAILY;INTERVAL=10;COUNT=5", days("1997 Sep 2,12,22 Oct 2,12"), True),
    ("1998-01-01", "FREQ=YEARLY;UNTIL=20000131T140000Z;BYMONTH=1;BYDAY=SU,MO,TU,WE,TH,FR,SA", days(JANUARIES), True),
    ("1998-01-01", "FREQ=DAILY;UNTIL=20000131T140000Z;BYMONTH=1", days(JANUARIES), True),
    ("1997-09-02", "FREQ=WEEKLY;COUNT=10", days("1997 Sep 2,9,16,23,30 Oct 7,14,21,28 Nov 4"), True),
    ("1997-09-02", "FREQ=WEEKLY;UNTIL=19971224T000000Z", days("1997 Sep 2,9,16,23,30 Oct 7,14,21,28 Nov 4,11,18,25 Dec 2,9,16,23"), True),
    ("1997-09-02", "FREQ=WEEKLY;INTERVAL=2;WKST=SU", days("1997 Sep 2,16,30 Oct 14,28 Nov 11,25 Dec 9,23 1998 Jan 6,20 Feb 3,17"), False),
    ("1997-09-02", "FREQ=WEEKLY;UNTIL=19971007T000000Z;WKST=SU;BYDAY=TU,TH", days("1997 Sep 2,4,9,11,16,18,23,25,30 Oct 2"), True),
    ("1997-09-02", "FREQ=WEEKLY;COUNT=10;WKST=SU;BYDAY=TU,TH", days("1997 Sep 2,4,9,11,16,18,23,25,30 Oct 2"), True),
    ("1997-09-01", "FREQ=WEEKLY;INTERVAL=2;UNTIL=19971224T000000Z;WKST=SU;BYDAY=MO,WE,FR", days(MWF_TO_CHRISTMAS), True),
    ("1997-09-02", "FREQ=WEEKLY;INTERVAL=2;COUNT=8;WKST=SU;BYDAY=TU,TH", days("1997 Sep 2,4,16,18,30 Oct 2,14,16"), True),
    ("1997-09-05", "FREQ=MONTHLY;COUNT=10;BYDAY=1FR", days("1997 Sep 5 Oct 3 Nov 7 Dec 5 1998 Jan 2 Feb 6 Mar 6 Apr 3 May 1 Jun 5"), True),
    ("1997-09-05", "FREQ=MONTHLY;UNTIL=19971224T000000Z;BYDAY=1FR", days("1997 Sep 5 Oct 3 Nov 7 Dec 5"), True),
    ("1997-09-07", "FREQ=MONTHLY;INTERVAL=2;COUNT=10;BYDAY=1SU,-1SU", days("1997 Sep 7,28 Nov 2,30 1998 Jan 4,25 Mar 1,29 May 3,31"), True),
    ("1997-09-22", "FREQ=MONTHLY;COUNT=6;BYDAY=-2MO", days("1997 Sep 22 Oct 20 Nov 17 Dec 22 1998 Jan 19 Feb 16"), True),
    ("1997-09-28", "FREQ=MONTHLY;BYMONTHDAY=-3", days("1997 Sep 28 Oct 29 Nov 28 Dec 29 1998 Jan 29 Feb 26"), False),
    ("1997-09-02", "FREQ=MONTHLY;COUNT=10;BYMONTHDAY=2,15", days("1997 Sep 2,15 Oct 2,15 Nov 2,15 Dec 2,15 1998 Jan 2,15"), True),
    ("1997-09-30", "FREQ=MONTHLY;COUNT=10;BYMONTHDAY=1,-1", days("1997 Sep 30 Oct 1,31 Nov 1,30 Dec 1,31 1998 Jan 1,31 Feb 1"), True),
    ("1997-09-10", "FREQ=MONTHLY;INTERVAL=18;COUNT=10;BYMONTHDAY=10,11,12,13,14,15", days("1997 Sep 10-15 1999 Mar 10-13"), True),
    ("1997-09-02", "FREQ=MONTHLY;INTERVAL=2;BYDAY=TU", days("1997 Sep 2,9,16,23,30 Nov 4,11,18,25 1998 Jan 6,13,20,27 Mar 3,10,17,24,31"), False),
    ("1997-06-10", "FREQ=YEARLY;COUNT=10;BYMONTH=6,7", days("1997 Jun 10 Jul 10 1998 Jun 10 Jul 10 1999 Jun 10 Jul 10 2000 Jun 10 Jul 10 2001 Jun 10 Jul 10"), True),
    ("1997-03-10", "FREQ=YEARLY;INTERVAL=2;COUNT=10;BYMONTH=1,2,3", days("1997 Mar 10 1999 Jan 10 Feb 10 Mar 10 2001 Jan 10 Feb 10 Mar 10 2003 Jan 10 Feb 10 Mar 10"), True),
    ("1997-01-01", "FREQ=YEARLY;INTERVAL=3;COUNT=10;BYYEARDAY=1,100,200", days("1997 Jan 1 Apr 10 Jul 19 2000 Jan 1 Apr 9 Jul 18 2003 Jan 1 Apr 10 Jul 19 2006 Jan 1"), True),
    ("1997-05-19", "FREQ=YEARLY;BYDAY=20MO", days("1997 May 19 1998 May 18 1999 May 17"), False),
    ("1997-05-12", "FREQ=YEARLY;BYWEEKNO=20;BYDAY=MO", days("1997 May 12 1998 May 11 1999 May 17"), False),
    ("1997-03-13", "FREQ=YEARLY;BYMONTH=3;BYDAY=TH", days("1997 Mar 13,20,27 1998 Mar 5,12,19,26 1999 Mar 4,11,18,25"), False),
    ("1997-06-05", "FREQ=YEARLY;BYDAY=TH;BYMONTH=6,7,8", days("1997 Jun 5,12,19,26 Jul 3,10,17,24,31 Aug 7,14,21,28 1998 Jun 4,11,18,25 Jul 2,9,16,23,30 Aug 6,13,20,27 1999 Jun 3,10,17,24 Jul 1,8,15,22,29 Aug 5,12,19,26"), False),
    ("1997-09-13", "FREQ=MONTHLY;BYDAY=SA;BYMONTHDAY=7,8,9,10,11,12,13", days("1997 Sep 13 Oct 11 Nov 8 Dec 13 1998 Jan 10 Feb 7 Mar 7 Apr 11 May 9 Jun 13"), False),
    ("1996-11-05", "FREQ=YEARLY;INTERVAL=4;BYMONTH=11;BYDAY=TU;BYMONTHDAY=2,3,4,5,6,7,8", days("1996 Nov 5 2000 Nov 7 2004 Nov 2"), False),
    ("1997-09-04", "FREQ=MONTHLY;COUNT=3;BYDAY=TU,WE,TH;BYSETPOS=3", days("1997 Sep 4 Oct 7 Nov 6"), True),
    ("1997-09-29", "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-2", days("1997 Sep 29 Oct 30 Nov 27 Dec 30 1998 Jan 29 Feb 26 Mar 30"), False),
    ("1997-09-02", "FREQ=HOURLY;INTERVAL=3;UNTIL=19970902T210000Z", times("1997-09-02", "09:00 12:00 15:00"), True),
    ("1997-09-02", "FREQ=MINUTELY;INTERVAL=15;COUNT=6", every("1997-09-02", range(540, 616, 15)), True),
    ("1997-09-02", "FREQ=MINUTELY;INTERVAL=90;COUNT=4", times("1997-09-02", "09:00 10:30 12:00 13:30"), True),
    ("1997-09-02", "FREQ=DAILY;BYHOUR=9,10,11,12,13,14,15,16;BYMINUTE=0,20,40", every("1997-09-02", range(540, 1001, 20)) + every("1997-09-03", range(540, 1001, 20)), False),
    ("1997-09-02", "FREQ=MINUTELY;INTERVAL=20;BYHOUR=9,10,11,12,13,14,15,16", every("1997-09-02", range(540, 1001, 20)) + every("1997-09-03", range(540, 1001, 20)), False),
    ("1997-08-05", "FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=MO", days("1997 Aug 5,10,19,24"), True),
    ("1997-08-05", "FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=SU", days("1997 Aug 5,17,19,31"), True),
    ("2007-01-15", "FREQ=MONTHLY;BYMONTHDAY=15,30;COUNT=5", days("2007 Jan 15,30 Feb 15 Mar 15,30"), True),
]  # fmt: skip


@pytest.mark.parametrize(("start", "rule", "expected", "complete"), EXAMPLES)
def test_example(start: str, rule: str, expected: list[str], *, complete: bool) -> None:
    due = Due(datetime.fromisoformat(start).date(), time(9), ZONE)
    found = occurrences(Recurrence(parse(rule)), due, zone="UTC")
    told = [f"{each.local:%Y-%m-%dT%H:%M}" for each in islice(found, len(expected) + complete)]
    assert told == expected


def test_friday_the_13th_leaves_out_its_start_by_exdate() -> None:
    """The RFC's own way to say that the start is no Friday: EXDATE names it."""
    start = datetime(1997, 9, 2)  # noqa: DTZ001 (wall time)
    recurrence = Recurrence(parse("FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13"), exdates=(start.date(),))
    found = occurrences(recurrence, Due(start.date(), time(9), ZONE), zone="UTC")
    told = [f"{each.local:%Y-%m-%dT%H:%M}" for each in islice(found, 5)]
    assert told == days("1998 Feb 13 Mar 13 Nov 13 1999 Aug 13 2000 Oct 13")


def test_offsets_follow_the_clock_change() -> None:
    """`(1997 9:00 AM EDT)` before the last Sunday of October, `EST` after it."""
    due = Due(datetime.fromisoformat("1997-10-25").date(), time(9), ZONE)
    found = occurrences(Recurrence(parse("FREQ=DAILY;COUNT=2")), due, zone="UTC")
    assert [each.at.hour for each in found] == [13, 14]
