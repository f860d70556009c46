"""Connecting by OAuth, whose Slack members are, and what connections did."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"

NOW = sa.text("now()")
SEEN = "workspace_id, id, provider, account_id, status, updated_at"
READS = "workspace_id = ANY ((SELECT vt_readable())::uuid[])"
WRITES = "workspace_id = ANY ((SELECT vt_writable())::uuid[])"


def upgrade() -> None:
    _allow("provider", "google_calendar", "slack")
    _allow("status", "active", "needs_reauth", "needs_address", "disconnecting")
    op.execute(
        "ALTER TABLE connections ADD COLUMN name text NOT NULL DEFAULT '',"
        " ADD COLUMN scopes text[] NOT NULL DEFAULT '{}'"
    )
    # Giving an account back ends every connection to it: whether there are others is asked first.
    op.execute(f"GRANT SELECT ({SEEN}), DELETE ON connections TO vt_worker")
    op.execute("CREATE POLICY finds ON connections FOR SELECT TO vt_worker USING (true)")
    # What nobody works on any more goes with its secret.
    op.execute(
        "CREATE POLICY forgets ON connections FOR DELETE TO vt_worker"
        " USING (status = 'disconnecting')"
    )
    _states()
    _members()
    _activity()


def _allow(column: str, *values: str) -> None:
    name = f"ck_connections_{column}"
    allowed = ", ".join(f"'{value}'" for value in values)
    op.execute(f"ALTER TABLE connections DROP CONSTRAINT {name}")
    op.execute(f"ALTER TABLE connections ADD CONSTRAINT {name} CHECK ({column} IN ({allowed}))")


def _states() -> None:
    op.create_table(
        "oauth_states",
        sa.Column("state_hash", sa.LargeBinary(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("verifier_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("expected", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=NOW, nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "provider IN ('google_calendar', 'slack')", name=op.f("ck_oauth_states_provider")
        ),
        _gone_with("oauth_states", "workspace_id", "workspaces"),
        _gone_with("oauth_states", "user_id", "users"),
        _gone_with("oauth_states", "session_id", "sessions"),
        sa.PrimaryKeyConstraint("state_hash", name=op.f("pk_oauth_states")),
    )
    op.create_index(op.f("ix_oauth_states_expires_at"), "oauth_states", ["expires_at"])
    op.execute("GRANT SELECT, INSERT, DELETE ON oauth_states TO vt_app")
    op.execute("GRANT SELECT, DELETE ON oauth_states TO vt_worker")


def _members() -> None:
    op.create_table(
        "slack_members",
        sa.Column("team_id", sa.Text(), nullable=False),
        sa.Column("slack_user_id", sa.Text(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("connection_id", sa.Uuid(), nullable=False),
        _of_a_connection("slack_members"),
        _gone_with("slack_members", "user_id", "users"),
        sa.PrimaryKeyConstraint("team_id", "slack_user_id", name=op.f("pk_slack_members")),
    )
    op.create_index(
        op.f("ix_slack_members_workspace_id_connection_id"),
        "slack_members",
        ["workspace_id", "connection_id"],
    )
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON slack_members TO vt_app")
    op.execute("GRANT SELECT ON slack_members TO vt_worker")


def _activity() -> None:
    table = "connection_activity"
    op.create_table(
        table,
        sa.Column("connection_id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("direction", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("todo_id", sa.Uuid(), nullable=True),
        sa.Column("remote_id", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("count", sa.Integer(), server_default="1", nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint(
            "direction IN ('read', 'wrote', 'skipped', 'failed')",
            name=op.f("ck_connection_activity_direction"),
        ),
        _of_a_connection(table),
        _gone_with(table, "workspace_id", "workspaces"),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("pk_connection_activity")),
    )
    op.create_index(
        op.f("ix_connection_activity_workspace_id_connection_id_id"),
        table,
        ["workspace_id", "connection_id", "id"],
    )
    op.create_index(op.f("ix_connection_activity_at"), table, ["at"])
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    op.execute(f"GRANT SELECT, INSERT, DELETE ON {table} TO vt_app")
    op.execute(f"CREATE POLICY reads ON {table} FOR SELECT TO vt_app USING ({READS})")
    op.execute(f"CREATE POLICY adds ON {table} FOR INSERT TO vt_app WITH CHECK ({WRITES})")
    op.execute(f"CREATE POLICY removes ON {table} FOR DELETE TO vt_app USING ({WRITES})")
    # What is a month old goes, whosever it is.
    op.execute(f"GRANT SELECT, DELETE ON {table} TO vt_worker")
    op.execute(f"CREATE POLICY finds ON {table} TO vt_worker USING (true) WITH CHECK (true)")


def _gone_with(table: str, column: str, owner: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        [column], [f"{owner}.id"], name=op.f(f"fk_{table}_{column}"), ondelete="CASCADE"
    )


def _of_a_connection(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["workspace_id", "connection_id"],
        ["connections.workspace_id", "connections.id"],
        name=op.f(f"fk_{table}_workspace_id_connection_id"),
        ondelete="CASCADE",
    )


def downgrade() -> None:
    for table in ("connection_activity", "slack_members", "oauth_states"):
        op.drop_table(table)
    op.execute("DELETE FROM connections WHERE provider <> 'slack' OR status = 'disconnecting'")
    op.execute("DROP POLICY finds ON connections")
    op.execute("DROP POLICY forgets ON connections")
    op.execute(f"REVOKE SELECT ({SEEN}), DELETE ON connections FROM vt_worker")
    op.execute("ALTER TABLE connections DROP COLUMN name, DROP COLUMN scopes")
    _allow("status", "active", "needs_reauth", "needs_address")
    _allow("provider", "slack")
