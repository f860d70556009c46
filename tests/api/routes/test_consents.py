import pytest
from fastapi import FastAPI
from httpx2 import ASGITransport, AsyncClient

from api.main import create_app
from core.services import consents
from core.settings import Settings
from tests.people import Person, register
from tests.teams import sql
from tests.voicing import noise, upload

KIND = "third_party_transcription"
OTHER = "third_party_understanding"
PATH = "/me/consents"


async def told(person: Person, kind: str = KIND) -> tuple[bool, bool, bool]:
    data = (await person.get(PATH)).json()["data"]
    assert [each["kind"] for each in data] == [KIND, OTHER]
    found = next(each for each in data if each["kind"] == kind)
    return found["granted"], bool(found["granted_at"]), bool(found["withdrawn_at"])


async def test_agreeing_and_withdrawing_that(database_url: str, alice: Person, bob: Person) -> None:
    assert await told(alice) == (False, False, False)
    for agrees, after in ((True, (True, True, False)), (False, (False, True, True))):
        for _ in range(2):  # twice is once
            answer = await alice.put(PATH, json={KIND: agrees})
            assert answer.status_code == 200, answer.text
            assert await told(alice) == after
    await alice.put(PATH, json={KIND: True})
    assert await told(alice) == (True, True, False)
    assert await told(bob) == (False, False, False)
    for wrong in (
        {},
        {KIND: None},
        {KIND: "x"},
        {KIND: 1},
        {KIND: "true"},
        {KIND: True, "more": True},
    ):
        assert (await alice.put(PATH, json=wrong)).status_code == 422
    actions = await sql(
        database_url,
        "SELECT action FROM audit_log WHERE actor_id = %s AND action LIKE 'consent.%%' ORDER BY id",
        alice.id,
    )
    assert [action for (action,) in actions] == [
        "consent.granted", "consent.withdrawn", "consent.granted",
    ]  # fmt: skip
    await alice.put(PATH, json={KIND: False, OTHER: True})
    assert await told(alice) == (False, True, True)
    await alice.put(PATH, json={KIND: True})
    assert await told(alice, OTHER) == (True, True, False)


@pytest.mark.parametrize(
    ("transcribers", "profile", "outside"),
    [
        ("embedded", "openai", []),
        ("none", "openai", []),
        ("openai", "speaches", []),
        ("openai", "vllm", []),
        ("openai,embedded", "openai", ["openai"]),
        ("openai", "groq", ["groq"]),
        ("embedded,deepgram", "localai", ["deepgram"]),
    ],
)
async def test_who_transcribes_outside(
    app: FastAPI, transcribers: str, profile: str, outside: list[str]
) -> None:
    ours: Settings = app.state.settings
    update = {"transcribers": transcribers, "openai_transcription_profile": profile}
    assert consents.outside(ours.model_copy(update=update)) == outside


async def test_nothing_leaves_before_its_owner_agreed(app: FastAPI) -> None:
    ours: Settings = app.state.settings
    other = create_app(ours.model_copy(update={"transcribers": "deepgram"}))
    async with (
        other.router.lifespan_context(other),
        AsyncClient(transport=ASGITransport(app=other), base_url="http://api") as http,
    ):
        alice = await register(http)
        refused = await upload(alice, noise(500))
        assert refused.status_code == 403
        problem = refused.json()
        assert problem["type"] == "urn:voicetodo:problem:consent-required"
        assert "deepgram" in problem["detail"]
        assert "PUT /api/v1/me/consents" in problem["detail"]
        begun = await alice.post("/voice/uploads", json={}, headers={"Upload-Length": "5"})
        assert begun.status_code == 403
        await alice.put(PATH, json={KIND: True})
        assert (await upload(alice, noise(500))).status_code == 202
        await alice.put(PATH, json={KIND: False})
        assert (await upload(alice, noise(500))).status_code == 403
