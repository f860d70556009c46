"""Reminders: wished, changed, snoozed, removed, explained; each person's are their own."""

from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
import pytest

from core import clock
from core.ids import uuid7
from tests.people import Person, register
from tests.teams import sql, team
from tests.todos import make, read, refusal

NINE = {"date": "2030-07-01", "time": "09:00"}
DUE = {"date": "2030-07-01", "time": "18:00", "timezone": "Europe/Berlin"}


async def remind(person: Person, todo: dict[str, Any], **body: Any) -> dict[str, Any]:
    answer = await person.post(f"/todos/{todo['id']}/reminders", json=body)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def only(person: Person, todo: dict[str, Any]) -> dict[str, Any]:
    """The todo's one reminder, as both lists show it."""
    (found,) = (await person.get(f"/todos/{todo['id']}/reminders")).json()["data"]
    assert (await read(person, todo["id"]))["reminders"] == [found]
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize(
    ("wish", "fires"),
    [
        ({"at": {**NINE, "timezone": "Asia/Tokyo"}}, "2030-07-01T00:00:00Z"),
        ({"at": NINE}, "2030-07-01T13:00:00Z"),  # floating, in New York
        ({"at": {"date": "2027-03-14", "time": "02:30:15"}}, "2027-03-14T07:30:15Z"),  # gap
        ({"at": {"date": "2027-11-07", "time": "01:30"}}, "2027-11-07T05:30:00Z"),  # fold
        ({"before": "PT15M"}, "2030-07-01T15:45:00Z"),
        ({"before": "P1DT1H"}, "2030-06-30T15:00:00Z"),
        ({"before": "PT0S"}, "2030-07-01T16:00:00Z"),
    ],
)
async def test_when_it_fires(http: Any, wish: dict[str, Any], fires: str) -> None:
    alice = await register(http, timezone="America/New_York")
    todo = await make(alice, due=DUE)
    made = await remind(alice, todo, **wish)
    assert made["next_fire_at"] == fires
    assert (made["at"] is None, made["before"] is None) == ("at" not in wish, "before" not in wish)
    assert await only(alice, todo) == made


async def test_before_without_a_due_time_waits_for_one(alice: Person) -> None:
    todo = await make(alice)
    made = await remind(alice, todo, before="PT15M")
    assert made["next_fire_at"] is None
    await alice.patch(f"/todos/{todo['id']}", json={"due": DUE})
    assert (await only(alice, todo))["next_fire_at"] == "2030-07-01T15:45:00Z"
    await alice.patch(f"/todos/{todo['id']}", json={"due": None})
    assert (await only(alice, todo))["next_fire_at"] is None


async def test_all_day_counts_from_the_persons_hour(http: Any) -> None:
    alice = await register(http, timezone="Europe/Berlin")
    todo = await make(alice, due={"date": "2030-07-01"})
    await remind(alice, todo, before="PT1H")
    assert (await only(alice, todo))["next_fire_at"] == "2030-07-01T06:00:00Z"
    await alice.patch("/me", json={"all_day_time": "07:30"})
    assert (await only(alice, todo))["next_fire_at"] == "2030-07-01T04:30:00Z"


async def test_merge_patch(alice: Person) -> None:
    todo = await make(alice, due=DUE)
    made = await remind(alice, todo, before="PT15M", channels=["email"], urgent=True)
    path = f"/reminders/{made['id']}"
    same = (await alice.patch(path, json={})).json()
    assert same == made
    at = {**NINE, "timezone": "UTC"}
    changed = (await alice.patch(path, json={"at": at})).json()
    assert (changed["at"], changed["before"]) == (at, None)
    assert changed["next_fire_at"] == "2030-07-01T09:00:00Z"
    assert (changed["channels"], changed["urgent"]) == (["email"], True)
    back = (await alice.patch(path, json={"at": None, "before": "PT5M", "channels": None})).json()
    assert (back["at"], back["before"], back["channels"]) == (None, "PT5M", None)
    assert await only(alice, todo) == back


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"before": None}, "/at"),
        ({"at": NINE, "before": "PT5M"}, ""),
        ({"at": {"date": "2020-01-01", "time": "09:00"}}, "/at"),
        ({"at": {"date": "2030-01-01"}}, "/at/time"),
        ({"urgent": None}, "/urgent"),
        ({"channels": ["pigeon"]}, "/channels/0"),
        ({"next_fire_at": "2030-01-01T00:00:00Z"}, "/next_fire_at"),
        ({"todo_id": str(uuid7())}, "/todo_id"),
    ],
)
async def test_what_a_patch_refuses(alice: Person, body: dict[str, Any], pointer: str) -> None:
    todo = await make(alice, due=DUE)
    made = await remind(alice, todo, before="PT15M")
    answer = await alice.patch(f"/reminders/{made['id']}", json=body)
    assert refusal(answer)[:2] == (422, pointer)
    assert await only(alice, todo) == made


