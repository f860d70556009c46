"""One thing of each kind that a person can have, whose ids operations are called with."""

from uuid import UUID

from fastapi import FastAPI

from core import embedded
from core.ids import uuid7
from tests import teams
from tests.operations import BODIES, CONTENT, DUE, HEADERS
from tests.people import Person
from tests.sandboxes import sandbox
from tests.todos import make
from tests.voicing import memo_of, noise, upload


async def objects(app: FastAPI, person: Person) -> dict[str, str]:
    """Ids of what she has, by the names they have in paths and bodies."""
    todo = await make(
        person,
        list="Home",
        tags=["hers"],
        due=DUE,
        reminders=[{"before": "PT1H"}],
        recurrence={"rrule": "FREQ=WEEKLY"},
    )
    changed = await person.patch(f"/todos/{todo['id']}", json={"title": "hers"})
    sessions = (await person.get("/sessions")).json()["data"]
    answer = await person.post("/voice/commands", json={"text": "milk"})
    assert answer.is_success, answer.text
    said = answer.json()
    return {
        "command_id": said["id"],
        "session_id": said["session_id"],
        "todo_id": todo["id"],
        "list_id": todo["list_id"],
        "reminder_id": todo["reminders"][0]["id"],
        "series_id": todo["series_id"],
        "name": "hers",
        "id": sessions[0]["id"],
        "notification_id": await notified(app, person),
        "change_set": changed.headers["change-set"],
        "workspace_id": str(person.id),
        "sandbox_id": str(await sandboxed(person)),
        "job_id": await asked(app, person),
        "subscription_id": await subscribed(person),
        "memo_id": await recorded(app, person),
        "upload_id": await uploading(person),
        "export_id": await exported(app, person),
        "import_id": await imported(person),
        "integration_id": await integrated(app, person),
        "provider": "slack",
        **await told_elsewhere(person),
    }


async def sandboxed(person: Person) -> UUID:
    """A sandbox of hers whose clock nobody moves; one person has few."""
    for each in (await person.get("/workspaces")).json()["data"]:
        if each["kind"] == "sandbox":
            await person.delete(f"/workspaces/{each['id']}")
    return await sandbox(person)


async def subscribed(person: Person) -> str:
    """A browser of hers; the same each time."""
    body = BODIES["create_push_subscription"]
    answer = await person.post("/push/subscriptions", json=body)
    return str(answer.json()["id"])


async def told_elsewhere(person: Person) -> dict[str, str]:
    """An endpoint of hers, with something on its way there; a workspace has few."""
    found = (await person.get("/webhook-endpoints")).json()["data"]
    for each in found[1:]:
        await person.delete(f"/webhook-endpoints/{each['id']}")
    if not found:
        made = await person.post(
            "/webhook-endpoints", json=BODIES["create_webhook_endpoint"] | {"events": ["user.*"]}
        )
        assert made.status_code == 201, made.text
        found = [made.json()]
    endpoint_id = found[0]["id"]
    tried = await person.post(f"/webhook-endpoints/{endpoint_id}/test")
    assert tried.status_code == 202, tried.text
    return {"endpoint_id": endpoint_id, "delivery_id": tried.json()["id"]}


async def recorded(app: FastAPI, person: Person) -> str:
    """A recording of hers that nobody works on any more."""
    sent = await upload(person, noise(500))
    await _sql(
        app,
        "UPDATE jobs SET status = 'cancelled', finished_at = now() WHERE id = %s",
        sent.json()["id"],
    )
    return memo_of(sent)


async def integrated(app: FastAPI, person: Person) -> str:
    """A calendar of hers; the earlier one's provider does not take it any more."""
    await _sql(app, "DELETE FROM connections WHERE user_id = %s", person.id)
    integration_id = str(uuid7())
    await _sql(
        app,
        "INSERT INTO connections (workspace_id, id, user_id, provider, account_id, address, secret,"
        " secret_key, secret_hash, status, updated_at)"
        " VALUES (%s, %s, %s, 'google_calendar', 'x', '', '', '', '', 'active', now())",
        person.id,
        integration_id,
        person.id,
    )
    await _sql(
        app,
        "INSERT INTO calendar_syncs (workspace_id, id, user_id, calendar_id, lane)"
        " VALUES (%s, %s, %s, 'primary', 0)",
        person.id,
        integration_id,
        person.id,
    )
    return integration_id


async def uploading(person: Person) -> str:
    headers = HEADERS["create_upload"]
    begun = await person.post("/voice/uploads", json={}, headers=headers)
    return str(begun.json()["id"])


async def asked(app: FastAPI, person: Person) -> str:
    """A job that is over: of those under way there is one at a time."""
    job_id = str(uuid7())
    await _sql(
        app,
        "INSERT INTO jobs (workspace_id, id, user_id, kind, status, finished_at)"
        " VALUES (%s, %s, %s, 'clock', 'cancelled', now())",
        person.id,
        job_id,
        person.id,
    )
    return job_id


async def exported(app: FastAPI, person: Person) -> str:
    """One whose archive was made, as its row says: a person may ask for five a day."""
    export_id = await asked(app, person)
    await _sql(
        app,
        "INSERT INTO exports (workspace_id, id, user_id, formats, blob, blob_key, ready_at,"
        " expires_at)"
        " VALUES (%s, %s, %s, '{json}', %s, '', now(), now() + interval '1 day')",
        person.id,
        export_id,
        person.id,
        f"exports/{export_id}",
    )
    return export_id


async def imported(person: Person) -> str:
    """One that is over."""
    answer = await person.post("/imports/browser", **CONTENT["migrate_browser"])
    assert answer.status_code == 201, answer.text
    return str(answer.json()["import_id"])


async def notified(app: FastAPI, person: Person) -> str:
    notification_id = str(uuid7())
    await _sql(
        app,
        "INSERT INTO notifications (workspace_id, id, user_id, kind, title)"
        " VALUES (%s, %s, %s, 'reminder', 'hers')",
        person.id,
        notification_id,
        person.id,
    )
    return notification_id


async def _sql(app: FastAPI, statement: str, *values: object) -> None:
    await teams.sql(embedded.database_url(app.state.settings), statement, *values)
