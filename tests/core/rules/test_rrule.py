"""Rules read and written; everything that the RFCs forbid is refused with a sentence."""

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.rules.rrule import Freq, InvalidRule, Rule, Skip, Weekday, parse, text

LOCAL = datetime(2030, 12, 31, 9)  # noqa: DTZ001 (a local time of the rule)


@pytest.mark.parametrize(
    ("written", "rule"),
    [
        ("FREQ=DAILY", Rule(Freq.DAILY)),
        ("RRULE:freq=daily;interval=2;", Rule(Freq.DAILY, interval=2)),
        ("COUNT=3;FREQ=WEEKLY", Rule(Freq.WEEKLY, count=3)),
        ("FREQ=DAILY;UNTIL=20301231", Rule(Freq.DAILY, until=date(2030, 12, 31))),
        ("FREQ=DAILY;UNTIL=20301231T090000", Rule(Freq.DAILY, until=LOCAL)),
        ("FREQ=DAILY;UNTIL=20301231T090000Z", Rule(Freq.DAILY, until=LOCAL.replace(tzinfo=UTC))),
        (
            "FREQ=MONTHLY;BYDAY=+2TU,-1FR,MO,MO",
            Rule(Freq.MONTHLY, byday=((-1, Weekday.FR), (None, Weekday.MO), (2, Weekday.TU))),
        ),
        ("FREQ=MONTHLY;BYMONTHDAY=15,-1,1,15", Rule(Freq.MONTHLY, bymonthday=(-1, 1, 15))),
        (
            "FREQ=YEARLY;BYWEEKNO=-1,20;BYDAY=SU;WKST=SU",
            Rule(
                Freq.YEARLY,
                byweekno=(-1, 20),
                byday=((None, Weekday.SU),),
                wkst=Weekday.SU,
            ),
        ),
        ("FREQ=DAILY;BYHOUR=9,8;BYMINUTE=0", Rule(Freq.DAILY, byhour=(8, 9), byminute=(0,))),
        (
            "RSCALE=GREGORIAN;FREQ=MONTHLY;SKIP=FORWARD",
            Rule(Freq.MONTHLY, skip=Skip.FORWARD),
        ),
        ("RSCALE=GREGORIAN;FREQ=MONTHLY", Rule(Freq.MONTHLY)),
    ],
)
def test_reading_and_writing_again(written: str, rule: Rule) -> None:
    assert parse(written) == rule
    assert parse(text(rule)) == rule


