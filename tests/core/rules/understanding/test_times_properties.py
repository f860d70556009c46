"""What holds whatever is said, and whenever."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from time import thread_time
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.rules import zones
from core.rules.reminders import due_instant
from core.rules.understanding import lexicon, times
from core.rules.understanding.lexicon import Lexicon
from core.rules.understanding.text import Text, normalise

_LEXICONS: Final = [lexicon.load(code) for code in lexicon.codes()]
_WORDS: Final = sorted(
    {
        phrase
        for each in _LEXICONS
        for value in each.time.values()
        for phrases in (value.values() if isinstance(value, dict) else [value])
        if isinstance(phrases, list)
        for phrase in phrases
    }
)
_DIGITS: Final = [
    "5",
    "17:45",
    "15.",
    "3/4",
    "2026-04-01",
    "\u0665",
    "0",
    "24",
    "99",
    "1730",
    "2.5",
]
_SPOKEN: Final = st.lists(st.sampled_from([*_WORDS, *_DIGITS, "mom", "!", ". "]), max_size=8)
_NOWS: Final = st.integers(946_684_800, 4_102_444_800).map(
    lambda at: datetime.fromtimestamp(at, UTC)
)
_ZONES: Final = st.sampled_from(
    ["Europe/Berlin", "America/New_York", "Asia/Kolkata", "Pacific/Apia", "UTC"]
)
_SLOWEST: Final = 4.0  # seconds of the processor; one is usual


def _hostile(text: str, spoken: Lexicon, clock: times.Clock) -> None:
    whole = normalise(text)
    found = times.find(whole, spoken, clock)
    spans = sorted(span for said in found for span in said.spans)
    assert all(0 <= start < end <= len(text) for start, end in spans)
    assert all(before[1] <= after[0] for before, after in pairwise(spans))
    for said in found:
        assert 0 < said.confidence <= 1
        if said.due is not None:
            day_is_over = said.due.at is None and said.due.on < clock.today
            assert not day_is_over
            if said.due.at is not None:
                assert due_instant(said.due, clock.zone) >= clock.now - timedelta(minutes=1)


@given(st.text(max_size=200), st.sampled_from(_LEXICONS), _NOWS, _ZONES)
def test_any_text_is_read(text: str, spoken: Lexicon, now: datetime, zone: str) -> None:
    _hostile(text, spoken, times.Clock(now, zone))


@given(_SPOKEN, st.sampled_from(_LEXICONS), _NOWS, _ZONES)
def test_nothing_is_due_in_the_past(
    words: list[str], spoken: Lexicon, now: datetime, zone: str
) -> None:
    _hostile(" ".join(words), spoken, times.Clock(now, zone))


@given(st.text(max_size=100))
def test_places_are_those_of_the_original(text: str) -> None:
    for word in normalise(text).words:
        assert 0 <= word.start < word.end <= len(text)
        assert normalise(text[word.start : word.end]).forms[:1] or len(text) > 1


@pytest.mark.parametrize(
    "piece",
    [
        "every ",
        "1 ",
        "monday and ",
        "at 5 to ",
        "a\u0301\u0323",
        "五点",
        "5.",
        "first of ",
        "in 2 ",
    ],
)
def test_ten_kilobytes_are_read_in_a_moment(piece: str) -> None:
    clock = times.Clock(datetime(2026, 3, 2, 9, tzinfo=UTC), "Europe/Berlin")
    text = piece * (10_000 // len(piece.encode()))
    begun = thread_time()
    times.find(normalise(text), lexicon.load("en"), clock)
    times.find(normalise(text), lexicon.load("zh"), clock)
    assert thread_time() - begun < _SLOWEST


def _text(words: str) -> Text:
    return normalise(words)


@given(st.dates(date(2024, 1, 1), date(2030, 12, 31)), _ZONES)
def test_in_so_many_minutes_is_an_instant(on: date, zone: str) -> None:
    """Also over a change of clocks."""
    now = zones.instant(on, datetime.min.time(), zone) + timedelta(minutes=30)
    said = times.find(_text("in 120 minutes"), lexicon.load("en"), times.Clock(now, zone))[0]
    assert said.due is not None
    shown = zones.wall(now + timedelta(hours=2), zone)
    assert (said.due.on, said.due.at) == (shown.date(), shown.time())
