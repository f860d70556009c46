"""Retention: a role that may forget what is over, the indexes that find it, what each run came to.

`vt_retention` reads and removes; it changes no columns but those that are forgotten before their
rows. It alone may take entries out of the audit log, and the database holds it to their age.
"""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"

INSTANT = sa.DateTime(timezone=True)
# name, table, columns, condition, kind; made without a lock that anybody waits for.
INDEXES = (
    ("ix_todos_deleted_at", "todos", ["deleted_at"], "deleted_at IS NOT NULL", "btree"),
    ("ix_lists_deleted_at", "lists", ["deleted_at"], "deleted_at IS NOT NULL", "btree"),
    ("ix_series_left", "series", ["updated_at"], "todo_id IS NULL", "btree"),
    ("ix_workspaces_clocked", "workspaces", ["id"], "clock_at IS NOT NULL", "btree"),
    ("ix_events_told", "events", ["at"], "before <> '{}'::jsonb", "btree"),
    ("ix_sessions_ended", "sessions", [sa.text("least(revoked_at, expires_at)")], None, "btree"),
    # One that is changed with most requests: blocks of rows, so that it stays a change in place.
    ("ix_rate_limits_resets_at", "rate_limits", ["resets_at"], None, "brin"),
    ("ix_audit_log_at", "audit_log", ["at"], None, "btree"),
    (
        "ix_data_requests_closed_at",
        "data_requests",
        ["closed_at"],
        "closed_at IS NOT NULL",
        "btree",
    ),
    (
        "ix_slack_inbound_words",
        "slack_inbound",
        ["received_at"],
        "body IS NOT NULL OR answer IS NOT NULL",
        "btree",
    ),
    (
        "ix_calendar_links_ended",
        "calendar_links",
        ["updated_at"],
        "state = 'ended' AND base <> '{}'::jsonb",
        "btree",
    ),
    (
        "ix_connections_disconnecting",
        "connections",
        ["updated_at"],
        "status = 'disconnecting'",
        "btree",
    ),
)
ROLE = """
DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'vt_retention') THEN
        CREATE ROLE vt_retention NOLOGIN;
    END IF;
    EXECUTE format('GRANT vt_retention TO %I', current_user);
END $$
"""
GOES = (
    "audit_log",
    "connection_activity",
    "connections",
    "data_requests",
    "idempotency_keys",
    "import_rows",
    "imports",
    "inbound_events",
    "lists",
    "notifications",
    "oauth_states",
    "rate_limits",
    "series",
    "sessions",
    "slack_inbound",
    "todos",
    "used_actions",
    "voice_uploads",
    "webhook_deliveries",
)
FORGETS = {
    "calendar_links": "base",
    "events": "before",
    "exports": "blob, blob_key, token_hash, token_expires_at",
    "todo_voice": "original_text",
    "voice_commands": "sealed",
    "voice_memos": "blob, blob_key, audio_gone_at, updated_at",
    "webhook_deliveries": "body",
}
LOOKS_AT = ("jobs", "users", "workspaces")
GUARD = """
CREATE FUNCTION vt_refuse_young() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    -- A day less than twelve months, for clocks that differ.
    IF TG_OP = 'DELETE' AND current_user = 'vt_retention'
        AND OLD.at < now() - interval '364 days' THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME;
END $$
"""
TRIGGER = (
    "CREATE OR REPLACE TRIGGER append_only BEFORE UPDATE OR DELETE ON audit_log"
    " FOR EACH ROW EXECUTE FUNCTION {}()"
)
UNGUARDED = """
DO $$ DECLARE t record; BEGIN
    FOR t IN SELECT c.oid::regclass AS name FROM pg_class c
             WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r'
    LOOP
        EXECUTE format('DROP POLICY IF EXISTS retains ON %s', t.name);
        EXECUTE format('REVOKE ALL ON %s FROM vt_retention', t.name);
    END LOOP;
END $$
"""


def upgrade() -> None:
    with op.get_context().autocommit_block():
        for name, table, columns, where, using in INDEXES:
            op.create_index(
                name,
                table,
                columns,
                postgresql_where=None if where is None else sa.text(where),
                postgresql_using=using,
                postgresql_concurrently=True,
                if_not_exists=True,
            )
    op.create_table(
        "retention_runs",
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("began_at", INSTANT, nullable=False),
        sa.Column("took_ms", sa.Integer(), nullable=False),
        sa.Column("rows", sa.BigInteger(), nullable=False),
        sa.Column("unfinished", sa.Boolean(), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("succeeded_at", INSTANT, nullable=True),
        sa.Column("total", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("rule", name=op.f("pk_retention_runs")),
    )
    op.execute(ROLE)
    op.execute("GRANT SELECT, INSERT, UPDATE ON retention_runs TO vt_retention")
    for table in GOES:
        op.execute(f"GRANT SELECT, DELETE ON {table} TO vt_retention")
    for table, columns in FORGETS.items():
        op.execute(f"GRANT SELECT, UPDATE ({columns}) ON {table} TO vt_retention")
    for table in LOOKS_AT:
        op.execute(f"GRANT SELECT ON {table} TO vt_retention")
    for table in sorted({*GOES, *FORGETS, *LOOKS_AT}):
        op.execute(
            f"DO $$ BEGIN IF (SELECT relrowsecurity FROM pg_class WHERE oid = '{table}'::regclass)"
            f" THEN CREATE POLICY retains ON {table} TO vt_retention USING (true)"
            " WITH CHECK (true); END IF; END $$"
        )
    op.execute(GUARD)
    op.execute(TRIGGER.format("vt_refuse_young"))


def downgrade() -> None:
    op.execute(TRIGGER.format("vt_refuse_change"))
    op.execute("DROP FUNCTION vt_refuse_young()")
    op.execute(UNGUARDED)
    op.drop_table("retention_runs")
    for name, table, *_ in reversed(INDEXES):
        op.drop_index(name, table)
