"""Each class of what is kept for a while: there until its time is over, and gone right after."""

import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx2
import psycopg
import pytest
from fastapi import FastAPI
from pydantic import SecretStr

from api.main import create_app
from core import clock
from core.db import Database
from core.services import audits, retention
from core.services.retention_rules import RULES
from core.settings import Settings
from tests.core.services import retained
from tests.core.services.retained import Found, Place
from tests.databases import migrated
from tests.forgetting import forget
from tests.people import register
from tests.sandboxes import START, ask, move, sandbox
from tests.todos import make, read
from tests.voicing import memo_of, noise, upload

DAY = timedelta(days=1)
SOON = timedelta(minutes=5)
TOMBSTONES = ("todos", "lists", "series", "calendar_links", "history")


@pytest.fixture(scope="module")
async def site(database_url: str) -> AsyncIterator[tuple[str, FastAPI, httpx2.AsyncClient]]:
    """A database of its own: a moved clock forgets whatever other tests left."""
    url = migrated(database_url, "retention")
    with tempfile.TemporaryDirectory(prefix="vt-") as folder:
        settings = Settings(
            _env_file=None,
            data_dir=Path(folder),
            DATABASE_URL=SecretStr(url),
            rate_limit_auth=1_000_000,
            password_memory_mib=1,
            slack_client_id="C",
            slack_client_secret=SecretStr("s" * 16),
        )
        app = create_app(settings)
        transport = httpx2.ASGITransport(app=app)
        async with (
            app.router.lifespan_context(app),
            httpx2.AsyncClient(transport=transport, base_url="http://api") as http,
        ):
            yield url, app, http


@pytest.fixture
async def place(site: tuple[str, FastAPI, httpx2.AsyncClient]) -> AsyncIterator[Place]:
    url, app, http = site
    database = Database(url, role="vt_app", size=2)
    await database.open()
    yield Place(url, app, database, await register(http, "ada"))
    await database.close()


CASES: list[tuple[str, timedelta, Callable[[Place], Awaitable[Found]]]] = [
    ("sessions", 90 * DAY, retained.session),
    ("sessions", 120 * DAY, retained.session_that_nobody_ends),
    ("idempotency", timedelta(hours=72), retained.answer_under_a_key),
    ("rate_limits", timedelta(hours=1, minutes=1), retained.count_of_requests),
    ("oauth_states", timedelta(hours=1, minutes=10), retained.question_to_a_provider),
    ("history", 30 * DAY, retained.history),
    ("notifications", 90 * DAY, retained.notification),
    ("notifications_read", 30 * DAY, retained.notification_that_was_read),
    ("used_actions", timedelta(days=7, hours=1), retained.link_that_was_used),
    ("audio", 30 * DAY, retained.audio),
    ("uploads", DAY, retained.upload_in_parts),
    ("said", 30 * DAY, retained.words),
    ("words_of_todos", 30 * DAY, retained.words_of_a_todo),
    ("inbound", 7 * DAY, retained.inbound_event),
    ("slack_words", DAY, retained.told_in_slack),
    ("slack", 7 * DAY, retained.told_in_slack_and_done),
    ("connection_activity", 30 * DAY, retained.activity_of_a_connection),
    ("disconnected", 2 * DAY, retained.connection_given_back),
    ("webhook_bodies", 14 * DAY, retained.body_of_a_post),
    ("webhook_deliveries", 30 * DAY, retained.post_to_an_endpoint),
    ("requests", 1095 * DAY, retained.answered_request),
]
# These have tests of their own, here or beside what writes them.
ELSEWHERE = {"audit", "todos", "lists", "series", "calendar_links"} | {
    "exports",  # tests/activities/test_exports.py
    "imports",  # tests/activities/test_imports.py
    "import_rows",
}


def test_every_rule_is_tried() -> None:
    assert {name for name, _, _ in CASES} | ELSEWHERE == {rule.name for rule in RULES}


@pytest.mark.parametrize(
    ("name", "age", "writes"), CASES, ids=lambda value: getattr(value, "__name__", None)
)
async def test_it_goes_when_its_time_is_over(
    place: Place, name: str, age: timedelta, writes: Callable[[Place], Awaitable[Found]]
) -> None:
    began = clock.now()
    found = await writes(place)
    assert await place.counted(found) == 1
    await forget(place.url, name, at=began + age - SOON)
    assert await place.counted(found) == 1
    assert await forget(place.url, name, at=clock.now() + age + SOON) >= 1
    assert await place.counted(found) == 0


