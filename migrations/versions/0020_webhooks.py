"""Outgoing webhooks: endpoints, what was sent to them, and each attempt."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0020"
down_revision = "0019"

NOW = sa.text("now()")
INSTANT = sa.DateTime(timezone=True)
READS = "workspace_id = ANY ((SELECT vt_readable())::uuid[])"
WRITES = "workspace_id = ANY ((SELECT vt_writable())::uuid[])"
# What vt_worker finds across tenants: rows that fall due, and bodies and rows whose time is over.
WORKER = {
    "webhook_endpoints": "SELECT, UPDATE (lane, next_at)",
    "webhook_deliveries": "SELECT, UPDATE (body), DELETE",
    "webhook_attempts": "SELECT",
}
KINDS = (
    "reminder",
    "verification",
    "test",
    "digest",
    "summary",
    "escalation",
    "export_ready",
    "new_sign_in",
    "password_changed",
    "token_reused",
    "invitation",
)


def upgrade() -> None:
    _allow_kinds(*KINDS, "webhook_disabled")  # first: what it commits can be done again
    _endpoints()
    _deliveries()
    _attempts()
    for table, rights in WORKER.items():
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO vt_app")
        op.execute(f"GRANT {rights} ON {table} TO vt_worker")
        op.execute(f"CREATE POLICY reads ON {table} FOR SELECT TO vt_app USING ({READS})")
        op.execute(f"CREATE POLICY adds ON {table} FOR INSERT TO vt_app WITH CHECK ({WRITES})")
        op.execute(
            f"CREATE POLICY changes ON {table} FOR UPDATE TO vt_app"
            f" USING ({WRITES}) WITH CHECK ({WRITES})"
        )
        op.execute(f"CREATE POLICY removes ON {table} FOR DELETE TO vt_app USING ({WRITES})")
        op.execute(f"CREATE POLICY finds ON {table} TO vt_worker USING (true) WITH CHECK (true)")
    # Several kinds follow the feed; any of them may be the first.
    op.execute("GRANT SELECT ON feeds TO vt_worker")
    op.execute("DROP POLICY IF EXISTS finds ON feeds")
    op.execute("CREATE POLICY finds ON feeds FOR SELECT TO vt_worker USING (true)")


def _endpoints() -> None:
    op.create_table(
        "webhook_endpoints",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), server_default="", nullable=False),
        sa.Column("events", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("payload", sa.Text(), server_default="full", nullable=False),
        sa.Column("status", sa.Text(), server_default="active", nullable=False),
        sa.Column("disabled_reason", sa.Text(), nullable=True),
        sa.Column("secret", sa.LargeBinary(), nullable=False),
        sa.Column("secret_previous", sa.LargeBinary(), nullable=True),
        sa.Column("previous_until", INSTANT, nullable=True),
        sa.Column("signing_key", sa.LargeBinary(), nullable=False),
        sa.Column("lane", sa.SmallInteger(), nullable=False),
        sa.Column("next_at", INSTANT, nullable=True),
        sa.Column("arm_no", sa.Integer(), server_default="1", nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("hold_until", INSTANT, nullable=True),
        sa.Column("failures", sa.Integer(), server_default="0", nullable=False),
        sa.Column("failing_since", INSTANT, nullable=True),
        sa.Column("last_failure_at", INSTANT, nullable=True),
        sa.Column("last_success_at", INSTANT, nullable=True),
        sa.Column("created_at", INSTANT, server_default=NOW, nullable=False),
        sa.Column("updated_at", INSTANT, server_default=NOW, nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint(
            "payload IN ('thin', 'full')", name=op.f("ck_webhook_endpoints_payload")
        ),
        sa.CheckConstraint(
            "status IN ('active', 'disabled')", name=op.f("ck_webhook_endpoints_status")
        ),
        sa.CheckConstraint(
            "disabled_reason IN ('by_hand', 'failing', 'gone', 'owner_left')",
            name=op.f("ck_webhook_endpoints_disabled_reason"),
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_webhook_endpoints_user_id"), ondelete="CASCADE"
        ),
        *_of_a_workspace("webhook_endpoints"),
    )
    op.create_index(
        op.f("ix_webhook_endpoints_lane_next_at"),
        "webhook_endpoints",
        ["lane", "next_at"],
        postgresql_where=sa.text("next_at IS NOT NULL"),
    )


def _deliveries() -> None:
    op.create_table(
        "webhook_deliveries",
        sa.Column("endpoint_id", sa.Uuid(), nullable=False),
        sa.Column("event_seq", sa.BigInteger(), nullable=True),
        sa.Column("event_type", sa.Text(), nullable=False),
        sa.Column("message_id", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("tries", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("next_at", INSTANT, nullable=True),
        sa.Column("status_code", sa.Integer(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("created_at", INSTANT, server_default=NOW, nullable=False),
        sa.Column("delivered_at", INSTANT, nullable=True),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint(
            "status IN ('pending', 'delivered', 'failed')",
            name=op.f("ck_webhook_deliveries_status"),
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id", "endpoint_id"],
            ["webhook_endpoints.workspace_id", "webhook_endpoints.id"],
            name="fk_webhook_deliveries_endpoint_id",
            ondelete="CASCADE",
        ),
        *_of_a_workspace("webhook_deliveries"),
        sa.UniqueConstraint(
            "workspace_id",
            "endpoint_id",
            "event_seq",
            name=op.f("uq_webhook_deliveries_workspace_id_endpoint_id_event_seq"),
        ),
    )
    op.create_index(
        op.f("ix_webhook_deliveries_workspace_id_endpoint_id_id"),
        "webhook_deliveries",
        ["workspace_id", "endpoint_id", "id"],
    )
    op.create_index(
        "ix_webhook_deliveries_pending",
        "webhook_deliveries",
        ["workspace_id", "endpoint_id", "next_at", "event_seq"],
        postgresql_where=sa.text("status = 'pending'"),
    )
    op.create_index(
        op.f("ix_webhook_deliveries_created_at"),
        "webhook_deliveries",
        ["created_at"],
        postgresql_using="brin",
    )
    op.create_index(
        "ix_webhook_deliveries_bodies",
        "webhook_deliveries",
        ["created_at"],
        postgresql_where=sa.text("body IS NOT NULL"),
    )


def _attempts() -> None:
    op.create_table(
        "webhook_attempts",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("delivery_id", sa.Uuid(), nullable=False),
        sa.Column("nth", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("status_code", sa.Integer(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("took_ms", sa.Integer(), nullable=False),
        sa.Column("response_excerpt", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["workspace_id", "delivery_id"],
            ["webhook_deliveries.workspace_id", "webhook_deliveries.id"],
            name="fk_webhook_attempts_delivery_id",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["workspaces.id"],
            name=op.f("fk_webhook_attempts_workspace_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "workspace_id", "delivery_id", "nth", name=op.f("pk_webhook_attempts")
        ),
    )


def _of_a_workspace(table: str) -> list[sa.Constraint]:
    return [
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["workspaces.id"],
            name=op.f(f"fk_{table}_workspace_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f(f"pk_{table}")),
    ]


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
    for table in ("webhook_attempts", "webhook_deliveries", "webhook_endpoints"):
        op.drop_table(table)
    op.execute("DELETE FROM deliveries WHERE kind = 'webhook_disabled'")
    _allow_kinds(*KINDS)
