"""Reminders by their todo alone: smaller, and nothing but the key begins with the workspace.

Of two indexes that do, the planner may take the wrong one for a key: with row-level security it
believes in a single row either way, and then read all reminders of a workspace for each that is due.
"""

from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    with op.get_context().autocommit_block():
        op.create_index(
            "ix_reminders_todo_id",
            "reminders",
            ["todo_id"],
            postgresql_concurrently=True,
            if_not_exists=True,
        )
        op.drop_index(
            "ix_reminders_workspace_id_todo_id",
            "reminders",
            postgresql_concurrently=True,
            if_exists=True,
        )


def downgrade() -> None:
    with op.get_context().autocommit_block():
        op.create_index(
            "ix_reminders_workspace_id_todo_id",
            "reminders",
            ["workspace_id", "todo_id"],
            postgresql_concurrently=True,
            if_not_exists=True,
        )
        op.drop_index(
            "ix_reminders_todo_id",
            "reminders",
            postgresql_concurrently=True,
            if_exists=True,
        )
