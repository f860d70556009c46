"""How the story of a reminder reads: the lines of `voicetodo why`."""

from io import StringIO
from typing import Any

from rich.console import Console

from api.commands.reminders import story_lines


def told(*deliveries: list[tuple[str, str, str | None]]) -> list[str]:
    """As it is printed for somebody in Berlin."""
    logs = [
        [{"at": at, "what": what, "detail": detail} for at, what, detail in log]
        for log in deliveries
    ]
    story: dict[str, Any] = {
        "reminder": {},
        "sentences": ["It fires at nine."],
        "deliveries": [{"channel": "email", "log": log} for log in logs],
    }
    page = Console(file=StringIO(), width=120, soft_wrap=True, highlight=False)
    for line in story_lines(story, zone="Europe/Berlin"):
        page.print(line)
    assert isinstance(page.file, StringIO)
    shown = page.file.getvalue().splitlines()
    return [" ".join(line.split()) for line in shown if line.strip()]


def test_of_one_day_the_times_alone() -> None:
    lines = told(
        [
            ("2030-09-06T07:00:00.100+00:00", "sending", None),
            ("2030-09-06T07:00:00.200+00:00", "failed", "vendor_unavailable"),
            ("2030-09-06T07:00:00.300+00:00", "retry", "2030-09-06T07:00:05+00:00"),
            ("2030-09-06T07:00:05.400+00:00", "sent", "msg-1"),
        ]
    )
    assert lines == [
        "It fires at nine.",
        "09:00:00.100 email sending",
        "09:00:00.200 email failed the mail service did not answer",
        "09:00:00.300 email retry at 09:00:05.000",
        "09:00:05.400 email sent msg-1",
    ]


def test_what_a_vendor_tells_in_whole_seconds_is_not_before_its_cause() -> None:
    lines = told(
        [
            ("2030-09-06T07:00:01.100+00:00", "sending", None),
            ("2030-09-06T07:00:01+00:00", "delivered", "250 OK"),
            ("2030-09-06T07:00:01.300+00:00", "sent", "msg-1"),
            ("2030-09-06T06:59:50+00:00", "deferred", None),
        ],
        [("2030-09-06T07:00:01.200+00:00", "sending", None)],
    )
    assert lines[1:] == [
        "08:59:50.000 email deferred",
        "09:00:01.100 email sending",
        "09:00:01.000 email delivered 250 OK",
        "09:00:01.200 email sending",
        "09:00:01.300 email sent msg-1",
    ]


def test_over_a_night_with_their_days() -> None:
    lines = told([("2030-09-06T21:00:00+00:00", "held", "2030-09-07T05:00:00+00:00")])
    assert lines[1:] == ["Fri 6 Sep 2030 23:00:00 email held until Sat 7 Sep 2030 07:00:00"]


def test_of_one_that_recurs_each_occurrence_in_its_turn() -> None:
    lines = told(
        [("2030-09-09T07:00:00+00:00", "sent", None)],
        [("2030-09-06T07:00:00+00:00", "cancelled", "todo_completed")],
    )
    assert lines[1:] == [
        "Fri 6 Sep 2030 09:00:00 email cancelled the todo was completed meanwhile",
        "Mon 9 Sep 2030 09:00:00 email sent",
    ]


def test_before_anything_happened_the_sentence_alone() -> None:
    assert told() == ["It fires at nine."]
