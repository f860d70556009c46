"""What people are asked to agree to, word for word.

An agreement holds for the text that it was given to. A text that allows more than the one before,
or something else, is a new version, and whoever agreed to the old one is asked again; a spelling
that is put right is not. Earlier versions stay here: what somebody once agreed to can be shown.
"""

from collections.abc import Mapping
from typing import Final

TRANSCRIPTION_1: Final = (
    "My recordings may be sent to an outside service that writes down what I say. "
    "I can withdraw this at any time; from then on nothing more is sent."
)
UNDERSTANDING_1: Final = (
    "What I say may be sent, as text, to an outside language model that proposes what I meant. "
    "I can withdraw this at any time; from then on nothing more is sent."
)
TEXTS: Final[Mapping[str, tuple[str, ...]]] = {  # by kind; the first is version 1
    "third_party_transcription": (TRANSCRIPTION_1,),
    "third_party_understanding": (UNDERSTANDING_1,),
}


def current(kind: str) -> int:
    """The version that counts."""
    return len(TEXTS[kind])


def text(kind: str, version: int) -> str:
    return TEXTS[kind][version - 1]
