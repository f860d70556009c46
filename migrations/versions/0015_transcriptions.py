"""What transcriptions were worth, each counted once."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"

NOW = sa.text("now()")
READS = "workspace_id = ANY ((SELECT vt_readable())::uuid[])"
WRITES = "workspace_id = ANY ((SELECT vt_writable())::uuid[])"


def upgrade() -> None:
    op.create_table(
        "transcriptions",
        sa.Column("memo_id", sa.Uuid(), nullable=False),
        sa.Column("transcriber", sa.Text(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("audio_s", sa.Double(), nullable=False),
        sa.Column("cost_microdollars", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=NOW, nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id", "memo_id"],
            ["voice_memos.workspace_id", "voice_memos.id"],
            name="fk_transcriptions_memo_id",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["workspaces.id"],
            name=op.f("fk_transcriptions_workspace_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("pk_transcriptions")),
    )
    op.create_index(
        op.f("ix_transcriptions_workspace_id_memo_id"),
        "transcriptions",
        ["workspace_id", "memo_id"],
    )
    op.create_index(
        op.f("ix_transcriptions_created_at"),
        "transcriptions",
        ["created_at"],
        postgresql_using="brin",
    )
    op.execute("ALTER TABLE transcriptions ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE transcriptions FORCE ROW LEVEL SECURITY")
    op.execute("GRANT SELECT, INSERT ON transcriptions TO vt_app")
    op.execute(f"CREATE POLICY reads ON transcriptions FOR SELECT TO vt_app USING ({READS})")
    op.execute(f"CREATE POLICY adds ON transcriptions FOR INSERT TO vt_app WITH CHECK ({WRITES})")
    # For operators' figures: what each provider is asked for, and what that costs.
    op.execute("GRANT SELECT ON transcriptions TO vt_worker")
    op.execute("CREATE POLICY counts ON transcriptions FOR SELECT TO vt_worker USING (true)")


def downgrade() -> None:
    op.drop_table("transcriptions")
