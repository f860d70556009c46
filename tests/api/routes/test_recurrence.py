"""Preview: when a rule makes a todo due, told before there is one."""

from typing import Any

import pytest

from tests.people import Person
from tests.todos import refusal

NINE_IN_BERLIN = {"date": "2030-01-31", "time": "09:00", "timezone": "Europe/Berlin"}


async def preview(
    person: Person, rrule: str, due: dict[str, Any], *, count: int = 10, **more: Any
) -> dict[str, Any]:
    beside: dict[str, Any] = {
        name: more.pop(name) for name in ("timezone", "after") if name in more
    }
    rule: dict[str, Any] = {"rrule": rrule, **more}
    body: dict[str, Any] = {"recurrence": rule, "due": due, "count": count, **beside}
    answer = await person.post("/recurrence/preview", json=body)
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


async def test_wall_time_stays_when_clocks_change(alice: Person) -> None:
    due = {"date": "2026-03-28", "time": "09:00", "timezone": "Europe/Berlin"}
    assert await preview(alice, "FREQ=DAILY", due, count=2) == {
        "occurrences": [
            {"local": "2026-03-28T09:00", "at": "2026-03-28T08:00:00Z", "note": None},
            {"local": "2026-03-29T09:00", "at": "2026-03-29T07:00:00Z", "note": None},
        ],
        "more": True,
    }


async def test_times_that_do_not_exist_or_come_twice(alice: Person) -> None:
    spring = {"date": "2026-03-28", "time": "02:30", "timezone": "Europe/Berlin"}
    told = await preview(alice, "FREQ=DAILY;COUNT=3", spring)
    assert not told["more"]
    assert told["occurrences"][1:] == [
        {"local": "2026-03-29T03:30", "at": "2026-03-29T01:30:00Z", "note": "gap"},
        {"local": "2026-03-30T02:30", "at": "2026-03-30T00:30:00Z", "note": None},
    ]
    autumn = {"date": "2026-10-25", "time": "02:30", "timezone": "Europe/Berlin"}
    told = await preview(alice, "FREQ=DAILY;COUNT=1", autumn)
    assert told["occurrences"] == [
        {"local": "2026-10-25T02:30", "at": "2026-10-25T00:30:00Z", "note": "fold"}
    ]


async def test_only_those_after_an_instant_by_the_same_start(alice: Person) -> None:
    after = "2030-02-28T08:00:00Z"
    told = await preview(
        alice, "FREQ=MONTHLY;COUNT=4", NINE_IN_BERLIN, count=2, skip="backward", after=after
    )
    assert [each["local"] for each in told["occurrences"]] == [
        "2030-03-31T09:00",
        "2030-04-30T09:00",
    ]
    assert told["more"] is False


async def test_all_day_has_no_instant(alice: Person) -> None:
    told = await preview(alice, "FREQ=WEEKLY;UNTIL=20260110", {"date": "2026-01-01"})
    assert told == {
        "occurrences": [
            {"local": "2026-01-01", "at": None, "note": None},
            {"local": "2026-01-08", "at": None, "note": None},
        ],
        "more": False,
    }


async def test_a_floating_due_is_in_the_zone_asked_for_or_in_ones_own(alice: Person) -> None:
    due = {"date": "2026-07-01", "time": "09:00"}
    await alice.patch("/me", json={"timezone": "America/New_York"})
    own = await preview(alice, "FREQ=DAILY", due, count=1)
    assert own["occurrences"][0]["at"] == "2026-07-01T13:00:00Z"
    asked = await preview(alice, "FREQ=DAILY", due, count=1, timezone="Asia/Tokyo")
    assert asked["occurrences"][0]["at"] == "2026-07-01T00:00:00Z"
    fixed = await preview(
        alice, "FREQ=DAILY", {**due, "timezone": "UTC"}, count=1, timezone="Asia/Tokyo"
    )
    assert fixed["occurrences"][0]["at"] == "2026-07-01T09:00:00Z"


