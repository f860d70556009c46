"""What stands in the columns, as SQL of row `r` of the ground (see `seeds.py`).

What is not named here has its default, is null, or is made up by its type. Braces are doubled: the
numbers of rows are put in by name.
"""

from typing import Final

ANY_TIME: Final = "r.at"
OWN: Final = "pid('connections', r.w)"
SOME_DUE: Final = (
    "CASE WHEN r.i % 5000 = 0 THEN now() - interval '1 minute'"
    " WHEN r.i % 2 = 0 THEN now() + r.h % 100000 * interval '1 minute' END"
)
NOT_BEHIND: Final = "CASE WHEN r.i % 5000 = 0 THEN 0 ELSE {rows} END"


def kept(span: str) -> str:
    """An instant of the last `span`."""
    return f"now() - (1 - r.p) * interval '{span}'"


def cycle(*words: str) -> str:
    """One of these words, each as often."""
    return f"(ARRAY[{', '.join(repr(each) for each in words)}])[1 + r.h % {len(words)}]"


COLUMNS: Final[dict[str, dict[str, str]]] = {
    "users": {"id": "r.who", "email": "'p' || r.i || '@example.com'", "created_at": ANY_TIME},
    "workspaces": {"id": "r.who", "kind": "'personal'", "name": "''"},
    "memberships": {"role": "'owner'"},
    "feeds": {"seq": "{rows}"},
    "sessions": {
        "created_at": kept("45 days"),
        "expires_at": kept("45 days") + " + interval '30 days'",
    },
    "refresh_tokens": {
        "session_id": "pid('sessions', r.i)",
        "expires_at": "now() + interval '1 day'",
    },
    "rate_limits": {
        "key": "'api:' || r.i",
        "hits": "1",
        "resets_at": "now() - r.h % 3650 * interval '1 second'",
    },
    "audit_log": {"actor_id": "r.who", "action": "'todo.created'", "at": ANY_TIME},
    "inbound_events": {
        "provider": "'slack'",
        "event_id": "'E' || r.i",
        "received_at": kept("175 hours"),
    },
    "idempotency_keys": {
        "key_hash": "sha256(('k' || r.i)::bytea)",
        "status": "201",
        "created_at": kept("73 hours"),
        "user_id": "r.who",
    },
    "lists": {
        "name": "'List ' || r.i",
        "position": "r.i",
        "deleted_at": "CASE WHEN r.i <> r.near THEN r.at END",
    },
    "todos": {
        "title": "'Todo number ' || r.i",
        "description": "'With a line of description, as people write them'",
        "position": "r.h % 1000000",
        "status": "CASE WHEN r.h % 20 = 0 THEN 'pending' ELSE 'completed' END",
        "completed_at": "CASE WHEN r.h % 20 <> 0 THEN r.at + interval '1 day' END",
        "deleted_at": "CASE WHEN r.h / 20 % 20 = 0 THEN r.at + interval '2 days' END",
        "priority": "CASE WHEN r.h / 400 % 20 = 0 THEN 'high' ELSE 'none' END",
        "tags": "CASE r.h / 8000 % 1000 WHEN 0 THEN ARRAY['rare'] WHEN 1 THEN ARRAY['home', 'buy']"
        " ELSE '{{}}' END",
        "due_on": "CASE WHEN r.h / 7 % 3 > 0 THEN (r.at + interval '9 days')::date END",
        "due_at": "CASE WHEN r.h / 7 % 3 > 0 THEN r.at + interval '9 days' END",
        "list_id": "CASE WHEN r.h % 2 = 0 THEN pid('lists', r.near) END",
        "parent_id": "CASE WHEN r.h / 3 % 10 = 0 AND r.i <> r.near THEN pid('todos', r.near) END",
        "series_id": "CASE WHEN r.h / 5 % 10 = 0 THEN pid('series', r.near) END",
        "assignee_id": "CASE WHEN r.h / 9 % 100 = 0 THEN r.who END",
        "created_via": "CASE WHEN r.h / 11 % 10 = 0 THEN 'voice' ELSE 'api' END",
        "created_by": "r.who",
        "created_at": ANY_TIME,
    },
    "reminders": {
        "todo_id": "pid('todos', r.i)",
        "before_s": "600",
        "lane": "r.i % 4",
        "next_at": SOME_DUE,
        "arm_no": "1",
    },
    "leases": {
        "kind": "'reminders'",
        "row_id": "pid('reminders', r.i)",
        "arm_no": "1",
        "until": "now() - r.h % 90000 * interval '1 second'",
    },
    "series": {
        "todo_id": "pid('todos', r.i)",
        "created_by": "r.who",
        "rrule": "'FREQ=DAILY'",
        "anchor": "'schedule'",
        "skip": "'omit'",
        "pile_up": "'roll'",
        "shift": "'none'",
        "start_on": "r.at::date",
        "turn": "1",
        "nth": "1",
        "recurrence_id": "r.at::date::text",
        "planned_on": "r.at::date",
        "lane": "r.i % 4",
        "next_at": SOME_DUE,
    },
    "occurrences": {
        "series_id": "pid('series', r.near)",
        "turn": "1 + r.i / 1000",
        "recurrence_id": "'2026-01-01T' || r.i",
        "planned_on": "r.at::date",
        "due_at": ANY_TIME,
        "todo_id": "pid('todos', r.i)",
    },
    "digests": {
        "id": "r.who",
        "lane": "r.i % 4",
        "next_at": SOME_DUE,
        # Armed by no zone: of today it would be told only after the hour that its person chose.
        "due_on": "current_date - 1",
        "period": "(current_date - 1)::text",
    },
    "digest_periods": {"period": "'P' || r.i", "status": "'told'", "decided_at": ANY_TIME},
    "deliveries": {
        "kind": "'reminder'",
        "subject_id": "pid('reminders', r.i)",
        "todo_id": "pid('todos', r.i)",
        "arm_no": "1",
        "channel": cycle("in_app", "email", "push"),
        "status": "CASE WHEN r.i % 5000 = 0 THEN 'pending' ELSE 'sent' END",
        "due_at": ANY_TIME,
        "sent_at": ANY_TIME,
        "created_at": ANY_TIME,
        "updated_at": ANY_TIME,
        "log": """'[{{"at": "2026-01-01T00:00:00+00:00", "what": "sent"}}]'""",
    },
    "parked_deliveries": {
        "id": "pid('deliveries', r.i)",
        "provider": "'sendgrid'",
        "lane": "r.i % 4",
        "next_at": "now() + (r.h % 900 - 5) * interval '1 second'",
    },
    "notifications": {
        "kind": "'reminder'",
        "todo_id": "pid('todos', r.i)",
        "title": "'Todo ' || r.i",
        "created_at": kept("91 days"),
        "read_at": "CASE WHEN r.h % 5 > 0 THEN " + kept("91 days") + " END",
    },
    "events": {
        "seq": "r.i",
        "type": "'todo.updated'",
        "subject_id": "pid('todos', r.i)",
        "actor_id": "r.who",
        "changed": "'{{title}}'",
        # Some are of just now for as long as it takes to look.
        "at": f"CASE WHEN r.i % 5000 = 0 THEN now() + interval '1 day' ELSE {ANY_TIME} END",
    },
    "jobs": {
        "kind": cycle("import", "calendar_sync", "voice_memo"),
        "created_at": ANY_TIME,
        "status": "CASE WHEN r.h / 3 % 100 = 0 THEN 'failed' ELSE 'succeeded' END",
        "finished_at": ANY_TIME,
        "progress": "1",
    },
    "exports": {
        "id": "pid('jobs', r.i)",
        "formats": "'{{json}}'",
        "created_at": ANY_TIME,
        "ready_at": ANY_TIME,
        "expires_at": ANY_TIME + " + interval '7 days'",
        "blob": "CASE WHEN r.i % 5000 = 0 THEN 'exports/' || r.i END",
        "blob_key": "CASE WHEN r.i % 5000 = 0 THEN '\\x00'::bytea END",
    },
    "imports": {
        "id": "pid('jobs', r.i)",
        "dry_run": "false",
        "size": "1",
        "created_at": ANY_TIME,
        "expires_at": "r.at + interval '731 days'",
    },
    "import_rows": {
        "import_id": "pid('jobs', r.near)",
        "n": "r.i",
        "line": "r.i",
        "outcome": "CASE WHEN r.h % 100 = 0 THEN 'rejected' ELSE 'created' END",
        "todo_id": "pid('todos', r.i)",
        "excerpt": "'Todo number ' || r.i",
    },
    "import_refs": {"todo_id": "pid('todos', r.i)"},
    "voice_memos": {
        "job_id": "pid('jobs', r.i)",
        "media_type": "'audio/ogg'",
        "size": "1000",
        "status": "'done'",
        "blob": "'memos/' || r.i",
        "blob_key": "'\\x00'::bytea",
        "created_at": ANY_TIME,
        "retain_until": "r.at + interval '730 days 1 hour'",
    },
    "voice_uploads": {
        "length": "10",
        "expires_at": "now() + (r.h % 1000 - 5) * interval '1 minute'",
    },
    "transcriptions": {
        "memo_id": "pid('voice_memos', r.i)",
        "transcriber": "'whisper'",
        "model": "'small'",
        "audio_s": "2",
        "created_at": ANY_TIME,
    },
    "voice_sessions": {"started_at": ANY_TIME, "last_at": ANY_TIME},
    "voice_commands": {
        "session_id": "pid('voice_sessions', r.near)",
        "language": "'en'",
        "intent": "'create'",
        "outcome": cycle("done", "nothing", "done"),
        "latency_ms": "5",
        "resolver_version": "1",
        "created_at": ANY_TIME,
    },
    "todo_voice": {
        "todo_id": "pid('todos', r.i)",
        "command_id": "pid('voice_commands', r.i)",
        "confidence": "0.9",
        "resolver_version": "1",
        "created_at": ANY_TIME,
    },
    "voice_applied": {"position": "0", "todo_id": "pid('todos', r.i)", "applied_at": ANY_TIME},
    "consents": {"kind": "'third_party_transcription'"},
    "consent_log": {
        "kind": "'third_party_transcription'",
        "granted": "true",
        "version": "1",
        "at": ANY_TIME,
    },
    "connections": {
        "provider": "'google_calendar'",
        "account_id": "'a'",
        "address": "''",
        "secret_key": "'k'",
        "status": "CASE WHEN r.i % 50000 = 0 THEN 'disconnecting' ELSE 'active' END",
        "updated_at": ANY_TIME,
    },
    "connection_activity": {
        "connection_id": OWN,
        "at": kept("31 days"),
        "direction": "'wrote'",
        "action": "'event.created'",
        "todo_id": "pid('todos', r.i)",
    },
    "oauth_states": {
        "provider": "'slack'",
        "session_id": "pid('sessions', r.i)",
        "expires_at": "now() - (r.h % 3650) * interval '1 second'",
    },
    "calendar_syncs": {
        "id": OWN,
        "calendar_id": "'c'",
        "lane": "r.i % 4",
        "seq": NOT_BEHIND,
        "next_at": SOME_DUE,
    },
    "calendar_channels": {"connection_id": OWN},
    "calendar_links": {
        "connection_id": OWN,
        "event_id": "'e' || r.i",
        "origin": "'todo'",
        "todo_id": "pid('todos', r.i)",
        "dirty": "r.h % 1000 = 0",
        "gone": "CASE WHEN r.h % 1000 = 1 THEN 'todo' END",
        "quarantined": "CASE WHEN r.h % 2000 = 1 THEN 'todo' END",
    },
    "slack_homes": {
        "id": OWN,
        "lane": "r.i % 4",
        "looked_at": ANY_TIME,
        "seq": NOT_BEHIND,
        "next_at": SOME_DUE,
    },
    "slack_members": {"team_id": "'T1'", "slack_user_id": "'U' || r.i", "connection_id": OWN},
    "slack_inbound": {
        "kind": "'command'",
        "team_id": "'T1'",
        "slack_user_id": "'U' || r.i",
        "user_id": "r.who",
        "received_at": kept("170 hours"),
        "done_at": kept("170 hours"),
    },
    "push_subscriptions": {
        "endpoint": "'https://push.invalid/' || r.i",
        "session_id": "pid('sessions', r.i)",
    },
    "used_actions": {
        "used_at": ANY_TIME,
        "expires_at": "now() + (r.h % 10000 - 70) * interval '1 minute'",
    },
    "webhook_endpoints": {
        "url": "'https://hooks.invalid/' || r.i",
        "events": "'{{*}}'",
        "lane": "r.i % 4",
        "next_at": SOME_DUE,
        "seq": NOT_BEHIND,
        "created_at": ANY_TIME,
    },
    "webhook_deliveries": {
        "endpoint_id": "pid('webhook_endpoints', r.near)",
        "event_seq": "r.i",
        "event_type": "CASE WHEN r.h / 7 % 200 = 0 THEN 'todo.deleted' ELSE 'todo.updated' END",
        "message_id": "'m' || r.i",
        "body": "'x'::bytea",
        "created_at": kept("31 days"),
        "status": "CASE WHEN r.h % 200 = 0 THEN 'pending' WHEN r.h % 200 = 1 THEN 'failed'"
        " ELSE 'delivered' END",
        "next_at": "CASE WHEN r.h % 200 = 0 THEN now() END",
    },
    "webhook_attempts": {
        "delivery_id": "pid('webhook_deliveries', r.i)",
        "nth": "1",
        "at": ANY_TIME,
        "took_ms": "5",
    },
    "data_requests": {
        "kind": "'access'",
        "user_id": "r.who",
        "due_at": "r.at + interval '30 days'",
        "received_at": ANY_TIME,
        "closed_at": "CASE WHEN r.i % 5000 > 0 THEN r.at + interval '1 day' END",
        "outcome": "CASE WHEN r.i % 5000 > 0 THEN 'done' END",
    },
    "erasures": {
        "user_id": "pid('erased', r.i)",
        "due_at": ANY_TIME,
        "status": "CASE WHEN r.i % 50000 = 0 THEN 'waiting' ELSE 'done' END",
    },
    "erasure_receipts": {"counts": "'{{}}'"},
    "outbox": {
        "workflow_type": "'RetryDelivery'",
        "workflow_id": "'w:' || r.i",
        "fairness_key": "r.who::text",
        "available_at": ANY_TIME,
        "dead_at": "CASE WHEN r.i % 100 = 0 THEN r.at END",
    },
    "executions": {
        "workflow_id": "'e:' || r.i",
        "type": "'RetryDelivery'",
        "fairness_key": "r.who::text",
        "open": "r.i % 1000 = 0",
        "started_at": ANY_TIME,
    },
}