async def test_the_audit_log_is_kept_for_twelve_months(place: Place) -> None:
    """Its age is looked at by the database as well, so the entry is made older here."""
    old, young = await retained.audit_entry(place), await retained.audit_entry(place)
    linked, of_nobody = uuid4(), uuid4()
    async with place.app_db.transaction() as tx:
        audits.record(tx, "account.linked", actor_id=place.ada.id, subject_id=linked)
        audits.record(tx, "account.linked", actor_id=uuid4(), subject_id=of_nobody)
    for days, subject in ((366, old[1][0]), (364, young[1][0]), (900, linked), (900, of_nobody)):
        await _aged(place, subject, days)
    assert await forget(place.url, "audit") == 2
    left = await place.sql(
        "SELECT subject_id FROM audit_log WHERE subject_id = ANY (%s)",
        [old[1][0], young[1][0], linked, of_nobody],
    )
    assert {subject for (subject,) in left} == {young[1][0], linked}


async def test_the_audit_log_is_younger_than_anybody_may_touch(place: Place) -> None:
    await retained.audit_entry(place)
    with psycopg.connect(place.url) as connection:
        connection.execute("SET ROLE vt_retention")
        with pytest.raises(psycopg.errors.RaiseException, match="append-only"):
            connection.execute("DELETE FROM audit_log")


async def test_what_was_deleted_is_kept_for_as_long_as_that_can_be_undone(place: Place) -> None:
    ada = place.ada
    listed = await make(
        ada, "milk", list="Shop", reminders=[{"at": {"date": "2031-01-01", "time": "09:00"}}]
    )
    below = await make(ada, "skimmed", parent_id=listed["id"])
    repeated = await make(
        ada, "rent", due={"date": "2031-01-01"}, recurrence={"rrule": "FREQ=MONTHLY"}
    )
    done = (await ada.post(f"/todos/{repeated['id']}/complete")).json()
    began = clock.now()
    sets = [
        (await ada.delete(f"/todos/{each}")).headers["change-set"]
        for each in (listed["id"], done["next"]["id"])
    ]
    await ada.delete(f"/lists/{listed['list_id']}")
    await forget(place.url, *TOMBSTONES, at=began + 30 * DAY - SOON)
    for change_set in sets:
        undone = await ada.post("/undo", json={"change_set": change_set})
        assert undone.status_code == (409 if change_set == sets[0] else 200), undone.text
        if undone.is_success:
            again = await ada.post("/undo", json={"change_set": undone.headers["change-set"]})
            assert again.status_code == 200
    await forget(place.url, *TOMBSTONES, at=clock.now() + 30 * DAY + SOON)
    ids = [UUID(each) for each in (listed["id"], below["id"], done["next"]["id"])]
    for table, column in (
        ("todos", "id"), ("reminders", "todo_id"), ("lists", "workspace_id"),
    ):  # fmt: skip
        values = [ada.id] if table == "lists" else ids
        assert await place.counted((f"{table} WHERE {column} = ANY (%s)", (values,))) == 0
    # What was done stays, with the rule that it came from; and nothing holds on to what is gone.
    assert (await read(ada, repeated["id"]))["status"] == "completed"
    assert await place.counted(("series WHERE workspace_id = %s", (ada.id,))) == 1
    assert "milk" not in str(
        await place.sql("SELECT before FROM events WHERE workspace_id = %s", ada.id)
    )
    fed = await ada.get("/events?since=0")
    assert fed.status_code == 200, fed.text
    late = await ada.post("/undo", json={"change_set": sets[0]})
    assert late.status_code in {404, 409}
    assert (await ada.get("/todos")).status_code == 200


async def test_a_series_goes_with_its_last_todo(place: Place) -> None:
    made = await make(
        place.ada, "rent", due={"date": "2031-01-01"}, recurrence={"rrule": "FREQ=MONTHLY"}
    )
    await place.ada.delete(f"/todos/{made['id']}")
    await forget(place.url, *TOMBSTONES, at=clock.now() + 30 * DAY + SOON)
    for table in ("series", "occurrences"):
        assert await place.counted((f"{table} WHERE workspace_id = %s", (place.ada.id,))) == 0


async def test_in_a_sandbox_its_own_clock_counts(place: Place) -> None:
    room = await sandbox(place.ada)
    path = f"/todos?workspace_id={room}"
    made = (await place.ada.post(path, json={"title": "x"})).json()
    await place.ada.delete(f"/todos/{made['id']}")
    found = "todos WHERE id = %s", (UUID(made["id"]),)
    await forget(place.url, *TOMBSTONES, at=START + 400 * DAY)
    assert await place.counted(found) == 1
    for days, left in ((29, 1), (2, 0)):
        await moved(place, room, f"P{days}D")
        await forget(place.url, *TOMBSTONES)
        assert await place.counted(found) == left


