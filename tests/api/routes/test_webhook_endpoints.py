import asyncio
from base64 import b64decode
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx2
import pytest
from fastapi import FastAPI

from api.main import create_app
from core.models.webhooks import WebhookStatus
from core.rules.event_types import EVENT_TYPES
from core.services.webhook_endpoints import MAX_PER_WORKSPACE
from core.settings import Profile, Settings
from tests.core.rules.test_egress import NOT_PUBLIC, REFUSED, REFUSED_IN_DEV
from tests.people import API, Person, register
from tests.settings import unlimited
from tests.teams import sql, team

SANDBOX = "http://127.0.0.1:8025"
PATH = "/webhook-endpoints"


def draft(**changes: Any) -> dict[str, Any]:
    return {"url": f"{SANDBOX}/hooks/{uuid4().hex}", "events": ["todo.*"], **changes}


async def made(person: Person, where: str = "", **changes: Any) -> dict[str, Any]:
    answer = await person.post(PATH + where, json=draft(**changes))
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def listed(person: Person, where: str = "") -> list[dict[str, Any]]:
    answer = await person.get(PATH + where)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["data"]
    return found


def problem(answer: httpx2.Response, pointer: str) -> None:
    assert answer.status_code == 422, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert [each["pointer"] for each in answer.json()["errors"]] == [pointer]


async def test_an_endpoint_is_made_and_its_secret_told_once(
    alice: Person, database_url: str
) -> None:
    answer = await alice.post(PATH, json=draft(description="For my lamp"))
    assert answer.status_code == 201, answer.text
    new = answer.json()
    assert answer.headers["location"] == f"{API}{PATH}/{new['id']}"
    assert answer.headers["cache-control"] == "no-store"
    secret = new.pop("secret")
    assert secret.startswith("whsec_")
    assert 24 <= len(b64decode(secret.removeprefix("whsec_"))) <= 64
    assert new["public_key"].startswith("whpk_")
    assert (new["status"], new["payload"], new["events"]) == ("active", "full", ["todo.*"])
    assert (new["workspace_id"], new["description"]) == (str(alice.id), "For my lamp")
    again = await alice.get(f"{PATH}/{new['id']}")
    assert again.json() == new
    assert await listed(alice) == [new]
    [row] = await sql(database_url, "SELECT * FROM webhook_endpoints WHERE id = %s", new["id"])
    kept = b" ".join(each for each in row if isinstance(each, bytes))
    assert b64decode(secret.removeprefix("whsec_")) not in kept


async def test_without_wishes_it_is_told_everything(alice: Person) -> None:
    answer = await alice.post(PATH, json={"url": f"{SANDBOX}/hooks/all"})
    assert answer.json()["events"] == ["*"]


async def test_every_type_and_noun_can_be_asked_for(alice: Person) -> None:
    nouns = {f"{name.partition('.')[0]}.*" for name in EVENT_TYPES}
    every = sorted({*EVENT_TYPES, *nouns, "*"})
    assert (await made(alice, events=every))["events"] == every


@pytest.mark.parametrize("name", ["", "todo", "todo.", "todo.*.*", ".*", "todo.eaten", "webhook.*"])
async def test_other_events_are_refused_where_they_stand(alice: Person, name: str) -> None:
    problem(await alice.post(PATH, json=draft(events=["todo.*", name])), "/events/1")
    endpoint = await made(alice)
    refused = await alice.patch(f"{PATH}/{endpoint['id']}", json={"events": [name]})
    problem(refused, "/events/0")


async def test_it_is_changed_disabled_and_enabled(alice: Person) -> None:
    new = await made(alice)
    path = f"{PATH}/{new['id']}"
    url = f"{SANDBOX}/hooks/other"
    wish = {"url": url, "events": ["*"], "payload": "thin", "description": "x"}
    changed = (await alice.patch(path, json=wish)).json()
    assert {name: changed[name] for name in wish} == wish
    off = (await alice.patch(path, json={"status": "disabled"})).json()
    assert (off["status"], off["disabled_reason"]) == ("disabled", "by_hand")
    assert {name: off[name] for name in wish} == wish
    for at in ("/test", "/redeliver"):
        refused = await alice.post(path + at, json={"since": "2026-01-01T00:00:00Z"})
        assert refused.status_code == 409, refused.text
    on = (await alice.patch(path, json={"status": "active"})).json()
    assert (on["status"], on["disabled_reason"]) == ("active", None)
    assert (await alice.delete(path)).status_code == 204
    assert (await alice.get(path)).status_code == 404
    assert await listed(alice) == []


@pytest.mark.parametrize(
    "changes", [{"url": None}, {"events": None}, {"events": []}, {"payload": "x"}, {"status": "x"}]
)
async def test_what_is_no_change_is_refused(alice: Person, changes: dict[str, Any]) -> None:
    [pointer] = changes
    new = await made(alice)
    problem(await alice.patch(f"{PATH}/{new['id']}", json=changes), f"/{pointer}")


