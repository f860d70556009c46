"""Sessions and their refresh tokens."""

import asyncio
from datetime import timedelta
from uuid import UUID

import httpx2
import psycopg

from core.crypto import digest
from tests.people import API, PASSWORD, Person, person


async def refresh(http: httpx2.AsyncClient, token: str) -> httpx2.Response:
    return await http.post(f"{API}/auth/refresh", json={"refresh_token": token})


async def age(database_url: str, token: str, by: timedelta) -> None:
    """Let time pass for one refresh token."""
    async with await psycopg.AsyncConnection.connect(database_url) as connection:
        await connection.execute(
            "UPDATE refresh_tokens SET rotated_at = rotated_at - %(by)s,"
            " expires_at = expires_at - %(by)s WHERE token_hash = %(hash)s",
            {"by": by, "hash": digest(token)},
        )


async def rows(database_url: str, sql: str, **values: object) -> list[tuple[object, ...]]:
    async with await psycopg.AsyncConnection.connect(database_url) as connection:
        cursor = await connection.execute(sql.encode(), values)
        return await cursor.fetchall()


async def test_a_refresh_token_is_exchanged(http: httpx2.AsyncClient, alice: Person) -> None:
    answer = await refresh(http, alice.refresh_token)
    assert answer.status_code == 200, answer.text
    renewed = person(http, answer)
    assert renewed.id == alice.id
    assert renewed.refresh_token != alice.refresh_token
    assert (await renewed.get("/me")).status_code == 200
    assert (await refresh(http, renewed.refresh_token)).status_code == 200


async def test_security_4_fifty_at_once_get_one_successor(
    http: httpx2.AsyncClient, alice: Person, database_url: str
) -> None:
    answers = await asyncio.gather(*(refresh(http, alice.refresh_token) for _ in range(50)))
    assert {answer.status_code for answer in answers} == {200}
    successors = {answer.json()["refresh_token"] for answer in answers}
    assert len(successors) == 1
    found = await rows(
        database_url,
        "SELECT token_hash FROM refresh_tokens r JOIN sessions s ON s.id = r.session_id"
        " WHERE s.user_id = %(id)s",
        id=alice.id,
    )
    assert {hash_ for (hash_,) in found} == {digest(alice.refresh_token), digest(successors.pop())}


async def test_security_4_a_lost_answer_is_given_again(
    http: httpx2.AsyncClient, alice: Person, database_url: str
) -> None:
    lost = await refresh(http, alice.refresh_token)
    await age(database_url, alice.refresh_token, timedelta(seconds=25))
    again = await refresh(http, alice.refresh_token)
    assert again.status_code == 200, again.text
    assert again.json()["refresh_token"] == lost.json()["refresh_token"]


async def test_security_4_a_late_reuse_ends_the_session_and_tells(
    http: httpx2.AsyncClient, alice: Person, bob: Person, database_url: str
) -> None:
    renewed = person(http, await refresh(http, alice.refresh_token))
    await age(database_url, alice.refresh_token, timedelta(seconds=31))
    reused = await asyncio.gather(*(refresh(http, alice.refresh_token) for _ in range(3)))
    assert {answer.status_code for answer in reused} == {401}
    assert reused[0].headers["content-type"] == "application/problem+json"
    assert (await renewed.get("/me")).status_code == 401
    assert (await refresh(http, renewed.refresh_token)).status_code == 401
    assert (await bob.get("/me")).status_code == 200
    told = await rows(
        database_url, "SELECT kind, read_at FROM notifications WHERE user_id = %(id)s", id=alice.id
    )
    assert told == [("session_revoked", None)]
    audited = await rows(
        database_url,
        "SELECT a.actor_id FROM audit_log a JOIN sessions s ON s.id = a.subject_id"
        " WHERE s.user_id = %(id)s AND action = 'session.reused'",
        id=alice.id,
    )
    assert audited == [(None,)]


async def test_an_expired_refresh_token_is_refused_and_nothing_else(
    http: httpx2.AsyncClient, alice: Person, database_url: str
) -> None:
    await age(database_url, alice.refresh_token, timedelta(days=7, seconds=5))
    assert (await refresh(http, alice.refresh_token)).status_code == 401
    assert (await alice.get("/me")).status_code == 200


async def test_no_refresh_token_outlives_thirty_days(
    http: httpx2.AsyncClient, alice: Person, database_url: str
) -> None:
    async with await psycopg.AsyncConnection.connect(database_url) as connection:
        await connection.execute(
            "UPDATE sessions SET expires_at = now() + interval '1 day' WHERE user_id = %s",
            [alice.id],
        )
    renewed = await refresh(http, alice.refresh_token)
    found = await rows(
        database_url,
        "SELECT r.expires_at = s.expires_at FROM refresh_tokens r"
        " JOIN sessions s ON s.id = r.session_id WHERE r.token_hash = %(hash)s",
        hash=digest(renewed.json()["refresh_token"]),
    )
    assert found == [(True,)]
    async with await psycopg.AsyncConnection.connect(database_url) as connection:
        await connection.execute(
            "UPDATE sessions SET expires_at = now() WHERE user_id = %s", [alice.id]
        )
    assert (await refresh(http, renewed.json()["refresh_token"])).status_code == 401
    assert (await alice.get("/me")).status_code == 401


async def test_refuses_what_is_no_refresh_token(http: httpx2.AsyncClient, alice: Person) -> None:
    assert (await refresh(http, "x" * 43)).status_code == 401
    assert (await refresh(http, alice.access_token[:200])).status_code == 401
    assert (await refresh(http, "x" * 201)).status_code == 422
    assert (await refresh(http, "")).status_code == 422


async def test_security_5_logging_out_bites_at_once(
    http: httpx2.AsyncClient, alice: Person
) -> None:
    assert (await alice.get("/me")).status_code == 200
    assert (await alice.post("/auth/logout")).status_code == 204
    assert (await alice.get("/me")).status_code == 401
    assert (await refresh(http, alice.refresh_token)).status_code == 401
    assert (await alice.post("/auth/logout")).status_code == 401


async def test_lists_where_one_is_signed_in(http: httpx2.AsyncClient, alice: Person) -> None:
    body = {"email": alice.email, "password": PASSWORD}
    headers = {"User-Agent": "telephone/1 " + "x" * 500}
    phone = person(http, await http.post(f"{API}/auth/login", json=body, headers=headers))
    page = (await alice.get("/sessions")).json()
    assert (page["next_cursor"], page["has_more"]) == (None, False)
    assert [session["current"] for session in page["data"]] == [False, True]
    assert page["data"][0]["user_agent"] == headers["User-Agent"][:300]
    ended = await alice.delete(f"/sessions/{page['data'][0]['id']}")
    assert ended.status_code == 204, ended.text
    assert (await phone.get("/me")).status_code == 401
    assert (await refresh(http, phone.refresh_token)).status_code == 401
    assert len((await alice.get("/sessions")).json()["data"]) == 1
    again = await alice.delete(f"/sessions/{page['data'][0]['id']}")
    assert again.status_code == 404


async def test_security_1_a_foreign_session_is_not_there(alice: Person, charlie: Person) -> None:
    (session,) = (await alice.get("/sessions")).json()["data"]
    answers = [
        await charlie.delete(f"/sessions/{session['id']}"),
        await charlie.delete(f"/sessions/{UUID(int=7)}"),
    ]
    assert [answer.status_code for answer in answers] == [404, 404]
    assert answers[0].json()["detail"] == answers[1].json()["detail"]
    assert (await alice.get("/me")).status_code == 200
