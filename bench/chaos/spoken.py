"""Recordings that each say something else: what a transcriber hears in them is scripted."""

from hashlib import sha256
from itertools import product
from random import Random

import httpx2

from integrations.audio import decoding
from integrations.audio.sound import RATE, Speech
from tests.recordings import recording

MAX_SECONDS = 10
SYLLABLES = [first + second for first, second in product("bdfgklmnprstvz", "aeiou")]


class Spoken:
    """One real phrase, each time with a little more silence behind it, so no two are alike."""

    def __init__(self, rng: Random) -> None:
        self._rng = rng
        self._pcm = decoding.decode(recording("milk.wav"), MAX_SECONDS)[2]
        self._said: set[str] = set()

    def __next__(self) -> tuple[bytes, str]:
        """A recording, and the title of the todo that comes of it."""
        name = "".join(self._rng.choice(SYLLABLES) for _ in range(4))
        if name in self._said:
            return next(self)
        self._said.add(name)
        pcm = self._pcm + bytes(2 * (RATE // 50 + len(self._said)))
        return Speech(pcm).wav(), f"water the {name}"

    def script(self, vendor: httpx2.Client, audio: bytes, title: str) -> None:
        """Have the sandbox hear it: by what the worker sends, which is not what was uploaded."""
        pcm = decoding.decode(audio, MAX_SECONDS)[2]
        said = {
            "text": f"Remind me to {title}.",
            "sha256": sha256(Speech(pcm).wav()).hexdigest(),
            "times": None,
        }
        vendor.post("/transcripts", json=said).raise_for_status()
