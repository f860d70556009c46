"""Jobs, and sandboxes whose clock somebody moves."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"

DUE_TABLES = ("reminders", "series")
NOW = sa.text("now()")


def upgrade() -> None:
    op.create_table(
        "jobs",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), server_default="queued", nullable=False),
        sa.Column("progress", sa.Double(), server_default="0", nullable=False),
        sa.Column("result", postgresql.JSONB(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=NOW, nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=NOW, nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("kind IN ('clock', 'zone_change')", name=op.f("ck_jobs_kind")),
        sa.CheckConstraint(
            "status IN ('queued', 'running', 'waiting', 'succeeded', 'failed', 'cancelled')",
            name=op.f("ck_jobs_status"),
        ),
        sa.CheckConstraint("progress BETWEEN 0 AND 1", name=op.f("ck_jobs_progress")),
        sa.CheckConstraint(
            "(status IN ('succeeded', 'failed', 'cancelled')) = (finished_at IS NOT NULL)",
            name=op.f("ck_jobs_finished_has_an_instant"),
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_jobs_user_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["workspaces.id"],
            name=op.f("fk_jobs_workspace_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("pk_jobs")),
    )
    op.create_index(op.f("ix_jobs_user_id_created_at_id"), "jobs", ["user_id", "created_at", "id"])
    op.create_index(
        "uq_jobs_one_open",
        "jobs",
        ["workspace_id", "kind"],
        unique=True,
        postgresql_where=sa.text("finished_at IS NULL AND kind IN ('clock', 'zone_change')"),
    )
    op.execute("ALTER TABLE jobs ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE jobs FORCE ROW LEVEL SECURITY")
    op.execute("GRANT SELECT, INSERT, UPDATE ON jobs TO vt_app")
    reads = "workspace_id = ANY ((SELECT vt_readable())::uuid[])"
    writes = "workspace_id = ANY ((SELECT vt_writable())::uuid[])"
    op.execute(f"CREATE POLICY reads ON jobs FOR SELECT TO vt_app USING ({reads})")
    op.execute(f"CREATE POLICY adds ON jobs FOR INSERT TO vt_app WITH CHECK ({writes})")
    op.execute(
        f"CREATE POLICY changes ON jobs FOR UPDATE TO vt_app USING ({writes}) WITH CHECK ({writes})"
    )
    # The policies for it stand since 0002; nothing of a workspace but its clock is ever changed.
    op.execute("GRANT UPDATE (clock_at), DELETE ON workspaces TO vt_app")
    op.create_check_constraint(
        op.f("ck_workspaces_sandbox_has_a_clock"),
        "workspaces",
        "(kind = 'sandbox') = (clock_at IS NOT NULL)",
    )
    # Not concurrently: that would wait for whoever waits for the migrations' advisory lock. Rows
    # without a lane are few, so this is one scan of the table; see the manual for how long.
    for table in DUE_TABLES:
        op.create_index(
            op.f(f"ix_{table}_workspace_id_next_at"),
            table,
            ["workspace_id", "next_at"],
            postgresql_where=sa.text("lane IS NULL AND next_at IS NOT NULL"),
        )


def downgrade() -> None:
    for table in DUE_TABLES:
        op.drop_index(op.f(f"ix_{table}_workspace_id_next_at"), table)
    op.drop_constraint(op.f("ck_workspaces_sandbox_has_a_clock"), "workspaces")
    op.execute("REVOKE UPDATE (clock_at), DELETE ON workspaces FROM vt_app")
    op.drop_table("jobs")
