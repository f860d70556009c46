from datetime import timedelta
from hashlib import sha256
from typing import Any

import pytest
from pydantic import SecretStr

from core.errors import Revoked, VendorError
from integrations.http import Client
from integrations.transcription.openai import OpenAI
from integrations.transcription.profiles import PROFILES
from integrations.transcription.protocol import Quality, Transcript
from tests import plain
from tests.integrations.conftest import Sandbox
from tests.integrations.transcription.conftest import say
from tests.patience import until
from tests.recordings import silent

KEY = "sk-a-secret-nobody-may-see"
SPEECH = silent(2)
QUOTA = {"error": {"message": "You exceeded your quota", "code": "insufficient_quota"}}


def server(sandbox: Sandbox, client: Client, profile: str = "openai", **made: Any) -> OpenAI:
    url = f"{sandbox.url}/{profile}/v1"
    return OpenAI(client, profile, key=SecretStr(KEY), base_url=url, **made)


async def heard(
    openai: OpenAI, language: str | None = "en", keywords: tuple[str, ...] = ()
) -> Transcript:
    return await openai.transcribe(
        SPEECH, language=language, keywords=keywords, idempotency_key="memo-1"
    )


def calls(sandbox: Sandbox) -> list[dict[str, Any]]:
    return [row for row in sandbox.ledger() if row["vendor"] == "transcription"]


def form(row: dict[str, Any]) -> str:
    body: str = row["request"]["body"]
    return body


@pytest.mark.parametrize("profile", sorted(PROFILES))
async def test_each_server_is_understood(sandbox: Sandbox, client: Client, profile: str) -> None:
    say(sandbox, "Kauf Milch und Brot.", language="de", confidence=0.9)
    found = await heard(server(sandbox, client, profile, price=6000), "de-AT")
    assert found.text == "Kauf Milch und Brot."
    assert found.confidence is None
    assert (found.transcriber, found.quality) == ("openai", Quality.STANDARD)
    assert found.model == PROFILES[profile].model
    assert found.cost_microdollars == 200
    tells_language = profile in ("groq", "speaches", "vllm")
    assert found.language == ("de" if tells_language else None)
    if profile in ("openai", "vllm"):
        assert found.words == []
    else:
        assert [word.text for word in found.words] == ["Kauf", "Milch", "und", "Brot."]
        assert [word.start_s for word in found.words] == pytest.approx([0, 0.5, 1, 1.5])
        assert found.words[-1].end_s == pytest.approx(2)
        assert {word.confidence for word in found.words} == {0.9 if profile == "speaches" else None}
    [row] = calls(sandbox)
    assert row["request"]["headers"]["authorization"] == "Bearer ***"
    assert row["request"]["headers"]["idempotency-key"] == "memo-1"
    assert 'name="language"\r\n\r\nde\r\n' in form(row)


async def test_the_recording_arrives_as_it_is_and_nothing_else_does(
    sandbox: Sandbox, client: Client
) -> None:
    say(sandbox, "this one", sha256=sha256(SPEECH.wav()).hexdigest())
    say(sandbox, "any other")
    openai = server(sandbox, client)
    assert (await heard(openai)).text == "this one"
    assert KEY not in repr(openai)
    assert KEY not in sandbox.http.get("/ledger.json").text


async def test_an_unwilling_server_is_asked_plainly_once_and_then_always(
    sandbox: Sandbox, client: Client
) -> None:
    """Another model behind a profile: it takes neither `verbose_json` nor a prompt."""
    say(sandbox, "buy milk")
    url = f"{sandbox.url}/openai/v1"
    openai = OpenAI(
        client, "groq", key=SecretStr(KEY), base_url=url, model="gpt-4o-mini-transcribe"
    )
    assert (await heard(openai, keywords=("Anna",))).text == "buy milk"
    assert [row["response_status"] for row in calls(sandbox)] == [400, 200]
    assert (await heard(openai, keywords=("Anna",))).text == "buy milk"
    assert [row["response_status"] for row in calls(sandbox)] == [400, 200, 200]
    assert "verbose_json" in form(calls(sandbox)[0])
    assert "Anna" not in form(calls(sandbox)[-1])


async def test_what_is_wrong_with_the_recording_is_final_after_the_second_call(
    sandbox: Sandbox, client: Client
) -> None:
    sandbox.fault(vendor="transcription", status=400, times=2)
    openai = server(sandbox, client, "groq")
    with pytest.raises(VendorError) as caught:
        await heard(openai)
    assert (caught.value.permanent, isinstance(caught.value, Revoked)) == (True, False)
    assert len(calls(sandbox)) == 2
    await heard(openai)
    assert "verbose_json" in form(calls(sandbox)[-1]), "it was not the wish"