async def test_snooze(alice: Person) -> None:
    todo = await make(alice, due=DUE)
    made = await remind(alice, todo, before="PT15M")
    path = f"/reminders/{made['id']}/snooze"
    until = await alice.post(path, json={"until": "2030-07-01T12:00:00+02:00"})
    assert until.json() == made | {"next_fire_at": "2030-07-01T10:00:00Z"}
    before = clock.now()
    answer = (await alice.post(path, json={"for": "PT10M"})).json()
    fires = datetime.fromisoformat(answer["next_fire_at"])
    assert before + timedelta(minutes=10) <= fires <= clock.now() + timedelta(minutes=10)
    await alice.patch(f"/reminders/{made['id']}", json={"urgent": True})
    await alice.patch(f"/todos/{todo['id']}", json={"title": "other"})
    assert (await only(alice, todo))["next_fire_at"] == answer["next_fire_at"], "a snooze stays"


async def test_of_a_series_it_is_armed_by_the_rule(alice: Person) -> None:
    """Made an hour after its first occurrence: it reminds of tomorrow's, then of what follows."""
    first = (clock.now() - timedelta(hours=1)).replace(microsecond=0)
    due = {"date": f"{first:%Y-%m-%d}", "time": f"{first:%H:%M:%S}", "timezone": "UTC"}
    todo = await make(
        alice, due=due, recurrence={"rrule": "FREQ=DAILY"}, reminders=[{"before": "PT0S"}]
    )
    tomorrow = (first + timedelta(days=1)).isoformat().replace("+00:00", "Z")
    assert (await only(alice, todo))["next_fire_at"] == tomorrow
    await remind(alice, todo, before="P1DT2H")
    made = (await alice.get(f"/todos/{todo['id']}/reminders")).json()["data"]
    # That of tomorrow's has passed, that of the day after comes before tomorrow's own.
    early = (first + timedelta(hours=22)).isoformat().replace("+00:00", "Z")
    assert [each["next_fire_at"] for each in made] == [tomorrow, early]
    story = (await alice.get(f"/reminders/{made[0]['id']}/why")).json()
    assert f"the occurrence of {first + timedelta(days=1):%Y-%m-%d}" in story["sentences"][0]
    answer = await alice.post(f"/todos/{todo['id']}/complete")
    following = answer.json()["next"]
    carried = (await alice.get(f"/todos/{following['id']}/reminders")).json()["data"]
    assert {each["before"] for each in carried} == {"PT0S", "P1DT2H"}
    assert sorted(each["next_fire_at"] for each in carried) == [early, tomorrow]
    rests = (await alice.get(f"/todos/{todo['id']}/reminders")).json()["data"]
    assert [each["next_fire_at"] for each in rests] == [None, None]


async def test_snooze_in_words(http: Any) -> None:
    """Which words mean what is in the rules' own tests: here, whose zone and morning they use."""
    alice = await register(http, timezone="America/New_York")
    await alice.patch("/me", json={"all_day_time": "07:30"})
    todo = await make(alice, due=DUE)
    path = f"/reminders/{(await remind(alice, todo, before='PT15M'))['id']}/snooze"

    async def fires(**body: str) -> datetime:
        answer = await alice.post(path, json=body)
        assert answer.status_code == 200, answer.text
        return datetime.fromisoformat(answer.json()["next_fire_at"])

    there = ZoneInfo("America/New_York")
    assert await fires(until="2030-01-01T09:00") == datetime(2030, 1, 1, 9, tzinfo=there)
    for body in ({"until": "tomorrow"}, {"for": "tomorrow"}):
        tomorrow = (clock.now().astimezone(there) + timedelta(days=1)).date()
        wall = (await fires(**body)).astimezone(there)
        assert (wall.date(), wall.time()) == (tomorrow, time(7, 30))
    assert (await fires(until="18:30")).astimezone(there).time() == time(18, 30)
    assert clock.now() < await fires(until="18:30") <= clock.now() + timedelta(hours=25)
    assert await fires(**{"for": "2h30m"}) > clock.now() + timedelta(hours=2, minutes=29)


async def test_a_refused_snooze_names_what_is_understood(alice: Person) -> None:
    made = await remind(alice, await make(alice, due=DUE), before="PT15M")
    answer = await alice.post(f"/reminders/{made['id']}/snooze", json={"until": "later"})
    assert refusal(answer)[1] == "/until"
    assert "`tonight`" in answer.json()["errors"][0]["detail"]


