"""What is kept for a while, each written by whoever writes it; and whether it is still there.

A maker answers what finds it: SQL with its values, which counts rows.
"""

from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from fastapi import FastAPI

from core.crypto import digest
from core.db import Database
from core.ids import uuid7
from core.models.slack_inbound import InboundKind
from core.rules.data_requests import RequestKind, RequestOutcome
from core.services import audio_times, audits, data_requests, slack_inbound
from core.services.slack_inbound import Ending, Told
from tests.people import Person
from tests.teams import sql
from tests.todos import make
from tests.voicing import hear, memo_of, noise, upload

Found = tuple[str, tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class Place:
    """An installation whose clock may be moved: nobody else's rows are in its database."""

    url: str
    app: FastAPI
    app_db: Database
    ada: Person

    async def sql(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        return await sql(self.url, statement, *values)

    async def counted(self, found: Found) -> int:
        statement, values = found
        ((count,),) = await self.sql(f"SELECT count(*) FROM {statement}", *values)  # noqa: S608 - constants of this module
        return int(count)


async def session(at: Place) -> Found:
    answer = await at.ada.post("/auth/logout")
    assert answer.status_code == 204
    return "refresh_tokens JOIN sessions s ON s.id = session_id WHERE user_id = %s", (at.ada.id,)


async def session_that_nobody_ends(at: Place) -> Found:
    return "sessions WHERE user_id = %s", (at.ada.id,)


async def answer_under_a_key(at: Place) -> Found:
    key = {"Idempotency-Key": uuid4().hex}
    answer = await at.ada.post("/todos", json={"title": "x"}, headers=key)
    assert answer.status_code == 201
    return "idempotency_keys WHERE user_id = %s", (at.ada.id,)


async def count_of_requests(at: Place) -> Found:
    await at.ada.get("/me")
    return "rate_limits WHERE key LIKE '%%:' || %s::text", (at.ada.id,)


async def question_to_a_provider(at: Place) -> Found:
    answer = await at.ada.post("/integrations/slack/connect")
    assert answer.status_code in {200, 201, 202}, answer.text
    return "oauth_states WHERE user_id = %s", (at.ada.id,)


async def history(at: Place) -> Found:
    todo = await make(at.ada)
    await at.ada.patch(f"/todos/{todo['id']}", json={"title": "other"})
    return "events WHERE workspace_id = %s AND before <> '{}'::jsonb", (at.ada.id,)


async def notification(at: Place) -> Found:
    await at.sql(
        "INSERT INTO notifications (workspace_id, id, user_id, kind, title)"
        " VALUES (%s, %s, %s, 'reminder', 'x')",
        at.ada.id,
        uuid7(),
        at.ada.id,
    )
    return "notifications WHERE user_id = %s", (at.ada.id,)


async def notification_that_was_read(at: Place) -> Found:
    found = await notification(at)
    answer = await at.ada.post("/notifications/read-all")
    assert answer.is_success, answer.text
    return found


async def link_that_was_used(at: Place) -> Found:
    await at.sql(
        "INSERT INTO used_actions (workspace_id, id, user_id, used_at, expires_at)"
        " VALUES (%s, %s, %s, now(), now() + interval '7 days')",
        at.ada.id,
        uuid7(),
        at.ada.id,
    )
    return "used_actions WHERE user_id = %s", (at.ada.id,)


async def audio(at: Place) -> Found:
    memo_id = UUID(memo_of(await upload(at.ada, noise(500))))
    await hear(at.app, at.app_db, at.ada, memo_id, "Add milk", quality="standard")
    settings = at.app.state.settings
    async with at.app_db.transaction() as tx:
        tx.act_in([at.ada.id])
        audio_times.begin(tx, at.ada.id, memo_id, settings.audio_retention, now=tx.began_at)
    return "voice_memos WHERE id = %s AND blob IS NOT NULL", (memo_id,)


async def upload_in_parts(at: Place) -> Found:
    head = {"Upload-Length": "1000"}
    answer = await at.ada.post("/voice/uploads", json={}, headers=head)
    assert answer.status_code == 201, answer.text
    return "voice_uploads WHERE user_id = %s", (at.ada.id,)


async def words(at: Place) -> Found:
    said = await at.ada.post("/voice/commands", json={"text": "Add milk"})
    assert said.json()["executed"], said.text
    return "voice_commands WHERE user_id = %s AND sealed IS NOT NULL", (at.ada.id,)


async def words_of_a_todo(at: Place) -> Found:
    await words(at)
    return "todo_voice WHERE workspace_id = %s AND original_text IS NOT NULL", (at.ada.id,)


async def inbound_event(at: Place) -> Found:
    key = uuid4().hex
    await at.sql("INSERT INTO inbound_events (provider, event_id) VALUES ('sendgrid', %s)", key)
    return "inbound_events WHERE event_id = %s", (key,)


async def told_in_slack(at: Place) -> Found:
    told = Told(InboundKind.COMMAND, uuid4().hex, "T1", "U1", body={"text": "x"})
    async with at.app_db.transaction() as tx:
        assert await slack_inbound.take(tx, told, now=tx.began_at)
    return "slack_inbound WHERE id = %s", (told.id,)


async def told_in_slack_and_done(at: Place) -> Found:
    statement, (inbound_id,) = await told_in_slack(at)
    async with at.app_db.transaction() as tx:
        inbound = await slack_inbound.lock(tx, inbound_id)
        assert inbound is not None
        slack_inbound.done(tx, inbound, Ending("x"), now=tx.began_at)
    return statement, (inbound_id,)


async def activity_of_a_connection(at: Place) -> Found:
    connection_id = await _connection(at, "active")
    await at.sql(
        "INSERT INTO connection_activity (workspace_id, id, connection_id, at, direction, action)"
        " VALUES (%s, %s, %s, now(), 'read', 'x')",
        at.ada.id,
        uuid7(),
        connection_id,
    )
    return "connection_activity WHERE connection_id = %s", (connection_id,)


async def connection_given_back(at: Place) -> Found:
    return "connections WHERE id = %s", (await _connection(at, "disconnecting"),)


async def _connection(at: Place, status: str) -> UUID:
    connection_id = uuid7()
    await at.sql(
        "INSERT INTO connections (workspace_id, id, user_id, provider, account_id, address, secret,"
        " secret_key, secret_hash, status, updated_at)"
        " VALUES (%s, %s, %s, 'slack', 'T', 'U', '', '', %s, %s, now())",
        at.ada.id,
        connection_id,
        at.ada.id,
        digest(connection_id.hex),
        status,
    )
    return connection_id


async def post_to_an_endpoint(at: Place) -> Found:
    endpoint_id, delivery_id = uuid7(), uuid7()
    await at.sql(
        "INSERT INTO webhook_endpoints (workspace_id, id, user_id, url, events, secret,"
        " signing_key, lane, seq) VALUES (%s, %s, %s, '', '{*}', '', '', 0, 0)",
        at.ada.id,
        endpoint_id,
        at.ada.id,
    )
    await at.sql(
        "INSERT INTO webhook_deliveries (workspace_id, id, endpoint_id, event_type, message_id,"
        " body, status) VALUES (%s, %s, %s, 'todo.created', '', 'x', 'delivered')",
        at.ada.id,
        delivery_id,
        endpoint_id,
    )
    await at.sql(
        "INSERT INTO webhook_attempts (workspace_id, delivery_id, nth, at, took_ms)"
        " VALUES (%s, %s, 1, now(), 1)",
        at.ada.id,
        delivery_id,
    )
    return "webhook_attempts WHERE delivery_id = %s", (delivery_id,)


async def body_of_a_post(at: Place) -> Found:
    _, values = await post_to_an_endpoint(at)
    return "webhook_deliveries WHERE id = %s AND body IS NOT NULL", values


async def answered_request(at: Place) -> Found:
    async with at.app_db.transaction() as tx:
        made = data_requests.begin(tx, RequestKind.RECTIFICATION, at.ada.id, now=tx.began_at)
        await data_requests.close_by_hand(tx, made, RequestOutcome.DONE, now=tx.began_at)
    return "data_requests WHERE id = %s", (made,)


async def audit_entry(at: Place) -> Found:
    subject = uuid4()
    async with at.app_db.transaction() as tx:
        audits.record(tx, "consent.granted", actor_id=at.ada.id, subject_id=subject)
    return "audit_log WHERE subject_id = %s", (subject,)