async def test_a_new_secret_and_the_one_before_it_live_together(alice: Person) -> None:
    new = await made(alice)
    path = f"{PATH}/{new['id']}/rotate-secret"
    rotated = (await alice.post(path)).json()
    assert rotated["secret"] not in {new["secret"], ""}
    until = datetime.fromisoformat(rotated["previous_secret_until"])
    day = until - datetime.fromisoformat(rotated["updated_at"])
    assert day == timedelta(days=1)
    at_once = (await alice.post(path, json={"overlap": "PT0S"})).json()
    assert at_once["previous_secret_until"] is None
    problem(await alice.post(path, json={"overlap": "P8D"}), "/overlap")


async def test_answers_with_a_secret_are_not_compressed(alice: Person) -> None:
    """Their length would tell of it, beside text that somebody else may choose (BREACH)."""
    long = draft(url=f"{SANDBOX}/hooks/" + "a" * 1900)
    answer = await alice.post(PATH, json=long, headers={"Accept-Encoding": "gzip"})
    assert len(answer.content) > 2000
    path = f"{PATH}/{answer.json()['id']}"
    again = await alice.post(f"{path}/rotate-secret", headers={"Accept-Encoding": "gzip"})
    shown = await alice.get(path, headers={"Accept-Encoding": "gzip"})
    assert "content-encoding" not in answer.headers
    assert "content-encoding" not in again.headers
    assert shown.headers["content-encoding"] == "gzip"


async def test_the_same_key_makes_one(alice: Person) -> None:
    body, headers = draft(), {"Idempotency-Key": str(uuid4())}
    first = await alice.post(PATH, json=body, headers=headers)
    second = await alice.post(PATH, json=body, headers=headers)
    assert first.json() == second.json()  # with its secret: the first answer may be lost
    assert second.headers["idempotency-replayed"] == "true"
    assert len(await listed(alice)) == 1


async def test_a_workspace_has_twenty_also_when_asked_at_once(alice: Person) -> None:
    asked = [alice.post(PATH, json=draft()) for _ in range(MAX_PER_WORKSPACE + 3)]
    codes = [answer.status_code for answer in await asyncio.gather(*asked)]
    assert sorted(codes) == [201] * MAX_PER_WORKSPACE + [409] * 3
    first = (await alice.get(f"{PATH}?limit=15")).json()
    rest = (await alice.get(f"{PATH}?limit=15&cursor={first['next_cursor']}")).json()
    ids = [each["id"] for each in (*first["data"], *rest["data"])]
    assert ids == sorted(set(ids))
    assert len(ids) == MAX_PER_WORKSPACE
    assert (first["has_more"], rest["has_more"]) == (True, False)


async def test_who_may_write_in_a_workspace_manages_all_of_its_endpoints(
    alice: Person, bob: Person, charlie: Person, http: httpx2.AsyncClient, database_url: str
) -> None:
    dora = await register(http, "dora")
    shared = await team(database_url, owner=alice, member=bob, viewer=charlie)
    where = f"?workspace_id={shared}"
    new = await made(alice, where)
    path = f"{PATH}/{new['id']}"
    assert new["workspace_id"] == str(shared)
    assert [each["id"] for each in await listed(bob, where)] == [new["id"]]
    assert (await bob.patch(path, json={"description": "ours"})).status_code == 200
    calls = (
        ("GET", path, None),
        ("PATCH", path, {"description": "mine"}),
        ("DELETE", path, None),
        ("POST", f"{path}/rotate-secret", None),
        ("POST", f"{path}/test", None),
        ("GET", f"{path}/deliveries", None),
        ("POST", f"{path}/redeliver", {"since": "2026-01-01T00:00:00Z"}),
        ("GET", PATH + where, None),
        ("POST", PATH + where, draft()),
    )
    for method, target, body in calls:
        for person, status in ((charlie, 403), (dora, 404)):
            answer = await person.request(method, target, json=body)
            assert answer.status_code == status, (method, target, answer.text)
    assert (await bob.get(path)).json()["description"] == "ours"


async def test_deliveries_are_listed_looked_at_and_sent_again(
    alice: Person, database_url: str
) -> None:
    new = await made(alice)
    path = f"{PATH}/{new['id']}"
    asked = await alice.post(f"{path}/test")
    assert asked.status_code == 202, asked.text
    sent = asked.json()
    assert asked.headers["location"] == f"{API}{path}/deliveries/{sent['id']}"
    assert (sent["event_type"], sent["status"], sent["event_seq"]) == ("webhook.test",
                                                                       "pending", None)  # fmt: skip
    detail = (await alice.get(f"{path}/deliveries/{sent['id']}")).json()
    assert detail == sent | {"body": None, "log": []}
    await fill(database_url, alice.id, new["id"])
    newest = (await alice.get(f"{path}/deliveries?limit=2")).json()
    rest = (await alice.get(f"{path}/deliveries?limit=2&cursor={newest['next_cursor']}")).json()
    seqs = [each["event_seq"] for each in (*newest["data"], *rest["data"])]
    assert seqs == [3, 2, 1, None]
    for query, found in (
        ("status=failed", [2]),
        ("status=pending", [None]),
        ("event_type=todo.created", [1]),
        ("status=delivered&event_type=todo.created", [1]),
        ("status=failed&event_type=todo.created", []),
    ):
        page = (await alice.get(f"{path}/deliveries?{query}")).json()
        assert [each["event_seq"] for each in page["data"]] == found, query
    [failed] = (await alice.get(f"{path}/deliveries?status=failed")).json()["data"]
    again = await alice.post(f"{path}/deliveries/{failed['id']}/redeliver")
    assert again.status_code == 202, again.text
    assert again.json()["message_id"] == failed["message_id"]
    assert again.json()["status"] == "pending"


