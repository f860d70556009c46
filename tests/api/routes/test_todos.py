"""One todo: made, read, changed and completed, and which version of it."""

from typing import Any
from uuid import UUID, uuid4

import pytest

from core.ids import uuid7
from tests.people import Person, register
from tests.todos import make, read, refusal


async def test_what_was_made_is_read_back(alice: Person) -> None:
    answer = await alice.post("/todos", json={"title": " milk \u202e"})
    made = answer.json()
    assert answer.status_code == 201
    assert answer.headers["location"] == f"/api/v1/todos/{made['id']}"
    assert answer.headers["etag"] == '"1"'
    assert UUID(answer.headers["change-set"]).version == 7
    assert made["title"] == " milk \u202e", "text is kept as it was sent"
    assert made["workspace_id"] == str(alice.id)
    assert made["created_via"] == "api"
    assert await read(alice, made["id"]) == made


async def test_every_field_is_kept(alice: Person) -> None:
    body: dict[str, Any] = {
        "title": "milk",
        "description": "two\nlitres",
        "priority": "high",
        "tags": ["shop", "home", "shop"],
        "due": {"date": "2030-05-04", "time": "18:00", "timezone": "Europe/Berlin"},
        "assignee_id": str(alice.id),
        "position": -3.25,
        "location": "corner",
        "reminders": [{"before": "PT15M", "channels": ["email", "in_app"], "urgent": True}],
    }
    made = await make(alice, **body)
    (reminder,) = made["reminders"]
    assert made["tags"] == ["shop", "home"]
    assert reminder["next_fire_at"] == "2030-05-04T15:45:00Z"
    assert reminder["channels"] == ["email", "in_app"]
    same = ("title", "description", "priority", "due", "assignee_id", "position", "location")
    assert {name: made[name] for name in same} == {name: body[name] for name in same}
    assert await read(alice, made["id"]) == made


@pytest.mark.parametrize(
    ("due", "due_at"),
    [
        ({"date": "2027-03-28", "time": "02:30", "timezone": "Europe/Berlin"}, "01:30"),  # gap
        ({"date": "2027-10-31", "time": "02:30", "timezone": "Europe/Berlin"}, "00:30"),  # fold
        ({"date": "2027-07-01", "time": "09:00:30", "timezone": "Asia/Kolkata"}, "03:30:30"),
        ({"date": "2027-07-01", "time": "09:00"}, "13:00"),  # floating, in New York
        ({"date": "2027-07-01", "time": "09:00", "timezone": None}, "13:00"),
        ({"date": "2027-07-01"}, "04:00"),  # all day: midnight in New York
        ({"date": "2027-03-14", "time": "02:30"}, "07:30"),  # floating in a gap
    ],
)
async def test_due_in_its_three_forms(http: Any, due: dict[str, str], due_at: str) -> None:
    alice = await register(http, timezone="America/New_York")
    made = await make(alice, due=due)
    expected = f"{due['date']}T{due_at}" + (":00Z" if len(due_at) == 5 else "Z")
    assert made["due_at"] == expected
    assert made["due"] == {"time": None, "timezone": None, **due}


async def test_floating_times_move_with_their_person(http: Any) -> None:
    alice = await register(http, timezone="America/New_York")
    floating = await make(
        alice, due={"date": "2030-07-01", "time": "09:00"}, reminders=[{"before": "PT1H"}]
    )
    all_day = await make(alice, due={"date": "2030-07-01"}, reminders=[{"before": "PT0S"}])
    fixed = await make(
        alice,
        due={"date": "2030-07-01", "time": "09:00", "timezone": "Asia/Tokyo"},
        reminders=[{"before": "PT1H"}, {"at": {"date": "2030-07-01", "time": "08:00"}}],
    )
    assert (await alice.patch("/me", json={"timezone": "Europe/Berlin"})).status_code == 200

    moved = await read(alice, floating["id"])
    assert moved["due"] == floating["due"]
    assert moved["due_at"] == "2030-07-01T07:00:00Z"
    assert moved["reminders"][0]["next_fire_at"] == "2030-07-01T06:00:00Z"
    assert moved["version"] > floating["version"]
    day = await read(alice, all_day["id"])
    assert day["due_at"] == "2030-06-30T22:00:00Z"
    assert day["reminders"][0]["next_fire_at"] == "2030-07-01T07:00:00Z"
    stays = await read(alice, fixed["id"])
    assert stays["due_at"] == fixed["due_at"] == "2030-07-01T00:00:00Z"
    by_kind = {bool(each["before"]): each["next_fire_at"] for each in stays["reminders"]}
    assert by_kind == {True: "2030-06-30T23:00:00Z", False: "2030-07-01T06:00:00Z"}


