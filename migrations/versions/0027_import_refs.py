"""What an undoing took back may come again with the next file; and what was deleted, when asked."""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"


def upgrade() -> None:
    for table, column in (("import_refs", "taken_back"), ("imports", "again")):
        op.add_column(
            table,
            sa.Column(column, sa.Boolean(), server_default=sa.text("false"), nullable=False),
        )


def downgrade() -> None:
    op.drop_column("imports", "again")
    op.drop_column("import_refs", "taken_back")
