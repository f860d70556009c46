"""Erasure: what was asked for, who is gone, what proves it, and a role that may do it.

`vt_eraser` alone may take rows away across tenants. It reads and removes; of what stays with a
team it changes the few columns that speak of whoever leaves.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0024"
down_revision = "0023"

INSTANT = sa.DateTime(timezone=True)
NOW = sa.text("now()")
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
    "webhook_disabled",
)
ROLE = """
DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'vt_eraser') THEN
        CREATE ROLE vt_eraser NOLOGIN;
    END IF;
    EXECUTE format('GRANT vt_eraser TO %I', current_user);
END $$
"""
# Every table there is, as a later one has to say for itself; a test looks that each did.
GRANTS = """
DO $$ DECLARE t record; BEGIN
    FOR t IN SELECT c.oid::regclass AS name, c.relrowsecurity AS guarded FROM pg_class c
             WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r'
               AND c.relname NOT IN ('alembic_version', 'audit_log', 'erasures',
                                     'erasure_ledger', 'erasure_receipts')
    LOOP
        EXECUTE format('GRANT SELECT, DELETE ON %s TO vt_eraser', t.name);
        IF t.guarded THEN
            EXECUTE format('CREATE POLICY erases ON %s TO vt_eraser USING (true)'
                           ' WITH CHECK (true)', t.name);
        END IF;
    END LOOP;
END $$
"""
REVOKES = """
DO $$ DECLARE t record; BEGIN
    FOR t IN SELECT c.oid::regclass AS name FROM pg_class c
             WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r'
    LOOP
        EXECUTE format('DROP POLICY IF EXISTS erases ON %s', t.name);
        EXECUTE format('REVOKE ALL ON %s FROM vt_eraser', t.name);
    END LOOP;
END $$
"""


def upgrade() -> None:
    _allow_kinds(*KINDS, "erasure_asked", "erasure_begun")  # first, as it commits: may be repeated
    op.create_table(
        "erasures",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("receipt_id", sa.Uuid(), nullable=False),
        sa.Column("status", sa.Text(), server_default="waiting", nullable=False),
        sa.Column("steps", postgresql.JSONB(), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("restarts", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("requested_at", INSTANT, server_default=NOW, nullable=False),
        sa.Column("due_at", INSTANT, nullable=False),
        sa.Column("finished_at", INSTANT, nullable=True),
        sa.CheckConstraint(
            "status IN ('waiting', 'running', 'done', 'cancelled')",
            name=op.f("ck_erasures_status"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_erasures")),
    )
    op.create_index(
        "uq_erasures_one_open",
        "erasures",
        ["user_id"],
        unique=True,
        postgresql_where=sa.text("status IN ('waiting', 'running')"),
    )
    op.create_index(op.f("ix_erasures_receipt_id"), "erasures", ["receipt_id"], unique=True)
    op.create_table(
        "erasure_ledger",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("erased_at", INSTANT, server_default=NOW, nullable=False),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_erasure_ledger")),
    )
    op.create_table(
        "erasure_receipts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("issued_at", INSTANT, server_default=NOW, nullable=False),
        sa.Column("counts", postgresql.JSONB(), nullable=False),
        sa.Column("signature", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_erasure_receipts")),
    )
    _allow("active", "disabled", "merged", "erasing")
    # Whose an answer is was known to its sender only; now it can go with them. The default is
    # taken with each insert, so that no statement of a request is any longer than it was.
    op.execute("ALTER TABLE idempotency_keys ADD COLUMN user_id uuid")
    op.execute("ALTER TABLE idempotency_keys ALTER COLUMN user_id SET DEFAULT vt_user()")
    op.create_index(op.f("ix_idempotency_keys_user_id"), "idempotency_keys", ["user_id"])
    op.create_index(op.f("ix_executions_fairness_key"), "executions", ["fairness_key"])
    _roles()


def _allow(*values: str) -> None:
    allowed = ", ".join(f"'{value}'" for value in values)
    op.execute("ALTER TABLE users DROP CONSTRAINT ck_users_status")
    op.execute(f"ALTER TABLE users ADD CONSTRAINT ck_users_status CHECK (status IN ({allowed}))")


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


def _roles() -> None:
    op.execute("GRANT SELECT, INSERT, UPDATE ON erasures TO vt_app")
    op.execute("GRANT SELECT ON erasure_receipts, erasure_ledger TO vt_app")
    op.execute("GRANT SELECT ON erasures, erasure_ledger TO vt_worker")
    op.execute(ROLE)
    op.execute(GRANTS)
    op.execute("GRANT SELECT, INSERT, UPDATE ON erasures TO vt_eraser")
    op.execute("GRANT SELECT, INSERT ON erasure_ledger, erasure_receipts, audit_log TO vt_eraser")
    op.execute("GRANT INSERT ON outbox TO vt_eraser")  # for whom a backup brings back
    op.execute("GRANT UPDATE ON executions, users, memberships, sessions TO vt_eraser")


def downgrade() -> None:
    op.execute(REVOKES)  # the role stays: it belongs to the cluster, as the others do
    op.drop_index(op.f("ix_executions_fairness_key"), "executions")
    op.drop_index(op.f("ix_idempotency_keys_user_id"), "idempotency_keys")
    op.execute("ALTER TABLE idempotency_keys DROP COLUMN user_id")
    op.execute("UPDATE users SET status = 'disabled' WHERE status = 'erasing'")
    _allow("active", "disabled", "merged")
    op.drop_table("erasure_receipts")
    op.drop_table("erasure_ledger")
    op.drop_table("erasures")
    op.execute("DELETE FROM deliveries WHERE kind IN ('erasure_asked', 'erasure_begun')")
    _allow_kinds(*KINDS)