async def test_a_snooze_counts_from_the_clock_of_its_workspace(
    alice: Person, database_url: str
) -> None:
    there = await team(database_url, owner=alice)
    stands_still = (
        "UPDATE workspaces SET kind = 'sandbox', clock_at = '2029-12-31T23:00:00Z' WHERE id = %s"
    )
    await sql(database_url, stands_still, there)
    answer = await alice.post(f"/todos?workspace_id={there}", json={"title": "x", "due": DUE})
    made = await remind(alice, answer.json(), before="PT15M")
    answer = await alice.post(f"/reminders/{made['id']}/snooze", json={"for": "1h"})
    assert answer.json()["next_fire_at"] == "2030-01-01T00:00:00Z"


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"for": "PT5M", "until": "2030-01-01T00:00:00Z"},
        {"for": "PT0S"},
        {"for": 600},
        {"for": "P9999D"},
        {"for": "P99999999999D"},
        {"for": "soon"},
        {"for": "18:30"},
        {"until": "10m"},
        {"until": "2020-01-01T00:00:00"},
        {"until": "2020-01-01T00:00:00Z"},
        {"until": 1893456000},
        {"until": "9999-12-31T23:59:59-14:00"},
        {"until": "0001-01-01T00:00:00+14:00"},
    ],
)
async def test_what_a_snooze_refuses(alice: Person, body: dict[str, Any]) -> None:
    todo = await make(alice, due=DUE)
    made = await remind(alice, todo, before="PT15M")
    answer = await alice.post(f"/reminders/{made['id']}/snooze", json=body)
    assert refusal(answer)[0] == 422
    assert await only(alice, todo) == made


async def test_nothing_rings_for_what_is_done(alice: Person) -> None:
    todo = await make(alice, due=DUE)
    made = await remind(alice, todo, before="PT15M")
    await alice.post(f"/todos/{todo['id']}/complete")
    assert (await only(alice, todo))["next_fire_at"] is None
    snoozed = await alice.post(f"/reminders/{made['id']}/snooze", json={"for": "PT5M"})
    assert snoozed.status_code == 409
    late = await remind(alice, todo, before="PT30M")
    assert late["next_fire_at"] is None
    await alice.post(f"/todos/{todo['id']}/reopen")
    fires = [r["next_fire_at"] for r in (await read(alice, todo["id"]))["reminders"]]
    assert fires == ["2030-07-01T15:45:00Z", "2030-07-01T15:30:00Z"]


async def test_every_arming_has_a_number(alice: Person, database_url: str) -> None:
    todo = await make(alice, due=DUE)
    made = await remind(alice, todo, before="PT15M")
    path = f"/reminders/{made['id']}"

    async def armed() -> int:
        ((number,),) = await sql(
            database_url, "SELECT arm_no FROM reminders WHERE id = %s", made["id"]
        )
        assert isinstance(number, int)
        return number

    numbers = [await armed()]
    for verb, target, body in (
        (alice.post, f"{path}/snooze", {"for": "PT5M"}),
        (alice.patch, path, {"before": "PT20M"}),
        (alice.patch, f"/todos/{todo['id']}", {"due": {**DUE, "time": "19:00"}}),
        (alice.post, f"/todos/{todo['id']}/complete", {}),
    ):
        answer = await verb(target, json=body) if body else await verb(target)
        assert answer.is_success, answer.text
        numbers.append(await armed())
    assert numbers == [1, 2, 3, 4, 5]


async def test_removing(alice: Person) -> None:
    todo = await make(alice, due=DUE)
    made = await remind(alice, todo, before="PT15M")
    path = f"/reminders/{made['id']}"
    answer = await alice.delete(path)
    assert (answer.status_code, answer.content) == (204, b"")
    assert (await alice.get(f"/todos/{todo['id']}/reminders")).json()["data"] == []
    assert (await alice.delete(path)).status_code == 404


async def test_at_most_twenty(alice: Person) -> None:
    todo = await make(alice, due=DUE, reminders=[{"before": "PT5M"}] * 20)
    answer = await alice.post(f"/todos/{todo['id']}/reminders", json={"before": "PT5M"})
    assert answer.status_code == 409


async def test_why(alice: Person) -> None:
    todo = await make(alice, due=DUE)
    answer = await alice.post(f"/todos/{todo['id']}/reminders", json={"before": "PT15M"})
    told = await alice.get(answer.headers["location"].removeprefix("/api/v1"))
    assert told.status_code == 200, told.text
    reminder = told.json()["reminder"]
    assert reminder["id"] == answer.json()["id"]
    assert reminder["next_fire_at"] == "2030-07-01T15:45:00Z"
    assert reminder["armed_zone"] == "Europe/Berlin"
    assert told.json()["deliveries"] == []
    assert "2030-07-01 15:45:00 UTC" in told.json()["sentences"][0]


