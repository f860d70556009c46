"""Somebody who records, with the real decoder and the sandbox's answers."""

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import Final

import httpx2
import pytest
from temporalio.testing import ActivityEnvironment

from activities.memos import Listened, Next
from activities.transcribers import Transcribers
from activities.transcriptions import Turn
from core.db import Database
from core.messages import JobMessage, Provider, TranscriptionMessage
from integrations.audio import recordings
from integrations.audio.recordings import Recordings
from tests.memos import Said, Studio, hearing, providers
from tests.reminding import scene

OPENAI: Final = Provider.OPENAI


@pytest.fixture(scope="session")
async def decoder() -> AsyncIterator[Recordings]:
    async with recordings.opened(1) as opened:
        yield opened


@pytest.fixture
def said(sandbox: httpx2.Client) -> Iterator[Said]:
    sandbox.delete("/faults")
    sandbox.delete("/transcripts")
    yield Said(sandbox)
    sandbox.delete("/faults")


@pytest.fixture
async def studio(
    database_url: str, app_db: Database, decoder: Recordings, said: Said, tmp_path: Path
) -> AsyncIterator[Studio]:
    """Ada agreed to OpenAI and Deepgram, in this order."""
    async with AsyncExitStack() as stack:
        found = await stack.enter_async_context(
            providers(said.url, "openai,deepgram", openai_transcription_price=6000)
        )
        voice = hearing(tmp_path, Transcribers(found), decoder)
        made = Studio(app_db, scene(database_url, []), voice, tmp_path)
        await made.agree()
        yield made


def without(studio: Studio, asked: Transcribers | None = None) -> Studio:
    """With other transcribers, or none."""
    return replace(studio, voice=replace(studio.voice, transcribers=asked or Transcribers(())))


async def listen(studio: Studio, message: JobMessage) -> Listened:
    return await ActivityEnvironment().run(studio.steps.listen, message)


async def ask(studio: Studio, message: JobMessage, provider: Provider = OPENAI) -> Turn:
    asked = TranscriptionMessage(message, provider)
    return await ActivityEnvironment().run(studio.asking.transcribe, asked)


async def choose(studio: Studio, message: JobMessage, last: Provider | None) -> Next:
    asked = TranscriptionMessage(message, last)
    return await ActivityEnvironment().run(studio.steps.choose, asked)
