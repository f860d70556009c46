"""What a process for recordings can be asked to do."""

import io
import wave
from collections.abc import Mapping
from typing import Any, Final

from integrations.audio.child import Reply, Task
from integrations.audio.decoding import decode
from integrations.audio.detection import Detector
from integrations.audio.sound import RATE, Speech

MODULE: Final = __name__


def prepare() -> Mapping[str, Task]:
    """Everything that opens files, once: after this the process can open none."""
    detector = Detector()
    decode(wav(Speech(bytes(RATE))), 1)
    detector.begins(bytes(RATE))

    def decoded(asked: dict[str, Any], data: bytes) -> Reply:
        container, doubts, pcm = decode(data, asked["max_seconds"])
        return {"format": container, "doubts": doubts}, pcm

    def begins(_: dict[str, Any], pcm: bytes) -> Reply:
        return {"at": detector.begins(pcm)}, b""

    return {"decode": decoded, "begins": begins}


def wav(speech: Speech) -> bytes:
    """As a file that everybody reads, without a word on whose it is."""
    file = io.BytesIO()
    with wave.open(file, "wb") as made:
        made.setnchannels(1)
        made.setsampwidth(2)
        made.setframerate(RATE)
        made.writeframes(speech.pcm)
    return file.getvalue()
