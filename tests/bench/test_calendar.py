"""The bench of calendars, small: one first sync that meets all that it is measured with."""

import tempfile
from pathlib import Path

import pytest

from bench import calendar

MANY = 120


@pytest.mark.long
def test_killed_and_asked_to_pause_each_todo_gets_one_event() -> None:
    with tempfile.TemporaryDirectory(prefix="vt-") as folder, calendar.parts(Path(folder)) as at:
        faults = [*calendar.limits(MANY, 1), calendar.SLOW]
        run, diary = calendar.first_sync(at, "small", MANY, faults, kill=True)
        late = calendar.to_events(diary, 1) + calendar.to_todos(diary, 1)
    assert run.wrong == []
    assert run.pauses == 1
    assert max(run.read.values()) > 1 / 2
    assert max(late) < 30
