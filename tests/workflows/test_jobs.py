"""Long work all the way: a row of the outbox, the relay, real Temporal, the parts of a worker."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest
from temporalio.client import Client, WorkflowFailureError, WorkflowHandle
from temporalio.exceptions import CancelledError

from activities.channels import Channels
from core import clock
from core.actor import Actor
from core.db import Database
from core.ids import uuid7
from core.models.jobs import JobKind
from core.services import jobs, sandboxes
from tests.connecting import unconnected
from tests.memos import deaf
from tests.patience import until
from tests.reminding import Scene, scene
from worker import new_worker
from workflows import registry
from workflows.relay import Relay

START = datetime(2027, 3, 26, 8, tzinfo=UTC)
HOUR = timedelta(hours=1)
QUEUED = "SELECT 1 FROM jobs WHERE id = %s AND status = 'queued'"


@pytest.fixture
async def people_db(relay_url: str) -> AsyncIterator[Database]:
    database = Database(relay_url, role="vt_app", size=4)
    await database.open()
    yield database
    await database.close()


def own_clock(url: str, at: Scene, clock_at: datetime) -> UUID:
    """A sandbox of theirs with their todos in it."""
    sandbox_id = uuid7()
    with psycopg.connect(url) as connection:
        for statement in (
            (
                "INSERT INTO workspaces (id, kind, name, clock_at)"
                " VALUES (%(to)s, 'sandbox', 'S', %(at)s)"
            ),
            "INSERT INTO feeds (workspace_id) VALUES (%(to)s)",
            (
                "INSERT INTO memberships (user_id, workspace_id, role)"
                " VALUES (%(user)s, %(to)s, 'owner')"
            ),
            (
                "INSERT INTO todos (workspace_id, id, title, position) SELECT %(to)s, id, title, 1"
                " FROM todos WHERE workspace_id = %(user)s"
            ),
            "UPDATE reminders SET workspace_id = %(to)s, lane = NULL WHERE user_id = %(user)s",
        ):
            parameters = {"to": sandbox_id, "at": clock_at, "user": at.user_id}
            connection.execute(statement.encode(), parameters)
    return sandbox_id


async def begin(
    db: Database, people_db: Database, client: Client, at: Scene, sandbox_id: UUID
) -> tuple[UUID, WorkflowHandle[Any, Any]]:
    async with people_db.transaction() as tx:
        tx.act_in([at.user_id, sandbox_id], at.user_id)
        job = await sandboxes.move_clock(
            tx,
            Actor(at.user_id, uuid7()),
            sandbox_id,
            advance=3 * HOUR,
            to=None,
            now=clock.now(),
        )
    await Relay(db, client).step()
    return job.id, client.get_workflow_handle(jobs.workflow_id(job.id))


def parts(people_db: Database, db: Database) -> Any:
    ending = unconnected(people_db)
    return registry.activities(
        people_db, db, Channels({}), deaf(), dev=False, lanes=1, ending=ending
    )


async def test_a_clock_moves_all_the_way(
    db: Database, people_db: Database, temporal_client: Client, relay_url: str
) -> None:
    at = scene(relay_url, [START + HOUR, START + 2 * HOUR, START + 4 * HOUR])
    sandbox_id = own_clock(relay_url, at, START)
    job_id, handle = await begin(db, people_db, temporal_client, at, sandbox_id)
    async with new_worker(temporal_client, parts(people_db, db)):
        assert await handle.result() == 2
    [job] = at.rows("SELECT * FROM jobs WHERE id = %s", job_id)
    assert (job["kind"], job["status"], job["progress"]) == (JobKind.CLOCK, "succeeded", 1)
    assert [each["sent_at"] for each in at.deliveries()] == [START + HOUR, START + 2 * HOUR]
    [place] = at.rows("SELECT clock_at FROM workspaces WHERE id = %s", sandbox_id)
    assert place["clock_at"] == START + 3 * HOUR
    [execution] = at.rows("SELECT open FROM executions WHERE subject_id = %s", job_id)
    assert execution["open"] is False
    assert "clock of a sandbox" in (await (await handle.describe()).static_summary() or "")


async def test_an_operator_may_stop_it(
    db: Database, people_db: Database, temporal_client: Client, relay_url: str
) -> None:
    """A worker died with a row in its hands: the next one waits, and is told to leave it."""
    at = scene(relay_url, [START + HOUR])
    sandbox_id = own_clock(relay_url, at, START)
    job_id, handle = await begin(db, people_db, temporal_client, at, sandbox_id)
    at.run(
        "INSERT INTO leases (kind, workspace_id, row_id, arm_no, token, until)"
        " VALUES ('reminders', %s, %s, 1, %s, now() + interval '1 hour')",
        sandbox_id,
        at.reminders[0],
        uuid7(),
    )
    async with new_worker(temporal_client, parts(people_db, db)):
        await until(lambda: not at.rows(QUEUED, job_id))
        await handle.cancel()
        with pytest.raises(WorkflowFailureError) as caught:
            await handle.result()
    assert isinstance(caught.value.cause, CancelledError)
    [job] = at.rows("SELECT * FROM jobs WHERE id = %s", job_id)
    assert (job["status"], job["error"]) == ("cancelled", "an operator stopped it")


async def test_a_person_with_much_follows_to_another_zone(
    db: Database, people_db: Database, temporal_client: Client, relay_url: str
) -> None:
    tomorrow = clock.now().replace(microsecond=0) + timedelta(days=1)
    at = scene(relay_url, [tomorrow + n * timedelta(minutes=1) for n in range(250)])
    at.run("UPDATE users SET timezone = 'Asia/Tokyo' WHERE id = %s", at.user_id)
    async with people_db.transaction() as tx:
        tx.act_in([at.user_id], at.user_id)
        job = jobs.create(
            tx,
            JobKind.ZONE_CHANGE,
            {"timezone": ["UTC", "Asia/Tokyo"], "moved": 0},
            workspace_id=at.user_id,
            user_id=at.user_id,
            now=clock.now(),
        )
    await Relay(db, temporal_client).step()
    handle = temporal_client.get_workflow_handle(jobs.workflow_id(job.id))
    async with new_worker(temporal_client, parts(people_db, db)):
        assert await handle.result() == 250
    rows = at.rows("SELECT next_at FROM reminders WHERE user_id = %s ORDER BY 1", at.user_id)
    assert rows[0]["next_at"] == tomorrow - timedelta(hours=9)
    assert rows[-1]["next_at"] == tomorrow + timedelta(minutes=249) - timedelta(hours=9)
