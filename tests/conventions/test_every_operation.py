"""Every operation of the document, tried as nobody, as a stranger, and with forbidden fields.

A route that this file knows nothing of fails it: say below whose objects it works on.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID, uuid4

from fastapi import FastAPI
from httpx2 import AsyncClient, Response

from core import embedded
from core.ids import uuid7
from tests.people import API, Person, register
from tests.sandboxes import sandbox
from tests.teams import sql
from tests.todos import make, read
from tests.voicing import memo_of, noise, upload, wav

PUBLIC: Final = {  # before anybody can be signed in, or for machines
    "register",
    "login",
    "refresh",
    "start_anonymously",
    "verify_email",
    "get_push_key",
    "ask_action",
    "ask_unsubscribe",
    "use_action",  # for whoever holds the link
    "unsubscribe",  # likewise
    "receive_mail_events",  # signed by the mail service
    "receive_slack_command",  # signed by Slack, as the next ones
    "receive_slack_interaction",
    "receive_calendar_news",  # for whoever knows a channel's token
    "receive_slack_event",
    "ask_who_is_in_slack",  # for whoever Slack gave the link
    "begin_from_slack",
    "finish_connecting",  # for whoever holds a state of ours
    "fetch_download",  # for whoever holds a link, once
    "get_erasure_receipt",  # for whoever was given its random id
    "health",
    "ready",
}
OWN: Final = {  # works on nothing but the caller's own account
    "whoami",
    "get_me",
    "edit_me",
    "send_phone_code",
    "verify_phone",
    "logout",
    "upgrade",
    "link",
    "resend_verification",
    "list_sessions",
    "list_notifications",
    "read_all_notifications",
    "preview_digest",
    "show_digest_preview",
    "get_notification_preferences",
    "replace_notification_preferences",
    "list_push_subscriptions",
    "list_integrations",
    "create_push_subscription",
    "list_workspaces",
    "create_workspace",
    "list_jobs",
    "list_exports",
    "create_export",
    "preview_erasure",
    "get_erasure",
    "request_erasure",
    "cancel_erasure",
    "get_consents",
    "put_consents",
    "preview_recurrence",  # looks up the caller's zone
    "explain_recurrence",  # and their language
    "convert_recurrence",  # both
    "list_voice_languages",
}
OUTSIDE: Final = {"list_calendars"}  # asks a vendor, and there is none here
UNDOCUMENTED: Final = {
    "/metrics",
    "/docs",
    f"{API}/openapi.json",
    "/verify-email",
    "/codec/encode",  # the operator's, with a token of its own
    "/codec/decode",
}
FORBIDDEN: Final = {
    "id": str(uuid4()),
    "workspace_id": str(uuid4()),
    "owner_id": str(uuid4()),
    "role": "owner",
    "is_admin": True,
    "created_at": "2020-01-01T00:00:00Z",
    "email_verified": True,
    "deleted_at": None,
}
SECRET: Final = ("password", "hash", "secret", "token")
WITH_TOKENS: Final = {"SignedIn"}  # what signs in, and only there
WITH_SECRET: Final = {("NewWebhookEndpoint", "secret")}  # the one answer that makes it
NO_SECRET: Final = {
    ("VoiceResult", "undo_token"),  # an id that opens nothing to others
    ("WebhookEndpoint", "previous_secret_until"),  # an instant
    ("NewWebhookEndpoint", "previous_secret_until"),
}
PASSWORD: Final = "four-words-nobody-ever-said"
DUE: Final = {"date": "2030-07-01", "time": "18:00", "timezone": "UTC"}
CREDENTIALS: Final = {"email": "nobody@example.com", "password": PASSWORD}
PUSH_KEY: Final = (  # of the example in RFC 8291
    "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
)
# A body that is fine but for who sends it; `{name}` is filled with an id.
BODIES: Final[dict[str, dict[str, Any]]] = {
    "create_todo": {"title": "x"},
    "update_todo": {"title": "x"},
    "replace_todo": {"title": "x"},
    "move_todo": {"due": DUE},
    "create_reminder": {"before": "PT5M"},
    "update_reminder": {"urgent": True},
    "snooze_reminder": {"until": "2031-01-01T00:00:00Z"},
    "create_list": {"name": "x"},
    "update_list": {"name": "x"},
    "rename_tag": {"name": "x"},
    "undo": {"change_set": "{change_set}"},
    "reprocess_memo": {},
    "create_upload": {},
    "request_erasure": {"password": PASSWORD},
    "create_export": {},
    "undo_import": {},
    "put_consents": {"third_party_transcription": False},
    "edit_me": {"name": "x"},
    "update_integration": {},
    "decide_quarantine": {"decision": "keep"},
    "verify_phone": {"code": "123456"},
    "replace_notification_preferences": {},
    "read_all_notifications": {},
    "preview_digest": {},
    "say_voice_command": {"text": "Add x"},
    "confirm_voice_command": {"choice": "no"},
    "begin_voice_session": {},
    "add_quickly": {"text": "x"},
    "create_workspace": {"kind": "sandbox"},
    "move_clock": {"advance": "PT0S"},
    "preview_recurrence": {"recurrence": {"rrule": "FREQ=DAILY"}, "due": DUE},
    "explain_recurrence": {"recurrence": {"rrule": "FREQ=DAILY"}, "due": DUE},
    "convert_recurrence": {"from": "todoist", "text": "every day"},
    "create_webhook_endpoint": {"url": "http://127.0.0.1:8025/hooks/x", "events": ["todo.*"]},
    "update_webhook_endpoint": {"description": "x"},
    "rotate_webhook_secret": {},
    "redeliver_webhooks": {"since": "2026-01-01T00:00:00Z"},
    "create_push_subscription": {
        "endpoint": "http://127.0.0.1:8025/push/x",
        "keys": {"p256dh": PUSH_KEY, "auth": "YWFhYWFhYWFhYWFhYWFhYQ"},
    },
    "register": {**CREDENTIALS},
    "login": CREDENTIALS,
    "link": CREDENTIALS,
    "upgrade": CREDENTIALS,
    "refresh": {"refresh_token": "x" * 43},
    "start_anonymously": {},
    "verify_email": {"token": "x" * 43},
}

# What is sent where the body is no JSON, and the headers that a call does not work without.
CONTENT: Final[dict[str, dict[str, Any]]] = {
    "upload_memo": {"files": {"audio": wav()}},
    "append_to_upload": {"content": wav()},
    "import_data": {"files": {"file": b"[]"}},
    "migrate_browser": {"json": {"todos": [{"id": 1, "text": "x"}]}},
}
HEADERS: Final[dict[str, dict[str, str]]] = {
    "create_upload": {"Upload-Length": str(len(wav()))},
    "append_to_upload": {
        "Upload-Offset": "0",
        "Content-Type": "application/offset+octet-stream",
    },
}


@dataclass(frozen=True, slots=True)
class Operation:
    method: str
    path: str
    id: str
    parameters: frozenset[str]
    takes_body: bool

    @property
    def names_objects(self) -> bool:
        """Somebody's: by an id or name in the path or body, or by their workspace."""
        told = [value for value in BODIES.get(self.id, {}).values() if isinstance(value, str)]
        body = any("{" in value for value in told)
        named = "{" in self.path and self.id not in PUBLIC
        return named or "workspace_id" in self.parameters or body


