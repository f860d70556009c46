"""What Slack told us, durable before it is acknowledged."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0018"
down_revision = "0017"

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "slack_inbound",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("team_id", sa.Text(), nullable=False),
        sa.Column("slack_user_id", sa.Text(), nullable=False),
        sa.Column("body", postgresql.JSONB(), nullable=True),
        sa.Column("answer", postgresql.JSONB(), nullable=True),
        sa.Column("result", sa.Text(), nullable=True),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("change_set_id", sa.Uuid(), nullable=True),
        sa.Column("received_at", INSTANT, server_default=sa.text("now()"), nullable=False),
        sa.Column("done_at", INSTANT, nullable=True),
        sa.CheckConstraint(
            "kind IN ('command', 'action', 'shortcut', 'event')",
            name=op.f("ck_slack_inbound_kind"),
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_slack_inbound_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_slack_inbound")),
    )
    op.create_index(op.f("ix_slack_inbound_received_at"), "slack_inbound", ["received_at"])
    op.create_index(
        op.f("ix_slack_inbound_user_id_done_at"), "slack_inbound", ["user_id", "done_at"]
    )
    # It is a tenant's only once somebody was found to it, so there is no row-level security.
    op.execute("GRANT SELECT, INSERT ON slack_inbound TO vt_app")
    op.execute(
        "GRANT UPDATE (body, answer, result, user_id, change_set_id, done_at) ON slack_inbound"
        " TO vt_app"
    )
    op.execute("GRANT SELECT, DELETE ON slack_inbound TO vt_worker")


def downgrade() -> None:
    op.drop_table("slack_inbound")
