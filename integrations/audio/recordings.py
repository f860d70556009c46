"""Decodes recordings and finds the speech in them, in processes that can do no harm."""

from integrations.audio.pool import Pool
from integrations.audio.sound import Decoded, Span, Speech


class Recordings:
    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def decode(self, data: bytes, *, max_seconds: int) -> Decoded:
        """Decode what its bytes, not its name or declared type, show it to be.

        Raises Invalid for what never will be decoded, by `code`: `not_audio`, `no_audio` (a
        container without sound), `too_long`, `undecodable`. Raises Unavailable for what may pass:
        the decoder was killed, or the machine is too busy.
        """
        raise NotImplementedError

    async def speech_in(self, speech: Speech) -> list[Span]:
        """Where somebody speaks; nowhere: noise, music, silence. Raises Unavailable."""
        raise NotImplementedError