async def test_patch_null_clears_and_absent_keeps(alice: Person) -> None:
    made = await make(
        alice,
        description="d",
        priority="low",
        tags=["t"],
        list="L",
        location="here",
        due={"date": "2030-01-01"},
        assignee_id=str(alice.id),
    )
    answer = await alice.patch(f"/todos/{made['id']}", json={"title": "bread"})
    kept = answer.json()
    assert answer.headers["etag"] == '"2"'
    unchanged = made | {"title": "bread", "version": 2, "updated_at": kept["updated_at"]}
    assert kept == unchanged
    nulls = ("description", "priority", "tags", "list_id", "location", "due", "assignee_id")
    merge = {"Content-Type": "application/merge-patch+json"}
    answer = await alice.patch(
        f"/todos/{made['id']}", json=dict.fromkeys(nulls, None), headers=merge
    )
    cleared = answer.json()
    assert [cleared[name] for name in nulls] == ["", "none", [], None, None, None, None]
    assert cleared["due_at"] is None
    assert cleared["title"] == "bread"
    assert await read(alice, made["id"]) == cleared


@pytest.mark.parametrize("name", ["title", "position"])
async def test_what_must_have_a_value_cannot_be_cleared(alice: Person, name: str) -> None:
    made = await make(alice)
    answer = await alice.patch(f"/todos/{made['id']}", json={name: None})
    assert refusal(answer)[:2] == (422, f"/{name}")


async def test_a_patch_that_changes_nothing_is_no_change(alice: Person) -> None:
    made = await make(alice, tags=["a"])
    answer = await alice.patch(f"/todos/{made['id']}", json={"title": "milk", "tags": ["a", "a"]})
    assert answer.json() == made
    assert answer.headers["etag"] == '"1"'
    assert "change-set" not in answer.headers


async def test_a_change_of_due_shows_when_its_reminders_fire_now(alice: Person) -> None:
    made = await make(
        alice, due={"date": "2030-01-01", "time": "10:00"}, reminders=[{"before": "PT1H"}]
    )
    path = f"/todos/{made['id']}"
    answer = await alice.patch(path, json={"due": {"date": "2030-01-02", "time": "10:00"}})
    assert answer.json()["reminders"][0]["next_fire_at"] == "2030-01-02T09:00:00Z"
    assert answer.json() == await read(alice, made["id"])
    done = (await alice.post(f"{path}/complete")).json()["completed"]
    assert done["reminders"][0]["next_fire_at"] is None
    again = (await alice.post(f"{path}/reopen")).json()
    assert again["reminders"][0]["next_fire_at"] == "2030-01-02T09:00:00Z"


async def test_put_makes_and_replaces(alice: Person) -> None:
    path = f"/todos/{uuid7()}"
    first = await alice.put(path, json={"title": "milk", "tags": ["a"], "list": "L"})
    assert first.status_code == 201
    assert first.headers["location"] == f"/api/v1{path}"
    body = {"title": "bread", "reminders": [{"at": {"date": "2030-01-01", "time": "09:00"}}]}
    second = await alice.put(path, json=body)
    assert second.status_code == 200
    replaced = second.json()
    assert (replaced["title"], replaced["tags"], replaced["list_id"]) == ("bread", [], None)
    assert replaced["position"] == first.json()["position"]
    assert len(replaced["reminders"]) == 1
    third = await alice.put(path, json={"title": "bread"})
    assert third.json()["reminders"] == []
    assert await read(alice, path.rpartition("/")[2]) == third.json()


async def test_put_takes_uuid7_only(alice: Person) -> None:
    answer = await alice.put(f"/todos/{uuid4()}", json={"title": "milk"})
    assert refusal(answer)[:2] == (422, "/path/todo_id")


