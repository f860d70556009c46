"""Words, and what others write of a recurrence, read as `recurrence` and `due` of a todo."""

from typing import Any, Final

import pytest

from tests.people import Person
from tests.todos import refusal

NOW = "2027-01-06T09:30:00Z"  # a Wednesday; half past ten in Berlin
PLAIN: Final[dict[str, Any]] = {
    "anchor": "schedule",
    "skip": "omit",
    "pile_up": "roll",
    "exdates": [],
    "rdates": [],
    "holidays": None,
    "shift": "none",
}


async def convert(person: Person, source: str, text: str | None, **more: Any) -> dict[str, Any]:
    body = {"from": source, "text": text, "now": NOW, **more}
    answer = await person.post("/recurrence/convert", json=body)
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


async def test_words(alice: Person) -> None:
    told = await convert(alice, "todoist", "every other friday at 9am", timezone="Europe/Berlin")
    assert told == {
        "recurrence": {**PLAIN, "rrule": "FREQ=WEEKLY;INTERVAL=2;BYDAY=FR", "pile_up": "keep"},
        "due": {"date": "2027-01-08", "time": "09:00", "timezone": "Europe/Berlin"},
        "cannot_express": [],
        "explained": "every 2 weeks on Friday at 09:00 (Europe/Berlin)",
    }


async def test_what_is_read_can_be_previewed(alice: Person) -> None:
    """31 January, 28 February, 31 March: words stay on the 31st, and every month has one."""
    told = await convert(alice, "todoist", "every! 31st")
    assert (told["recurrence"]["skip"], told["recurrence"]["anchor"]) == ("backward", "completion")
    told["recurrence"]["anchor"] = "schedule"
    body = {"recurrence": told["recurrence"], "due": told["due"], "count": 3}
    answer = await alice.post("/recurrence/preview", json=body)
    days = [each["local"] for each in answer.json()["occurrences"]]
    assert days == ["2027-01-31", "2027-02-28", "2027-03-31"]


@pytest.mark.parametrize(
    ("language", "words", "explained"),
    [
        ("de-AT", "jeden Montag um 9 Uhr", "jeden Montag um 09:00 Uhr"),
        ("es", "cada lunes a las 9", "todos los lunes a las 9:00"),
        ("fr", "tous les lundis à 9h", "tous les lundis à 9 h"),
        ("it", "every monday at 9", "every Monday at 09:00"),
    ],
)
async def test_languages(alice: Person, language: str, words: str, explained: str) -> None:
    told = await convert(alice, "todoist", words, language=language)
    assert told["recurrence"]["rrule"] == "FREQ=WEEKLY;BYDAY=MO"
    assert told["due"] == {"date": "2027-01-11", "time": "09:00", "timezone": None}
    assert told["explained"] == explained


async def test_rrule(alice: Person) -> None:
    told = await convert(alice, "rrule", "rrule:freq=monthly;byday=-1fr")
    assert told["recurrence"] == {**PLAIN, "rrule": "FREQ=MONTHLY;BYDAY=-1FR"}
    assert told["due"] == {"date": "2027-01-29", "time": None, "timezone": None}
    assert told["explained"] == "on the last Friday of every month"


async def test_vtodo(alice: Person) -> None:
    lines = (
        "BEGIN:VTODO",
        "SUMMARY:Water the plants",
        "DTSTART;TZID=Europe/Berlin:20270104T090000",
        "RRULE:FREQ=DAILY;COUNT=5",
        "EXDATE;TZID=Europe/Berlin:20270105T090000",
        "RDATE;VALUE=PERIOD:20270110T090000Z/PT1H",
        "END:VTODO",
    )
    told = await convert(alice, "vtodo", "\r\n".join(lines))
    expected = {**PLAIN, "rrule": "FREQ=DAILY;COUNT=5", "exdates": ["2027-01-05"]}
    assert told["recurrence"] == expected
    assert told["due"] == {"date": "2027-01-04", "time": "09:00", "timezone": "Europe/Berlin"}
    assert told["cannot_express"] == ["periods"]


async def test_graph(alice: Person) -> None:
    """With everything that Graph sends beside what the pattern uses."""
    pattern = {
        "type": "relativeMonthly",
        "interval": 1,
        "month": 0,
        "dayOfMonth": 0,
        "daysOfWeek": ["monday"],
        "firstDayOfWeek": "sunday",
        "index": "last",
    }
    span = {
        "type": "noEnd",
        "startDate": "2027-01-06",
        "endDate": "0001-01-01",
        "recurrenceTimeZone": "UTC",
        "numberOfOccurrences": 0,
    }
    told = await convert(
        alice, "microsoft_graph", None, pattern={"pattern": pattern, "range": span}
    )
    assert told["recurrence"] == {**PLAIN, "rrule": "FREQ=MONTHLY;BYDAY=-1MO"}
    assert told["due"] == {"date": "2027-01-25", "time": None, "timezone": None}
    assert told["cannot_express"] == ["the time zone UTC: a pattern has no time of day"]


async def test_understood_and_no_rule_says_it(alice: Person) -> None:
    assert await convert(alice, "todoist", "every 3 workdays") == {
        "recurrence": None,
        "due": None,
        "cannot_express": ["counting working days"],
        "explained": None,
    }


@pytest.mark.parametrize(
    ("body", "pointer", "code"),
    [
        ({"from": "todoist", "text": "when I feel like it"}, "/text", "not_understood"),
        ({"from": "todoist", "text": "every day starting 1 jan 1815"}, "/text", "not_understood"),
        ({"from": "rrule", "text": "FREQ=SECONDLY"}, "/text", "seconds"),
        ({"from": "rrule", "text": "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30"}, "/text", "never_occurs"),
        ({"from": "vtodo", "text": "nonsense"}, "/text", "not_understood"),
        ({"from": "vtodo", "text": "DTSTART;TZID=Mars/Olympus:20270101T090000"}, "/text", None),
        ({"from": "todoist"}, "", "value_error"),
        ({"from": "microsoft_graph", "text": "every day"}, "", "value_error"),
        ({"from": "outlook", "text": "every day"}, "/from", "enum"),
        ({"text": "every day"}, "/from", "missing"),
        (
            {
                "from": "microsoft_graph",
                "pattern": {
                    "pattern": {"type": "weekly", "interval": 1},
                    "range": {"type": "noEnd", "startDate": "2027-01-06"},
                },
            },
            "/pattern",
            "out_of_range",
        ),
    ],
)
async def test_refusals(
    alice: Person, body: dict[str, Any], pointer: str, code: str | None
) -> None:
    answer = await alice.post("/recurrence/convert", json=body)
    assert refusal(answer)[:2] == (422, pointer)
    first = answer.json()["errors"][0]
    assert code is None or first["code"] == code
    assert len(first["detail"]) < 300
