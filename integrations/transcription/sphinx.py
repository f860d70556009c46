"""PocketSphinx with the English model of its wheel. Runs in a process of `integrations.audio`."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

import numpy as np
from pocketsphinx import Decoder

from integrations.audio.child import Reply, Task
from integrations.audio.sound import RATE

FRAMES_PER_S: Final = 100
NOISE_RMS: Final = 30.0  # in digital silence its features have no logarithm, and it hears words
AROUND: Final = RATE * 3 // 10  # it wants a moment of quiet before the first word
VARIANT: Final = re.compile(r"\(\d+\)$")  # which pronunciation: `the(2)`


def prepare() -> Mapping[str, Task]:
    decoder = Decoder(samprate=RATE, loglevel="FATAL")

    def hear(_: dict[str, Any], pcm: bytes) -> Reply:
        decoder.start_utt()
        try:
            decoder.process_raw(_noisy(pcm), full_utt=True)
        finally:
            decoder.end_utt()
        words = list(_words(decoder, len(pcm) / (RATE * 2)))
        return {"words": words}, b""

    hear({}, bytes(RATE))
    return {"hear": hear}


def _noisy(pcm: bytes) -> bytes:
    quiet = np.pad(np.frombuffer(pcm, np.int16).astype(np.float32), AROUND)
    noise = np.random.default_rng(0).normal(0, NOISE_RMS, len(quiet))  # the same twice
    return np.clip(quiet + noise, -32768, 32767).astype(np.int16).tobytes()


def _words(decoder: Decoder, seconds: float) -> Iterator[tuple[str, float, float]]:
    """Text, beginning and end. Its likelihoods are of the path, no confidence in a word."""
    for segment in decoder.seg() or ():
        if segment.word.startswith(("<", "[", "+")):  # silence, breath, noise
            continue
        first = segment.start_frame / FRAMES_PER_S - AROUND / RATE
        last = (segment.end_frame + 1) / FRAMES_PER_S - AROUND / RATE
        text = VARIANT.sub("", segment.word)
        yield text, round(max(first, 0.0), 2), round(min(last, seconds), 2)
