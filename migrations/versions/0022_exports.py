"""Archives of what is kept of a person, and the jobs that make them or take them in."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0022"
down_revision = "0021"

NOW = sa.text("now()")
INSTANT = sa.DateTime(timezone=True)
READS = "workspace_id = ANY ((SELECT vt_readable())::uuid[])"
WRITES = "workspace_id = ANY ((SELECT vt_writable())::uuid[])"
KINDS = ("clock", "zone_change", "voice_memo", "calendar_sync")


def upgrade() -> None:
    _allow_jobs(*KINDS, "export", "import")  # first: what it commits can be done again
    _one_open("clock", "zone_change", "export")
    op.create_table(
        "exports",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("formats", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("blob", sa.Text(), nullable=True),
        sa.Column("blob_key", sa.LargeBinary(), nullable=True),
        sa.Column("size", sa.BigInteger(), nullable=True),
        sa.Column("sha256", sa.LargeBinary(), nullable=True),
        sa.Column("token_hash", sa.LargeBinary(), nullable=True),
        sa.Column("token_expires_at", INSTANT, nullable=True),
        sa.Column("downloads", sa.Integer(), server_default="0", nullable=False),
        sa.Column("created_at", INSTANT, server_default=NOW, nullable=False),
        sa.Column("ready_at", INSTANT, nullable=True),
        sa.Column("expires_at", INSTANT, nullable=True),
        sa.Column("removed_at", INSTANT, nullable=True),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint(
            "(blob IS NULL) = (blob_key IS NULL)", name=op.f("ck_exports_blob_has_its_key")
        ),
        sa.CheckConstraint(
            "blob IS NULL OR ready_at IS NOT NULL", name=op.f("ck_exports_kept_once_ready")
        ),
        sa.CheckConstraint(
            "(ready_at IS NULL) = (expires_at IS NULL)",
            name=op.f("ck_exports_ready_until_it_expires"),
        ),
        sa.CheckConstraint(
            "(token_hash IS NULL) = (token_expires_at IS NULL)",
            name=op.f("ck_exports_token_expires"),
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_exports_user_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["workspaces.id"],
            name=op.f("fk_exports_workspace_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("pk_exports")),
    )
    op.create_index(
        op.f("ix_exports_user_id_created_at_id"), "exports", ["user_id", "created_at", "id"]
    )
    op.create_index(op.f("ix_exports_blob"), "exports", ["blob"], unique=True)
    op.create_index(
        op.f("ix_exports_expires_at"),
        "exports",
        ["expires_at"],
        postgresql_where=sa.text("blob IS NOT NULL"),
    )
    op.create_index(op.f("ix_exports_created_at"), "exports", ["created_at"])
    op.execute("ALTER TABLE exports ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE exports FORCE ROW LEVEL SECURITY")
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON exports TO vt_app")
    # Archives whose time is over are found across all tenants, and blobs that no row names.
    op.execute(
        "GRANT SELECT, UPDATE (blob, blob_key, token_hash, token_expires_at), DELETE"
        " ON exports TO vt_worker"
    )
    op.execute(f"CREATE POLICY reads ON exports FOR SELECT TO vt_app USING ({READS})")
    op.execute(f"CREATE POLICY adds ON exports FOR INSERT TO vt_app WITH CHECK ({WRITES})")
    op.execute(
        "CREATE POLICY changes ON exports FOR UPDATE TO vt_app"
        f" USING ({WRITES}) WITH CHECK ({WRITES})"
    )
    op.execute(f"CREATE POLICY removes ON exports FOR DELETE TO vt_app USING ({WRITES})")
    op.execute("CREATE POLICY finds ON exports TO vt_worker USING (true) WITH CHECK (true)")


def _allow_jobs(*kinds: str) -> None:
    """Checked without a lock that anybody waits for."""
    allowed = ", ".join(f"'{kind}'" for kind in kinds)
    op.execute("ALTER TABLE jobs DROP CONSTRAINT IF EXISTS ck_jobs_kind")
    op.execute(
        f"ALTER TABLE jobs ADD CONSTRAINT ck_jobs_kind CHECK (kind IN ({allowed})) NOT VALID"
    )
    with op.get_context().autocommit_block():
        op.execute("ALTER TABLE jobs VALIDATE CONSTRAINT ck_jobs_kind")


def _one_open(*kinds: str) -> None:
    """Made beside the old one, which is dropped last: there is no moment without."""
    among = ", ".join(f"'{kind}'" for kind in kinds)
    with op.get_context().autocommit_block():
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS uq_jobs_one_open_next")
        op.execute(
            "CREATE UNIQUE INDEX CONCURRENTLY uq_jobs_one_open_next ON jobs (workspace_id, kind)"
            f" WHERE finished_at IS NULL AND kind IN ({among})"
        )
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS uq_jobs_one_open")
        op.execute("ALTER INDEX uq_jobs_one_open_next RENAME TO uq_jobs_one_open")


def downgrade() -> None:
    op.drop_table("exports")
    op.execute("DELETE FROM jobs WHERE kind IN ('export', 'import')")
    _one_open("clock", "zone_change")
    _allow_jobs(*KINDS)
