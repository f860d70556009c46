"""What was already told when a rule moves its reminder on, and a way to what quiet hours hold."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.add_column("reminders", sa.Column("since_arm_no", sa.Integer(), nullable=True))
    with op.get_context().autocommit_block():
        op.create_index(
            "ix_deliveries_held",
            "deliveries",
            ["updated_at"],
            postgresql_where=sa.text("status = 'held'"),
            postgresql_concurrently=True,
            if_not_exists=True,
        )


def downgrade() -> None:
    with op.get_context().autocommit_block():
        op.drop_index(
            "ix_deliveries_held", "deliveries", postgresql_concurrently=True, if_exists=True
        )
    op.drop_column("reminders", "since_arm_no")
