"""Series and their occurrences."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "series",
        sa.Column("todo_id", sa.Uuid(), nullable=True),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("status", sa.Text(), server_default="active", nullable=False),
        sa.Column("rrule", sa.Text(), nullable=False),
        sa.Column("anchor", sa.Text(), nullable=False),
        sa.Column("skip", sa.Text(), nullable=False),
        sa.Column("pile_up", sa.Text(), nullable=False),
        sa.Column(
            "exdates", postgresql.ARRAY(sa.Date()), server_default=sa.text("'{}'"), nullable=False
        ),
        sa.Column(
            "rdates", postgresql.ARRAY(sa.Date()), server_default=sa.text("'{}'"), nullable=False
        ),
        sa.Column("holidays", sa.Text(), nullable=True),
        sa.Column("shift", sa.Text(), nullable=False),
        sa.Column("start_on", sa.Date(), nullable=False),
        sa.Column("start_time", sa.Time(), nullable=True),
        sa.Column("start_zone", sa.Text(), nullable=True),
        sa.Column("turn", sa.Integer(), nullable=False),
        sa.Column("nth", sa.Integer(), nullable=False),
        sa.Column("recurrence_id", sa.Text(), nullable=False),
        sa.Column("planned_on", sa.Date(), nullable=False),
        sa.Column("planned_time", sa.Time(), nullable=True),
        sa.Column("left_out", sa.Integer(), server_default="0", nullable=False),
        sa.Column("restores", postgresql.JSONB(), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("arm_no", sa.Integer(), server_default="1", nullable=False),
        sa.Column("lane", sa.SmallInteger(), nullable=True),
        sa.Column("armed_zone", sa.Text(), nullable=True),
        sa.Column("armed_tzdata", sa.Text(), nullable=True),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint(
            "status IN ('active', 'paused', 'ended')", name=op.f("ck_series_status")
        ),
        sa.CheckConstraint("anchor IN ('schedule', 'completion')", name=op.f("ck_series_anchor")),
        sa.CheckConstraint("skip IN ('omit', 'backward', 'forward')", name=op.f("ck_series_skip")),
        sa.CheckConstraint("pile_up IN ('roll', 'keep', 'all')", name=op.f("ck_series_pile_up")),
        sa.CheckConstraint("shift IN ('none', 'before', 'after')", name=op.f("ck_series_shift")),
        sa.ForeignKeyConstraint(
            ["created_by"], ["users.id"], name=op.f("fk_series_created_by"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["workspaces.id"],
            name=op.f("fk_series_workspace_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("pk_series")),
    )
    op.create_foreign_key(
        "fk_series_todo_id",
        "series",
        "todos",
        ["workspace_id", "todo_id"],
        ["workspace_id", "id"],
        ondelete="SET NULL (todo_id)",
        deferrable=True,
        initially="DEFERRED",
    )
    op.create_index(op.f("ix_series_workspace_id_todo_id"), "series", ["workspace_id", "todo_id"])
    op.create_index(
        op.f("ix_series_created_by"),
        "series",
        ["created_by"],
        postgresql_where=sa.text("start_zone IS NULL"),
    )
    op.create_index(
        op.f("ix_series_lane_next_at"),
        "series",
        ["lane", "next_at"],
        postgresql_where=sa.text("next_at IS NOT NULL"),
    )
    op.create_table(
        "occurrences",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("series_id", sa.Uuid(), nullable=False),
        sa.Column("turn", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("recurrence_id", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), server_default="open", nullable=False),
        sa.Column("todo_id", sa.Uuid(), nullable=True),
        sa.Column("planned_on", sa.Date(), nullable=False),
        sa.Column("planned_time", sa.Time(), nullable=True),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "status IN ('open', 'moved', 'completed', 'skipped', 'missed')",
            name=op.f("ck_occurrences_status"),
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["workspaces.id"],
            name=op.f("fk_occurrences_workspace_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id", "series_id"],
            ["series.workspace_id", "series.id"],
            name="fk_occurrences_series_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "workspace_id", "series_id", "turn", "recurrence_id", name=op.f("pk_occurrences")
        ),
    )
    op.create_foreign_key(
        "fk_todos_series_id",
        "todos",
        "series",
        ["workspace_id", "series_id"],
        ["workspace_id", "id"],
        ondelete="SET NULL (series_id)",
    )
    op.create_index(
        op.f("ix_todos_workspace_id_series_id"),
        "todos",
        ["workspace_id", "series_id"],
        postgresql_where=sa.text("series_id IS NOT NULL"),
    )
    for table, rights in RIGHTS.items():
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(f"GRANT {rights} ON {table} TO vt_app")
        for policy in POLICIES:
            op.execute(policy.format(table=table))
    # As with reminders: a row can only be locked by who may change a column of it.
    op.execute("GRANT SELECT, UPDATE (lane) ON series TO vt_worker")
    op.execute("CREATE POLICY finds ON series TO vt_worker USING (true) WITH CHECK (true)")


RIGHTS = {
    "series": "SELECT, INSERT, UPDATE, DELETE",
    "occurrences": "SELECT, INSERT, UPDATE, DELETE",
}
READS = "workspace_id = ANY ((SELECT vt_readable())::uuid[])"
WRITES = "workspace_id = ANY ((SELECT vt_writable())::uuid[])"
POLICIES = (
    f"CREATE POLICY reads ON {{table}} FOR SELECT TO vt_app USING ({READS})",
    f"CREATE POLICY adds ON {{table}} FOR INSERT TO vt_app WITH CHECK ({WRITES})",
    f"CREATE POLICY changes ON {{table}} FOR UPDATE TO vt_app USING ({WRITES}) WITH CHECK ({WRITES})",
    f"CREATE POLICY removes ON {{table}} FOR DELETE TO vt_app USING ({WRITES})",
)


def downgrade() -> None:
    op.drop_index(op.f("ix_todos_workspace_id_series_id"), "todos")
    op.drop_constraint("fk_todos_series_id", "todos")
    op.drop_table("occurrences")
    op.drop_constraint("fk_series_todo_id", "series")
    op.drop_table("series")
