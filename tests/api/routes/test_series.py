"""Recurring todos: shown, completed, skipped, paused and ended."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from core import clock
from tests.people import Person, register
from tests.series import DAILY, NINE, ahead, complete, daily, occurrences, series_of
from tests.todos import make, read, refusal


async def test_a_recurring_todo_shows_its_rule(alice: Person) -> None:
    rule = {"rrule": "FREQ=MONTHLY;BYMONTHDAY=31", "skip": "backward", "exdates": ["2031-01-31"]}
    made = await make(alice, due={"date": "2030-12-31"}, recurrence=rule)
    assert made["recurrence"] == {
        **rule,
        "anchor": "schedule",
        "pile_up": "roll",
        "rdates": [],
        "holidays": None,
        "shift": "none",
    }
    assert made == await read(alice, made["id"])
    page = (await alice.get("/todos")).json()["data"]
    assert [each["recurrence"] for each in page] == [made["recurrence"]]
    found = await series_of(alice, made)
    assert (found["status"], found["todo_id"]) == ("active", made["id"])
    assert found["recurrence_id"] == "2030-12-31"
    assert found["next_at"] == "2031-02-28T00:00:00Z"  # 31 January is left out


@pytest.mark.parametrize(
    ("body", "pointer", "code"),
    [
        ({"recurrence": DAILY}, "/due", "missing"),
        ({"due": ahead(1), "recurrence": {"rrule": "FREQ=HOURLY"}}, "/recurrence/rrule", None),
        ({"due": ahead(1), "recurrence": {"rrule": "every day"}}, "/recurrence/rrule", None),
        (
            {"due": ahead(1), "recurrence": {"rrule": "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30"}},
            "/recurrence/rrule",
            "never_occurs",
        ),
        (
            {"due": ahead(1), "recurrence": {**DAILY, "holidays": "XX"}},
            "/recurrence/holidays",
            None,
        ),
        ({"due": ahead(1), "recurrence": {}}, "/recurrence/rrule", "missing"),
        ({"due": ahead(1), "recurrence": {**DAILY, "every": 1}}, "/recurrence/every", None),
    ],
)
async def test_a_rule_that_cannot_be_followed_is_refused_and_nothing_made(
    alice: Person, body: dict[str, Any], pointer: str, code: str | None
) -> None:
    answer = await alice.post("/todos", json={"title": "x", **body})
    status, points, says = refusal(answer)
    assert (status, points) == (422, pointer)
    assert code is None or says == code
    assert (await alice.get("/todos")).json()["data"] == []


async def test_completing_makes_the_next_one_with_all_that_belongs_to_it(alice: Person) -> None:
    todo = await daily(
        alice,
        list="Home",
        tags=["plants"],
        priority="high",
        description="not too much",
        location="balcony",
        reminders=[{"before": "PT1H", "channels": ["email"], "urgent": True}],
    )
    sub = await make(alice, "fill the can", parent_id=todo["id"], due=ahead(2))
    await make(alice, "find it", parent_id=sub["id"])
    await alice.post(f"/todos/{sub['id']}/complete")
    both = await complete(alice, todo)
    done, following = both["completed"], both["next"]
    assert (done["id"], done["status"]) == (todo["id"], "completed")
    assert following["id"] != todo["id"]
    assert following["due"] == ahead(4, **NINE)
    same = (
        "title",
        "list_id",
        "tags",
        "priority",
        "description",
        "location",
        "series_id",
        "recurrence",
        "position",
        "created_via",
    )
    assert {name: following[name] for name in same} == {name: todo[name] for name in same}
    assert (following["status"], following["version"], following["missed"]) == ("pending", 1, 0)
    [reminder] = following["reminders"]
    assert (reminder["before"], reminder["channels"], reminder["urgent"]) == (
        "PT1H",
        ["email"],
        True,
    )
    due_at = datetime.fromisoformat(following["due_at"])
    assert datetime.fromisoformat(reminder["next_fire_at"]) == due_at - timedelta(hours=1)
    assert [each["next_fire_at"] for each in done["reminders"]] == [None]
    [copy] = (await alice.get("/todos", params={"parent_id": following["id"]})).json()["data"]
    assert (copy["title"], copy["status"], copy["due"]) == ("fill the can", "pending", ahead(3))
    [deeper] = (await alice.get("/todos", params={"parent_id": copy["id"]})).json()["data"]
    assert (deeper["title"], deeper["status"]) == ("find it", "pending")
    assert await occurrences(alice, todo) == [
        (ahead(3)["date"], "completed"),
        (ahead(4)["date"], "open"),
    ]


async def test_completing_twice_makes_one_next(alice: Person) -> None:
    todo = await daily(alice)
    first = await complete(alice, todo)
    again = await complete(alice, todo)
    assert again["completed"]["version"] == first["completed"]["version"]
    assert again["next"] is None
    page = (await alice.get("/todos")).json()["data"]
    assert len(page) == 2


async def test_one_that_is_overdue_goes_on_after_today(alice: Person) -> None:
    todo = await make(alice, due=ahead(-10, **NINE), recurrence={**DAILY, "pile_up": "keep"})
    following = (await complete(alice, todo))["next"]
    assert datetime.fromisoformat(following["due_at"]) > clock.now()
    assert following["due"]["date"] in {ahead(0)["date"], ahead(1)["date"]}


async def test_anchored_at_completion_it_counts_from_today(http: Any) -> None:
    alice = await register(http, timezone="UTC")
    rule = {"rrule": "FREQ=DAILY;INTERVAL=3;COUNT=3", "anchor": "completion"}
    todo = await make(alice, due=ahead(10), recurrence=rule)
    second = (await complete(alice, todo))["next"]
    assert second["due"]["date"] == ahead(3)["date"]
    third = (await complete(alice, second))["next"]
    assert third["due"]["date"] == ahead(3)["date"]  # the same day again, and no clash
    both = await complete(alice, third)
    assert both["next"] is None
    assert (await series_of(alice, todo))["status"] == "ended"


async def test_the_last_one_ends_the_series_and_reopening_it_goes_on(alice: Person) -> None:
    todo = await make(alice, due=ahead(1, **NINE), recurrence={"rrule": "FREQ=DAILY;COUNT=2"})
    second = (await complete(alice, todo))["next"]
    assert (await complete(alice, second))["next"] is None
    assert (await series_of(alice, todo))["status"] == "ended"
    opened = (await alice.post(f"/todos/{second['id']}/reopen")).json()
    assert (opened["status"], opened["recurrence"]["rrule"]) == ("pending", "FREQ=DAILY;COUNT=2")
    assert (await series_of(alice, todo))["status"] == "active"
    assert (await occurrences(alice, todo))[-1][1] == "open"


async def test_skipping_moves_on_and_the_last_one_cannot_be_skipped(alice: Person) -> None:
    todo = await make(
        alice,
        due=ahead(1, **NINE),
        recurrence={"rrule": "FREQ=DAILY;COUNT=2"},
        reminders=[{"before": "PT0S"}],
    )
    sub = await make(alice, "sub", parent_id=todo["id"])
    await alice.post(f"/todos/{sub['id']}/complete")
    skipped = await alice.post(f"/todos/{todo['id']}/skip")
    assert skipped.status_code == 200, skipped.text
    assert skipped.json()["id"] == todo["id"]
    assert skipped.json()["due"] == ahead(2, **NINE)
    assert skipped.json()["reminders"][0]["next_fire_at"] == skipped.json()["due_at"]
    assert skipped.headers["etag"] == (await alice.get(f"/todos/{todo['id']}")).headers["etag"]
    assert (await read(alice, sub["id"]))["status"] == "pending"
    assert await occurrences(alice, todo) == [
        (ahead(1)["date"], "skipped"),
        (ahead(2)["date"], "open"),
    ]
    assert (await alice.post(f"/todos/{todo['id']}/skip")).status_code == 409
    plain = await make(alice)
    assert (await alice.post(f"/todos/{plain['id']}/skip")).status_code == 409


async def test_paused_nothing_reminds_and_resumed_it_goes_on(alice: Person) -> None:
    todo = await daily(alice, reminders=[{"before": "PT1H"}])
    paused = (await alice.post(f"/series/{todo['series_id']}/pause")).json()
    assert (paused["status"], paused["next_at"]) == ("paused", None)
    assert (await read(alice, todo["id"]))["reminders"][0]["next_fire_at"] is None
    assert (await complete(alice, todo))["next"] is None
    resumed = (await alice.post(f"/series/{todo['series_id']}/resume")).json()
    assert resumed["status"] == "active"
    assert resumed["todo_id"] != todo["id"]
    following = await read(alice, resumed["todo_id"])
    assert following["due"] == ahead(4, **NINE)
    assert following["reminders"][0]["next_fire_at"] is not None


async def test_resumed_late_it_stands_at_the_next_and_nothing_was_missed(alice: Person) -> None:
    todo = await make(alice, due=ahead(-5, **NINE), recurrence={**DAILY, "pile_up": "keep"})
    await alice.post(f"/series/{todo['series_id']}/pause")
    await alice.post(f"/series/{todo['series_id']}/resume")
    back = await read(alice, todo["id"])
    assert datetime.fromisoformat(back["due_at"]) > clock.now()
    assert back["missed"] == 0


async def test_completing_the_series_is_another_verb(alice: Person) -> None:
    todo = await daily(alice)
    ended = (await alice.post(f"/series/{todo['series_id']}/complete")).json()
    assert ended["status"] == "ended"
    assert (await read(alice, todo["id"]))["status"] == "completed"
    assert len((await alice.get("/todos")).json()["data"]) == 1
    assert (await alice.post(f"/series/{todo['series_id']}/pause")).status_code == 409


async def test_occurrences_are_paged(alice: Person) -> None:
    todo = await daily(alice)
    newest = todo
    for _ in range(4):
        newest = (await complete(alice, newest))["next"]
    path = f"/series/{todo['series_id']}/occurrences"
    first = (await alice.get(path, params={"limit": 3})).json()
    assert first["has_more"] is True
    rest = (await alice.get(path, params={"limit": 3, "cursor": first["next_cursor"]})).json()
    assert [len(first["data"]), len(rest["data"]), rest["has_more"]] == [3, 2, False]
    names = [each["recurrence_id"] for each in first["data"] + rest["data"]]
    assert names == sorted(names, reverse=True)


async def test_a_recurring_subtask_goes_along_with_its_recurring_parent(alice: Person) -> None:
    todo = await daily(alice)
    sub = await make(alice, "sub", parent_id=todo["id"], due=ahead(1), recurrence=DAILY)
    following = (await complete(alice, todo))["next"]
    back = await read(alice, sub["id"])
    assert (back["status"], back["parent_id"]) == ("pending", following["id"])
    plain = await make(alice)
    other = await make(alice, "sub", parent_id=plain["id"], due=ahead(1), recurrence=DAILY)
    await complete(alice, plain)
    assert (await series_of(alice, other))["status"] == "ended"


@pytest.mark.parametrize(
    ("start", "expected"),
    [
        ("2027-03-27", ["2027-03-28T01:30:00Z", "2027-03-29T00:30:00Z"]),  # gap: 03:30 CEST
        ("2027-10-30", ["2027-10-31T00:30:00Z", "2027-11-01T01:30:00Z"]),  # the first of two
    ],
)
async def test_across_clock_changes(http: Any, start: str, expected: list[str]) -> None:
    alice = await register(http, timezone="Europe/Berlin")
    todo = await make(
        alice, due={"date": start, "time": "02:30"}, recurrence={"rrule": "FREQ=DAILY"}
    )
    for instant in expected:
        todo = (await complete(alice, todo))["next"]
        assert todo["due"]["time"] == "02:30"
        assert todo["due_at"] == instant
    assert datetime.fromisoformat(todo["due_at"]).tzinfo == UTC
