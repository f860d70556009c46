"""A key for each person, wrapped by the key of an epoch, which is a file beside the database.

`live` is a part of the foreign key: an epoch that still wraps somebody's key cannot be destroyed,
and none that is destroyed wraps another one, whoever is faster.
"""

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"

INSTANT = sa.DateTime(timezone=True)
NOW = sa.text("now()")
TRUE = sa.text("true")


def upgrade() -> None:
    op.create_table(
        "key_epochs",
        sa.Column("epoch", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("key_id", sa.Text(), nullable=False),
        sa.Column("sealed_by", sa.Text(), nullable=False),
        sa.Column("created_at", INSTANT, server_default=NOW, nullable=False),
        sa.Column("live", sa.Boolean(), server_default=TRUE, nullable=False),
        sa.Column("destroyed_at", INSTANT, nullable=True),
        sa.CheckConstraint(
            "live = (destroyed_at IS NULL)", name=op.f("ck_key_epochs_live_until_destroyed")
        ),
        sa.PrimaryKeyConstraint("epoch", name=op.f("pk_key_epochs")),
        sa.UniqueConstraint("epoch", "live", name=op.f("uq_key_epochs_epoch_live")),
    )
    op.create_table(
        "subject_keys",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("live", sa.Boolean(), server_default=TRUE, nullable=False),
        sa.Column("wrapped", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", INSTANT, server_default=NOW, nullable=False),
        sa.CheckConstraint("live", name=op.f("ck_subject_keys_wrapped_by_a_live_epoch")),
        sa.ForeignKeyConstraint(
            ["epoch", "live"],
            ["key_epochs.epoch", "key_epochs.live"],
            name=op.f("fk_subject_keys_epoch"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_subject_keys_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_subject_keys")),
    )
    op.create_index(op.f("ix_subject_keys_epoch_user_id"), "subject_keys", ["epoch", "user_id"])
    # No row-level security: they belong to no workspace, whoever shares a todo reads its words with
    # the key of whoever said them, and without the file of its epoch a row opens nothing.
    op.execute("GRANT SELECT, INSERT ON key_epochs, subject_keys TO vt_app")
    op.execute("GRANT SELECT ON key_epochs, subject_keys TO vt_worker, vt_eraser")
    op.execute("GRANT DELETE ON subject_keys TO vt_eraser")


def downgrade() -> None:
    op.drop_table("subject_keys")
    op.drop_table("key_epochs")