@pytest.mark.parametrize(
    ("skip", "second", "note"),
    [
        (None, "2030-03-31T09:00", None),
        ("omit", "2030-03-31T09:00", None),
        ("backward", "2030-02-28T09:00", "skip"),
        ("forward", "2030-03-01T09:00", "skip"),
    ],
)
async def test_skip(alice: Person, skip: str | None, second: str, note: str | None) -> None:
    told = await preview(alice, "FREQ=MONTHLY;BYMONTHDAY=31", NINE_IN_BERLIN, skip=skip)
    assert (told["occurrences"][1]["local"], told["occurrences"][1]["note"]) == (second, note)
    if skip is not None:
        rule = f"RSCALE=GREGORIAN;FREQ=MONTHLY;BYMONTHDAY=31;SKIP={skip.upper()}"
        assert await preview(alice, rule, NINE_IN_BERLIN) == told


async def test_dates_are_added_and_taken_away(alice: Person) -> None:
    told = await preview(
        alice,
        "FREQ=DAILY;COUNT=3",
        {"date": "2030-01-01", "time": "08:15:30", "timezone": "UTC"},
        exdates=["2030-01-02"],
        rdates=["2030-01-09", "2030-01-01"],
    )
    locals_ = [each["local"] for each in told["occurrences"]]
    assert locals_ == ["2030-01-01T08:15:30", "2030-01-03T08:15:30", "2030-01-09T08:15:30"]


async def test_days_off_are_avoided(alice: Person) -> None:
    told = await preview(
        alice,
        "FREQ=MONTHLY;BYMONTHDAY=1;COUNT=3",
        {"date": "2026-04-01"},
        shift="after",
        holidays="DE-BE",
    )
    assert told["occurrences"] == [
        {"local": "2026-04-01", "at": None, "note": None},
        {"local": "2026-05-04", "at": None, "note": "shift"},  # 1 May is a Friday and Labour Day
        {"local": "2026-06-01", "at": None, "note": None},
    ]


@pytest.mark.parametrize(
    ("recurrence", "pointer", "code"),
    [
        ({"rrule": "FREQ=NEVER"}, "/recurrence/rrule", "freq"),
        ({"rrule": "FREQ=SECONDLY"}, "/recurrence/rrule", "seconds"),
        ({"rrule": "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30"}, "/recurrence/rrule", "never_occurs"),
        ({"rrule": "FREQ=DAILY;RSCALE=HEBREW"}, "/recurrence/rrule", "rscale"),
        ({"rrule": "x" * 1001}, "/recurrence/rrule", "string_too_long"),
        ({"rrule": "FREQ=DAILY\nX"}, "/recurrence/rrule", "string_pattern_mismatch"),
        ({"rrule": "FREQ=DAILY", "skip": "sideways"}, "/recurrence/skip", "enum"),
        (
            {"rrule": "FREQ=DAILY;RSCALE=GREGORIAN;SKIP=FORWARD", "skip": "omit"},
            "/recurrence/skip",
            "skip_twice",
        ),
        (
            {"rrule": "FREQ=DAILY", "shift": "after", "holidays": "ATLANTIS"},
            "/recurrence/holidays",
            "holidays",
        ),
        ({"rrule": "FREQ=DAILY", "holidays": "DE-XX"}, "/recurrence/holidays", "holidays"),
        ({"rrule": "FREQ=DAILY", "exdates": ["2030-02-30"]}, "/recurrence/exdates/0", None),
        ({"rrule": "FREQ=DAILY", "rdates": ["2030-01-01"] * 501}, "/recurrence/rdates", "too_long"),
        ({}, "/recurrence/rrule", "missing"),
    ],
)
async def test_refusals_say_where(
    alice: Person, recurrence: dict[str, Any], pointer: str, code: str | None
) -> None:
    body = {"recurrence": recurrence, "due": NINE_IN_BERLIN}
    answer = await alice.post("/recurrence/preview", json=body)
    assert answer.status_code == 422, answer.text
    told = answer.json()["errors"][0]
    assert told["pointer"] == pointer
    assert code in {None, told["code"]}


async def test_hours_need_a_time(alice: Person) -> None:
    body = {"recurrence": {"rrule": "FREQ=HOURLY"}, "due": {"date": "2030-01-01"}}
    answer = await alice.post("/recurrence/preview", json=body)
    assert refusal(answer) == (422, "/recurrence/rrule", "time_missing")


@pytest.mark.parametrize("count", [0, 101, "10", None])
async def test_count_has_limits(alice: Person, count: object) -> None:
    body = {"recurrence": {"rrule": "FREQ=DAILY"}, "due": NINE_IN_BERLIN, "count": count}
    answer = await alice.post("/recurrence/preview", json=body)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/count"
