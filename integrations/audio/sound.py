"""What a recording is once it is decoded."""

import io
import wave
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

RATE: Final = 16_000  # samples a second, what every recogniser works with
BYTES_PER_S: Final = RATE * 2


class Doubt(StrEnum):
    """What is to be said of a recording although it could be decoded. Stored and shown."""

    TRUNCATED = "truncated"  # it ends in the middle; what is there was decoded
    DAMAGED = "damaged"  # parts of it could not be decoded and are left out


@dataclass(frozen=True, slots=True)
class Speech:
    """Mono, 16 kHz, signed 16 bit little endian; as loud as speech usually is.

    Neither the file it came in nor what that tells besides (place, device, name) is part of it, so
    no transcriber gets to see them.
    """

    pcm: bytes = field(repr=False)

    @property
    def seconds(self) -> float:
        return len(self.pcm) / BYTES_PER_S

    def wav(self) -> bytes:
        """As a file that everybody reads, without a word on whose it is."""
        file = io.BytesIO()
        with wave.open(file, "wb") as made:
            made.setnchannels(1)
            made.setsampwidth(2)
            made.setframerate(RATE)
            made.writeframes(self.pcm)
        return file.getvalue()


@dataclass(frozen=True, slots=True)
class Decoded:
    speech: Speech
    doubts: Sequence[Doubt]
    format: str  # of formats.Format, as its bytes show it, whatever the upload said
