"""To which text somebody agreed and how that came, and what people ask of whoever keeps their data.

`consent_log` is added to and otherwise left alone, until its person goes. `data_requests` has no
foreign key: that a request was answered is told after the account is gone.
"""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"

INSTANT = sa.DateTime(timezone=True)
CONSENTS = "('third_party_transcription', 'third_party_understanding')"


def upgrade() -> None:
    # Whoever agreed before there were versions agreed to the first text.
    op.add_column(
        "consents", sa.Column("version", sa.SmallInteger(), server_default="1", nullable=False)
    )
    op.create_table(
        "consent_log",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("granted", sa.Boolean(), nullable=False),
        sa.Column("version", sa.SmallInteger(), nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("address_hash", sa.LargeBinary(), nullable=True),
        sa.Column("at", INSTANT, nullable=False),
        sa.CheckConstraint(f"kind IN {CONSENTS}", name=op.f("ck_consent_log_kind")),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_consent_log_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consent_log")),
    )
    op.create_index(op.f("ix_consent_log_user_id_id"), "consent_log", ["user_id", "id"])
    op.execute(
        "CREATE TRIGGER append_only BEFORE UPDATE ON consent_log"
        " FOR EACH ROW EXECUTE FUNCTION vt_refuse_change()"
    )
    _requests()
    op.execute("GRANT SELECT, INSERT ON consent_log TO vt_app")
    op.execute("GRANT SELECT, DELETE ON consent_log TO vt_eraser")
    op.execute("GRANT SELECT, INSERT, UPDATE ON data_requests TO vt_app, vt_worker, vt_eraser")


def _requests() -> None:
    op.create_table(
        "data_requests",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("subject_id", sa.Uuid(), nullable=True),
        sa.Column("received_at", INSTANT, server_default=sa.text("now()"), nullable=False),
        sa.Column("due_at", INSTANT, nullable=False),
        sa.Column("extended_at", INSTANT, nullable=True),
        sa.Column("closed_at", INSTANT, nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "kind IN ('access', 'erasure', 'rectification', 'objection')",
            name=op.f("ck_data_requests_kind"),
        ),
        sa.CheckConstraint(
            "outcome IN ('done', 'refused', 'withdrawn')", name=op.f("ck_data_requests_outcome")
        ),
        sa.CheckConstraint(
            "(closed_at IS NULL) = (outcome IS NULL)",
            name=op.f("ck_data_requests_closed_has_an_outcome"),
        ),
        sa.CheckConstraint("due_at > received_at", name=op.f("ck_data_requests_due_later")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_data_requests")),
    )
    op.create_index(
        op.f("ix_data_requests_subject_id"), "data_requests", ["subject_id"], unique=True
    )
    op.create_index(op.f("ix_data_requests_user_id"), "data_requests", ["user_id"])
    op.create_index(
        "ix_data_requests_open",
        "data_requests",
        ["due_at"],
        postgresql_where=sa.text("closed_at IS NULL"),
    )


def downgrade() -> None:
    op.drop_table("data_requests")
    op.drop_table("consent_log")
    op.drop_column("consents", "version")
