"""The steps of a recording's work, one by one, with the real decoder and the sandbox's answers."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from activities.memos import Listened, Next
from activities.transcribers import Transcribers
from activities.transcriptions import Outcome, Turn
from core.errors import VendorError
from core.ids import uuid7
from core.messages import Provider
from core.models.memos import ConsentKind
from core.services.memo_processing import Ending, Waiting
from core.settings import Settings
from integrations import language_model
from integrations.blobs import Directory
from tests.activities.studios import ask, choose, decoder, listen, said, studio, without
from tests.memos import MILK, Said, Studio, providers
from tests.proposing import Model, command
from tests.recordings import recording
from tests.reminding import scene

__all__ = ["decoder", "said", "studio"]  # fixtures


HOSTILE = b"\x1a\x45\xdf\xa3" + b"\xff" * 5000  # it begins as webm does
OPENAI, DEEPGRAM, EMBEDDED = Provider.OPENAI, Provider.DEEPGRAM, Provider.EMBEDDED


async def test_speech_is_heard_and_the_first_transcriber_chosen(studio: Studio) -> None:
    message = await studio.record(recording("milk.webm"))
    heard = Listened(transcribed=False, next=Next(None, OPENAI))
    assert await listen(studio, message) == heard
    assert await listen(studio, message) == heard
    memo = studio.memo(message)
    assert (memo["status"], memo["stage"]) == ("transcribing", "listening")
    assert memo["duration_s"] == pytest.approx(1.8, abs=0.2)
    assert studio.job(message)["status"] == "running"


@pytest.mark.parametrize("name", ["silence.ogg", "tone.mp3", "noise.webm"])
async def test_without_speech_it_says_so(studio: Studio, name: str) -> None:
    message = await studio.record(recording(name))
    for _ in range(2):
        assert await listen(studio, message) == Listened(False, Next(Ending.NO_SPEECH))
    memo, job = studio.memo(message), studio.job(message)
    assert (memo["status"], memo["problem"]) == ("no_speech", "nobody was heard in it")
    assert (job["status"], job["result"]["outcome"]) == ("succeeded", "no_speech")
    assert memo["retain_until"] is not None
    assert studio.told() == ["Nothing came of a recording of yours: nobody was heard in it"]
    assert studio.at.events().count("voice_memo.no_speech") == 1


@pytest.mark.parametrize("audio", [HOSTILE, b"", b"v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\n", None])
async def test_what_is_no_audio_fails_and_the_next_is_heard(
    studio: Studio, audio: bytes | None
) -> None:
    message = await studio.record(recording("picture.webm") if audio is None else audio)
    assert await listen(studio, message) == Listened(False, Next(Ending.FAILED))
    memo, job = studio.memo(message), studio.job(message)
    assert (memo["status"], job["status"]) == ("failed", "failed")
    assert memo["problem"] == job["error"]
    assert len(studio.told()) == 1
    following = await studio.record(recording("milk.ogg"))
    assert (await listen(studio, following)).next.provider == OPENAI


async def test_the_words_are_sealed_and_nobody_is_asked_twice(studio: Studio, said: Said) -> None:
    said.script(MILK, fields={"words": []})
    before = len(said.calls())
    message = await studio.record(recording("milk.webm"))
    await listen(studio, message)
    for _ in range(2):
        assert await ask(studio, message) == Turn(Outcome.WRITTEN)
    assert len(said.calls()) == before + 1
    memo = studio.memo(message)
    assert studio.words(message) == MILK
    assert MILK.encode() not in memo["transcript"]
    assert (memo["status"], memo["transcriber"], memo["quality"]) == (
        "understanding",
        "openai",
        "standard",
    )
    assert memo["retain_until"] - memo["created_at"] > studio.voice.audio.retention
    [bill] = studio.at.rows("SELECT * FROM transcriptions WHERE memo_id = %s", memo["id"])
    assert bill["id"] == message.job_id
    assert bill["cost_microdollars"] == pytest.approx(6000 * 1.8 / 60, rel=0.2)


async def test_a_passing_failure_is_temporal_s_and_then_it_is_heard(
    studio: Studio, said: Said
) -> None:
    said.script(MILK)
    message = await studio.record(recording("milk.webm"))
    for fault in (
        {"status": 503},
        {"status": 429, "headers": {"retry-after": "3"}},
        {"drop": "midway"},
        {"status": 200, "body": '{"text": "buy so'},
    ):
        said.fault(**fault)
        with pytest.raises(ApplicationError) as caught:
            await ask(studio, message)
        assert not caught.value.non_retryable
        wait = caught.value.next_retry_delay
        assert (wait.total_seconds() if wait else None) == (
            3 if fault.get("status") == 429 else None
        )
    assert await ask(studio, message) == Turn(Outcome.WRITTEN)


async def test_what_is_refused_for_good_is_the_next_one_s(studio: Studio, said: Said) -> None:
    said.script(MILK)
    message = await studio.record(recording("milk.webm"))
    quota = {"error": {"code": "insufficient_quota", "message": "Pay."}}
    said.fault(status=429, body=quota)
    assert await ask(studio, message) == Turn(Outcome.UNANSWERED)
    assert await choose(studio, message, OPENAI) == Next(None, DEEPGRAM)
    assert await ask(studio, message, DEEPGRAM) == Turn(Outcome.WRITTEN)
    assert studio.memo(message)["transcriber"] == "deepgram"


async def test_who_wants_a_long_rest_gets_it(studio: Studio, said: Said) -> None:
    message = await studio.record(recording("milk.webm"))
    said.fault(status=429, headers={"retry-after": "120"})
    assert await ask(studio, message) == Turn(Outcome.UNANSWERED)
    before = len(said.calls())
    assert await ask(studio, message) == Turn(Outcome.UNANSWERED)
    assert len(said.calls()) == before  # left alone
    assert await choose(studio, message, None) == Next(None, DEEPGRAM)
    waits = await choose(studio, message, DEEPGRAM)
    assert waits.provider is None
    assert waits.wait_ms < 10_000  # Deepgram did not ask for any rest


async def test_it_waits_and_says_for_what(studio: Studio) -> None:
    deaf = without(studio)
    message = await deaf.record(recording("milk.webm"))
    first = (await listen(deaf, message)).next
    assert (first.provider, first.why) == (None, Waiting.NONE_CONFIGURED)
    second = await choose(deaf, message, None)
    assert 5000 <= first.wait_ms < 6000
    assert 15_000 <= second.wait_ms < 17_000
    memo, job = deaf.memo(message), deaf.job(message)
    assert (memo["status"], job["status"]) == ("waiting", "waiting")
    assert "no transcriber is set up" in memo["problem"]
    assert deaf.at.events().count("voice_memo.waiting") == 1
    assert deaf.told() == []
    chosen = await choose(studio, message, None)  # one is set up
    assert chosen == Next(None, OPENAI)


async def test_without_consent_nothing_leaves(
    studio: Studio, database_url: str, said: Said
) -> None:
    grace = replace(studio, at=scene(database_url, []))
    message = await grace.record(recording("milk.webm"))
    heard = await listen(grace, message)
    assert heard.next.why == Waiting.CONSENT
    before = len(said.calls())
    assert await ask(grace, message) == Turn(Outcome.UNANSWERED)  # withdrawn while it waited
    assert len(said.calls()) == before
    async with providers(said.url, "openai,embedded") as found:
        at_home = without(grace, Transcribers(found))
        assert await choose(at_home, message, None) == Next(None, EMBEDDED)
        german = await at_home.record(recording("milk.webm"), language="de")
        assert (await listen(at_home, german)).next.why == Waiting.CONSENT
    async with providers(said.url, "embedded") as found:
        english = without(grace, Transcribers(found))
        assert (await choose(english, german, None)).why == Waiting.LANGUAGE
        assert "knows this language" in english.memo(german)["problem"]


async def test_a_withdrawal_counts_for_the_next_try(studio: Studio, said: Said) -> None:
    said.script(MILK)
    message = await studio.record(recording("milk.webm"))
    said.fault(status=503)
    with pytest.raises(ApplicationError):  # Temporal would repeat it
        await ask(studio, message)
    tried = len(said.calls())
    await studio.agree(agrees=False)
    assert await ask(studio, message) == Turn(Outcome.UNANSWERED)
    assert (await choose(studio, message, None)).why == Waiting.CONSENT
    assert len(said.calls()) == tried
    await studio.agree()
    assert await ask(studio, message) == Turn(Outcome.WRITTEN)


async def test_a_withdrawal_counts_while_the_recording_is_read(
    studio: Studio, said: Said, tmp_path: Path
) -> None:
    """The store answers late, and meanwhile its owner thinks otherwise."""

    class Late(Directory):
        async def open(self, key: str, *, start: int = 0) -> AsyncIterator[bytes]:
            await studio.agree(agrees=False)
            async for piece in super().open(key, start=start):
                yield piece

    audio = replace(studio.voice.audio, blobs=Late(tmp_path))
    late = replace(studio, voice=replace(studio.voice, audio=audio))
    message = await studio.record(recording("milk.webm"))
    before = len(said.calls())
    assert await ask(late, message) == Turn(Outcome.UNANSWERED)
    assert len(said.calls()) == before


async def test_what_we_do_not_understand_a_model_proposes_and_its_owner_answers(
    studio: Studio, said: Said
) -> None:
    model = Model.of(said.http)
    model.propose(command(title="osta maitoa", when="huomenna", when_in_english="tomorrow"))
    made = Settings(
        _env_file=None, language_model_url=f"{model.url}/v1", language_model_name=model.name
    )
    async with language_model.opened(made) as adviser:
        advised = replace(studio.voice, using=replace(studio.voice.using, adviser=adviser))
        asking = replace(studio, voice=advised)
        for calls, ending in ((0, Ending.DONE), (1, Ending.ASKED)):
            said.script("osta maitoa ja leipää huomenna", language="fi")
            message = await asking.record(recording("milk.webm"), language="fi")
            await listen(asking, message)
            await ask(asking, message)
            for _ in range(2):
                found = await ActivityEnvironment().run(asking.steps.understand, message)
                assert (found is Ending.ASKED) >= (ending is Ending.ASKED)
            assert len(model.calls()) == calls
            await asking.agree(ConsentKind.THIRD_PARTY_UNDERSTANDING)
    assert asking.todos() == []
    [row] = studio.at.rows("SELECT * FROM voice_commands WHERE id = %s", message.job_id)
    assert (row["language"], row["outcome"], row["intent"]) == ("fi", "asked", "create")


async def test_no_words_at_all_are_told(studio: Studio, said: Said) -> None:
    said.script("")
    message = await studio.record(recording("milk.webm"))
    assert await ask(studio, message) == Turn(Outcome.OVER, Ending.NO_SPEECH)
    assert await ask(studio, message) == Turn(Outcome.OVER, Ending.NO_SPEECH)
    assert studio.memo(message)["status"] == "no_speech"
    assert len(studio.told()) == 1


async def test_deleted_meanwhile_every_step_ends(studio: Studio, said: Said) -> None:
    before = len(said.calls())
    message = await studio.record(recording("milk.webm"))
    await listen(studio, message)
    await studio.remove(message)
    assert await listen(studio, message) == Listened(False, Next(Ending.GONE))
    assert await choose(studio, message, None) == Next(Ending.GONE)
    assert await ask(studio, message) == Turn(Outcome.OVER, Ending.GONE)
    environment = ActivityEnvironment()
    assert await environment.run(studio.steps.understand, message) == Ending.GONE
    assert len(said.calls()) == before
    assert studio.blobs() == []
    assert studio.job(message)["status"] == "cancelled"


async def test_the_audio_went_between_two_steps(studio: Studio) -> None:
    message = await studio.record(recording("milk.webm"))
    await listen(studio, message)
    for path in studio.blobs():
        path.unlink()
    assert await ask(studio, message) == Turn(Outcome.OVER, Ending.FAILED)
    assert studio.memo(message)["problem"] == "the recording is not there any more"


async def test_an_account_that_went_takes_its_jobs_along(studio: Studio) -> None:
    message = await studio.record(recording("milk.webm"))
    studio.at.run("DELETE FROM workspaces WHERE id = %s", studio.at.user_id)
    assert (await listen(studio, message)).next == Next(Ending.GONE)
    assert await ask(studio, message) == Turn(Outcome.OVER, Ending.GONE)


async def test_stopped_it_is_kept(studio: Studio) -> None:
    message = await studio.record(recording("milk.webm"))
    environment = ActivityEnvironment()
    for _ in range(2):
        await environment.run(studio.steps.stop, message)
    assert studio.job(message)["status"] == "cancelled"
    memo = studio.memo(message)
    assert (memo["status"], memo["blob"] is None) == ("failed", False)
    following = await studio.again(message)
    assert (await listen(studio, following)).next == Next(None, OPENAI)


async def test_another_language_is_asked_for_anew(studio: Studio, said: Said) -> None:
    said.script(MILK)
    message = await studio.record(recording("milk.webm"))
    await ask(studio, message)
    await studio.finish(message)
    same = await studio.again(message)
    assert (await listen(studio, same)).transcribed
    await studio.finish(same)
    said.script("kauf morgen Milch", language="de")
    german = await studio.again(message, language="de")
    assert await listen(studio, german) == Listened(transcribed=False, next=Next(None, OPENAI))
    before = len(said.calls())
    for _ in range(2):
        assert await ask(studio, german) == Turn(Outcome.WRITTEN)
    [call] = said.calls()[before:]
    assert 'name="language"' in call["request"]["body"]
    assert studio.words(german) == "kauf morgen Milch"
    assert len(studio.at.rows("SELECT 1 FROM transcriptions")) >= 2
    await studio.finish(german)
    studio.at.run(
        "UPDATE voice_memos SET blob = NULL, blob_key = NULL, audio_gone_at = now() WHERE id = %s",
        studio.memo(german)["id"],
    )
    french = await studio.again(german, language="fr")  # without audio it is the words
    assert (await listen(studio, french)).transcribed


async def test_an_older_job_makes_way_for_a_newer(studio: Studio) -> None:
    message = await studio.record(recording("milk.webm"))
    studio.at.run("UPDATE voice_memos SET job_id = %s WHERE job_id = %s", uuid7(), message.job_id)
    assert (await listen(studio, message)).next == Next(Ending.GONE)
    job = studio.job(message)
    assert (job["status"], job["error"]) == ("cancelled", "a newer processing took its place")


async def test_when_many_fail_it_is_not_asked_for_a_while(studio: Studio, said: Said) -> None:
    """Of several people, as with every vendor."""
    shared = studio.voice.transcribers
    for n in range(25):
        error = VendorError("no answer", permanent=False)
        shared.failed(OPENAI, UUID(int=n), error)
    message = await studio.record(recording("milk.webm"))
    before = len(said.calls())
    assert await ask(studio, message) == Turn(Outcome.UNANSWERED)
    assert len(said.calls()) == before
    assert await choose(studio, message, None) == Next(None, DEEPGRAM)
