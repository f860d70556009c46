"""What people say: sessions, commands, what recordings did already, where todos come from."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

revision = "0014"
down_revision = "0013"

NOW = sa.text("now()")
NONE = sa.text("'{}'")


def upgrade() -> None:
    op.create_table(
        "voice_sessions",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("device", JSONB(), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), server_default=NOW, nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), server_default=NOW, nullable=False),
        sa.Column("total_commands", sa.Integer(), server_default="0", nullable=False),
        sa.Column("successful_commands", sa.Integer(), server_default="0", nullable=False),
        sa.Column("failed_commands", sa.Integer(), server_default="0", nullable=False),
        sa.Column("asked_commands", sa.Integer(), server_default="0", nullable=False),
        sa.Column("confidence_sum", sa.Double(), server_default="0", nullable=False),
        sa.Column("confidence_count", sa.Integer(), server_default="0", nullable=False),
        sa.Column("mentioned", ARRAY(sa.Uuid()), server_default=NONE, nullable=False),
        sa.Column("mentioned_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        _of("voice_sessions", "users", "user_id"),
        _of("voice_sessions", "workspaces", "workspace_id"),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("pk_voice_sessions")),
    )
    op.create_index(
        op.f("ix_voice_sessions_workspace_id_user_id_last_at"),
        "voice_sessions",
        ["workspace_id", "user_id", "last_at"],
    )
    op.create_table(
        "voice_commands",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=True),
        sa.Column("memo_id", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=NOW, nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("intent", sa.Text(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("confidence", sa.Double(), nullable=True),
        sa.Column("stt_confidence", sa.Double(), nullable=True),
        sa.Column("transcriber", sa.Text(), nullable=True),
        sa.Column("latency_ms", sa.Double(), nullable=False),
        sa.Column("change_sets", ARRAY(sa.Uuid()), server_default=NONE, nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("resolver_version", sa.SmallInteger(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint(
            "outcome IN ('done', 'asked', 'confirmed', 'declined', 'nothing', 'failed')",
            name=op.f("ck_voice_commands_outcome"),
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id", "session_id"],
            ["voice_sessions.workspace_id", "voice_sessions.id"],
            name="fk_voice_commands_session_id",
            ondelete="SET NULL (session_id)",
        ),
        _of("voice_commands", "users", "user_id"),
        _of("voice_commands", "workspaces", "workspace_id"),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("pk_voice_commands")),
    )
    for columns, where in (
        (["workspace_id", "user_id", "created_at", "id"], None),
        (["workspace_id", "session_id"], "session_id IS NOT NULL"),
        (["workspace_id", "memo_id"], "memo_id IS NOT NULL"),
        (["created_at"], "sealed IS NOT NULL"),
    ):
        op.create_index(
            op.f(f"ix_voice_commands_{'_'.join(columns)}"),
            "voice_commands",
            columns,
            postgresql_where=None if where is None else sa.text(where),
        )
    op.create_table(
        "voice_applied",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("memo_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("command_id", sa.Uuid(), nullable=False),
        sa.Column("todo_id", sa.Uuid(), nullable=True),
        sa.Column("change_set", sa.Uuid(), nullable=False),
        sa.Column("applied_at", sa.DateTime(timezone=True), server_default=NOW, nullable=False),
        _of("voice_applied", "workspaces", "workspace_id"),
        sa.PrimaryKeyConstraint(
            "workspace_id", "memo_id", "position", name=op.f("pk_voice_applied")
        ),
    )
    op.create_table(
        "todo_voice",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("todo_id", sa.Uuid(), nullable=False),
        sa.Column("command_id", sa.Uuid(), nullable=False),
        sa.Column("memo_id", sa.Uuid(), nullable=True),
        sa.Column("confidence", sa.Double(), nullable=False),
        sa.Column("original_text", sa.LargeBinary(), nullable=True),
        sa.Column("spans", JSONB(), server_default=NONE, nullable=False),
        sa.Column("resolver_version", sa.SmallInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=NOW, nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id", "todo_id"],
            ["todos.workspace_id", "todos.id"],
            name="fk_todo_voice_todo_id",
            ondelete="CASCADE",
        ),
        _of("todo_voice", "workspaces", "workspace_id"),
        sa.PrimaryKeyConstraint("workspace_id", "todo_id", name=op.f("pk_todo_voice")),
    )
    op.create_index(
        op.f("ix_todo_voice_workspace_id_command_id"), "todo_voice", ["workspace_id", "command_id"]
    )
    op.create_index(
        op.f("ix_todo_voice_created_at"),
        "todo_voice",
        ["created_at"],
        postgresql_where=sa.text("original_text IS NOT NULL"),
    )
    for table, rights in RIGHTS.items():
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(f"GRANT {rights} ON {table} TO vt_app")
        for policy in POLICIES:
            op.execute(policy.format(table=table))
    # Words are forgotten across tenants, as keys and notifications are.
    for table, words in WORDS.items():
        op.execute(f"GRANT SELECT, UPDATE ({words}) ON {table} TO vt_worker")
        op.execute(f"CREATE POLICY finds ON {table} TO vt_worker USING (true) WITH CHECK (true)")


RIGHTS = {
    "voice_sessions": "SELECT, INSERT, UPDATE",
    "voice_commands": "SELECT, INSERT, UPDATE",
    "voice_applied": "SELECT, INSERT",
    "todo_voice": "SELECT, INSERT, UPDATE",
}
WORDS = {"voice_commands": "sealed", "todo_voice": "original_text"}
READS = "workspace_id = ANY ((SELECT vt_readable())::uuid[])"
WRITES = "workspace_id = ANY ((SELECT vt_writable())::uuid[])"
POLICIES = (
    f"CREATE POLICY reads ON {{table}} FOR SELECT TO vt_app USING ({READS})",
    f"CREATE POLICY adds ON {{table}} FOR INSERT TO vt_app WITH CHECK ({WRITES})",
    f"CREATE POLICY changes ON {{table}} FOR UPDATE TO vt_app USING ({WRITES}) WITH CHECK ({WRITES})",
)


def _of(table: str, parent: str, column: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        [column], [f"{parent}.id"], name=op.f(f"fk_{table}_{column}"), ondelete="CASCADE"
    )


def downgrade() -> None:
    op.drop_table("todo_voice")
    op.drop_table("voice_applied")
    op.drop_table("voice_commands")
    op.drop_table("voice_sessions")
