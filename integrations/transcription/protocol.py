"""What every transcriber does. A further one is a file beside this and a line in `registry.py`.

docs/adding-a-transcriber.md goes through it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from integrations.audio.sound import Speech


class Quality(StrEnum):
    DEMO = "demo"  # good enough to see everything work; whatever it hears is asked about first
    STANDARD = "standard"


@dataclass(frozen=True, slots=True)
class Word:
    text: str
    start_s: float
    end_s: float
    confidence: float | None


@dataclass(frozen=True, slots=True)
class Transcript:
    """What was heard; an empty `text` is an answer: nothing intelligible was said.

    `confidence` is what the provider really says of it, 0 to 1, else null: never made up.
    `language` is a code (`en`, `pt`), of the words rather than of the wish; null if unknown.
    """

    text: str = field(repr=False)
    language: str | None
    confidence: float | None
    words: Sequence[Word] = field(repr=False)
    transcriber: str
    model: str
    quality: Quality
    audio_s: float
    cost_microdollars: int | None


class Transcriber(Protocol):
    @property
    def name(self) -> str:
        """Of the setting `transcribers`, of its task queue, of metrics and of transcripts."""
        ...

    @property
    def third_party(self) -> bool:
        """Whether recordings leave our machines for it: then a person agrees first."""
        ...

    def hears(self, language: str | None) -> bool:
        """Whether it is worth asking for speech in this language; null: it is not known."""
        ...

    async def transcribe(
        self,
        speech: Speech,
        *,
        language: str | None,
        keywords: Sequence[str],
        idempotency_key: str,
    ) -> Transcript:
        """Give the words of it, asking once: Temporal repeats.

        `language` is a hint (a code), `keywords` are names and words likely to be said, any text,
        not sanitised; `idempotency_key` is the same for every attempt of one recording.
        Raises VendorError: `permanent` when the same call would fail again, `retry_after` when the
        provider, or a mistake of an operator, wants time.
        """
        ...
