"""Making accounts and entering them."""

import json
from uuid import UUID

import httpx2
import psycopg
import pytest
from argon2 import PasswordHasher

from core.db import Database
from core.statements import Query, row
from tests.people import API, PASSWORD, Person, address, anonymous, register

GOOD = {"email": "a@example.com", "password": PASSWORD}
USER_FIELDS = {
    "id",
    "email",
    "email_verified",
    "name",
    "timezone",
    "locale",
    "all_day_time",
    "preferences",
    "phone",
    "phone_verified",
    "anonymous",
    "version",
    "created_at",
    "updated_at",
}
MADE = Query(
    b"""
    SELECT d.id, d.channel, d.status, d.user_id, d.subject_id, w.kind, m.role, f.seq
    FROM workspaces w
    JOIN memberships m ON m.workspace_id = w.id
    JOIN feeds f ON f.workspace_id = w.id
    LEFT JOIN deliveries d ON d.workspace_id = w.id AND d.kind = 'verification'
    WHERE w.id = %(id)s
    """,
    row,
    {},
    writes=False,
)
ASKED_FOR = Query(
    b"SELECT workflow_type, workflow_id, arguments, fairness_key FROM outbox"
    b" WHERE subject_id = %(id)s",
    row,
    {},
    writes=False,
)
HASH = Query(b"SELECT password_hash FROM users WHERE id = %(id)s", row, {}, writes=False)


async def test_registers_a_person_with_all_they_need(
    http: httpx2.AsyncClient, app_db: Database, worker_db: Database
) -> None:
    email = address("Alice.UPPER")
    body = {"email": email, "password": PASSWORD, "name": "Alice", "timezone": "Europe/Berlin"}
    answer = await http.post(f"{API}/auth/register", json=body)
    assert answer.status_code == 201, answer.text
    made = answer.json()
    assert set(made) == {"user", "access_token", "refresh_token", "token_type", "expires_in"}
    assert (made["token_type"], made["expires_in"]) == ("Bearer", 900)
    user = made["user"]
    assert set(user) == USER_FIELDS
    assert user["email"] == email.lower()
    assert (user["name"], user["timezone"], user["locale"]) == ("Alice", "Europe/Berlin", "en")
    assert (user["email_verified"], user["anonymous"]) == (False, False)
    user_id = UUID(user["id"])
    async with app_db.transaction(read_only=True) as tx:
        tx.act_in([user_id], user_id)
        rows = await tx.all(MADE, id=user_id)
    delivery_id = rows[0][0]
    assert rows == [(delivery_id, "email", "pending", user_id, user_id, "personal", "owner", 0)]
    async with worker_db.transaction(read_only=True) as tx:
        asked = await tx.all(ASKED_FOR, id=user_id)
        (password_hash,) = (await tx.all(HASH, id=user_id))[0]
    arguments = {
        "workspace_id": str(user_id),
        "delivery_id": str(delivery_id),
        "queue": "email",
    }
    assert asked == [
        ("SendVerification", f"delivery:{delivery_id}", arguments, str(user_id)),
    ]
    assert password_hash.startswith("$argon2id$v=19$m=1024,t=3,p=1$")


async def test_what_registering_answers_is_what_is_stored(alice: Person) -> None:
    first = await alice.get("/auth/me")
    assert first.status_code == 200, first.text
    assert first.json()["name"] == "Alice"
    assert first.json() == (await alice.get("/me")).json()


async def test_an_address_is_taken_once_however_it_is_written(
    http: httpx2.AsyncClient, alice: Person
) -> None:
    assert alice.email is not None
    body = {"email": alice.email.upper(), "password": PASSWORD}
    answer = await http.post(f"{API}/auth/register", json=body)
    assert answer.status_code == 409, answer.text


async def test_registering_is_answered_once_for_a_key(http: httpx2.AsyncClient) -> None:
    body = {"email": address("alice"), "password": PASSWORD}
    headers = {"Idempotency-Key": body["email"]}
    first = await http.post(f"{API}/auth/register", json=body, headers=headers)
    again = await http.post(f"{API}/auth/register", json=body, headers=headers)
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json() == first.json()
    assert again.headers["Idempotency-Replayed"] == "true"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("email", "alice"),
        ("email", "alice@nowhere"),
        ("email", "alice@exa\nmple.com"),
        ("email", "a" * 250 + "@example.com"),
        ("email", None),
        ("password", "short"),
        ("password", "x" * 257),
        ("password", 15),
        ("name", "a\u0000b"),
        ("name", "x" * 101),
        ("timezone", "Mars/Olympus"),
        ("timezone", "../../etc/passwd"),
        ("locale", "not a locale"),
    ],
)
async def test_refuses_a_value(http: httpx2.AsyncClient, field: str, value: object) -> None:
    body = {"email": address("alice"), "password": PASSWORD, field: value}
    answer = await http.post(f"{API}/auth/register", json=body)
    assert answer.status_code == 422, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["errors"][0]["pointer"] == f"/{field}"


