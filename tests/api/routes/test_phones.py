"""A phone number, and the code that proves whose it is."""

import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx2
import pytest
from fastapi import FastAPI
from pydantic import SecretStr

from api.main import create_app
from core.crypto import derive
from core.rules.tokens import PHONE_CODE_PURPOSE, phone_code
from tests.people import Person, register
from tests.settings import unlimited
from tests.teams import sql


def number() -> str:
    return f"+49170{uuid4().int % 10**8:08d}"


@pytest.fixture(scope="module")
async def texting(database_url: str) -> AsyncIterator[FastAPI]:
    """The API of a server that sends text messages."""
    with tempfile.TemporaryDirectory(prefix="vt-") as folder:
        settings = unlimited(
            database_url,
            Path(folder),
            twilio_account_sid=f"AC{'0' * 32}",
            twilio_auth_token=SecretStr("secret"),
            twilio_from="+15005550006",
        )
        application = create_app(settings)
        async with application.router.lifespan_context(application):
            yield application


@pytest.fixture
async def ada(texting: FastAPI) -> AsyncIterator[Person]:
    transport = httpx2.ASGITransport(app=texting)
    async with httpx2.AsyncClient(transport=transport, base_url="http://api") as http:
        yield await register(http, "ada")


async def asked(database_url: str, person: Person) -> list[UUID]:
    rows = await sql(
        database_url,
        "SELECT id FROM deliveries WHERE user_id = %s AND channel = 'sms' ORDER BY created_at",
        person.id,
    )
    return [row[0] for row in rows]


def code(app: FastAPI, delivery_id: UUID, phone: str) -> str:
    key = derive(app.state.keys.encryption, PHONE_CODE_PURPOSE)
    return phone_code(key, delivery_id, phone)


async def me(person: Person) -> dict[str, Any]:
    found: dict[str, Any] = (await person.get("/me")).json()
    return found


async def test_the_last_code_verifies_once(
    texting: FastAPI, ada: Person, database_url: str
) -> None:
    phone = number()
    assert (await me(ada))["phone"] is None
    answer = await ada.patch("/me", json={"phone": phone})
    assert (answer.json()["phone"], answer.json()["phone_verified"]) == (phone, False)
    assert (await ada.post("/me/phone/code")).status_code == 202
    assert (await ada.post("/me/phone/code")).status_code == 429
    [delivery_id] = await asked(database_url, ada)
    queued = "SELECT count(*) FROM outbox WHERE workflow_id = %s"
    assert await sql(database_url, queued, f"delivery:{delivery_id}") == [(1,)]
    right = code(texting, delivery_id, phone)
    wrong = f"{(int(right) + 1) % 1_000_000:06d}"
    assert (await ada.post("/me/phone/verify", json={"code": wrong})).status_code == 422
    assert (await ada.post("/me/phone/verify", json={"code": right})).status_code == 204
    assert (await me(ada))["phone_verified"]
    assert (await ada.post("/me/phone/verify", json={"code": right})).status_code == 422
    assert (await ada.post("/me/phone/code")).status_code == 409


async def test_another_number_begins_anew(texting: FastAPI, ada: Person, database_url: str) -> None:
    first, second = number(), number()
    await ada.patch("/me", json={"phone": first})
    await ada.post("/me/phone/code")
    [delivery_id] = await asked(database_url, ada)
    await ada.patch("/me", json={"phone": second})
    right = code(texting, delivery_id, first)
    assert (await ada.post("/me/phone/verify", json={"code": right})).status_code == 422
    await ada.patch("/me", json={"phone": first})
    assert (await ada.post("/me/phone/verify", json={"code": right})).status_code == 204
    assert (await ada.patch("/me", json={"name": "Ada L."})).json()["phone_verified"]
    changed = (await ada.patch("/me", json={"phone": second})).json()
    assert (changed["phone"], changed["phone_verified"]) == (second, False)
    gone = (await ada.patch("/me", json={"phone": None})).json()
    assert (gone["phone"], gone["phone_verified"]) == (None, False)
    assert not (await me(ada))["phone_verified"]
    assert (await ada.post("/me/phone/code")).status_code == 409


async def test_five_guesses_are_all(texting: FastAPI, ada: Person, database_url: str) -> None:
    phone = number()
    await ada.patch("/me", json={"phone": phone})
    await ada.post("/me/phone/code")
    [delivery_id] = await asked(database_url, ada)
    right = code(texting, delivery_id, phone)
    for nth in range(1, 6):
        guess = f"{(int(right) + nth) % 1_000_000:06d}"
        assert (await ada.post("/me/phone/verify", json={"code": guess})).status_code == 422
    assert (await ada.post("/me/phone/verify", json={"code": right})).status_code == 429


async def test_an_old_code_is_no_good(texting: FastAPI, ada: Person, database_url: str) -> None:
    phone = number()
    await ada.patch("/me", json={"phone": phone})
    await ada.post("/me/phone/code")
    [delivery_id] = await asked(database_url, ada)
    await sql(
        database_url,
        "UPDATE deliveries SET created_at = created_at - interval '16 minutes' WHERE id = %s",
        delivery_id,
    )
    right = code(texting, delivery_id, phone)
    assert (await ada.post("/me/phone/verify", json={"code": right})).status_code == 422


@pytest.mark.parametrize(
    "phone", ["0170 1234567", "+0170123456", "+49", "+4917012345678901", "+49x"]
)
async def test_a_number_is_e164(alice: Person, phone: str) -> None:
    answer = await alice.patch("/me", json={"phone": phone})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/phone"


async def test_nothing_is_sent_where_nothing_can_be(alice: Person) -> None:
    await alice.patch("/me", json={"phone": number()})
    answer = await alice.post("/me/phone/code")
    assert (answer.status_code, answer.json()["detail"]) == (
        409,
        "this server sends no text messages",
    )
