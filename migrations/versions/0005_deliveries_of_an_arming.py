"""A way to the deliveries of one arming that no statistics can talk the planner out of.

With row-level security it reads `workspace_id = … AND workspace_id = ANY (…)`, believes that hardly
a row is left, and may take the primary key for it: every delivery of a workspace for each reminder.
"""

from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    with op.get_context().autocommit_block():
        op.create_index(
            "ix_deliveries_subject_id_arm_no",
            "deliveries",
            ["subject_id", "arm_no"],
            postgresql_concurrently=True,
            if_not_exists=True,
        )
        op.drop_index(
            "ix_deliveries_workspace_id_subject_id",
            "deliveries",
            postgresql_concurrently=True,
            if_exists=True,
        )


def downgrade() -> None:
    with op.get_context().autocommit_block():
        op.create_index(
            "ix_deliveries_workspace_id_subject_id",
            "deliveries",
            ["workspace_id", "subject_id"],
            postgresql_concurrently=True,
            if_not_exists=True,
        )
        op.drop_index(
            "ix_deliveries_subject_id_arm_no",
            "deliveries",
            postgresql_concurrently=True,
            if_exists=True,
        )
