"""Which transcribers there are, in the order in which they are asked."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Final

from pydantic import SecretStr

from core.settings import Settings
from integrations.audio.pool import Pool
from integrations.audio.sound import Speech
from integrations.http import Client, vendor_client
from integrations.http_transport import Limits
from integrations.transcription import deepgram, embedded
from integrations.transcription.deepgram import Deepgram
from integrations.transcription.embedded import Embedded
from integrations.transcription.protocol import Transcriber, Transcript

CALL_S: Final = 30.0
CONNECTIONS: Final = 64
SANDBOX_KEY: Final = SecretStr("sandbox")


@dataclass(frozen=True, slots=True)
class Provider:
    """A transcriber as this deployment has it: `per_second` calls are taken from its queue.

    `name` is also what circuits count its answers and failures by.
    """

    transcriber: Transcriber
    per_second: float

    @property
    def name(self) -> str:
        return self.transcriber.name

    @property
    def queue(self) -> str:
        return queue_of(self.name)

    @property
    def third_party(self) -> bool:
        return self.transcriber.third_party

    def hears(self, language: str | None) -> bool:
        return self.transcriber.hears(language)

    async def transcribe(
        self, speech: Speech, *, language: str | None, keywords: Sequence[str], idempotency_key: str
    ) -> Transcript:
        return await self.transcriber.transcribe(
            speech, language=language, keywords=keywords, idempotency_key=idempotency_key
        )


def queue_of(name: str) -> str:
    """The task queue of a transcriber's calls."""
    return f"transcribe-{name}"


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Sequence[Provider]]:
    """Those that the settings name, in their order, with connections and processes of their own."""
    async with AsyncExitStack() as stack:
        limits = Limits(timeout=CALL_S, connections=CONNECTIONS)
        http = await stack.enter_async_context(vendor_client(limits))
        providers = []
        for name in settings.transcriber_names:
            if name == "embedded":
                pool = Pool(embedded.TASKS, size=settings.voice_processes)
                await stack.enter_async_context(pool)
                made: Transcriber = Embedded(pool)
            elif name == "openai":
                made = _openai(settings, http)
            else:
                made = _deepgram(settings, http)
            providers.append(Provider(made, getattr(settings, f"transcriptions_{name}")))
        yield providers


def _openai(settings: Settings, http: Client) -> Transcriber:
    # 30 MB and half a second that only those pay who use it.
    from integrations.transcription.openai import OpenAI  # noqa: PLC0415 - as said

    url = settings.openai_transcription_url
    if url is None and settings.dev:
        url = f"{settings.sandbox_url}/{settings.openai_transcription_profile}/v1"
    return OpenAI(
        http,
        settings.openai_transcription_profile,
        key=settings.openai_transcription_key or (SANDBOX_KEY if settings.dev else None),
        base_url=url,
        model=settings.openai_transcription_model,
        price=settings.openai_transcription_price,
    )


def _deepgram(settings: Settings, http: Client) -> Transcriber:
    at_home = f"{settings.sandbox_url}/deepgram" if settings.dev else deepgram.BASE_URL
    return Deepgram(
        http,
        key=settings.deepgram_key or SANDBOX_KEY,
        base_url=settings.deepgram_url or at_home,
        model=settings.deepgram_model,
        price=settings.deepgram_price,
    )
