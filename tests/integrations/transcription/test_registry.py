import pytest
from pydantic import SecretStr

from core.errors import Misconfigured
from core.services import consents
from core.settings import TRANSCRIBERS, Profile, Settings
from integrations.transcription.profiles import PROFILES
from integrations.transcription.registry import opened
from tests.integrations.conftest import Sandbox
from tests.recordings import silent


def settings(**given: object) -> Settings:
    return Settings(_env_file=None, **given)  # type: ignore[arg-type]  # the table's values are what they are


async def test_without_a_setting_the_embedded_one_is_there() -> None:
    async with opened(settings()) as [embedded]:
        assert (embedded.name, embedded.queue) == ("embedded", "transcribe-embedded")
        assert not embedded.third_party
        assert embedded.hears("en")
        assert not embedded.hears("de")
    assert consents.outside(settings()) == []


async def test_they_come_in_their_order_with_their_rates() -> None:
    given = settings(transcribers="deepgram, openai,embedded", transcriptions_openai=0.5)
    async with opened(given) as providers:
        assert [each.name for each in providers] == ["deepgram", "openai", "embedded"]
        assert [each.per_second for each in providers] == [5, 0.5, 2]
        assert len({each.queue for each in providers}) == 3
    assert consents.outside(given) == ["deepgram", "openai"]
    own = settings(transcribers="openai", openai_transcription_profile="vllm")
    assert consents.outside(own) == []


@pytest.mark.parametrize("profile", PROFILES)
async def test_consent_is_asked_for_exactly_those_outside(sandbox: Sandbox, profile: str) -> None:
    """The door, which knows no vendor, and whoever calls one agree on whose they are."""
    given = settings(
        transcribers="embedded,openai,deepgram",
        openai_transcription_profile=profile,
        openai_transcription_url=f"{sandbox.url}/v1",
    )
    async with opened(given) as providers:
        theirs = [each.name for each in providers if each.third_party]
    names = [profile if each == "openai" else each for each in theirs]
    assert consents.outside(given) == names


async def test_none_is_none() -> None:
    async with opened(settings(transcribers="none")) as providers:
        assert list(providers) == []


@pytest.mark.parametrize("name", [each for each in TRANSCRIBERS if each != "embedded"])
@pytest.mark.parametrize("profile", ["openai", "groq", "localai"])
async def test_in_the_dev_profile_the_sandbox_is_asked(
    sandbox: Sandbox, name: str, profile: str
) -> None:
    port = int(sandbox.url.rpartition(":")[2])
    given = settings(transcribers=name, sandbox_port=port, openai_transcription_profile=profile)
    async with opened(given) as [provider]:
        found = await provider.transcribe(
            silent(1), language="en", keywords=[], idempotency_key="memo-1"
        )
    assert found.text == "Remind me to call my mother tomorrow at five."
    assert found.transcriber == provider.name
    assert found.cost_microdollars is None, "nobody said what it costs"


@pytest.mark.parametrize(
    "wrong", ["whisper", "embedded,embedded", "none,embedded", "embedded,none"]
)
def test_a_name_that_is_none_is_told(wrong: str) -> None:
    with pytest.raises(Misconfigured, match="TRANSCRIBERS"):
        settings(transcribers=wrong)


@pytest.mark.parametrize(
    ("given", "missing"),
    [
        ({"transcribers": "deepgram"}, "DEEPGRAM_KEY"),
        ({"transcribers": "openai"}, "OPENAI_TRANSCRIPTION_KEY"),
        (
            {"transcribers": "openai", "openai_transcription_profile": "vllm"},
            "OPENAI_TRANSCRIPTION_URL",
        ),
    ],
)
def test_production_is_told_what_is_missing(given: dict[str, object], missing: str) -> None:
    with pytest.raises(Misconfigured, match=missing):
        settings(profile=Profile.PRODUCTION, **given)


def test_every_name_of_the_setting_can_be_made() -> None:
    """`opened` takes what is neither of the others for Deepgram."""
    assert set(TRANSCRIBERS) == {"embedded", "openai", "deepgram"}
    production = settings(deepgram_key=SecretStr("k"))
    assert consents.outside(production) == []
