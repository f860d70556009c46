"""What is floating follows its person: in the request where it is little, else in a job."""

import random
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from temporalio.testing import ActivityEnvironment

from activities.zones import Rearmed, Zones
from core.db import Database
from core.ids import uuid7
from core.messages import JobMessage, ZoneMessage
from core.rules import zones
from core.services import rearming
from tests.people import Person
from tests.sandboxes import START, ask, clock_at, move, sandbox, todo
from tests.teams import join, sql, team
from tests.todos import make, read

BERLIN = ZoneInfo("Europe/Berlin")
ROWS = """
    SELECT id, next_at, armed_zone FROM reminders WHERE user_id = %s
    UNION ALL SELECT id, due_at, NULL FROM todos WHERE created_by = %s ORDER BY id, armed_zone
"""


async def rows(database_url: str, person: Person) -> list[Any]:
    return await sql(database_url, ROWS, person.id, person.id)


async def many(database_url: str, person: Person, count: int, *, days: int = 2) -> None:
    """Todos due floating on as many days to come, armed in UTC, each with two reminders."""
    first = date.today() + timedelta(days=days)  # noqa: DTZ011 - days ahead, any zone will do
    await sql(
        database_url,
        "INSERT INTO todos (workspace_id, id, title, position, due_on, due_time, due_at,"
        " created_by)"
        " SELECT %s, gen_random_uuid(), n::text, n, d, '09:00', (d + time '09:00') AT TIME ZONE"
        " 'UTC', %s FROM generate_series(1, %s) n, LATERAL (SELECT %s::date + (n %% 400)::int)"
        " AS s (d)",
        person.id,
        person.id,
        count,
        first,
    )
    await sql(
        database_url,
        "INSERT INTO reminders (workspace_id, id, todo_id, user_id, lane, next_at, arm_no,"
        " before_s, armed_zone, armed_tzdata)"
        " SELECT workspace_id, gen_random_uuid(), id, created_by, 7000, due_at - b, 1,"
        " extract(epoch FROM b)::int, 'UTC', %s FROM todos,"
        " (VALUES (interval '0'), (interval '1 hour')) AS v (b) WHERE created_by = %s",
        zones.tzdata_version(),
        person.id,
    )


async def change(person: Person, **fields: str) -> JobMessage | None:
    answer = await person.patch("/me", json=fields)
    assert answer.status_code == 200, answer.text
    link = answer.headers.get("link")
    if link is None:
        return None
    assert link.endswith('; rel="monitor"')
    return JobMessage(person.id, UUID(link.partition(">")[0].rpartition("/")[2]))


async def run(app_db: Database, message: JobMessage, *, slice_s: float = 3.0) -> list[Rearmed]:
    done = [Rearmed(rearming.START, 0, 0, 0)]
    while done[-1].after is not None:
        activity = Zones(app_db, slice_s=slice_s)
        cursor = done[-1].after if len(done) > 1 else None
        done.append(await ActivityEnvironment().run(activity.change, ZoneMessage(message, cursor)))
    return done[1:]


async def test_little_moves_with_the_request(alice: Person) -> None:
    day = (datetime.now(BERLIN) + timedelta(days=30)).date()
    made = await make(
        alice,
        due={"date": day.isoformat(), "time": "08:00"},
        reminders=[
            {"before": "PT1H"},
            {"at": {"date": day.isoformat(), "time": "07:30"}},
            {"at": {"date": day.isoformat(), "time": "07:30", "timezone": "Asia/Tokyo"}},
        ],
    )
    assert await change(alice, timezone="Europe/Berlin") is None
    found = await read(alice, made["id"])
    eight = datetime.combine(day, time(8), BERLIN)
    assert datetime.fromisoformat(found["due_at"]) == eight
    assert {datetime.fromisoformat(each["next_fire_at"]) for each in found["reminders"]} == {
        eight - timedelta(hours=1),
        eight - timedelta(minutes=30),
        datetime.combine(day, time(7, 30), ZoneInfo("Asia/Tokyo")),
    }
    assert (await alice.get("/jobs")).json()["data"] == []


async def test_the_all_day_time_moves_what_counts_from_it(alice: Person) -> None:
    day = (datetime.now(BERLIN) + timedelta(days=30)).date()
    made = await make(alice, due={"date": day.isoformat()}, reminders=[{"before": "PT0S"}])
    await change(alice, all_day_time="07:15")
    [reminder] = (await read(alice, made["id"]))["reminders"]
    assert reminder["next_fire_at"] == f"{day}T07:15:00Z"