async def test_keywords_are_such_that_none_is_refused(sandbox: Sandbox, client: Client) -> None:
    wild = (
        "Müller & Söhne",
        "",
        "<script>",
        "a\nb",
        "x" * 300,
        "[1|2];{3}",
        "müller & söhne",
        "हिन्दी",
    )
    await heard(server(sandbox, client), keywords=wild)
    [row] = calls(sandbox)
    assert row["response_status"] == 200
    for kept in ("Müller & Söhne", "script", "a b", "1 2 3", "हिन्दी"):
        assert f'name="keywords[]"\r\n\r\n{kept}\r\n' in form(row)
    assert form(row).count('name="keywords[]"') == 5
    await heard(server(sandbox, client, "groq"), keywords=wild)
    assert 'name="prompt"\r\n\r\nMüller & Söhne, script, ' in form(calls(sandbox)[-1])


@pytest.mark.parametrize(
    ("fault", "kind", "permanent", "ambiguous", "wait"),
    [
        ({"status": 401}, Revoked, True, False, None),
        ({"status": 403}, Revoked, True, False, None),
        ({"status": 404}, Revoked, True, False, None),
        ({"status": 413}, VendorError, True, False, None),
        ({"status": 408}, VendorError, False, False, 10),
        ({"status": 409}, VendorError, False, False, 10),
        ({"status": 429}, VendorError, False, False, 10),
        ({"status": 429, "headers": {"Retry-After": "3"}}, VendorError, False, False, 3),
        ({"status": 429, "body": QUOTA}, Revoked, True, False, None),
        ({"status": 500}, VendorError, False, True, None),
        ({"status": 503, "body": "<html>\x00"}, VendorError, False, True, None),
        ({"status": 302, "headers": {"Location": "/"}}, VendorError, True, False, None),
        ({"status": 200, "body": '{"text": "remi'}, VendorError, False, True, None),
        ({"status": 200, "body": "<html>"}, VendorError, False, True, None),
        ({"status": 200, "body": {"segments": []}}, VendorError, False, True, None),
        ({"status": 200, "body": {"text": None}}, VendorError, False, True, None),
        ({"drop": "before"}, VendorError, False, True, None),
        ({"drop": "after"}, VendorError, False, True, None),
        ({"drop": "midway"}, VendorError, False, True, None),
        ({"delay_ms": 1500}, VendorError, False, True, None),
    ],
)
async def test_failures_say_whether_to_ask_again(
    sandbox: Sandbox,
    client: Client,
    fault: dict[str, Any],
    kind: type[VendorError],
    permanent: bool,  # noqa: FBT001 - a column of the table
    ambiguous: bool,  # noqa: FBT001 - a column of the table
    wait: int | None,
) -> None:
    sandbox.fault(vendor="transcription", **fault)
    openai = server(sandbox, client)
    with pytest.raises(VendorError) as caught:
        await heard(openai)
    error = caught.value
    assert type(error) is kind
    asked = None if wait is None else timedelta(seconds=wait)
    assert (error.permanent, error.ambiguous, error.retry_after) == (permanent, ambiguous, asked)
    if "delay_ms" in fault:  # noted when it is over: not among the next test's calls
        await until(lambda: calls(sandbox))
    assert len(calls(sandbox)) <= 1, "Temporal repeats, not we"
    assert KEY not in str(error)


async def test_nobody_there_is_passing(client: Client) -> None:
    openai = OpenAI(client, "vllm", key=None, base_url="http://127.0.0.1:9/v1")
    with pytest.raises(VendorError) as caught:
        await heard(openai)
    assert (caught.value.permanent, caught.value.ambiguous) == (False, False)


async def test_ones_own_server_needs_no_key(sandbox: Sandbox, client: Client) -> None:
    url = f"{sandbox.url}/speaches/v1"
    own = OpenAI(client, "speaches", key=None, base_url=url)
    assert (await heard(own)).text
    assert not own.third_party
    assert server(sandbox, client).third_party


async def test_it_is_the_api_under_its_own_path_too(sandbox: Sandbox) -> None:
    answer = plain.post(
        f"{sandbox.url}/v1/audio/transcriptions",
        headers={"authorization": "Bearer x"},
        files={"file": ("a.wav", SPEECH.wav())},
        data={"model": "whisper-1", "response_format": "text"},
    )
    assert (answer.status_code, answer.text[:6]) == (200, "Remind")
