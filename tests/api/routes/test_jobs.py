"""The resource of long work; what the work itself does is tested with its activities."""

from typing import Any
from uuid import uuid4

import pytest

from core.db import Database
from core.models.jobs import JobStatus
from core.services import jobs
from tests.people import Person
from tests.sandboxes import ask, job, move, sandbox
from tests.todos import refusal

FIELDS = {"id", "workspace_id", "kind", "status", "progress", "result", "error"}


async def pages(person: Person, path: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    while path:
        answer = await person.get(path)
        assert answer.status_code == 200, answer.text
        found += answer.json()["data"]
        path = answer.headers.get("link", "").partition(">")[0].removeprefix("</api/v1")
    return found


async def test_its_whole_life(app_db: Database, alice: Person, bob: Person) -> None:
    message = await ask(alice, await sandbox(alice), advance="PT1H")
    queued = await job(alice, message)
    assert set(queued) == FIELDS | {"created_at", "updated_at"}
    assert (queued["kind"], queued["status"], queued["progress"]) == ("clock", "queued", 0)
    path = f"/jobs/{message.job_id}"
    etag = (await alice.get(path)).headers["etag"]
    same = await alice.get(path, headers={"If-None-Match": etag})
    assert (same.status_code, same.content) == (304, b"")
    await move(app_db, message)
    done = await alice.get(path, headers={"If-None-Match": etag})
    assert done.status_code == 200
    assert done.json()["status"] == "succeeded"
    assert done.json()["updated_at"] > queued["updated_at"]
    for nobodys in (path, f"/jobs/{uuid4()}"):
        assert (await bob.get(nobodys)).status_code == 404


async def test_ones_own_newest_first(app_db: Database, alice: Person, bob: Person) -> None:
    made = [await ask(alice, await sandbox(alice), advance="PT1H") for _ in range(5)]
    await ask(bob, await sandbox(bob), advance="PT1H")
    await move(app_db, made[3])
    newest_first = [str(each.job_id) for each in made[::-1]]
    assert [each["id"] for each in await pages(alice, "/jobs?limit=2")] == newest_first
    done = await pages(alice, "/jobs?status=succeeded")
    assert [each["id"] for each in done] == [str(made[3].job_id)]
    assert len(await pages(alice, "/jobs?limit=2&status=queued&kind=clock")) == 4
    assert await pages(alice, "/jobs?kind=zone_change") == []
    for query in ("status=done", "kind=cook", "limit=101", "cursor=x"):
        assert (await alice.get(f"/jobs?{query}")).status_code == 422, query
    first = (await alice.get("/jobs?limit=2")).json()["next_cursor"]
    other = await alice.get(f"/jobs?limit=2&status=queued&cursor={first}")
    assert refusal(other)[1:] == ("/query/cursor", "cursor")


async def test_cancel_ends_it_once(app_db: Database, alice: Person, bob: Person) -> None:
    there = await sandbox(alice)
    message = await ask(alice, there, advance="PT1H")
    path = f"/jobs/{message.job_id}/cancel"
    assert (await bob.post(path)).status_code == 404
    first = await alice.post(path)
    assert (first.status_code, first.json()["status"]) == (200, "cancelled")
    assert (await alice.post(path)).json() == first.json()
    done = await ask(alice, there, advance="PT1H")
    await move(app_db, done)
    assert (await alice.post(f"/jobs/{done.job_id}/cancel")).status_code == 409


@pytest.mark.parametrize("end", [JobStatus.FAILED, JobStatus.SUCCEEDED, JobStatus.CANCELLED])
async def test_what_is_over_is_never_written_again(
    app_db: Database, alice: Person, end: JobStatus
) -> None:
    message = await ask(alice, await sandbox(alice), advance="PT1H")
    where = message.workspace_id, message.job_id
    async with app_db.transaction() as tx:
        tx.act_in([message.workspace_id])
        found = await jobs.lock(tx, *where)
        assert found is not None
        jobs.tell(tx, found, 0.5, {"n": 1}, now=tx.began_at)
        jobs.tell(tx, found, 1.0, {"n": 2}, now=tx.began_at)  # never 1 before it is over
    running = await job(alice, message)
    assert (running["status"], running["progress"], running["result"]) == (
        "running",
        0.99,
        {"n": 2},
    )
    async with app_db.transaction() as tx:
        tx.act_in([message.workspace_id])
        jobs.finish(tx, found, end, {"n": 3}, error="why", now=tx.began_at)
    over = await job(alice, message)
    assert (over["status"], over["result"], over["error"]) == (end, {"n": 3}, "why")
    async with app_db.transaction() as tx:
        tx.act_in([message.workspace_id])
        assert await jobs.lock(tx, *where) is None
        jobs.tell(tx, found, 0.1, {}, now=tx.began_at)
        jobs.finish(tx, found, JobStatus.FAILED, {}, now=tx.began_at)
    assert await job(alice, message) == over
