"""Deliveries of which many failed at once wait in a table of their own."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"

NOW = sa.text("now()")


def upgrade() -> None:
    op.create_table(
        "parked_deliveries",
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("lane", sa.SmallInteger(), nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("arm_no", sa.Integer(), server_default="1", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=NOW, nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id", "id"],
            ["deliveries.workspace_id", "deliveries.id"],
            name="fk_parked_deliveries_id",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["workspaces.id"],
            name=op.f("fk_parked_deliveries_workspace_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("pk_parked_deliveries")),
    )
    op.create_index(
        op.f("ix_parked_deliveries_lane_next_at"), "parked_deliveries", ["lane", "next_at"]
    )
    op.execute("ALTER TABLE parked_deliveries ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE parked_deliveries FORCE ROW LEVEL SECURITY")
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON parked_deliveries TO vt_app")
    for policy in POLICIES:
        op.execute(policy)
    # As with reminders: a row can only be locked by who may change a column of it.
    op.execute("GRANT SELECT, UPDATE (lane) ON parked_deliveries TO vt_worker")
    op.execute(
        "CREATE POLICY finds ON parked_deliveries TO vt_worker USING (true) WITH CHECK (true)"
    )


READS = "workspace_id = ANY ((SELECT vt_readable())::uuid[])"
WRITES = "workspace_id = ANY ((SELECT vt_writable())::uuid[])"
ON = "ON parked_deliveries"
POLICIES = (
    f"CREATE POLICY reads {ON} FOR SELECT TO vt_app USING ({READS})",
    f"CREATE POLICY adds {ON} FOR INSERT TO vt_app WITH CHECK ({WRITES})",
    f"CREATE POLICY changes {ON} FOR UPDATE TO vt_app USING ({WRITES}) WITH CHECK ({WRITES})",
    f"CREATE POLICY removes {ON} FOR DELETE TO vt_app USING ({WRITES})",
)


def downgrade() -> None:
    op.drop_table("parked_deliveries")
