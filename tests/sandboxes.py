"""Sandboxes made through the API, and what moves their clocks, without Temporal around it."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from temporalio.testing import ActivityEnvironment

from activities.channels import Channels
from activities.clock import Clocks, Moved
from core.db import Database
from core.messages import JobMessage
from tests.people import Person
from workflows.registry import handlers

START = datetime(2027, 3, 26, 8, tzinfo=UTC)  # a Friday before Berlin's clocks go forward


async def sandbox(person: Person, now: datetime = START, name: str = "Try") -> UUID:
    body = {"kind": "sandbox", "name": name, "now": now.isoformat()}
    answer = await person.post("/workspaces", json=body)
    assert answer.status_code == 201, answer.text
    assert answer.headers["location"] == f"/api/v1/workspaces/{answer.json()['id']}"
    return UUID(answer.json()["id"])


async def todo(person: Person, workspace_id: UUID, title: str, at: str) -> Any:
    """With a reminder in the app at this wall time of UTC, `2027-03-26T09:00`."""
    day, _, time = at.partition("T")
    reminder = {"at": {"date": day, "time": time, "timezone": "UTC"}, "channels": ["in_app"]}
    body = {"title": title, "reminders": [reminder]}
    answer = await person.post(f"/todos?workspace_id={workspace_id}", json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def ask(person: Person, workspace_id: UUID, **body: str) -> JobMessage:
    """Ask for the clock to be moved; the job's message."""
    answer = await person.post(f"/workspaces/{workspace_id}/clock", json=body)
    assert answer.status_code == 202, answer.text
    job = answer.json()
    assert answer.headers["location"] == f"/api/v1/jobs/{job['id']}"
    return JobMessage(workspace_id, UUID(job["id"]))


def clocks(app_db: Database, **numbers: Any) -> Clocks:
    """As the worker makes it; `numbers` are those that only tests set."""

    def at(now: Callable[[], datetime]) -> Any:
        return handlers(app_db, app_db, Channels({}), dev=False, now=now)

    return Clocks(app_db, at, **numbers)


async def move(app_db: Database, message: JobMessage, **numbers: Any) -> Moved:
    """Run slices until the job is over."""
    while True:
        moved = await ActivityEnvironment().run(clocks(app_db, **numbers).advance, message)
        if moved.over:
            return moved


async def job(person: Person, message: JobMessage) -> dict[str, Any]:
    answer = await person.get(f"/jobs/{message.job_id}")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def clock_at(person: Person, workspace_id: UUID) -> datetime:
    answer = await person.get(f"/workspaces/{workspace_id}")
    assert answer.status_code == 200, answer.text
    return datetime.fromisoformat(answer.json()["clock_at"])


async def deliveries(person: Person, workspace_id: UUID) -> list[dict[str, Any]]:
    """Oldest first."""
    answer = await person.get(f"/workspaces/{workspace_id}/deliveries?limit=100")
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["data"]
    return found[::-1]
