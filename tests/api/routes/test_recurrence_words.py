from typing import Any

import pytest
from httpx2 import AsyncClient

from core.rules.recurrence_words import LANGUAGES
from tests.people import Person, register

MONDAY = {"date": "2027-01-04", "time": "09:00", "timezone": "Europe/Berlin"}
BERLIN = "(Europe/Berlin)"


async def explained(person: Person, rrule: str, **more: Any) -> dict[str, Any]:
    body = {"recurrence": {"rrule": rrule}, "due": MONDAY, **more}
    answer = await person.post("/recurrence/explain", json=body)
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


@pytest.mark.parametrize(
    ("locale", "text"),
    [
        ("en", f"every weekday at 09:00 {BERLIN}"),
        ("de-AT", f"montags bis freitags um 09:00 Uhr {BERLIN}"),
        ("es", f"de lunes a viernes a las 9:00 {BERLIN}"),
        ("fr", f"du lundi au vendredi à 9 h {BERLIN}"),
    ],
)
async def test_says_it_in_the_language_asked_for(alice: Person, locale: str, text: str) -> None:
    told = await explained(alice, "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR", locale=locale)
    assert (told["text"], told["locale"]) == (text, locale[:2])


async def test_says_it_in_ones_own_language(http: AsyncClient) -> None:
    hans = await register(http, "hans", locale="de")
    told = await explained(hans, "FREQ=DAILY")
    assert (told["text"], told["locale"]) == (f"jeden Tag um 09:00 Uhr {BERLIN}", "de")


async def test_says_it_in_english_else(alice: Person) -> None:
    told = await explained(alice, "FREQ=DAILY", locale="ur")
    assert (told["text"], told["locale"]) == (f"every day at 09:00 {BERLIN}", "en")
    assert "ur" not in LANGUAGES


async def test_converts_and_tells_what_is_lost(alice: Person) -> None:
    told = await explained(
        alice,
        "FREQ=WEEKLY;BYDAY=MO",
        recurrence={
            "rrule": "FREQ=WEEKLY;BYDAY=MO",
            "pile_up": "keep",
            "exdates": ["2027-01-11"],
        },
    )
    todoist, vtodo = told["conversions"]["todoist"], told["conversions"]["vtodo"]
    assert todoist["text"] == "every mon at 09:00 starting 4 jan 2027"
    assert todoist["cannot_express"] == [
        "the time zone Europe/Berlin: Todoist has it beside the string",
        "dates that are left out: 2027-01-11",
    ]
    assert vtodo["text"].split("\r\n") == [
        "DTSTART;TZID=Europe/Berlin:20270104T090000",
        "DUE;TZID=Europe/Berlin:20270104T090000",
        "RRULE:FREQ=WEEKLY;BYDAY=MO",
        "EXDATE;TZID=Europe/Berlin:20270111T090000",
        "X-VOICETODO-PILE-UP:keep",
        "",
    ]
    graph = told["conversions"]["microsoft_graph"]["recurrence"]
    assert graph["pattern"]["daysOfWeek"] == ["monday"]
    assert vtodo["cannot_express"] == ["an occurrence that passes undone stays until it is done"]


async def test_no_text_rather_than_a_wrong_one(alice: Person) -> None:
    told = await explained(alice, "FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13")
    assert told["text"] == f"every Friday the 13th at 09:00 {BERLIN}"
    assert told["conversions"]["todoist"]["text"] is None
    assert "the rule's days or times" in told["conversions"]["todoist"]["cannot_express"]


@pytest.mark.parametrize(
    ("recurrence", "pointer", "code"),
    [
        ({"rrule": "FREQ=SECONDLY"}, "/recurrence/rrule", "seconds"),
        ({"rrule": "often"}, "/recurrence/rrule", "malformed"),
        (
            {"rrule": "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30"},
            "/recurrence/rrule",
            "never_occurs",
        ),
        (
            {"rrule": "FREQ=DAILY", "shift": "after", "holidays": "DE-XX"},
            "/recurrence/holidays",
            "holidays",
        ),
    ],
)
async def test_refusals_say_where(
    alice: Person, recurrence: dict[str, Any], pointer: str, code: str
) -> None:
    body = {"recurrence": recurrence, "due": MONDAY}
    answer = await alice.post("/recurrence/explain", json=body)
    assert answer.status_code == 422, answer.text
    told = answer.json()["errors"][0]
    assert (told["pointer"], told["code"]) == (pointer, code)
