"""What is forgotten when: one rule for each kind of row, class by class of `core/data_map.yaml`.

A convention test compares both: no class without its rule, no rule without its class, the same
ages. Whatever hangs on a row by a cascading key goes with it. Works as `vt_retention`.
"""

from datetime import timedelta
from typing import Final

from core.rules import actions
from core.services import changes, exports, imports, uploads
from core.services.retention_statements import Rule

A_MOMENT: Final = timedelta(hours=1)  # clocks differ: nothing is over for one and not for another
DAY: Final = timedelta(days=1)

# Nobody is reading the file, or taking back what it made.
_IDLE: Final = (
    "NOT EXISTS (SELECT FROM jobs j WHERE j.workspace_id = {0}.workspace_id"
    " AND j.id IN ({0}.id, {0}.undo_id)"
    " AND j.status NOT IN ('succeeded', 'failed', 'cancelled') OFFSET 0)"
)
# No todo is left there. By the offset it is asked row by row, whatever statistics say: as a join
# with all todos, which the planner would else think of, one bite could take as long as all.
_NO_TODO: Final = (
    "NOT EXISTS (SELECT FROM todos x WHERE x.workspace_id = t.workspace_id AND {} OFFSET 0)"
)
# Which account became part of which is asked as long as there is one: by imports, by erasures.
_LINKS: Final = (
    "(t.action <> 'account.linked'"
    " OR NOT EXISTS (SELECT FROM users u WHERE u.id = t.actor_id OFFSET 0))"
)

RULES: Final = (
    # --- who somebody is; the tokens of a sign-in go with it, each quarter of an hour left one
    Rule(
        "sessions",
        "sessions",
        "sessions",
        "least(t.revoked_at, t.expires_at)",
        timedelta(days=90),
        bite=50,
    ),
    Rule(
        "idempotency",
        "idempotency",
        "idempotency_keys",
        "t.created_at",
        timedelta(hours=72),
        bite=5000,
    ),
    Rule("rate_limits", "hours", "rate_limits", "t.resets_at", A_MOMENT, bite=5000),
    Rule("oauth_states", "hours", "oauth_states", "t.expires_at", A_MOMENT),
    Rule("audit", "audit", "audit_log", "t.at", timedelta(days=365), also=_LINKS, bite=5000),
    # --- todos: what hangs under none first, then what that hung under; reminders go with them
    Rule(
        "todos",
        "tombstones",
        "todos",
        "t.deleted_at",
        changes.KEPT,
        also=_NO_TODO.format("x.parent_id = t.id"),
        own_clock=True,
        bite=500,
    ),
    Rule(
        "lists",
        "tombstones",
        "lists",
        "t.deleted_at",
        changes.KEPT,
        also=_NO_TODO.format("x.list_id = t.id"),
        own_clock=True,
    ),
    # Completed todos keep theirs: what was done when is their history.
    Rule(
        "series",
        "tombstones",
        "series",
        "t.updated_at",
        changes.KEPT,
        also=f"t.todo_id IS NULL AND {_NO_TODO.format('x.series_id = t.id')}",
        own_clock=True,
        bite=100,
    ),
    # That the event was ours stays known, or it would come back as a todo.
    Rule(
        "calendar_links",
        "tombstones",
        "calendar_links",
        "t.updated_at",
        changes.KEPT,
        also="t.state = 'ended' AND t.base <> '{}'::jsonb"
        f" AND {_NO_TODO.format('x.id = t.todo_id')}",
        forgets=("base = '{}'",),
    ),
    Rule(
        "history",
        "undo",
        "events",
        "t.at",
        changes.KEPT,
        also="t.before <> '{}'::jsonb",
        forgets=("before = '{}'",),
        bite=5000,
    ),
    # --- being told
    Rule(
        "notifications_read",
        "notifications",
        "notifications",
        "t.created_at",
        timedelta(days=30),
        also="t.read_at IS NOT NULL",
    ),
    Rule("notifications", "notifications", "notifications", "t.created_at", timedelta(days=90)),
    Rule("used_actions", "links", "used_actions", "t.expires_at", A_MOMENT, given=actions.LIFETIME),
    # --- voice
    Rule(
        "audio",
        "audio",
        "voice_memos",
        "t.retain_until",
        also="t.blob IS NOT NULL",
        forgets=(
            "blob = NULL",
            "blob_key = NULL",
            "audio_gone_at = %(now)s",
            "updated_at = %(now)s",
        ),
        given="voice_audio_retention_days",
    ),
    Rule("uploads", "hours", "voice_uploads", "t.expires_at", given=uploads.LIFETIME),
    # Rows stay, for they are counted; the words in them go.
    Rule(
        "said",
        "voice_words",
        "voice_commands",
        "t.created_at",
        also="t.sealed IS NOT NULL",
        forgets=("sealed = NULL",),
        setting="voice_retention_days",
    ),
    Rule(
        "words_of_todos",
        "voice_words",
        "todo_voice",
        "t.created_at",
        also="t.original_text IS NOT NULL",
        forgets=("original_text = NULL",),
        setting="voice_retention_days",
    ),
    # --- other services; SendGrid and Slack tell again for a day at most, the rest is margin
    Rule("inbound", "inbound", "inbound_events", "t.received_at", timedelta(days=7), bite=5000),
    # Slack takes no answer after half an hour.
    Rule(
        "slack_words",
        "slack_words",
        "slack_inbound",
        "t.received_at",
        DAY,
        also="(t.body IS NOT NULL OR t.answer IS NOT NULL)",
    ),
    Rule("slack", "slack_words", "slack_inbound", "t.received_at", timedelta(days=7)),
    Rule(
        "connection_activity",
        "connection_activity",
        "connection_activity",
        "t.at",
        timedelta(days=30),
        bite=5000,
    ),
    # Its workflow gives up after a day; this is for one that an operator ended.
    Rule(
        "disconnected",
        "unfinished",
        "connections",
        "t.updated_at",
        timedelta(days=2),
        also="t.status = 'disconnecting'",
        bite=100,
    ),
    Rule(
        "webhook_bodies",
        "webhook_bodies",
        "webhook_deliveries",
        "t.created_at",
        timedelta(days=14),
        also="t.body IS NOT NULL AND t.status <> 'pending'",
        forgets=("body = NULL",),
    ),
    Rule(
        "webhook_deliveries",
        "webhook_deliveries",
        "webhook_deliveries",
        "t.created_at",
        timedelta(days=30),
        also="t.status <> 'pending'",
    ),
    # --- people's rights
    Rule(
        "exports",
        "exports",
        "exports",
        "t.expires_at",
        also="t.blob IS NOT NULL",
        forgets=("blob = NULL", "blob_key = NULL", "token_hash = NULL", "token_expires_at = NULL"),
        given=exports.KEPT,
    ),
    # A file has up to a hundred thousand rows, so they go before it and in bites of their own.
    Rule(
        "import_rows",
        "imports",
        "import_rows",
        "o.expires_at",
        given=imports.KEPT,
        also=_IDLE.format("o"),
        through="imports o JOIN import_rows t"
        " ON t.workspace_id = o.workspace_id AND t.import_id = o.id",
    ),
    Rule(
        "imports",
        "imports",
        "imports",
        "t.expires_at",
        given=imports.KEPT,
        also=f"{_IDLE.format('t')} AND NOT EXISTS (SELECT FROM import_rows x"
        " WHERE x.workspace_id = t.workspace_id AND x.import_id = t.id OFFSET 0)",
        bite=100,
    ),
    Rule("requests", "requests", "data_requests", "t.closed_at", timedelta(days=1095)),
)
