from typing import Any

import pytest
from pydantic import SecretStr

from core.errors import Revoked, VendorError
from integrations.http import Client
from integrations.transcription.deepgram import Deepgram
from integrations.transcription.protocol import Transcript
from tests.integrations.conftest import Sandbox
from tests.integrations.transcription.conftest import say
from tests.recordings import silent

KEY = "a-secret-nobody-may-see"


@pytest.fixture
def deepgram(sandbox: Sandbox, client: Client) -> Deepgram:
    return Deepgram(client, key=SecretStr(KEY), base_url=f"{sandbox.url}/deepgram", price=4300)


async def heard(deepgram: Deepgram, language: str | None = None, *keywords: str) -> Transcript:
    return await deepgram.transcribe(
        silent(3), language=language, keywords=keywords, idempotency_key="memo-1"
    )


async def test_it_says_how_sure_it_is(deepgram: Deepgram, sandbox: Sandbox) -> None:
    say(sandbox, "Compra leche, por favor.", language="es", confidence=0.83)
    found = await heard(deepgram, None, "Lucía", "a&b=c\n")
    assert (found.text, found.language) == ("Compra leche, por favor.", "es")
    assert found.confidence == 0.83
    assert [word.text for word in found.words] == ["Compra", "leche,", "por", "favor."]
    assert {word.confidence for word in found.words} == {0.83}
    assert found.words[-1].end_s == 3
    assert (found.cost_microdollars, found.audio_s) == (215, 3)
    [row] = sandbox.ledger()
    assert (row["kind"], row["request"]["headers"]["authorization"]) == ("listen", "Token ***")
    assert "detect_language=true" in row["request"]["path"]
    assert "keyterm=Luc%C3%ADa&keyterm=a%26b+c" in row["request"]["path"]
    assert KEY not in repr(deepgram)


async def test_a_known_language_is_asked_for(deepgram: Deepgram, sandbox: Sandbox) -> None:
    found = await heard(deepgram, "pt-BR")
    assert found.language == "pt"
    assert "language=pt&" in f"{sandbox.ledger()[0]['request']['path']}&"


async def test_nothing_said_has_no_confidence(deepgram: Deepgram, sandbox: Sandbox) -> None:
    say(sandbox, "")
    found = await heard(deepgram)
    assert (found.text, found.confidence, found.words) == ("", None, [])


@pytest.mark.parametrize("given", ["0.9", "high", None, 7, -1, True, [0.9]])
async def test_a_confidence_that_is_none_is_not_made_up(
    deepgram: Deepgram, sandbox: Sandbox, given: object
) -> None:
    say(sandbox, "buy milk", fields={"confidence": given, "words": None})
    assert (await heard(deepgram)).confidence == (0.9 if given == "0.9" else None)


@pytest.mark.parametrize(
    ("fault", "kind", "permanent"),
    [
        ({"status": 400}, VendorError, True),
        ({"status": 401}, Revoked, True),
        ({"status": 402}, Revoked, True),
        ({"status": 413}, VendorError, True),
        ({"status": 429}, VendorError, False),
        ({"status": 504}, VendorError, False),
        ({"status": 200, "body": '{"results": {"chan'}, VendorError, False),
        ({"status": 200, "body": {"results": {"channels": []}}}, VendorError, False),
        ({"status": 200, "body": [1]}, VendorError, False),
        ({"drop": "midway"}, VendorError, False),
    ],
)
async def test_failures_say_whether_to_ask_again(
    deepgram: Deepgram,
    sandbox: Sandbox,
    fault: dict[str, Any],
    kind: type[VendorError],
    permanent: bool,  # noqa: FBT001 - a column of the table
) -> None:
    sandbox.fault(vendor="transcription", **fault)
    with pytest.raises(VendorError) as caught:
        await heard(deepgram)
    assert (type(caught.value), caught.value.permanent) == (kind, permanent)
    assert (await heard(deepgram)).text