def operations(app: FastAPI) -> Iterator[Operation]:
    for path, described in app.openapi()["paths"].items():
        for method, each in described.items():
            names = frozenset(p["name"] for p in each.get("parameters", []))
            content = each.get("requestBody", {}).get("content", {})
            takes_body = bool(content) and each["operationId"] not in CONTENT
            yield Operation(method.upper(), path, each["operationId"], names, takes_body)


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
    await sql(
        embedded.database_url(app.state.settings),
        "UPDATE jobs SET status = 'cancelled', finished_at = now() WHERE id = %s",
        sent.json()["id"],
    )
    return memo_of(sent)


async def integrated(app: FastAPI, person: Person) -> str:
    """A calendar of hers; the earlier one's provider does not take it any more."""
    url = embedded.database_url(app.state.settings)
    await sql(url, "DELETE FROM connections WHERE user_id = %s", person.id)
    integration_id = str(uuid7())
    await sql(
        url,
        "INSERT INTO connections (workspace_id, id, user_id, provider, account_id, address, secret,"
        " secret_key, secret_hash, status, updated_at)"
        " VALUES (%s, %s, %s, 'google_calendar', 'x', '', '', '', '', 'active', now())",
        person.id,
        integration_id,
        person.id,
    )
    await sql(
        url,
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
    await sql(
        embedded.database_url(app.state.settings),
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
    await sql(
        embedded.database_url(app.state.settings),
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
    await sql(
        embedded.database_url(app.state.settings),
        "INSERT INTO notifications (workspace_id, id, user_id, kind, title)"
        " VALUES (%s, %s, %s, 'reminder', 'hers')",
        person.id,
        notification_id,
        person.id,
    )
    return notification_id


def nothing() -> dict[str, str]:
    """Ids of the same kinds that nobody has."""
    names = (
        "todo_id",
        "list_id",
        "reminder_id",
        "series_id",
        "notification_id",
        "id",
        "change_set",
        "workspace_id",
        "sandbox_id",
        "job_id",
        "subscription_id",
        "memo_id",
        "upload_id",
        "export_id",
        "import_id",
        "integration_id",
        "command_id",
        "session_id",
        "endpoint_id",
        "delivery_id",
    )
    return {name: str(uuid7()) for name in names} | {
        "name": "unheard-of",
        "provider": "slack",
    }


async def call(
    client: AsyncClient,
    operation: Operation,
    ids: dict[str, str],
    headers: dict[str, str] | None = None,
    extra: dict[str, Any] | None = None,
) -> Response:
    """The operation as it should be called, on the objects of these ids."""
    if operation.path.startswith(f"{API}/workspaces/"):
        ids = ids | {"workspace_id": ids["sandbox_id"]}
    query = f"?workspace_id={ids['workspace_id']}" if "workspace_id" in operation.parameters else ""
    sent = CONTENT.get(operation.id, {})
    if operation.takes_body:
        body = BODIES[operation.id]
        filled = {
            name: value.format(**ids) if isinstance(value, str) else value
            for name, value in body.items()
        }
        sent = {"json": filled | (extra or {})}
    return await client.request(
        operation.method,
        operation.path.format(**ids) + query,
        headers={"If-Match": "*"} | HEADERS.get(operation.id, {}) | (headers or {}),
        **sent,
    )


def shape(answer: Response) -> tuple[Any, ...]:
    told = answer.json()
    return (
        answer.status_code,
        sorted(answer.headers),
        {name: value for name, value in told.items() if name not in {"instance", "trace_id"}},
    )


def test_every_route_is_described(app: FastAPI) -> None:
    described = set(app.openapi()["paths"])
    paths: set[str] = set()
    routes: list[Any] = list(app.routes)
    for route in routes:
        router = getattr(route, "original_router", None)
        paths |= {each.path for each in (router.routes if router else [route])}
    assert len(paths) > 20
    assert {p for p in paths if not {p, API + p} & described} == UNDOCUMENTED


def test_every_operation_is_one_that_is_tried(app: FastAPI) -> None:
    every = list(operations(app))
    ids = {operation.id for operation in every}
    assert len(every) == len(ids) > 20
    assert ids >= PUBLIC | OWN, "names of operations that are no more"
    for operation in every:
        ways = [operation.id in PUBLIC, operation.id in OWN, operation.names_objects]
        assert sum(ways) == 1, f"{operation.id}: whose objects does it work on?"
        assert not operation.takes_body or operation.id in BODIES, operation.id


async def test_nobody_is_told_to_sign_in(app: FastAPI, http: AsyncClient) -> None:
    for operation in operations(app):
        if operation.id in PUBLIC:
            continue
        for headers in (
            {},
            {"Authorization": "Bearer x.y.z"},
            {"Authorization": "Basic YTpi"},
            {"Content-Type": "application/json"},
        ):
            answer = await call(http, operation, nothing(), headers)
            assert answer.status_code == 401, (operation.id, answer.text)
            assert answer.headers["content-type"] == "application/problem+json"
            assert answer.headers["www-authenticate"].startswith("Bearer")
        if operation.takes_body:
            path = operation.path.format(**nothing())
            malformed = await http.request(
                operation.method, path, content="{", headers={"Content-Type": "application/json"}
            )
            assert malformed.status_code == 401, operation.id


async def test_a_stranger_finds_nothing(
    app: FastAPI, http: AsyncClient, alice: Person, charlie: Person
) -> None:
    hers = await objects(app, alice)
    before = await read(alice, hers["todo_id"])
    tried = 0
    for operation in operations(app):
        if operation.id in PUBLIC | OWN:
            continue
        found = await call(http, operation, hers, charlie.headers)
        random = await call(http, operation, nothing(), charlie.headers)
        assert found.status_code == 404, (operation.id, found.text)
        assert shape(found) == shape(random), operation.id
        # One's own workspace, and somebody else's object in it.
        mixed = await call(
            http, operation, hers | {"workspace_id": str(charlie.id)}, charlie.headers
        )
        named = operation.path.replace("{provider}", "")  # of a provider there is nobody's
        lists = "{" not in named and operation.id != "undo"
        assert mixed.status_code == 404 or (lists and mixed.is_success), operation.id
        assert hers["todo_id"] not in mixed.text.replace(mixed.request.url.path, "")
        tried += 1
    assert tried > 15
    assert await read(alice, hers["todo_id"]) == before


async def test_the_same_calls_work_for_their_owner(
    app: FastAPI, http: AsyncClient, alice: Person
) -> None:
    """Else a 404 above could be one for a wrong path."""
    for operation in operations(app):
        if operation.id in PUBLIC | OWN | OUTSIDE:
            continue
        answer = await call(http, operation, await objects(app, alice), alice.headers)
        if operation.id == "end_session":  # her own, and only one
            alice = await register(http)
        if operation.id == "create_list":
            await alice.delete(answer.headers["location"].removeprefix(API))
        shown = answer.is_success or answer.status_code == 303  # the way to a download
        assert shown, (operation.id, answer.text)


async def test_forbidden_fields_are_refused(app: FastAPI, http: AsyncClient, alice: Person) -> None:
    hers = await objects(app, alice)
    tried = 0
    for operation in operations(app):
        if not operation.takes_body:
            continue
        for name, value in FORBIDDEN.items():
            answer = await call(http, operation, hers, alice.headers, {name: value})
            assert answer.status_code == 422, (operation.id, name, answer.text)
            assert f"/{name}" in [e["pointer"] for e in answer.json()["errors"]], operation.id
            tried += 1
    assert tried >= 8 * 14
    assert (await read(alice, hers["todo_id"]))["title"] == "hers"


def properties(schema: Any, schemas: dict[str, Any], seen: set[str]) -> Iterator[tuple[str, str]]:
    """(schema, property) of everything that this answer can hold."""
    if isinstance(schema, list):
        for each in schema:
            yield from properties(each, schemas, seen)
    if not isinstance(schema, dict):
        return
    name = str(schema.get("$ref", "")).rpartition("/")[2]
    if name and name not in seen:
        seen.add(name)
        for key in schemas[name].get("properties", {}):
            yield name, key
        yield from properties(list(schemas[name].values()), schemas, seen)
        yield from properties(schemas[name].get("properties", {}), schemas, seen)
    yield from properties(
        [v for v in schema.values() if isinstance(v, (dict, list))], schemas, seen
    )


def test_answers_hold_no_secrets(app: FastAPI) -> None:
    document = app.openapi()
    schemas = document["components"]["schemas"]
    found = set()
    for described in document["paths"].values():
        for each in described.values():
            bodies = [answer.get("content", {}) for answer in each["responses"].values()]
            found |= set(properties(bodies, schemas, set()))
    assert ("Todo", "title") in found
    told = {
        (schema, name) for schema, name in found if any(word in name.lower() for word in SECRET)
    } - NO_SECRET
    assert told >= WITH_SECRET
    told -= WITH_SECRET
    assert {schema for schema, _ in told} == WITH_TOKENS
    assert {name for _, name in told} == {"access_token", "refresh_token", "token_type"}
