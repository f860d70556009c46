"""App Homes in Slack, and channels that digests are posted to."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"

NOW = sa.text("now()")
READS = "workspace_id = ANY ((SELECT vt_readable())::uuid[])"
WRITES = "workspace_id = ANY ((SELECT vt_writable())::uuid[])"
ON = "ON slack_homes"
POLICIES = (
    f"CREATE POLICY reads {ON} FOR SELECT TO vt_app USING ({READS})",
    f"CREATE POLICY adds {ON} FOR INSERT TO vt_app WITH CHECK ({WRITES})",
    f"CREATE POLICY changes {ON} FOR UPDATE TO vt_app USING ({WRITES}) WITH CHECK ({WRITES})",
    f"CREATE POLICY removes {ON} FOR DELETE TO vt_app USING ({WRITES})",
    f"CREATE POLICY finds {ON} TO vt_worker USING (true) WITH CHECK (true)",
)


def upgrade() -> None:
    op.add_column("connections", sa.Column("digest_channel", sa.Text(), nullable=True))
    op.create_table(
        "slack_homes",
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("arm_no", sa.Integer(), server_default="1", nullable=False),
        sa.Column("lane", sa.SmallInteger(), nullable=True),
        sa.Column("seq", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("looked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("shows", sa.LargeBinary(), nullable=True),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("failures", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=NOW, nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id", "id"],
            ["connections.workspace_id", "connections.id"],
            name="fk_slack_homes_id",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["workspaces.id"],
            name=op.f("fk_slack_homes_workspace_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("pk_slack_homes")),
    )
    op.create_index(
        op.f("ix_slack_homes_lane_next_at"),
        "slack_homes",
        ["lane", "next_at"],
        postgresql_where=sa.text("next_at IS NOT NULL"),
    )
    op.create_index(
        op.f("ix_slack_homes_workspace_id_next_at"),
        "slack_homes",
        ["workspace_id", "next_at"],
        postgresql_where=sa.text("lane IS NULL AND next_at IS NOT NULL"),
    )
    op.create_index(op.f("ix_slack_homes_lane_looked_at"), "slack_homes", ["lane", "looked_at"])
    op.execute("ALTER TABLE slack_homes ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE slack_homes FORCE ROW LEVEL SECURITY")
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON slack_homes TO vt_app")
    # Those that follow the feed are woken by it across tenants.
    op.execute("GRANT SELECT, UPDATE (lane, next_at) ON slack_homes TO vt_worker")
    for policy in POLICIES:
        op.execute(policy)
    _follow()


def _follow() -> None:
    """Several kinds follow the feed; any of them may be the first."""
    op.execute("GRANT SELECT ON feeds TO vt_worker")
    op.execute("DROP POLICY IF EXISTS finds ON feeds")
    op.execute("CREATE POLICY finds ON feeds FOR SELECT TO vt_worker USING (true)")


def downgrade() -> None:
    op.drop_table("slack_homes")
    op.drop_column("connections", "digest_channel")
