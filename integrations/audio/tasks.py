"""What a process for recordings can be asked to do."""

from collections.abc import Mapping
from typing import Any

from integrations.audio.child import Reply, Task
from integrations.audio.decoding import decode
from integrations.audio.detection import Detector
from integrations.audio.sound import RATE, Speech


def prepare() -> Mapping[str, Task]:
    """Everything that opens files, once: after this the process can open none."""
    detector = Detector()
    decode(Speech(bytes(RATE)).wav(), 1)
    detector.begins(bytes(RATE))

    def decoded(asked: dict[str, Any], data: bytes) -> Reply:
        container, doubts, pcm = decode(data, asked["max_seconds"])
        return {"format": container, "doubts": doubts}, pcm

    def begins(_: dict[str, Any], pcm: bytes) -> Reply:
        return {"at": detector.begins(pcm)}, b""

    return {"decode": decoded, "begins": begins}
