"""Kinds of mail about the account, addresses that mail is kept from, events that were taken in."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"

KINDS = ("reminder", "verification", "test", "digest", "summary", "escalation")
NEW_KINDS = ("export_ready", "new_sign_in", "password_changed", "token_reused", "invitation")


def upgrade() -> None:
    _allow_kinds(*KINDS, *NEW_KINDS)  # first: what it commits can be done again
    # The check comes with the column: one that is null everywhere is looked at by nobody.
    op.execute(
        "ALTER TABLE users ADD COLUMN IF NOT EXISTS email_suppressed text"
        " CONSTRAINT ck_users_email_suppressed CHECK"
        " (email_suppressed IN ('bounced', 'dropped', 'complained', 'unsubscribed'))"
    )
    op.create_table(
        "inbound_events",
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column(
            "received_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("provider", "event_id", name=op.f("pk_inbound_events")),
    )
    op.create_index(op.f("ix_inbound_events_received_at"), "inbound_events", ["received_at"])
    op.execute("GRANT SELECT, INSERT ON inbound_events TO vt_app")
    op.execute("GRANT SELECT, DELETE ON inbound_events TO vt_worker")


def _allow_kinds(*kinds: str) -> None:
    """Checked without a lock that anybody waits for."""
    allowed = ", ".join(f"'{kind}'" for kind in kinds)
    op.execute("ALTER TABLE deliveries DROP CONSTRAINT IF EXISTS ck_deliveries_kind")
    op.execute(
        "ALTER TABLE deliveries ADD CONSTRAINT ck_deliveries_kind"
        f" CHECK (kind IN ({allowed})) NOT VALID"
    )
    with op.get_context().autocommit_block():
        op.execute("ALTER TABLE deliveries VALIDATE CONSTRAINT ck_deliveries_kind")


def downgrade() -> None:
    op.drop_table("inbound_events")
    op.drop_column("users", "email_suppressed")
    gone = ", ".join(f"'{kind}'" for kind in NEW_KINDS)
    op.execute(f"DELETE FROM deliveries WHERE kind IN ({gone})")
    _allow_kinds(*KINDS)
