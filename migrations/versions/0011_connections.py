"""Connections to outside services, phone numbers, and text messages as a channel."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"

NOW = sa.text("now()")
CHANNELS = ("in_app", "email", "push", "slack")


def upgrade() -> None:
    _allow_channels(*CHANNELS, "sms")  # first: what it commits can be done again
    # The check comes with the column: one that is null everywhere is looked at by nobody.
    op.execute(
        "ALTER TABLE users ADD COLUMN phone text CONSTRAINT ck_users_phone"
        r" CHECK (phone ~ '^\+[1-9][0-9]{6,14}$'), ADD COLUMN phone_verified_at timestamptz"
    )
    op.create_table(
        "connections",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=False),
        sa.Column("secret_key", sa.Text(), nullable=False),
        sa.Column("secret_hash", sa.LargeBinary(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("problem", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=NOW, nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("provider IN ('slack')", name=op.f("ck_connections_provider")),
        sa.CheckConstraint(
            "status IN ('active', 'needs_reauth', 'needs_address')",
            name=op.f("ck_connections_status"),
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_connections_user_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["workspaces.id"],
            name=op.f("fk_connections_workspace_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("pk_connections")),
        sa.UniqueConstraint(
            "workspace_id",
            "user_id",
            "provider",
            name=op.f("uq_connections_workspace_id_user_id_provider"),
        ),
    )
    op.execute("ALTER TABLE connections ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE connections FORCE ROW LEVEL SECURITY")
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON connections TO vt_app")
    for policy in POLICIES:
        op.execute(policy)


READS = "workspace_id = ANY ((SELECT vt_readable())::uuid[])"
WRITES = "workspace_id = ANY ((SELECT vt_writable())::uuid[])"
POLICIES = (
    f"CREATE POLICY reads ON connections FOR SELECT TO vt_app USING ({READS})",
    f"CREATE POLICY adds ON connections FOR INSERT TO vt_app WITH CHECK ({WRITES})",
    f"CREATE POLICY changes ON connections FOR UPDATE TO vt_app USING ({WRITES}) WITH CHECK ({WRITES})",
    f"CREATE POLICY removes ON connections FOR DELETE TO vt_app USING ({WRITES})",
)


def _allow_channels(*channels: str) -> None:
    """Checked without a lock that anybody waits for."""
    allowed = ", ".join(f"'{channel}'" for channel in channels)
    op.execute("ALTER TABLE deliveries DROP CONSTRAINT IF EXISTS ck_deliveries_channel")
    op.execute(
        "ALTER TABLE deliveries ADD CONSTRAINT ck_deliveries_channel"
        f" CHECK (channel IN ({allowed})) NOT VALID"
    )
    with op.get_context().autocommit_block():
        op.execute("ALTER TABLE deliveries VALIDATE CONSTRAINT ck_deliveries_channel")


def downgrade() -> None:
    op.drop_table("connections")
    op.execute("ALTER TABLE users DROP COLUMN phone, DROP COLUMN phone_verified_at")
    op.execute("DELETE FROM deliveries WHERE channel = 'sms'")
    _allow_channels(*CHANNELS)
