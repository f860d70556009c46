"""Which transcribers there are, in the order in which they are asked."""

from collections.abc import Sequence
from dataclasses import dataclass

from core.settings import Settings
from integrations.audio.pool import Pool
from integrations.http import Client
from integrations.transcription.protocol import Transcriber


@dataclass(frozen=True, slots=True)
class Provider:
    """`queue` is its own task queue, `per_second` how many calls are taken from there.

    `transcriber.name` is also what circuits count answers and failures by.
    """

    transcriber: Transcriber
    per_second: float

    @property
    def queue(self) -> str:
        return f"transcribe-{self.transcriber.name}"


def providers(settings: Settings, *, http: Client, pool: Pool) -> Sequence[Provider]:
    """In the order of the setting. `http` has a timeout fit for vendors that take their time."""
    raise NotImplementedError
