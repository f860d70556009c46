"""Consent of its own for words that a language model outside is asked about."""

from alembic import op

revision = "0016"
down_revision = "0015"

NAME = "ck_consents_kind"


def upgrade() -> None:
    _allow("third_party_transcription", "third_party_understanding")


def downgrade() -> None:
    op.execute("DELETE FROM consents WHERE kind = 'third_party_understanding'")
    _allow("third_party_transcription")


def _allow(*kinds: str) -> None:
    names = ", ".join(f"'{kind}'" for kind in kinds)
    op.execute(f"ALTER TABLE consents DROP CONSTRAINT {NAME}")
    op.execute(f"ALTER TABLE consents ADD CONSTRAINT {NAME} CHECK (kind IN ({names}))")
