"""Calendars that are kept in step, what todos and events agreed on, and who tells of news."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0021"
down_revision = "0020"

NOW = sa.text("now()")
JOBS = ("clock", "zone_change", "voice_memo")
READS = "workspace_id = ANY ((SELECT vt_readable())::uuid[])"
WRITES = "workspace_id = ANY ((SELECT vt_writable())::uuid[])"
POLICIES = (
    f"CREATE POLICY reads ON {{table}} FOR SELECT TO vt_app USING ({READS})",
    f"CREATE POLICY adds ON {{table}} FOR INSERT TO vt_app WITH CHECK ({WRITES})",
    f"CREATE POLICY changes ON {{table}} FOR UPDATE TO vt_app USING ({WRITES}) WITH CHECK ({WRITES})",
    f"CREATE POLICY removes ON {{table}} FOR DELETE TO vt_app USING ({WRITES})",
)


def upgrade() -> None:
    _allow_jobs(*JOBS, "calendar_sync")  # first: what it commits can be done again
    _syncs()
    _links()
    op.create_table(
        "calendar_channels",
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("channel_id", sa.Uuid(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("connection_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id", "connection_id"],
            ["calendar_syncs.workspace_id", "calendar_syncs.id"],
            name="fk_calendar_channels_connection_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_calendar_channels")),
    )
    op.create_index(
        op.f("ix_calendar_channels_workspace_id_connection_id"),
        "calendar_channels",
        ["workspace_id", "connection_id"],
    )
    for table in ("calendar_syncs", "calendar_links"):
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO vt_app")
        for policy in POLICIES:
            op.execute(policy.format(table=table))
    # The token is asked for before anybody knows whose it is.
    op.execute("GRANT SELECT, INSERT, DELETE ON calendar_channels TO vt_app")
    # As with digests, and the feed wakes them.
    op.execute("GRANT SELECT, UPDATE (lane, next_at) ON calendar_syncs TO vt_worker")
    op.execute("CREATE POLICY finds ON calendar_syncs TO vt_worker USING (true) WITH CHECK (true)")
    op.execute("GRANT SELECT ON feeds TO vt_worker")
    op.execute("DROP POLICY IF EXISTS finds ON feeds")
    op.execute("CREATE POLICY finds ON feeds FOR SELECT TO vt_worker USING (true)")


def _syncs() -> None:
    op.create_table(
        "calendar_syncs",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("calendar_id", sa.Text(), nullable=False),
        sa.Column("calendar_name", sa.Text(), server_default="", nullable=False),
        sa.Column("calendar_zone", sa.Text(), server_default="UTC", nullable=False),
        sa.Column("policy", sa.Text(), server_default="tagged", nullable=False),
        sa.Column("state", sa.Text(), server_default="idle", nullable=False),
        sa.Column("lane", sa.SmallInteger(), nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("arm_no", sa.Integer(), server_default="1", nullable=False),
        sa.Column("seq", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("run_no", sa.Integer(), server_default="0", nullable=False),
        sa.Column("fence", sa.Integer(), server_default="0", nullable=False),
        sa.Column("change_set_id", sa.Uuid(), nullable=True),
        sa.Column("began_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("phase", sa.Text(), server_default="listing", nullable=False),
        sa.Column("full_sync", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("full_list", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("sync_token", sa.Text(), nullable=True),
        sa.Column("page_token", sa.Text(), nullable=True),
        sa.Column("after_id", sa.Uuid(), nullable=True),
        sa.Column("feed_until", sa.BigInteger(), nullable=True),
        sa.Column("progress_done", sa.Integer(), server_default="0", nullable=False),
        sa.Column("progress_total", sa.Integer(), server_default="0", nullable=False),
        sa.Column("poked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("listed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_synced_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("problem", sa.Text(), nullable=True),
        sa.Column("failures", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("job_id", sa.Uuid(), nullable=True),
        sa.Column("job_run", sa.Integer(), nullable=True),
        sa.Column("channel_id", sa.Uuid(), nullable=True),
        sa.Column("channel_resource", sa.Text(), nullable=True),
        sa.Column("channel_token_hash", sa.LargeBinary(), nullable=True),
        sa.Column("channel_expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("channel_renew_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=NOW, nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=NOW, nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        _one_of("calendar_syncs", "policy", "all", "tagged", "none"),
        _one_of("calendar_syncs", "state", "idle", "running", "paused"),
        _one_of("calendar_syncs", "phase", "listing", "todos", "feed", "deletions"),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_calendar_syncs_user_id"), ondelete="CASCADE"
        ),
        *_of("calendar_syncs", "id", "connections"),
    )
    op.create_index(
        op.f("ix_calendar_syncs_lane_next_at"),
        "calendar_syncs",
        ["lane", "next_at"],
        postgresql_where=sa.text("next_at IS NOT NULL"),
    )


def _links() -> None:
    op.create_table(
        "calendar_links",
        sa.Column("connection_id", sa.Uuid(), nullable=False),
        sa.Column("todo_id", sa.Uuid(), nullable=True),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("generation", sa.Integer(), server_default="0", nullable=False),
        sa.Column("etag", sa.Text(), server_default="", nullable=False),
        sa.Column("todo_version", sa.Integer(), server_default="0", nullable=False),
        sa.Column("base", postgresql.JSONB(), nullable=True),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), server_default="linked", nullable=False),
        sa.Column("gone", sa.Text(), nullable=True),
        sa.Column("quarantined", sa.Text(), nullable=True),
        sa.Column("dirty", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("seen_run", sa.Integer(), server_default="0", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=NOW, nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=NOW, nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        _one_of("calendar_links", "origin", "todo", "event"),
        _one_of("calendar_links", "state", "linked", "leaving", "ended"),
        _one_of("calendar_links", "gone", "todo", "event"),
        _one_of("calendar_links", "quarantined", "todo", "event"),
        *_of("calendar_links", "connection_id", "calendar_syncs"),
        *(
            sa.UniqueConstraint(
                "workspace_id",
                "connection_id",
                column,
                name=op.f(f"uq_calendar_links_workspace_id_connection_id_{column}"),
            )
            for column in ("event_id", "todo_id")
        ),
    )
    op.create_index(
        "ix_calendar_links_to_look_at",
        "calendar_links",
        ["workspace_id", "connection_id", "id"],
        postgresql_where=sa.text("dirty OR gone IS NOT NULL"),
    )


def _one_of(table: str, column: str, *values: str) -> sa.CheckConstraint:
    allowed = ", ".join(f"'{value}'" for value in values)
    return sa.CheckConstraint(f"{column} IN ({allowed})", name=op.f(f"ck_{table}_{column}"))


def _of(table: str, column: str, other: str) -> list[sa.Constraint]:
    """Rows that go with those of another table, and with their workspace."""
    return [
        sa.ForeignKeyConstraint(
            ["workspace_id", column],
            [f"{other}.workspace_id", f"{other}.id"],
            name=f"fk_{table}_{column}",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["workspaces.id"],
            name=op.f(f"fk_{table}_workspace_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f(f"pk_{table}")),
    ]


def _allow_jobs(*kinds: str) -> None:
    """Checked without a lock that anybody waits for."""
    allowed = ", ".join(f"'{kind}'" for kind in kinds)
    op.execute("ALTER TABLE jobs DROP CONSTRAINT IF EXISTS ck_jobs_kind")
    op.execute(
        f"ALTER TABLE jobs ADD CONSTRAINT ck_jobs_kind CHECK (kind IN ({allowed})) NOT VALID"
    )
    with op.get_context().autocommit_block():
        op.execute("ALTER TABLE jobs VALIDATE CONSTRAINT ck_jobs_kind")


def downgrade() -> None:
    for table in ("calendar_channels", "calendar_links", "calendar_syncs"):
        op.drop_table(table)
    op.execute("DELETE FROM leases WHERE kind = 'calendars'")
    op.execute("DELETE FROM jobs WHERE kind = 'calendar_sync'")
    _allow_jobs(*JOBS)
