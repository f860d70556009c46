import psycopg
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


async def test_each_change_is_kept_with_its_proof(
    database_url: str, alice: Person, bob: Person
) -> None:
    for agrees in (True, True, False, True):
        await alice.put(PATH, json={KIND: agrees})
    log = await sql(
        database_url,
        "SELECT kind, granted, version, session_id, length(address_hash), address_hash, at"
        " FROM consent_log WHERE user_id = %s ORDER BY id",
        alice.id,
    )
    (session,) = await sql(database_url, "SELECT id FROM sessions WHERE user_id = %s", alice.id)
    assert [each[:5] for each in log] == [
        (KIND, granted, 1, session[0], 32) for granted in (True, False, True)
    ]
    assert b"127.0.0.1" not in log[0][5]
    await bob.put(PATH, json={KIND: True})
    others = "SELECT DISTINCT address_hash FROM consent_log WHERE user_id = ANY (%s)"
    assert len(await sql(database_url, others, [alice.id, bob.id])) == 1  # from one address
    found = (await alice.get(PATH)).json()["data"][0]
    assert found["version"] == found["current_version"] == 1
    assert found["text"].startswith("My recordings may be sent to an outside service")


async def test_the_log_of_consents_is_only_added_to(database_url: str, alice: Person) -> None:
    await alice.put(PATH, json={KIND: True})
    change = "UPDATE consent_log SET granted = false WHERE user_id = %s"
    with pytest.raises(psycopg.errors.RaiseException, match="append-only"):
        await sql(database_url, change, alice.id)
    async with await psycopg.AsyncConnection.connect(database_url) as connection:
        await connection.execute("SET ROLE vt_app")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            await connection.execute("DELETE FROM consent_log")


async def test_an_agreement_to_an_earlier_text_counts_no_more(
    database_url: str, alice: Person
) -> None:
    await alice.put(PATH, json={KIND: True})
    # As if the text had changed since, without a second one to be kept here for ever.
    await sql(database_url, "UPDATE consents SET version = 0 WHERE user_id = %s", alice.id)
    assert await told(alice) == (False, True, False)
    asked = {KIND: True, "versions": {KIND: 7}}
    refused = await alice.put(PATH, json=asked)
    assert refused.status_code == 412, refused.text
    assert "show version 1" in refused.json()["detail"]
    assert await told(alice) == (False, True, False)
    agreed = await alice.put(PATH, json={KIND: True, "versions": {KIND: 1}})
    assert agreed.json()["data"][0]["version"] == 1
    assert await told(alice) == (True, True, False)
    # To withdraw is never refused, whatever was shown, and also of an earlier text.
    await sql(database_url, "UPDATE consents SET version = 0 WHERE user_id = %s", alice.id)
    withdrawn = await alice.put(PATH, json={KIND: False, "versions": {KIND: 7}})
    assert withdrawn.status_code == 200
    assert await told(alice) == (False, True, True)
    assert (await alice.put(PATH, json={"versions": {KIND: 1}})).status_code == 422


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
