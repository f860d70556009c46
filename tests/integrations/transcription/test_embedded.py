import asyncio
from collections.abc import AsyncIterator

import pytest

from core.errors import VendorError
from integrations.audio.pool import Pool
from integrations.audio.recordings import opened
from integrations.audio.sound import Speech
from integrations.transcription.embedded import TASKS, Embedded
from integrations.transcription.protocol import Quality, Transcript
from tests.recordings import PHRASES, recording, silent

# What it gets wrong of these five sentences of three synthetic voices, 34 words. Other voices are
# heard worse, people in a room much worse: this says that it works, not how well.
MOST_WRONG = 0.25


@pytest.fixture(scope="module")
async def embedded() -> AsyncIterator[Embedded]:
    async with Pool(TASKS, size=1) as pool:
        yield Embedded(pool)


async def heard(embedded: Embedded, speech: Speech, language: str | None = "en") -> Transcript:
    return await embedded.transcribe(speech, language=language, keywords=[], idempotency_key="k")


def errors(said: str, heard: str) -> int:
    """Words that are wrong, missing or too many (Levenshtein)."""
    wanted, got = said.split(), heard.split()
    row = list(range(len(got) + 1))
    for i, word in enumerate(wanted, 1):
        before, row[0] = row[0], i
        for j, other in enumerate(got, 1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (word != other))
    return row[-1]


async def test_it_hears_sentences(embedded: Embedded) -> None:
    wrong = total = 0
    async with opened(1) as recordings:
        for name, said in PHRASES.items():
            decoded = await recordings.decode(recording(f"phrase-{name}.webm"), max_seconds=120)
            transcript = await heard(embedded, decoded.speech)
            wrong += errors(said, transcript.text)
            total += len(said.split())
    assert wrong / total <= MOST_WRONG, f"{wrong} of {total}"


async def test_it_says_what_it_is(embedded: Embedded) -> None:
    async with opened(1) as recordings:
        decoded = await recordings.decode(recording("phrase-plants.webm"), max_seconds=120)
    found = await heard(embedded, decoded.speech, "en-US")
    assert found.text == "water the plants every friday"
    assert (found.transcriber, found.quality, found.language) == ("embedded", Quality.DEMO, "en")
    assert found.confidence is None
    assert found.cost_microdollars == 0
    assert found.audio_s == pytest.approx(2.24, abs=0.01)
    assert [word.text for word in found.words] == found.text.split()
    ends = [at for word in found.words for at in (word.start_s, word.end_s)]
    assert ends == sorted(ends)
    assert 0.05 < ends[0] < 0.5
    assert 1.8 < ends[-1] <= 2.24
    assert {word.confidence for word in found.words} == {None}
    assert not embedded.third_party
    assert found == await heard(embedded, decoded.speech), "the same twice"


async def test_it_hears_nothing_in_nothing(embedded: Embedded) -> None:
    assert (await heard(embedded, silent(0))).words == []
    assert len((await heard(embedded, silent(3), None)).text) < 10


async def test_other_languages_are_not_its(embedded: Embedded) -> None:
    assert [embedded.hears(each) for each in ("en", "en-GB", "English", None)] == [True] * 4
    assert [embedded.hears(each) for each in ("de", "zh-Hant", "pt-BR")] == [False] * 3
    with pytest.raises(VendorError) as caught:
        await heard(embedded, silent(1), "de")
    assert caught.value.permanent


async def test_the_loop_goes_on_meanwhile(embedded: Embedded) -> None:
    """It keeps the interpreter to itself while it hears: hence a process of its own."""
    working = asyncio.create_task(heard(embedded, silent(2)))
    turns = 0
    while not working.done():
        await asyncio.sleep(0.01)
        turns += 1
    assert turns > 10