async def moved(place: Place, room: UUID, by: str) -> None:
    assert (await move(place.app_db, await ask(place.ada, room, advance=by))).over


@pytest.mark.parametrize(("chosen", "days"), [(7, 7), (0, 0), (400, 400), (None, 30)], ids=str)
async def test_a_person_chooses_how_long_audio_is_kept(
    place: Place, chosen: int | None, days: int
) -> None:
    """What is there already, and what comes."""
    before = await retained.audio(place)
    body = {"preferences": {"audio_retention_days": chosen}}
    assert (
        await place.ada.patch("/me", json={"preferences": {"audio_retention_days": 3}})
    ).is_success
    assert (await place.ada.patch("/me", json=body)).is_success
    kept = await place.ada.get("/me/notification-preferences")
    assert (await place.ada.put("/me/notification-preferences", json=kept.json())).is_success
    found = [before, await retained.audio(place)]
    if days:
        await forget(place.url, "audio", at=clock.now() + days * DAY - SOON)
        assert [await place.counted(each) for each in found] == [1, 1]
    await forget(place.url, "audio", at=clock.now() + days * DAY + SOON)
    assert [await place.counted(each) for each in found] == [0, 0]
    told = (await place.ada.get(f"/voice/memos/{before[1][0]}")).json()
    assert (told["has_audio"], told["audio_until"]) == (False, None)


@pytest.mark.parametrize("wrong", [-1, 3651, "7", 1.5, True])
async def test_no_other_number_of_days(place: Place, wrong: Any) -> None:
    answer = await place.ada.patch("/me", json={"preferences": {"audio_retention_days": wrong}})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/preferences/audio_retention_days"


async def test_audio_that_is_no_text_yet_is_kept(place: Place) -> None:
    memo_id = memo_of(await upload(place.ada, noise(500)))
    await place.ada.patch("/me", json={"preferences": {"audio_retention_days": 0}})
    await forget(place.url, "audio", at=clock.now() + 400 * DAY)
    assert (await place.ada.get(f"/voice/memos/{memo_id}")).json()["has_audio"]


async def test_bite_by_bite_until_nothing_is_over(place: Place) -> None:
    """What fails leaves what went before it gone, and tells."""
    [rule] = [each for each in RULES if each.name == "inbound"]
    await place.sql(
        "INSERT INTO inbound_events (provider, event_id, received_at)"
        " SELECT 'x', gen_random_uuid()::text, now() - interval '8 days'"
        " FROM generate_series(1, %s)",
        2 * rule.bite + 1,
    )
    database = Database(place.url, role="vt_retention", size=1)
    await database.open()
    try:
        went: list[int] = []
        run = await retention.run(
            database, rule, now=clock.now, longest=timedelta(0), progress=went.append
        )
        assert (went, run.rows, run.unfinished) == ([rule.bite], rule.bite, True)
        await place.sql(
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS"
            " $$ BEGIN RAISE EXCEPTION 'no'; END $$;"
            " CREATE TRIGGER refuse BEFORE DELETE ON inbound_events"
            " FOR EACH ROW EXECUTE FUNCTION refuse()"
        )
        failed = await retention.run(database, rule, now=clock.now)
        assert (failed.rows, failed.error) == (0, "RaiseException")
        await place.sql("DROP TRIGGER refuse ON inbound_events; DROP FUNCTION refuse")
        done = await retention.run(database, rule, now=clock.now)
        assert (done.rows, done.error, done.unfinished) == (rule.bite + 1, None, False)
        async with database.transaction(read_only=True) as tx:
            last = (await retention.runs(tx))[rule.name]
            assert await retention.over(tx, rule, now=clock.now()) == 0
        assert (last.rows, last.error) == (done.rows, None)
        assert last.total >= 2 * rule.bite + 1
        assert last.succeeded_at == last.began_at
    finally:
        await database.close()


async def _aged(place: Place, subject: UUID, days: int) -> None:
    async with await psycopg.AsyncConnection.connect(place.url) as connection:
        await connection.execute("SET LOCAL session_replication_role = replica")
        await connection.execute(
            "UPDATE audit_log SET at = now() - make_interval(days => %s) WHERE subject_id = %s",
            [days, subject],
        )
