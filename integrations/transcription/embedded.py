"""English with no key and no network: enough to see everything work, not to rely on."""

from collections.abc import Sequence
from typing import Final

from core.errors import Unavailable, VendorError
from integrations.audio.child import Refused
from integrations.audio.pool import Pool
from integrations.audio.sound import Speech
from integrations.transcription.languages import code
from integrations.transcription.protocol import Quality, Transcript, Word

NAME: Final = "embedded"
MODEL: Final = "pocketsphinx-5.1.1 en-us"
TASKS: Final = "integrations.transcription.sphinx"  # by name: its processes load it, the worker not
ENGLISH: Final = "en"
CPU_S: Final = 10.0  # plus twice its length: speech takes a seventh of it, noise up to one half
WALL: Final = 4


class Embedded:
    name = NAME
    third_party = False

    def __init__(self, pool: Pool) -> None:
        """`pool` is one of `TASKS`."""
        self._pool = pool

    def hears(self, language: str | None) -> bool:
        return code(language) in (None, ENGLISH)

    async def transcribe(
        self,
        speech: Speech,
        *,
        language: str | None,
        keywords: Sequence[str],  # noqa: ARG002 - of the protocol; its vocabulary is fixed
        idempotency_key: str,  # noqa: ARG002 - of the protocol; twice is only slower
    ) -> Transcript:
        if not self.hears(language):
            raise VendorError("the embedded transcriber hears English only", permanent=True)
        cpu_s = CPU_S + 2 * speech.seconds
        try:
            said, _ = await self._pool.run("hear", speech.pcm, cpu_s=cpu_s, wall_s=cpu_s * WALL)
        except Refused as refused:
            raise VendorError("the embedded transcriber gave up", permanent=True) from refused
        except Unavailable as error:
            raise VendorError("the embedded transcriber is too busy", permanent=False) from error
        words = [Word(text, first, last, None) for text, first, last in said["words"]]
        return Transcript(
            text=" ".join(word.text for word in words),
            language=ENGLISH,
            confidence=None,
            words=words,
            transcriber=self.name,
            model=MODEL,
            quality=Quality.DEMO,
            audio_s=speech.seconds,
            cost_microdollars=0,
        )