async def test_each_sees_their_own(
    alice: Person, bob: Person, charlie: Person, database_url: str
) -> None:
    shared = await team(database_url, owner=alice, member=bob)
    answer = await alice.post(
        f"/todos?workspace_id={shared}",
        json={"title": "ours", "due": DUE, "reminders": [{"before": "PT1H"}]},
    )
    todo = answer.json()
    (hers,) = todo["reminders"]
    assert (await read(bob, todo["id"]))["reminders"] == []
    his = await remind(bob, todo, before="PT15M")
    assert await only(bob, todo) == his
    assert await only(alice, todo) == hers
    for stranger in (bob, charlie):
        for reminder_id in (hers["id"], str(uuid7())):
            path = f"/reminders/{reminder_id}"
            answers = [
                await stranger.patch(path, json={"urgent": True}),
                await stranger.post(f"{path}/snooze", json={"for": "PT5M"}),
                await stranger.get(f"{path}/why"),
                await stranger.delete(path),
            ]
            assert [each.status_code for each in answers] == [404] * 4
    assert (await charlie.get(f"/todos/{todo['id']}/reminders")).status_code == 404
    # The due time moves both, though Bob moves it.
    await bob.patch(f"/todos/{todo['id']}", json={"due": {**DUE, "date": "2030-08-01"}})
    assert (await only(alice, todo))["next_fire_at"] == "2030-08-01T15:00:00Z"
    assert (await only(bob, todo))["next_fire_at"] == "2030-08-01T15:45:00Z"


async def test_reminders_of_a_todo_that_is_not_there(alice: Person) -> None:
    gone = await make(alice)
    await alice.delete(f"/todos/{gone['id']}")
    for todo_id in (str(uuid7()), gone["id"]):
        assert (await alice.get(f"/todos/{todo_id}/reminders")).status_code == 404
        answer = await alice.post(f"/todos/{todo_id}/reminders", json={"before": "PT5M"})
        assert answer.status_code == 404


async def test_the_moment_that_just_passed_still_rings(alice: Person) -> None:
    now = clock.now().astimezone(UTC) - timedelta(seconds=20)
    todo = await make(alice)
    at = {"date": f"{now:%Y-%m-%d}", "time": f"{now:%H:%M:%S}", "timezone": "UTC"}
    assert (await remind(alice, todo, at=at))["next_fire_at"] == f"{now:%Y-%m-%dT%H:%M:%SZ}"


async def test_one_that_is_overdue_and_unsent_stays_due(alice: Person, database_url: str) -> None:
    """No worker ran; an edit that leaves its moment alone must not drop it."""
    made = await make(
        alice,
        due={"date": "2030-07-01", "time": "09:00", "timezone": "UTC"},
        reminders=[{"before": "PT0S"}],
    )
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(
            "UPDATE todos SET due_on = '2020-07-01', due_at = '2020-07-01 09:00Z' WHERE id = %s",
            [made["id"]],
        )
        connection.execute(
            "UPDATE reminders SET next_at = '2020-07-01 09:00Z' WHERE todo_id = %s", [made["id"]]
        )
    same = {"date": "2020-07-01", "time": "09:00", "timezone": None}
    edited = await alice.patch(f"/todos/{made['id']}", json={"due": same})
    assert edited.status_code == 200, edited.text
    told = await alice.get(f"/todos/{made['id']}/reminders")
    assert told.json()["data"][0]["next_fire_at"] == "2020-07-01T09:00:00Z"


@pytest.mark.parametrize("change", ["reopened", "due at another time", "in another zone"])
async def test_a_moment_that_it_fired_at_does_not_come_again(
    alice: Person, database_url: str, change: str
) -> None:
    todo = await make(alice)
    just_now = clock.now() - timedelta(seconds=10)
    at = {"date": f"{just_now:%Y-%m-%d}", "time": f"{just_now:%H:%M:%S}", "timezone": "UTC"}
    made = await remind(alice, todo, at=at)
    assert made["next_fire_at"] is not None  # only just named: it fires, and does so here
    fired = "UPDATE reminders SET next_at = NULL WHERE id = %s RETURNING id"
    await sql(database_url, fired, made["id"])
    if change == "reopened":
        await alice.post(f"/todos/{todo['id']}/complete")
        await alice.post(f"/todos/{todo['id']}/reopen")
    elif change == "due at another time":
        await alice.patch(f"/todos/{todo['id']}", json={"due": DUE})
    else:
        await alice.patch("/me", json={"timezone": "Asia/Tokyo"})
    assert (await only(alice, todo))["next_fire_at"] is None