async def test_much_moves_in_a_job(app_db: Database, alice: Person, database_url: str) -> None:
    await many(database_url, alice, 400)
    before = await rows(database_url, alice)
    message = await change(alice, timezone="Asia/Tokyo")
    assert message is not None
    assert await rows(database_url, alice) == before  # the request did not wait for it
    queued = (await alice.get(f"/jobs/{message.job_id}")).json()
    assert (queued["kind"], queued["status"], queued["progress"]) == ("zone_change", "queued", 0)
    [asked] = await sql(
        database_url,
        "SELECT workflow_type, workflow_id FROM outbox WHERE subject_id = %s",
        message.job_id,
    )
    assert asked == ("ChangeZone", f"job:{message.job_id}")

    slices = await run(app_db, message, slice_s=0.0)
    assert len(slices) > 400 * 3 / 200
    moved = [each.moved for each in slices]
    assert moved == sorted(moved)
    assert moved[-1] == 1200
    done = (await alice.get(f"/jobs/{message.job_id}")).json()
    assert (done["status"], done["progress"]) == ("succeeded", 1)
    result = {"timezone": ["UTC", "Asia/Tokyo"], "total": 1200, "looked_at": 1200, "moved": 1200}
    assert done["result"] == result
    after = await rows(database_url, alice)
    for (key, was, zone), (same, at, now_zone) in zip(before, after, strict=True):
        assert key == same
        assert was - at == timedelta(hours=9)
        assert (zone, now_zone) in {("UTC", "Asia/Tokyo"), (None, None)}


async def test_the_soonest_are_moved_first(
    app_db: Database, alice: Person, database_url: str
) -> None:
    await many(database_url, alice, 300)
    message = await change(alice, timezone="Asia/Tokyo")
    assert message is not None
    activity = Zones(app_db, slice_s=0.0)
    await ActivityEnvironment().run(activity.change, ZoneMessage(message, None))
    moved = await sql(
        database_url,
        "SELECT count(*), max(next_at + interval '9 h') FROM reminders"
        " WHERE user_id = %s AND armed_zone = 'Asia/Tokyo'",
        alice.id,
    )
    left = await sql(
        database_url,
        "SELECT count(*), min(next_at) FROM reminders WHERE user_id = %s AND armed_zone = 'UTC'",
        alice.id,
    )
    assert (moved[0][0], left[0][0]) == (200, 400)
    assert moved[0][1] <= left[0][1]


async def test_killed_and_begun_anew_it_ends_the_same(
    app_db: Database, alice: Person, database_url: str
) -> None:
    await many(database_url, alice, 150)
    message = await change(alice, timezone="America/New_York")
    assert message is not None
    activity = Zones(app_db, slice_s=0.0)
    for _ in range(2):  # the answer was lost: the same slice again
        await ActivityEnvironment().run(activity.change, ZoneMessage(message, None))
    assert (await run(app_db, message))[-1].moved == 450
    moved = await rows(database_url, alice)
    assert (await run(app_db, message))[-1] == Rearmed(None, 450, 450, 450)
    assert await rows(database_url, alice) == moved
    [(most,)] = await sql(
        database_url, "SELECT max(arm_no) FROM reminders WHERE user_id = %s", alice.id
    )
    assert most == 2


async def test_a_newer_change_takes_the_place_of_an_older(
    app_db: Database, alice: Person, database_url: str
) -> None:
    await many(database_url, alice, 150)
    before = await rows(database_url, alice)
    first = await change(alice, timezone="Asia/Tokyo")
    assert first is not None
    activity = Zones(app_db, slice_s=0.0)
    await ActivityEnvironment().run(activity.change, ZoneMessage(first, None))
    second = await change(alice, timezone="UTC")
    assert second is not None
    assert second != first
    old = (await alice.get(f"/jobs/{first.job_id}")).json()
    assert (old["status"], old["error"]) == ("cancelled", "a newer change took its place")
    assert (await run(app_db, first))[-1].after is None
    assert (await run(app_db, second))[-1].moved == 200  # what the first one had moved
    assert await rows(database_url, alice) == before
    answer = await alice.post(f"/jobs/{second.job_id}/cancel")
    assert answer.status_code == 409