async def test_put_with_a_version_does_not_make(alice: Person) -> None:
    answer = await alice.put(f"/todos/{uuid7()}", json={"title": "x"}, headers={"If-Match": '"1"'})
    assert answer.status_code == 404


async def test_put_of_a_deleted_id_is_told(alice: Person) -> None:
    made = await make(alice)
    await alice.delete(f"/todos/{made['id']}")
    assert (await alice.put(f"/todos/{made['id']}", json={"title": "x"})).status_code == 409


@pytest.mark.parametrize("method", ["PATCH", "PUT", "DELETE"])
async def test_a_stale_version_changes_nothing(alice: Person, method: str) -> None:
    made = await make(alice)
    path = f"/todos/{made['id']}"
    await alice.patch(path, json={"title": "bread"})
    body = {} if method == "DELETE" else {"json": {"title": "cheese"}}
    for stale in ('"1"', 'W/"2"', '"nonsense"'):
        answer = await alice.request(method, path, headers={"If-Match": stale}, **body)
        assert answer.status_code == 412, stale
    assert (await read(alice, made["id"]))["title"] == "bread"
    answer = await alice.request(method, path, headers={"If-Match": '"2"'}, **body)
    assert answer.status_code in {200, 204}


async def test_if_match_that_is_no_etag(alice: Person) -> None:
    made = await make(alice)
    path = f"/todos/{made['id']}"
    answer = await alice.patch(path, json={"title": "x"}, headers={"If-Match": "1"})
    assert refusal(answer) == (422, "/header/If-Match", "etag")
    assert (await alice.patch(path, json={"title": "x"}, headers={"If-Match": "*"})).is_success


async def test_not_modified(alice: Person) -> None:
    made = await make(alice)
    path = f"/todos/{made['id']}"
    for known in ('"1"', 'W/"1"', '"7", "1"', "*"):
        answer = await alice.get(path, headers={"If-None-Match": known})
        assert (answer.status_code, answer.content) == (304, b""), known
        assert answer.headers["etag"] == '"1"'
    assert (await alice.get(path, headers={"If-None-Match": '"2"'})).status_code == 200


async def test_the_etag_speaks_of_reminders_too(alice: Person) -> None:
    made = await make(alice)
    path = f"/todos/{made['id']}"
    seen = (await alice.get(path)).headers["etag"]
    at = {"date": "2030-01-01", "time": "09:00"}
    reminder = (await alice.post(f"{path}/reminders", json={"at": at})).json()
    answer = await alice.get(path, headers={"If-None-Match": seen})
    assert answer.status_code == 200, "what is read has changed"
    seen = answer.headers["etag"]
    assert (await alice.get(path, headers={"If-None-Match": seen})).status_code == 304
    await alice.post(f"/reminders/{reminder['id']}/snooze", json={"until": "2031-01-01T00:00:00Z"})
    answer = await alice.get(path, headers={"If-None-Match": seen})
    assert answer.status_code == 200
    changed = await alice.patch(
        path, json={"title": "x"}, headers={"If-Match": answer.headers["etag"]}
    )
    assert changed.status_code == 200
    assert changed.headers["etag"] == (await alice.get(path)).headers["etag"]


async def test_completing_twice_is_once(alice: Person) -> None:
    made = await make(alice)
    path = f"/todos/{made['id']}"
    first = (await alice.post(f"{path}/complete")).json()["completed"]
    again = await alice.post(f"{path}/complete")
    assert again.json()["completed"] == first
    assert first["completed_at"] is not None
    assert "change-set" not in again.headers
    back = (await alice.post(f"{path}/reopen")).json()
    assert (back["status"], back["completed_at"]) == ("pending", None)


async def test_a_todo_moves_between_lists_by_name(alice: Person) -> None:
    made = await make(alice, list="Shop")
    lists = (await alice.get("/lists")).json()["data"]
    assert [(each["name"], each["id"]) for each in lists] == [("Shop", made["list_id"])]
    other = await make(alice, list="sHoP")
    assert other["list_id"] == made["list_id"], "names are found whatever their case"
    moved = (await alice.patch(f"/todos/{made['id']}", json={"list": "Home"})).json()
    assert moved["list_id"] != made["list_id"]
    out = (await alice.patch(f"/todos/{made['id']}", json={"list": None})).json()
    assert out["list_id"] is None
