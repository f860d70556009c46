"""One's own account."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.people import Person


async def test_changes_only_what_is_named(alice: Person) -> None:
    before = (await alice.get("/me")).json()
    answer = await alice.patch("/me", json={"name": "Alice Liddell", "locale": "de-AT"})
    assert answer.status_code == 200, answer.text
    after = answer.json()
    changed = {name for name in after if after[name] != before[name]}
    assert changed == {"name", "locale", "version", "updated_at"}
    assert after == (await alice.get("/me")).json()
    assert answer.headers["ETag"] == '"2"'
    assert answer.headers["Change-Set"]


async def test_null_goes_back_to_the_default(alice: Person) -> None:
    changes = {"name": "x", "timezone": "Asia/Tokyo", "locale": "ja", "all_day_time": "07:30"}
    set_ = await alice.patch("/me", json={**changes, "preferences": {"theme": "dark"}})
    assert set_.json()["all_day_time"] == "07:30"
    cleared = await alice.patch("/me", json=dict.fromkeys([*changes, "preferences"]))
    assert cleared.status_code == 200, cleared.text
    found = {name: cleared.json()[name] for name in [*changes, "preferences"]}
    assert found == {
        "name": "",
        "timezone": "UTC",
        "locale": "en",
        "all_day_time": "09:00",
        "preferences": {},
    }


async def test_quiet_hours_are_set_moved_and_cleared(alice: Person) -> None:
    for hours in ({"start": "22:00", "end": "07:00"}, {"start": "12:30", "end": "14:00"}):
        answer = await alice.patch("/me", json={"preferences": {"quiet_hours": hours}})
        assert answer.json()["preferences"] == {"quiet_hours": hours}
    answer = await alice.patch("/me", json={"preferences": {"quiet_hours": None}})
    assert answer.json()["preferences"] == {}


async def test_preferences_are_merged(alice: Person) -> None:
    first = {"theme": "dark", "voice": {"beep": True, "speed": 2}}
    await alice.patch("/me", json={"preferences": {**first, "channels": {"reminder": ["email"]}}})
    second = {"voice": {"beep": None}, "channels": {"reminder": ["in_app", "push"]}}
    headers = {"Content-Type": "application/merge-patch+json"}
    answer = await alice.patch("/me", json={"preferences": second}, headers=headers)
    assert answer.json()["preferences"] == {
        "theme": "dark",
        "voice": {"speed": 2},
        "channels": {"reminder": ["in_app", "push"]},
    }


async def test_nothing_new_is_no_change(alice: Person) -> None:
    answer = await alice.patch("/me", json={"name": "Alice", "timezone": "UTC"})
    assert (answer.status_code, answer.json()["version"]) == (200, 1)
    assert "Change-Set" not in answer.headers


async def test_preconditions(alice: Person) -> None:
    etag = (await alice.get("/me")).headers["ETag"]
    same = await alice.get("/me", headers={"If-None-Match": etag})
    assert (same.status_code, same.content) == (304, b"")
    first = await alice.patch("/me", json={"name": "A"}, headers={"If-Match": etag})
    assert first.status_code == 200, first.text
    late = await alice.patch("/me", json={"name": "B"}, headers={"If-Match": etag})
    assert late.status_code == 412
    assert (await alice.get("/me")).json()["name"] == "A"


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"timezone": "Mars/Olympus"}, "/timezone"),
        ({"timezone": ""}, "/timezone"),
        ({"all_day_time": "24:00"}, "/all_day_time"),
        ({"all_day_time": "9:00"}, "/all_day_time"),
        ({"locale": "x"}, "/locale"),
        ({"name": "\u0000"}, "/name"),
        ({"email": "x@example.com"}, "/email"),
        ({"preferences": []}, "/preferences"),
        ({"preferences": {"channels": {"reminder": ["pigeon"]}}}, "/preferences"),
        ({"preferences": {"channels": {"birthday": ["email"]}}}, "/preferences"),
        ({"preferences": {"quiet_hours": "22:00"}}, "/preferences/quiet_hours"),
        ({"preferences": {"quiet_hours": {"start": "22:00"}}}, "/preferences/quiet_hours/end"),
        (
            {"preferences": {"quiet_hours": {"start": "22:00", "end": "24:00"}}},
            "/preferences/quiet_hours/end",
        ),
        (
            {"preferences": {"quiet_hours": {"start": "22:00", "end": "22:00"}}},
            "/preferences/quiet_hours",
        ),
        ({"preferences": {"note": "x" * 17_000}}, "/preferences"),
        ({"preferences": {"note": "a\u0000b"}}, "/preferences"),
        ({"preferences": {"number": 10**40}}, "/preferences"),
    ],
)
async def test_refuses(alice: Person, body: dict[str, object], pointer: str) -> None:
    answer = await alice.patch("/me", json=body)
    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"][0]["pointer"].startswith(pointer)
    assert (await alice.get("/me")).json()["version"] == 1


@pytest.mark.parametrize(
    "raw",
    [
        '{"preferences": {"a": "\\ud800"}}',
        '{"preferences": ' + '{"a":' * 300 + "1" + "}" * 301,
        '{"preferences": {"a": NaN}}',
    ],
)
async def test_refuses_what_cannot_be_stored(alice: Person, raw: str) -> None:
    headers = {"Content-Type": "application/json"}
    answer = await alice.patch("/me", content=raw, headers=headers)
    assert answer.status_code in {400, 422}, answer.text
    assert answer.headers["content-type"] == "application/problem+json"


async def test_all_preferences_together_are_bounded(alice: Person) -> None:
    statuses = [
        (await alice.patch("/me", json={"preferences": {f"k{n}": "x" * 6_000}})).status_code
        for n in range(4)
    ]
    assert statuses == [200, 200, 422, 422]


async def test_what_floats_follows_to_another_zone(alice: Person) -> None:
    day = (datetime.now(UTC) + timedelta(days=30)).date().isoformat()
    made = await alice.post(
        "/todos",
        json={
            "title": "Breakfast",
            "due": {"date": day, "time": "08:00"},
            "reminders": [{"before": "PT0S"}],
        },
    )
    assert made.status_code == 201, made.text
    path = f"/todos/{made.json()['id']}"
    assert made.json()["reminders"][0]["next_fire_at"].startswith(f"{day}T08:00:00")
    moved = await alice.patch("/me", json={"timezone": "Asia/Tokyo"})
    assert moved.status_code == 200, moved.text
    todo = (await alice.get(path)).json()
    expected = datetime.fromisoformat(f"{day}T08:00:00+09:00")
    assert datetime.fromisoformat(todo["due_at"]) == expected
    assert datetime.fromisoformat(todo["reminders"][0]["next_fire_at"]) == expected