@pytest.mark.parametrize(
    ("path", "raw"),
    [
        ("register", json.dumps({**GOOD, "name": "\ud800"})),
        ("register", json.dumps({**GOOD, "password": f"\ud800{PASSWORD}"})),
        ("register", json.dumps({**GOOD, "email": "\ud800@example.com"})),
        ("register", "[" * 100_000),
        ("login", '{"email": "a@example.com", "password": "\\ud800"}'),
        ("login", "null"),
        ("login", ""),
        ("refresh", '{"refresh_token": "\\ud800"}'),
        ("anonymous", "[]"),
        ("verify-email", '{"token": "\\u0000"}'),
    ],
)
async def test_refuses_hostile_bodies(http: httpx2.AsyncClient, path: str, raw: str) -> None:
    headers = {"Content-Type": "application/json", "Cookie": "vt-device=%ff%00="}
    answer = await http.post(f"{API}/auth/{path}", content=raw, headers=headers)
    assert answer.status_code in {400, 422}, answer.text
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    "field",
    [
        "id",
        "workspace_id",
        "owner_id",
        "role",
        "is_admin",
        "created_at",
        "email_verified",
        "deleted_at",
        "password_hash",
    ],
)
async def test_security_2_refuses_mass_assignment(
    http: httpx2.AsyncClient, alice: Person, field: str
) -> None:
    body = {"email": address("bob"), "password": PASSWORD, field: "true"}
    answers = [
        await http.post(f"{API}/auth/register", json=body),
        await http.post(f"{API}/auth/login", json=body),
        await http.post(f"{API}/auth/anonymous", json={field: "true"}),
        await alice.post("/auth/upgrade", json=body),
        await alice.patch("/me", json={field: "true"}),
    ]
    assert [answer.status_code for answer in answers] == [422] * 5
    assert {answer.json()["errors"][0]["pointer"] for answer in answers} == {f"/{field}"}


async def test_security_6_a_password_may_be_long_and_all_of_it_counts(
    http: httpx2.AsyncClient,
) -> None:
    long = PASSWORD * 8  # beyond the 72 bytes that bcrypt would look at
    alice = await register(http, "alice", password=long)
    almost = {"email": alice.email, "password": long[:-1] + "X"}
    assert (await http.post(f"{API}/auth/login", json=almost)).status_code == 401
    whole = {"email": alice.email, "password": long}
    assert (await http.post(f"{API}/auth/login", json=whole)).status_code == 200


async def test_signs_in(http: httpx2.AsyncClient, alice: Person) -> None:
    assert alice.email is not None
    body = {"email": alice.email.upper(), "password": PASSWORD}
    answer = await http.post(f"{API}/auth/login", json=body)
    assert answer.status_code == 200, answer.text
    assert answer.json()["user"]["id"] == str(alice.id)
    assert answer.json()["refresh_token"] != alice.refresh_token


async def test_security_6_signing_in_renews_an_outdated_hash(
    http: httpx2.AsyncClient, alice: Person, database_url: str
) -> None:
    weaker = PasswordHasher(time_cost=1, memory_cost=8192, parallelism=1).hash(PASSWORD)
    async with await psycopg.AsyncConnection.connect(database_url) as connection:
        await connection.execute(
            "UPDATE users SET password_hash = %s WHERE id = %s", [weaker, alice.id]
        )
    body = {"email": alice.email, "password": PASSWORD}
    assert (await http.post(f"{API}/auth/login", json=body)).status_code == 200
    async with await psycopg.AsyncConnection.connect(database_url) as connection:
        cursor = await connection.execute(HASH.sql, {"id": alice.id})
        row = await cursor.fetchone()
    assert row is not None
    assert row[0].startswith("$argon2id$v=19$m=1024,t=3,p=1$")
    assert (await http.post(f"{API}/auth/login", json=body)).status_code == 200


async def test_tells_not_whether_there_is_an_account(
    http: httpx2.AsyncClient, alice: Person
) -> None:
    wrong = {"email": alice.email, "password": "not-the-password-at-all"}
    nobody = {"email": address("nobody"), "password": "not-the-password-at-all"}
    answers = [await http.post(f"{API}/auth/login", json=body) for body in (wrong, nobody)]
    assert [answer.status_code for answer in answers] == [401, 401]
    told = [answer.json() for answer in answers]
    for body in told:
        body.pop("trace_id")
    assert told[0] == told[1]


async def test_an_anonymous_account_has_no_password_to_guess(http: httpx2.AsyncClient) -> None:
    guest = await anonymous(http)
    assert guest.email is None
    answer = await guest.get("/me")
    assert answer.json()["anonymous"] is True
    for empty in ("", "None"):
        body = {"email": address("nobody"), "password": empty}
        assert (await http.post(f"{API}/auth/login", json=body)).status_code == 401


async def test_an_anonymous_account_keeps_all_when_upgraded(http: httpx2.AsyncClient) -> None:
    guest = await anonymous(http)
    todo = await guest.post("/todos", json={"title": "Kept"})
    assert todo.status_code == 201, todo.text
    body = {"email": address("alice"), "password": PASSWORD, "name": "Alice"}
    answer = await guest.post("/auth/upgrade", json=body)
    assert answer.status_code == 200, answer.text
    assert answer.json()["user"]["id"] == str(guest.id)
    assert answer.json()["user"] == (await guest.get("/me")).json()
    assert (await guest.get(f"/todos/{todo.json()['id']}")).json()["title"] == "Kept"
    login = {"email": body["email"], "password": PASSWORD}
    assert (await http.post(f"{API}/auth/login", json=login)).status_code == 200


async def test_upgrades_only_what_is_anonymous_and_only_to_a_free_address(
    http: httpx2.AsyncClient, alice: Person, bob: Person
) -> None:
    body = {"email": address("alice"), "password": PASSWORD}
    assert (await alice.post("/auth/upgrade", json=body)).status_code == 409
    guest = await anonymous(http)
    taken = {"email": bob.email, "password": PASSWORD}
    assert (await guest.post("/auth/upgrade", json=taken)).status_code == 409
    assert (await guest.get("/me")).json()["email"] is None


async def test_security_2_no_answer_holds_a_hash(http: httpx2.AsyncClient, alice: Person) -> None:
    body = {"email": alice.email, "password": PASSWORD}
    for answer in (await http.post(f"{API}/auth/login", json=body), await alice.get("/me")):
        assert "argon2" not in answer.text
        assert "hash" not in answer.text