async def test_there_and_back_is_where_it_was(alice: Person, database_url: str) -> None:
    """Over all zones, with walls in gaps, folds and on the edge of having passed."""
    await change(alice, timezone="Europe/Berlin")
    now = datetime.now(BERLIN).replace(second=0, microsecond=0)
    walls = [now + timedelta(hours=hours) for hours in (1, 3, 9, 14, 30)]
    walls += [datetime(2028, 3, 26, 2, 30, tzinfo=BERLIN), datetime(2028, 10, 29, 2, 30)]  # noqa: DTZ001 - a wall time
    for wall in walls:
        day, clock = f"{wall:%Y-%m-%d}", f"{wall:%H:%M}"
        await make(
            alice,
            due={"date": day, "time": clock},
            reminders=[{"at": {"date": day, "time": clock}}, {"before": "PT30M"}],
        )
    await make(alice, due={"date": "2028-02-29"}, reminders=[{"before": "P1D"}])
    before = await rows(database_url, alice)
    assert sum(at is not None for _, at, _ in before) > 20
    names = random.Random(20270328).sample(sorted(zones.known()), 40)  # noqa: S311 - the same each time
    for name in ["Pacific/Kiritimati", "Pacific/Pago_Pago", *names]:
        await change(alice, timezone=name)
        if name == "Pacific/Kiritimati":  # what has passed there is not armed there
            assert sum(at is None for _, at, _ in await rows(database_url, alice)) >= 6
        await change(alice, timezone="Europe/Berlin")
        assert await rows(database_url, alice) == before, name


@pytest.mark.parametrize("snoozed", [False, True])
async def test_what_fired_does_not_fire_again_and_a_snooze_stays(
    app_db: Database,
    alice: Person,
    database_url: str,
    snoozed: bool,  # noqa: FBT001 - of the table
) -> None:
    """On the clock of a sandbox: nine o'clock comes once more further west."""
    there = await sandbox(alice)
    made = await todo(alice, there, "x", "2027-03-26T09:00")
    [reminder] = made["reminders"]
    floating = {"at": {"date": "2027-03-26", "time": "09:00"}}
    assert (await alice.patch(f"/reminders/{reminder['id']}", json=floating)).is_success
    await move(app_db, await ask(alice, there, to="2027-03-26T09:00:01Z"))
    if snoozed:
        body = {"until": "2027-03-26T10:00:00Z"}
        snooze = await alice.post(f"/reminders/{reminder['id']}/snooze", json=body)
        assert snooze.status_code == 200, snooze.text
    before = await rows(database_url, alice)
    for zone in ("America/New_York", "Asia/Tokyo", "UTC"):
        await change(alice, timezone=zone)
        assert (await rows(database_url, alice))[0] == before[0]
    if snoozed:
        await move(app_db, await ask(alice, there, to="2027-03-26T10:00:01Z"))
        await change(alice, timezone="America/New_York")
        [found] = (await read(alice, made["id"]))["reminders"]
        assert found["next_fire_at"] is None


async def test_a_sandbox_is_moved_by_its_own_clock(alice: Person) -> None:
    """What has passed is a matter of the time there, not of ours."""
    there = await sandbox(alice, now=START - timedelta(days=3650))
    body = {
        "title": "x",
        "due": {"date": f"{START - timedelta(days=3649):%Y-%m-%d}", "time": "09:00"},
        "reminders": [{"before": "PT0S"}],
    }
    made = (await alice.post(f"/todos?workspace_id={there}", json=body)).json()
    await change(alice, timezone="Asia/Tokyo")
    found = await read(alice, made["id"])
    assert found["due_at"] == found["reminders"][0]["next_fire_at"]
    assert found["due_at"].endswith("T00:00:00Z")
    assert await clock_at(alice, there) == START - timedelta(days=3650)


async def test_where_one_only_looks_ones_reminders_move_too(
    app_db: Database, alice: Person, bob: Person, database_url: str
) -> None:
    """A request may not write there; the worker may."""
    shared = await team(database_url, owner=alice)
    await join(database_url, shared, bob, "member")
    day = (datetime.now(BERLIN) + timedelta(days=30)).date().isoformat()
    todo_id = (await alice.post(f"/todos?workspace_id={shared}", json={"title": "x"})).json()["id"]
    body = {"at": {"date": day, "time": "09:00"}}
    made = await bob.post(f"/todos/{todo_id}/reminders", json=body)
    assert made.status_code == 201, made.text
    await sql(
        database_url,
        "UPDATE memberships SET role = 'viewer' WHERE user_id = %s AND workspace_id = %s",
        bob.id,
        shared,
    )
    message = await change(bob, timezone="Asia/Tokyo")
    assert message is not None
    await run(app_db, message)
    [(at,)] = await sql(
        database_url, "SELECT next_at FROM reminders WHERE id = %s", made.json()["id"]
    )
    assert at == datetime.fromisoformat(f"{day}T00:00:00Z")


async def test_an_unknown_job_is_over(app_db: Database, alice: Person) -> None:
    [done] = await run(app_db, JobMessage(alice.id, uuid7()))
    assert done == Rearmed(None, 0, 0, 0)
