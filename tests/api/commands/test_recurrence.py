"""`voicetodo preview`, by somebody in Berlin."""

from typing import Any

import pytest

from tests.commanding import Run


def previewed(ran: Any) -> list[tuple[str, str | None]]:
    assert ran.code == 0, ran.err
    return [(each["local"], each["note"]) for each in ran.document["occurrences"]]


def test_words(alice: Run) -> None:
    ran = alice("preview", "every weekday at 9", "--due", "2030-01-04 9:00", "--count", "2")
    assert ran.code == 0, ran.err
    lines = [" ".join(line.split()) for line in ran.out.splitlines()]
    assert "every weekday at 09:00" in lines
    assert "1 Friday 2030-01-04 09:00" in lines
    assert "2 Monday 2030-01-07 09:00" in lines
    assert "…" in lines


def test_a_rule_and_where_calendars_are_crooked(alice: Run) -> None:
    monthly = alice(
        *("preview", "--rrule", "RSCALE=GREGORIAN;FREQ=MONTHLY;SKIP=BACKWARD"),
        *("--due", "2030-01-31", "--count", "2", "--json"),
    )
    assert previewed(monthly) == [("2030-01-31", None), ("2030-02-28", "skip")]
    spring = ("--due", "2030-03-30 2:30", "--zone", "Europe/Berlin", "--count", "2")
    daily = alice("preview", "FREQ=DAILY", *spring, "--json")
    assert previewed(daily) == [("2030-03-30T02:30", None), ("2030-03-31T03:30", "gap")]
    assert "clocks are set forward" in alice("preview", "FREQ=DAILY", *spring).out


def test_another_language(alice: Run) -> None:
    ran = alice("preview", "jeden Montag um 9 Uhr", "--language", "de", "--json")
    assert ran.document["explained"] == "jeden Montag um 09:00 Uhr"
    assert ran.document["recurrence"]["rrule"] == "FREQ=WEEKLY;BYDAY=MO"
    assert len(previewed(ran)) == 10


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        ((), 2, "in words"),
        (("every day", "--rrule", "FREQ=DAILY"), 2, "in words"),
        (("every 3 workdays",), 2, "counting working days"),
        (("every blue moon",), 1, "not a recurring date"),
        (("--rrule", "FREQ=SECONDLY"), 1, "SECONDLY is not supported"),
        (("every day", "--count", "0"), 2, "--count"),
    ],
)
def test_refusals(alice: Run, arguments: tuple[str, ...], code: int, told: str) -> None:
    ran = alice("preview", *arguments)
    assert (ran.code, ran.out) == (code, "")
    assert told in ran.err
