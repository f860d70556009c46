"""Words of time that are written together with others."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from core.rules.rrule import Freq
from core.rules.understanding import lexicon, times
from core.rules.understanding.text import normalise
from core.rules.understanding.time_moments import Clock

CLOCK = Clock(datetime(2026, 3, 2, 10, tzinfo=ZoneInfo("Europe/Berlin")), "Europe/Berlin")


@pytest.mark.parametrize(
    ("code", "text", "said", "due"),
    [
        ("tr", "raporu cumaya kadar bitir", "cumaya kadar", "2026-03-06"),
        ("tr", "31 Mart'a kadar öde", "31 Mart'a kadar", "2026-03-31"),
        ("tr", "haftaya cuma ara", "haftaya cuma", "2026-03-13"),
        ("tr", "SALI günü ara", "SALI günü", "2026-03-03"),
        ("ko", "금요일까지 내기", "금요일까지", "2026-03-06"),
        ("ko", "이틀 뒤에 받기", "이틀 뒤에", "2026-03-04"),
        ("ko", "두시반에 회의", "두시반에", "2026-03-02 14:30"),
        ("ar", "الاجتماع للجمعة", "للجمعة", "2026-03-06"),
        ("ar", "بعد يومين زيارة", "بعد يومين", "2026-03-04"),
        ("id", "servis motor minggu depan", "minggu depan", "2026-03-09"),
        ("ja", "来月の1日に払う", "来月の1日に", "2026-04-01"),
    ],
)
def test_an_ending_belongs_to_its_time(code: str, text: str, said: str, due: str) -> None:
    (found,) = times.find(normalise(text), lexicon.load(code), CLOCK)
    assert " ".join(text[slice(*span)] for span in found.spans) == said
    assert found.due is not None
    at = f" {found.due.at:%H:%M}" if found.due.at else ""
    assert f"{found.due.on}{at}" == due


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("tr", "pazara git"),
        ("tr", "ona bir hediye al"),
        ("ko", "올리브 오일 사기"),
        ("ko", "이사회 회의"),
        ("ar", "لا أحد يرد"),
    ],
)
def test_what_only_looks_like_a_time_is_none(code: str, text: str) -> None:
    assert times.find(normalise(text), lexicon.load(code), CLOCK) == []


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("ko", "2주마다 청소하기"),
        ("tr", "iki haftada bir temizle"),
        ("ja", "2週間ごとに掃除する"),
        ("id", "setiap dua minggu"),
    ],
)
def test_every_may_stand_behind_what_repeats(code: str, text: str) -> None:
    (found,) = times.find(normalise(text), lexicon.load(code), CLOCK)
    assert found.recurrence is not None
    assert (found.recurrence.rule.freq, found.recurrence.rule.interval) == (Freq.WEEKLY, 2)