@pytest.mark.parametrize(
    ("wish", "count"),
    [
        ({}, 1),
        ({"status": "failed"}, 1),
        ({"status": "delivered"}, 2),
        ({"status": None}, 3),
        ({"status": None, "until": "2026-01-02T00:00:00Z"}, 1),
        ({"status": None, "since": "2026-01-02T00:00:00Z"}, 2),
        ({"status": None, "since": "2097-01-01T00:00:00Z"}, 0),
    ],
)
async def test_a_time_is_sent_again(
    alice: Person, database_url: str, wish: dict[str, Any], count: int
) -> None:
    new = await made(alice)
    await fill(database_url, alice.id, new["id"])
    body = {"since": "2026-01-01T00:00:00Z"} | wish
    again = await alice.post(f"{PATH}/{new['id']}/redeliver", json=body)
    assert again.status_code == 200, again.text
    assert again.json() == {"redelivered": count}
    page = (await alice.get(f"{PATH}/{new['id']}/deliveries?status=pending")).json()
    assert len(page["data"]) == count


async def test_a_time_goes_forwards(alice: Person) -> None:
    new = await made(alice)
    body = {"since": "2026-01-02T00:00:00Z", "until": "2026-01-01T00:00:00Z"}
    problem(await alice.post(f"{PATH}/{new['id']}/redeliver", json=body), "")


async def fill(database_url: str, workspace_id: UUID, endpoint_id: str) -> None:
    """Three deliveries, of one day each, that are over."""
    for seq, (kind, status) in enumerate(
        (
            ("todo.created", WebhookStatus.DELIVERED),
            ("todo.updated", WebhookStatus.FAILED),
            ("todo.deleted", WebhookStatus.DELIVERED),
        ),
        1,
    ):
        await sql(
            database_url,
            "INSERT INTO webhook_deliveries (workspace_id, id, endpoint_id, event_seq, event_type,"
            " message_id, status, created_at) VALUES (%s, %s, %s, %s, %s, %s, %s, %s)",
            workspace_id,
            f"ffffffff-0000-7000-8000-{seq:04}{endpoint_id[-8:]}",
            endpoint_id,
            seq,
            kind,
            f"msg_{uuid4()}",
            status,
            f"2026-01-0{seq}T12:00:00Z",
        )


# Where the address may not be


@pytest.fixture(scope="module")
async def production(app: FastAPI, database_url: str) -> AsyncIterator[httpx2.AsyncClient]:
    """The same people, keys and database, but addresses are judged as in production."""
    dev: Settings = app.state.settings
    other = create_app(unlimited(database_url, Path(dev.data_dir), pool_size=2))
    other.state.settings = dev.model_copy(update={"profile": Profile.PRODUCTION})
    async with other.router.lifespan_context(other):
        transport = httpx2.ASGITransport(app=other)
        async with httpx2.AsyncClient(transport=transport, base_url="http://api") as client:
            yield client


def literal(address: str) -> str:
    return f"https://[{address.replace('%', '%25')}]/" if ":" in address else f"https://{address}/"


async def test_12_no_internal_address_can_be_given(
    alice: Person, production: httpx2.AsyncClient
) -> None:
    headers = alice.headers
    fine = draft(url="https://hooks.example.com/in")
    answer = await production.post(API + PATH, json=fine, headers=headers)
    assert answer.status_code == 201, answer.text
    path = f"{API}{PATH}/{answer.json()['id']}"
    hostile = [*REFUSED, *(literal(address) for address in NOT_PUBLIC)]
    assert len(hostile) > 80
    for url in hostile:
        refused = await production.post(API + PATH, json=draft(url=url), headers=headers)
        problem(refused, "/url")
        problem(await production.patch(path, json={"url": url}, headers=headers), "/url")
    kept = (await production.get(API + PATH, headers=headers)).json()["data"]
    assert [each["url"] for each in kept] == [fine["url"]]


async def test_12_dev_admits_only_the_sandbox(alice: Person) -> None:
    new = await made(alice)
    for url in REFUSED_IN_DEV:
        problem(await alice.post(PATH, json=draft(url=url)), "/url")
        problem(await alice.patch(f"{PATH}/{new['id']}", json={"url": url}), "/url")
    assert [each["url"] for each in await listed(alice)] == [new["url"]]
