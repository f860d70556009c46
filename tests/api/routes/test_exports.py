"""Archives at the door: asked for one at a time, fetched by who signed in just now, once a link."""

from datetime import timedelta
from typing import Any

import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient

from core.db import Database
from core.rules.data_requests import RequestKind
from tests.exporting import Opened, ask, fetch, write
from tests.people import API, PASSWORD, Person, anonymous, person
from tests.teams import sql
from tests.todos import refusal

STEP_UP = "urn:voicetodo:problem:insufficient-user-authentication"


async def ready(app: FastAPI, app_db: Database, alice: Person) -> str:
    made = await ask(alice, "json")
    assert await write(app, app_db, alice, made["id"])
    return str(made["id"])


async def aged(database_url: str, alice: Person, ago: timedelta) -> None:
    """All of her sign-ins were so long ago."""
    await sql(
        database_url,
        "UPDATE sessions SET authenticated_at = now() - %s WHERE user_id = %s",
        ago,
        alice.id,
    )


async def test_it_takes_a_sign_in_of_just_now(
    app: FastAPI, app_db: Database, database_url: str, alice: Person
) -> None:
    export_id = await ready(app, app_db, alice)
    await aged(database_url, alice, timedelta(minutes=14, seconds=50))
    assert (await alice.get(f"/exports/{export_id}/download")).status_code == 303
    await aged(database_url, alice, timedelta(minutes=15, seconds=5))
    refused = await alice.get(f"/exports/{export_id}/download")
    assert refused.status_code == 401
    assert refused.json()["type"] == STEP_UP
    challenge = refused.headers["www-authenticate"]
    assert 'error="insufficient_user_authentication"' in challenge
    assert 'max_age="900"' in challenge
    # Everything else still works with it, and a refreshed token is no new sign-in.
    assert (await alice.get(f"/exports/{export_id}")).status_code == 200
    renewed = await alice.http.post(
        f"{API}/auth/refresh", json={"refresh_token": alice.refresh_token}
    )
    same = person(alice.http, renewed)
    assert (await same.get(f"/exports/{export_id}/download")).status_code == 401
    again = await alice.http.post(
        f"{API}/auth/login", json={"email": alice.email, "password": PASSWORD}
    )
    anew = person(alice.http, again)
    assert "json" in (await anew.get(f"/exports/{export_id}")).json()["formats"]
    opened = Opened.of(await fetch(anew, export_id))
    assert opened.names


async def test_a_link_works_once(
    app: FastAPI, app_db: Database, http: AsyncClient, alice: Person
) -> None:
    export_id = await ready(app, app_db, alice)
    led = await alice.get(f"/exports/{export_id}/download")
    link = led.headers["location"]
    assert link.startswith(f"{API}/downloads/")
    assert led.headers["cache-control"] == "no-store"
    sent = await http.get(link)  # nobody: the link itself is the key
    assert sent.status_code == 200
    assert sent.headers["content-type"] == "application/zip"
    assert sent.headers["content-disposition"].startswith('attachment; filename="voicetodo-')
    assert int(sent.headers["content-length"]) == len(sent.content)
    again = await http.get(link)
    assert again.status_code == 404
    assert (await alice.get(f"/exports/{export_id}")).json()["downloads"] == 1


async def test_a_newer_link_ends_the_older(
    app: FastAPI, app_db: Database, http: AsyncClient, alice: Person
) -> None:
    export_id = await ready(app, app_db, alice)
    first = (await alice.get(f"/exports/{export_id}/download")).headers["location"]
    second = (await alice.get(f"/exports/{export_id}/download")).headers["location"]
    assert (await http.get(first)).status_code == 404
    assert (await http.get(second)).status_code == 200


async def test_a_link_ends_after_ten_minutes(
    app: FastAPI, app_db: Database, database_url: str, http: AsyncClient, alice: Person
) -> None:
    export_id = await ready(app, app_db, alice)
    link = (await alice.get(f"/exports/{export_id}/download")).headers["location"]
    ((left,),) = await sql(
        database_url, "SELECT token_expires_at - now() FROM exports WHERE id = %s", export_id
    )
    assert timedelta(minutes=9, seconds=55) < left <= timedelta(minutes=10)
    await sql(
        database_url,
        "UPDATE exports SET token_expires_at = token_expires_at - interval '10 min' WHERE id = %s",
        export_id,
    )
    assert (await http.get(link)).status_code == 404


@pytest.mark.parametrize(
    "token", ["x", "x" * 64, "A" * 64, "%FF" * 20, "a" * 200, "é" * 64], ids=range(6)
)
async def test_what_is_no_link_leads_nowhere(http: AsyncClient, token: str) -> None:
    answer = await http.get(f"{API}/downloads/{token}")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"


