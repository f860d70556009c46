"""Recordings, uploads that come in parts, and what people agreed to."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0013"
down_revision = "0012"

NOW = sa.text("now()")
KINDS = ("clock", "zone_change")
STATUSES = (
    "received",
    "waiting",
    "transcribing",
    "understanding",
    "done",
    "no_speech",
    "needs_confirmation",
    "failed",
    "deleted",
)


def upgrade() -> None:
    _allow_jobs(*KINDS, "voice_memo")  # first: what it commits can be done again
    _memos()
    _uploads()
    op.create_table(
        "consents",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("granted_at", sa.DateTime(timezone=True), server_default=NOW, nullable=False),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("kind IN ('third_party_transcription')", name=op.f("ck_consents_kind")),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_consents_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("user_id", "kind", name=op.f("pk_consents")),
    )
    op.execute("GRANT SELECT, INSERT, UPDATE ON consents TO vt_app")
    for table in ("voice_memos", "voice_uploads"):
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY reads ON {table} FOR SELECT TO vt_app USING ({READS})")
        op.execute(f"CREATE POLICY adds ON {table} FOR INSERT TO vt_app WITH CHECK ({WRITES})")
        op.execute(
            f"CREATE POLICY changes ON {table} FOR UPDATE TO vt_app"
            f" USING ({WRITES}) WITH CHECK ({WRITES})"
        )
        op.execute(f"CREATE POLICY removes ON {table} FOR DELETE TO vt_app USING ({WRITES})")
        op.execute(f"CREATE POLICY finds ON {table} TO vt_worker USING (true) WITH CHECK (true)")
    op.execute("GRANT SELECT, INSERT, UPDATE ON voice_memos TO vt_app")
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON voice_uploads TO vt_app")
    # Audio whose time is over, and uploads that nobody finished, are found across all tenants.
    op.execute(
        "GRANT SELECT, UPDATE (blob, blob_key, audio_gone_at, updated_at) ON voice_memos"
        " TO vt_worker"
    )
    op.execute("GRANT SELECT, DELETE ON voice_uploads TO vt_worker")


READS = "workspace_id = ANY ((SELECT vt_readable())::uuid[])"
WRITES = "workspace_id = ANY ((SELECT vt_writable())::uuid[])"


def _memos() -> None:
    allowed = ", ".join(f"'{status}'" for status in STATUSES)
    op.create_table(
        "voice_memos",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("capture_id", sa.Uuid(), nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=True),
        sa.Column("job_id", sa.Uuid(), nullable=False),
        sa.Column("status", sa.Text(), server_default="received", nullable=False),
        sa.Column("stage", sa.Text(), nullable=True),
        sa.Column("media_type", sa.Text(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.LargeBinary(), nullable=False),
        sa.Column("duration_s", sa.Double(), nullable=True),
        sa.Column("language", sa.Text(), nullable=True),
        sa.Column("blob", sa.Text(), nullable=True),
        sa.Column("blob_key", sa.LargeBinary(), nullable=True),
        sa.Column("transcript", sa.LargeBinary(), nullable=True),
        sa.Column("words", sa.LargeBinary(), nullable=True),
        sa.Column("transcriber", sa.Text(), nullable=True),
        sa.Column("quality", sa.Text(), nullable=True),
        sa.Column("stt_confidence", sa.Double(), nullable=True),
        sa.Column("problem", sa.Text(), nullable=True),
        sa.Column("retain_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("audio_gone_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=NOW, nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=NOW, nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint(f"status IN ({allowed})", name=op.f("ck_voice_memos_status")),
        sa.CheckConstraint("quality IN ('demo', 'standard')", name=op.f("ck_voice_memos_quality")),
        sa.CheckConstraint(
            "(blob IS NULL) = (blob_key IS NULL)", name=op.f("ck_voice_memos_blob_has_its_key")
        ),
        sa.CheckConstraint(
            "(blob IS NULL) = (audio_gone_at IS NOT NULL)",
            name=op.f("ck_voice_memos_audio_or_its_end"),
        ),
        sa.CheckConstraint(
            "(status = 'deleted') = (deleted_at IS NOT NULL)",
            name=op.f("ck_voice_memos_deleted_has_an_instant"),
        ),
        *_owned("voice_memos"),
    )
    op.create_index(
        op.f("ix_voice_memos_user_id_created_at_id"), "voice_memos", ["user_id", "created_at", "id"]
    )
    op.create_index(
        op.f("ix_voice_memos_retain_until"),
        "voice_memos",
        ["retain_until"],
        postgresql_where=sa.text("blob IS NOT NULL"),
    )
    op.create_index(op.f("ix_voice_memos_blob"), "voice_memos", ["blob"], unique=True)


def _uploads() -> None:
    op.create_table(
        "voice_uploads",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("capture_id", sa.Uuid(), nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=True),
        sa.Column("language", sa.Text(), nullable=True),
        sa.Column("length", sa.Integer(), nullable=False),
        sa.Column("received", sa.Integer(), server_default="0", nullable=False),
        sa.Column("sha256", sa.LargeBinary(), nullable=True),
        sa.Column("parts", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False),
        sa.Column("parts_key", sa.LargeBinary(), nullable=False),
        sa.Column("memo_id", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=NOW, nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint(
            "received BETWEEN 0 AND length", name=op.f("ck_voice_uploads_received_within_length")
        ),
        *_owned("voice_uploads"),
    )
    op.create_index(op.f("ix_voice_uploads_expires_at"), "voice_uploads", ["expires_at"])


def _owned(table: str) -> list[sa.Constraint]:
    """A row for each recording of a person in a workspace, gone with either of the two."""
    return [
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f(f"fk_{table}_user_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["workspaces.id"],
            name=op.f(f"fk_{table}_workspace_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f(f"pk_{table}")),
        sa.UniqueConstraint(
            "workspace_id",
            "user_id",
            "capture_id",
            name=op.f(f"uq_{table}_workspace_id_user_id_capture_id"),
        ),
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
    for table in ("consents", "voice_uploads", "voice_memos"):
        op.drop_table(table)
    op.execute("DELETE FROM jobs WHERE kind = 'voice_memo'")
    _allow_jobs(*KINDS)