def test_the_one_spelling() -> None:
    written = "bysetpos=-1;wkst=mo;interval=1;byday=fr,mo;freq=monthly;RSCALE=GREGORIAN;skip=omit"
    assert text(parse(written)) == "FREQ=MONTHLY;BYDAY=MO,FR;BYSETPOS=-1"


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("", "empty"),
        ("RRULE:", "empty"),
        (" ", "empty"),
        ("every day", "malformed"),
        ("FREQ=", "malformed"),
        ("FREQ=DAILY;;COUNT=3", "malformed"),
        ("INTERVAL=2", "freq_missing"),
        ("FREQ=FORTNIGHTLY", "freq"),
        ("FREQ=SECONDLY", "seconds"),
        ("FREQ=DAILY;BYSECOND=0", "seconds"),
        ("FREQ=DAILY;FREQ=DAILY", "duplicate"),
        ("FREQ=DAILY;BYEASTER=1", "unknown_part"),
        ("FREQ=DAILY;X-NAME=1", "unknown_part"),
        ("FREQ=DAILY;INTERVAL=0", "out_of_range"),
        ("FREQ=DAILY;INTERVAL=-1", "out_of_range"),
        ("FREQ=DAILY;INTERVAL=+1", "out_of_range"),
        ("FREQ=DAILY;INTERVAL=1.5", "out_of_range"),
        ("FREQ=DAILY;INTERVAL=1000001", "out_of_range"),
        ("FREQ=DAILY;INTERVAL=" + "9" * 900, "out_of_range"),
        ("FREQ=DAILY;COUNT=0", "out_of_range"),
        ("FREQ=DAILY;COUNT=10001", "out_of_range"),
        ("FREQ=DAILY;COUNT=٣", "out_of_range"),
        ("FREQ=DAILY;COUNT=²", "out_of_range"),
        ("FREQ=DA\N{LATIN SMALL LETTER DOTLESS I}LY", "freq"),
        ("FREQ=WEEKLY;BYDAY=\N{LATIN SMALL LETTER LONG S}U", "out_of_range"),
        ("FREQ=DA ILY", "freq"),
        ("FREQ=DAILY;UNTIL=2030-12-31", "until"),
        ("FREQ=DAILY;UNTIL=20300230", "until"),
        ("FREQ=DAILY;UNTIL=20301231T0900", "until"),
        ("FREQ=DAILY;UNTIL=20301231T250000Z", "until"),
        ("FREQ=DAILY;UNTIL=20301231Z", "until"),
        ("FREQ=DAILY;UNTIL=00000101", "until"),
        ("FREQ=DAILY;COUNT=1;UNTIL=20301231", "count_and_until"),
        ("FREQ=DAILY;BYMONTH=0", "out_of_range"),
        ("FREQ=DAILY;BYMONTH=13", "out_of_range"),
        ("FREQ=DAILY;BYMONTH=-1", "out_of_range"),
        ("FREQ=DAILY;BYMONTH=5L", "out_of_range"),
        ("FREQ=DAILY;BYMONTH=1,,2", "out_of_range"),
        ("FREQ=DAILY;BYHOUR=24", "out_of_range"),
        ("FREQ=DAILY;BYHOUR=-1", "out_of_range"),
        ("FREQ=DAILY;BYMINUTE=60", "out_of_range"),
        ("FREQ=MONTHLY;BYMONTHDAY=0", "out_of_range"),
        ("FREQ=MONTHLY;BYMONTHDAY=-32", "out_of_range"),
        ("FREQ=YEARLY;BYYEARDAY=367", "out_of_range"),
        ("FREQ=YEARLY;BYWEEKNO=54", "out_of_range"),
        ("FREQ=YEARLY;BYDAY=54MO", "out_of_range"),
        ("FREQ=YEARLY;BYDAY=0MO", "out_of_range"),
        ("FREQ=YEARLY;BYDAY=MON", "out_of_range"),
        ("FREQ=MONTHLY;BYDAY=MO;BYSETPOS=0", "out_of_range"),
        ("FREQ=MONTHLY;BYDAY=MO;BYSETPOS=367", "out_of_range"),
        ("FREQ=WEEKLY;WKST=1MO", "out_of_range"),
        ("FREQ=MONTHLY;BYSETPOS=1", "setpos_alone"),
        ("FREQ=MONTHLY;BYWEEKNO=1", "weekno_not_yearly"),
        ("FREQ=MONTHLY;BYYEARDAY=1", "yearday_not_allowed"),
        ("FREQ=WEEKLY;BYYEARDAY=1", "yearday_not_allowed"),
        ("FREQ=DAILY;BYYEARDAY=1", "yearday_not_allowed"),
        ("FREQ=WEEKLY;BYMONTHDAY=1", "monthday_not_allowed"),
        ("FREQ=WEEKLY;BYDAY=1MO", "ordinal_not_allowed"),
        ("FREQ=DAILY;BYDAY=-1MO", "ordinal_not_allowed"),
        ("FREQ=YEARLY;BYWEEKNO=1;BYDAY=1MO", "ordinal_with_weekno"),
        ("RSCALE=CHINESE;FREQ=YEARLY", "rscale"),
        ("FREQ=YEARLY;SKIP=FORWARD", "skip_alone"),
        ("RSCALE=GREGORIAN;FREQ=YEARLY;SKIP=NEAREST", "skip"),
        ("FREQ=DAILY;" * 100, "too_long"),
    ],
)
def test_refusals(written: str, code: str) -> None:
    with pytest.raises(InvalidRule) as refused:
        parse(written)
    assert refused.value.code == code
    assert len(refused.value.detail) < 120, "a sentence, not the input sent back"


def _read_or_refused(written: str) -> None:
    try:
        rule = parse(written)
    except InvalidRule:
        return
    assert parse(text(rule)) == rule


@given(st.text())
def test_any_text_is_read_or_refused(written: str) -> None:
    _read_or_refused(written)


_PARTS = (
    "FREQ=DAILY;FREQ=YEARLY;COUNT=2;UNTIL=20300101;BYDAY=MO,-1SU;BYMONTH=2;BYSETPOS=1;BYHOUR=9;"
    "BYWEEKNO=-53;BYYEARDAY=-366;BYMONTHDAY=31;WKST=TH;RSCALE=GREGORIAN;SKIP=BACKWARD;X=;;"
)


@given(st.lists(st.sampled_from(_PARTS.split(";")), max_size=7).map(";".join))
def test_any_parts_are_read_or_refused(written: str) -> None:
    _read_or_refused(written)
