"""Digests, messages folded into one, messages that escalate, and notifications that are forgotten."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"

NOW = sa.text("now()")
KINDS = ("reminder", "verification", "test")
NEW_KINDS = ("digest", "summary", "escalation")


def upgrade() -> None:
    _allow_kinds(*KINDS, *NEW_KINDS)  # first: what it commits can be done again
    op.create_table(
        "digests",
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("due_on", sa.Date(), nullable=True),
        sa.Column("period", sa.Text(), nullable=True),
        sa.Column("arm_no", sa.Integer(), server_default="1", nullable=False),
        sa.Column("lane", sa.SmallInteger(), nullable=True),
        sa.Column("armed_zone", sa.Text(), nullable=True),
        sa.Column("armed_tzdata", sa.Text(), nullable=True),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=NOW, nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["workspaces.id"],
            name=op.f("fk_digests_workspace_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("pk_digests")),
    )
    op.create_index(
        op.f("ix_digests_lane_next_at"),
        "digests",
        ["lane", "next_at"],
        postgresql_where=sa.text("next_at IS NOT NULL"),
    )
    op.create_index(
        op.f("ix_digests_workspace_id_next_at"),
        "digests",
        ["workspace_id", "next_at"],
        postgresql_where=sa.text("lane IS NULL AND next_at IS NOT NULL"),
    )
    op.create_table(
        "digest_periods",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("period", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "status IN ('told', 'skipped', 'paused', 'missed')",
            name=op.f("ck_digest_periods_status"),
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["workspaces.id"],
            name=op.f("fk_digest_periods_workspace_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("workspace_id", "period", name=op.f("pk_digest_periods")),
    )
    for table, rights in RIGHTS.items():
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(f"GRANT {rights} ON {table} TO vt_app")
        for policy in POLICIES:
            op.execute(policy.format(table=table))
    # As with reminders: a row can only be locked by who may change a column of it.
    op.execute("GRANT SELECT, UPDATE (lane) ON digests TO vt_worker")
    op.execute("CREATE POLICY finds ON digests TO vt_worker USING (true) WITH CHECK (true)")
    # A batch of digests asks in which workspaces its people are: across tenants, as claims are.
    op.execute("GRANT SELECT ON memberships TO vt_worker")
    op.execute("CREATE POLICY finds ON memberships FOR SELECT TO vt_worker USING (true)")
    op.add_column("deliveries", sa.Column("folded_into", sa.Uuid(), nullable=True))
    op.create_index(
        "ix_deliveries_noisy",
        "deliveries",
        ["user_id", "updated_at"],
        postgresql_where=sa.text("channel IN ('push', 'slack')"),
    )
    op.create_index(
        op.f("ix_deliveries_folded_into"),
        "deliveries",
        ["folded_into"],
        postgresql_where=sa.text("folded_into IS NOT NULL"),
    )
    # What was completed since, and on how many days in a row.
    op.create_index(
        "ix_todos_workspace_id_completed_at",
        "todos",
        ["workspace_id", "completed_at"],
        postgresql_where=sa.text("completed_at IS NOT NULL"),
    )
    op.execute("GRANT SELECT, DELETE ON notifications TO vt_worker")
    op.execute("CREATE POLICY finds ON notifications TO vt_worker USING (true) WITH CHECK (true)")
    op.create_index(
        "ix_notifications_read",
        "notifications",
        ["created_at"],
        postgresql_where=sa.text("read_at IS NOT NULL"),
    )
    # They come in the order of their age: this one costs next to nothing to keep.
    op.create_index(
        "ix_notifications_created_at", "notifications", ["created_at"], postgresql_using="brin"
    )


RIGHTS = {
    "digests": "SELECT, INSERT, UPDATE",
    "digest_periods": "SELECT, INSERT",
}
READS = "workspace_id = ANY ((SELECT vt_readable())::uuid[])"
WRITES = "workspace_id = ANY ((SELECT vt_writable())::uuid[])"
POLICIES = (
    f"CREATE POLICY reads ON {{table}} FOR SELECT TO vt_app USING ({READS})",
    f"CREATE POLICY adds ON {{table}} FOR INSERT TO vt_app WITH CHECK ({WRITES})",
    f"CREATE POLICY changes ON {{table}} FOR UPDATE TO vt_app USING ({WRITES}) WITH CHECK ({WRITES})",
)


def _allow_kinds(*kinds: str) -> None:
    """Checked without a lock that anybody waits for."""
    allowed = ", ".join(f"'{kind}'" for kind in kinds)
    op.execute("ALTER TABLE deliveries DROP CONSTRAINT IF EXISTS ck_deliveries_kind")
    op.execute(
        "ALTER TABLE deliveries ADD CONSTRAINT ck_deliveries_kind"
        f" CHECK (kind IN ({allowed})) NOT VALID"
    )
    with op.get_context().autocommit_block():
        op.execute("ALTER TABLE deliveries VALIDATE CONSTRAINT ck_deliveries_kind")


def downgrade() -> None:
    op.drop_index("ix_notifications_created_at", "notifications")
    op.drop_index("ix_notifications_read", "notifications")
    op.execute("DROP POLICY finds ON notifications")
    op.execute("REVOKE ALL ON notifications FROM vt_worker")
    op.drop_index("ix_todos_workspace_id_completed_at", "todos")
    op.drop_index(op.f("ix_deliveries_folded_into"), "deliveries")
    op.drop_index("ix_deliveries_noisy", "deliveries")
    op.drop_column("deliveries", "folded_into")
    op.execute("DROP POLICY finds ON memberships")
    op.execute("REVOKE ALL ON memberships FROM vt_worker")
    op.drop_table("digest_periods")
    op.drop_table("digests")
    op.execute("DELETE FROM leases WHERE kind = 'digests'")
    op.execute("DELETE FROM deliveries WHERE kind IN ('digest', 'summary', 'escalation')")
    _allow_kinds(*KINDS)
