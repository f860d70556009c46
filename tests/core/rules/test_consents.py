"""A text that somebody agreed to stays as it was."""

import hashlib
from typing import Final

from core.models.memos import ConsentKind
from core.rules import consents

# Of each version that was ever shown. A text that changes is a new version, with a line of its own.
SHOWN: Final = {
    "third_party_transcription": ["0b77d8da38b58a07"],
    "third_party_understanding": ["65e6dce610b90ef7"],
}


def test_no_text_that_was_shown_has_changed() -> None:
    found = {
        kind: [hashlib.sha256(text.encode()).hexdigest()[:16] for text in texts]
        for kind, texts in consents.TEXTS.items()
    }
    assert found == SHOWN


def test_every_kind_has_a_text() -> None:
    assert set(consents.TEXTS) == set(ConsentKind)
    for kind in ConsentKind:
        assert "withdraw" in consents.text(kind, consents.current(kind))