async def test_a_stranger_cannot_follow_with_another_secret(
    app: FastAPI, app_db: Database, http: AsyncClient, alice: Person
) -> None:
    export_id = await ready(app, app_db, alice)
    link: str = (await alice.get(f"/exports/{export_id}/download")).headers["location"]
    changed = link[:-2] + ("AA" if link[-2:] != "AA" else "BB")
    assert (await http.get(changed)).status_code == 404
    assert (await http.get(link)).status_code == 200


async def test_one_at_a_time(app: FastAPI, app_db: Database, alice: Person, bob: Person) -> None:
    made = await ask(alice)
    assert made["status"] == "queued"
    twin = await alice.post("/exports", json={})
    assert twin.status_code == 409
    await ask(bob)
    early = await alice.get(f"/exports/{made['id']}/download")
    assert early.status_code == 409
    await write(app, app_db, alice, made["id"])
    await ask(alice)


async def test_five_a_day_that_did_not_fail(database_url: str, alice: Person) -> None:
    for nth in range(6):
        made = await ask(alice)
        status = "failed" if nth == 0 else "succeeded"
        await sql(
            database_url,
            "UPDATE jobs SET status = %s, finished_at = now() WHERE id = %s",
            status,
            made["id"],
        )
    refused = await alice.post("/exports", json={})
    assert refused.status_code == 429
    assert 86_000 < int(refused.headers["retry-after"]) <= 86_400
    await sql(
        database_url,
        "UPDATE exports SET created_at = created_at - interval '1 day' WHERE user_id = %s",
        alice.id,
    )
    await ask(alice)


async def test_removing_does_not_give_another_one(alice: Person) -> None:
    for _ in range(5):
        made = await ask(alice)
        assert (await alice.delete(f"/exports/{made['id']}")).status_code == 204
    assert (await alice.post("/exports", json={})).status_code == 429
    assert (await alice.get("/exports")).json()["data"] == []


@pytest.mark.parametrize("formats", [[], ["pdf"], ["json"] * 5, "json", None])
async def test_formats_are_known_ones(alice: Person, formats: Any) -> None:
    answer = await alice.post("/exports", json={"formats": formats})
    assert answer.status_code == 422
    assert refusal(answer)[1].startswith("/formats")


async def test_no_body_is_all_formats(alice: Person) -> None:
    answer = await alice.post("/exports")
    assert answer.status_code == 202
    assert answer.json()["formats"] == ["json", "csv", "ics", "audio"]


async def test_pages(database_url: str, alice: Person) -> None:
    ids = []
    for _ in range(3):
        made = await ask(alice)
        ids.append(made["id"])
        await sql(
            database_url,
            "UPDATE jobs SET status = 'failed', finished_at = now() WHERE id = %s",
            made["id"],
        )
    first = (await alice.get("/exports?limit=2")).json()
    assert [each["id"] for each in first["data"]] == ids[:0:-1]
    rest = (await alice.get(f"/exports?limit=2&cursor={first['next_cursor']}")).json()
    assert [each["id"] for each in rest["data"]] == ids[:1]
    assert not rest["has_more"]


async def test_a_damaged_archive_says_so(
    app: FastAPI, app_db: Database, database_url: str, alice: Person
) -> None:
    export_id = await ready(app, app_db, alice)
    await sql(
        database_url,
        "UPDATE exports SET blob_key = overlay(blob_key placing 'x'::bytea from 30) WHERE id = %s",
        export_id,
    )
    link = (await alice.get(f"/exports/{export_id}/download")).headers["location"]
    answer = await alice.http.get(link)
    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/problem+json"


async def test_somebody_without_an_address_takes_theirs_along(
    app: FastAPI, app_db: Database, database_url: str, http: AsyncClient
) -> None:
    """There is no password that could be asked for."""
    nobody = await anonymous(http)
    export_id = await ready(app, app_db, nobody)
    await aged(database_url, nobody, timedelta(days=3))
    opened = Opened.of(await fetch(nobody, export_id))
    (user,) = opened.json("profile.json")["users"]
    assert user["email"] is None


async def test_the_register_knows_that_it_was_answered(
    app: FastAPI, app_db: Database, database_url: str, alice: Person
) -> None:
    await ready(app, app_db, alice)
    found = await sql(
        database_url,
        "SELECT kind, closed_at IS NOT NULL FROM data_requests WHERE user_id = %s",
        alice.id,
    )
    assert found == [(RequestKind.ACCESS, True)]
