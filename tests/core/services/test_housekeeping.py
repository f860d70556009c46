from datetime import UTC, datetime

import psycopg

from core.db import Database
from core.ids import uuid7
from core.services import housekeeping
from tests.reminding import scene

OLD, YOUNG = b"housekeeping: old", b"housekeeping: young"


async def test_forgets_what_is_over_and_nothing_else(
    database_url: str, worker_db: Database
) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        for key, age in ((OLD, "73 hours"), (YOUNG, "71 hours")):
            connection.execute(
                "INSERT INTO idempotency_keys VALUES (%s, '', 201, '', now() - %s::interval)",
                [key, age],
            )
            connection.execute(
                "INSERT INTO rate_limits VALUES (%s, 1, now() + %s::interval)",
                [key.decode(), "-2 hours" if key is OLD else "1 minute"],
            )
        async with worker_db.transaction() as tx:
            housekeeping.tidy(tx)
        keys = connection.execute(
            "SELECT key_hash FROM idempotency_keys WHERE key_hash = ANY (%s)", [[OLD, YOUNG]]
        ).fetchall()
        limits = connection.execute(
            "SELECT key FROM rate_limits WHERE key LIKE 'housekeeping:%'"
        ).fetchall()
    assert (keys, limits) == ([(YOUNG,)], [(YOUNG.decode(),)])


async def test_forgets_notifications_by_their_age(database_url: str, worker_db: Database) -> None:
    at = scene(database_url, [])
    for name, age, read in (
        ("read, old", "31 days", True),
        ("read, young", "29 days", True),
        ("unread, old", "89 days", False),
        ("unread, too old", "91 days", False),
    ):
        at.run(
            "INSERT INTO notifications"
            " (workspace_id, id, user_id, kind, title, created_at, read_at)"
            " VALUES (%s, gen_random_uuid(), %s, 'reminder', %s, now() - %s::interval,"
            " CASE WHEN %s THEN now() END)",
            at.user_id,
            at.user_id,
            name,
            age,
            read,
        )
    async with worker_db.transaction() as tx:
        housekeeping.tidy(tx)
    assert {each["title"] for each in at.notifications()} == {"read, young", "unread, old"}


async def test_forgets_what_was_said_and_still_counts_it(
    database_url: str, worker_db: Database
) -> None:
    at = scene(database_url, [datetime(2030, 1, 1, tzinfo=UTC)])
    [todo_id] = at.todos
    for age in ("31 days", "29 days"):
        at.run(
            "INSERT INTO voice_commands (workspace_id, id, user_id, created_at, language, outcome,"
            " latency_ms, sealed, resolver_version)"
            " VALUES (%s, gen_random_uuid(), %s, now() - %s::interval, 'en', 'done', 1, 'x', 1)",
            at.user_id,
            at.user_id,
            age,
        )
    at.run(
        "INSERT INTO todo_voice (workspace_id, todo_id, command_id, confidence, original_text,"
        " resolver_version, created_at)"
        " VALUES (%s, %s, gen_random_uuid(), 1, 'x', 1, now() - interval '31 days')",
        at.user_id,
        todo_id,
    )
    async with worker_db.transaction() as tx:
        housekeeping.tidy(tx)
    kept = at.rows("SELECT sealed FROM voice_commands WHERE user_id = %s", at.user_id)
    assert sorted(each["sealed"] is None for each in kept) == [False, True]
    [words] = at.rows("SELECT original_text FROM todo_voice WHERE todo_id = %s", todo_id)
    assert words["original_text"] is None


async def test_forgets_what_was_sent_to_endpoints_text_first(
    database_url: str, worker_db: Database
) -> None:
    at = scene(database_url, [])
    at.run(
        "INSERT INTO webhook_endpoints (workspace_id, id, user_id, url, events, secret,"
        " signing_key, lane, seq) VALUES (%s, %s, %s, '', '{*}', '', '', 0, 0)",
        at.user_id,
        at.user_id,
        at.user_id,
    )
    for kind, age, status in (
        ("young", "13 days", "delivered"),
        ("old", "15 days", "failed"),
        ("too old", "31 days", "delivered"),
        ("asked for again", "40 days", "pending"),
    ):
        at.run(
            "INSERT INTO webhook_deliveries (workspace_id, id, endpoint_id, event_type,"
            " message_id, body, status, created_at)"
            " VALUES (%s, gen_random_uuid(), %s, %s, '', '', %s, now() - %s::interval)",
            at.user_id,
            at.user_id,
            kind,
            status,
            age,
        )
    async with worker_db.transaction() as tx:
        housekeeping.tidy(tx)
    left = at.rows(
        "SELECT event_type, body IS NOT NULL AS told FROM webhook_deliveries"
        " WHERE workspace_id = %s",
        at.user_id,
    )
    assert {each["event_type"]: each["told"] for each in left} == {
        "young": True,
        "old": False,
        "asked for again": True,
    }


async def test_forgets_what_connections_did_and_questions_nobody_answered(
    database_url: str, worker_db: Database
) -> None:
    at = scene(database_url, [])
    connection_id, session_id = uuid7(), uuid7()
    at.run(
        "INSERT INTO connections (workspace_id, id, user_id, provider, account_id, address, secret,"
        " secret_key, secret_hash, status, updated_at)"
        " VALUES (%s, %s, %s, 'slack', 'T', 'U', '', '', '', 'active', now())",
        at.user_id,
        connection_id,
        at.user_id,
    )
    at.run(
        "INSERT INTO sessions (id, user_id, expires_at) VALUES (%s, %s, now())",
        session_id,
        at.user_id,
    )
    for action, age, state in (("old", "31 days", "2 hours"), ("young", "29 days", "1 minute")):
        at.run(
            "INSERT INTO connection_activity"
            " (workspace_id, id, connection_id, at, direction, action)"
            " VALUES (%s, gen_random_uuid(), %s, now() - %s::interval, 'read', %s)",
            at.user_id,
            connection_id,
            age,
            action,
        )
        at.run(
            "INSERT INTO oauth_states (state_hash, provider, workspace_id, user_id, session_id,"
            " verifier_sealed, expires_at)"
            " VALUES (%s, 'slack', %s, %s, %s, '', now() - %s::interval)",
            action.encode() + at.user_id.bytes,
            at.user_id,
            at.user_id,
            session_id,
            state,
        )
    async with worker_db.transaction() as tx:
        housekeeping.tidy(tx)
    did = at.rows("SELECT action FROM connection_activity WHERE workspace_id = %s", at.user_id)
    asked = at.rows("SELECT state_hash FROM oauth_states WHERE user_id = %s", at.user_id)
    assert [each["action"] for each in did] == ["young"]
    assert [each["state_hash"][:5] for each in asked] == [b"young"]


async def test_forgets_accesses_that_nobody_gives_back_any_more(
    database_url: str, worker_db: Database
) -> None:
    at = scene(database_url, [])
    for provider, status, age in (
        ("slack", "disconnecting", "49 hours"),
        ("google_calendar", "active", "49 hours"),
    ):
        at.run(
            "INSERT INTO connections (workspace_id, id, user_id, provider, account_id, address,"
            " secret, secret_key, secret_hash, status, updated_at)"
            " VALUES (%s, %s, %s, %s, 'T', 'U', '', '', '', %s, now() - %s::interval)",
            at.user_id,
            uuid7(),
            at.user_id,
            provider,
            status,
            age,
        )
    async with worker_db.transaction() as tx:
        housekeeping.tidy(tx)
    left = at.rows("SELECT provider FROM connections WHERE user_id = %s", at.user_id)
    assert [each["provider"] for each in left] == ["google_calendar"]
