"""Decodes recordings and finds out whether somebody speaks, in processes that can do no harm."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from core.errors import Invalid
from integrations.audio.child import Refused
from integrations.audio.pool import Pool
from integrations.audio.sound import Decoded, Doubt, Speech

TASKS: Final = "integrations.audio.tasks"  # by name: what reads the files of others runs there only
PROCESSES: Final = 2  # a minute of opus takes 50 ms to decode, one of noise 3 s to listen to
DECODED_WITHIN_S: Final = 20.0  # of processor time; five minutes of anything take two
LOOKED_AT_WITHIN: Final = 0.5  # of its length
WALL: Final = 4  # times the processor time, before somebody else has a turn

REFUSALS: Final = {
    "not_audio": "This is not a recording of a kind that we know.",
    "no_audio": "There is no sound in this recording.",
    "too_long": "This recording is longer than {max_seconds} seconds.",
    "undecodable": "This recording is damaged: nothing in it can be played.",
    "too_hard": "This recording is damaged: nothing in it can be played.",
}


class Recordings:
    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def decode(self, data: bytes, *, max_seconds: int) -> Decoded:
        """Decode what its bytes, not its name or declared type, show it to be.

        Raises Invalid for what never will be decoded, by `code`: `not_audio`, `no_audio` (a
        container without sound), `too_long`, `undecodable`, `too_hard`. Raises Unavailable for
        what may pass: the machine is too busy.
        """
        try:
            said, pcm = await self._pool.run(
                "decode",
                data,
                cpu_s=DECODED_WITHIN_S,
                wall_s=DECODED_WITHIN_S * WALL,
                max_seconds=max_seconds,
            )
        except Refused as refused:
            raise _final(refused, max_seconds) from refused
        return Decoded(Speech(pcm), [Doubt(each) for each in said["doubts"]], said["format"])

    async def speech_begins(self, speech: Speech) -> float | None:
        """Seconds from its beginning; null: noise, music, silence. Raises as `decode`."""
        cpu_s = 10 + speech.seconds * LOOKED_AT_WITHIN
        try:
            said, _ = await self._pool.run("begins", speech.pcm, cpu_s=cpu_s, wall_s=cpu_s * WALL)
        except Refused as refused:
            raise _final(refused) from refused
        began: float | None = said["at"]
        return began


def _final(refused: Refused, max_seconds: int = 0) -> Invalid:
    code = refused.code if refused.code in REFUSALS else "undecodable"
    return Invalid(REFUSALS[code].format(max_seconds=max_seconds), code=code)


@asynccontextmanager
async def opened(processes: int = PROCESSES) -> AsyncIterator[Recordings]:
    """With processes of its own, started when they are needed."""
    async with Pool(TASKS, size=processes) as pool:
        yield Recordings(pool)
