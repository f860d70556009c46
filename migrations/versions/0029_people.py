"""Whatever names a person is found by them: without that each erasure reads whole tables.

Built beside whoever writes; one that broke off is taken away and built anew.
"""

from alembic import op

revision = "0029"
down_revision = "0028"

NAMING = {
    "todos": "created_by",
    "reminders": "user_id",
    "deliveries": "user_id",
    "voice_sessions": "user_id",
    "voice_commands": "user_id",
    "voice_uploads": "user_id",
    "webhook_endpoints": "user_id",
    "connections": "user_id",
    "slack_members": "user_id",
    "calendar_syncs": "user_id",
    "used_actions": "user_id",
}


def upgrade() -> None:
    with op.get_context().autocommit_block():
        for table, column in NAMING.items():
            name = f"ix_{table}_{column}"
            op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
            op.execute(f"CREATE INDEX CONCURRENTLY {name} ON {table} ({column})")
        # It was partial: for series whose wall times float.
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS ix_series_created_by_all")
        op.execute("CREATE INDEX CONCURRENTLY ix_series_created_by_all ON series (created_by)")
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS ix_series_created_by")
        op.execute("ALTER INDEX ix_series_created_by_all RENAME TO ix_series_created_by")


def downgrade() -> None:
    with op.get_context().autocommit_block():
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS ix_series_created_by_all")
        op.execute("ALTER INDEX ix_series_created_by RENAME TO ix_series_created_by_all")
        op.execute(
            "CREATE INDEX CONCURRENTLY ix_series_created_by ON series (created_by)"
            " WHERE start_zone IS NULL"
        )
        op.execute("DROP INDEX CONCURRENTLY ix_series_created_by_all")
        for table, column in NAMING.items():
            op.execute(f"DROP INDEX CONCURRENTLY ix_{table}_{column}")
