"""Webhooks all the way, as docs/webhooks.md tells them: the API, a worker, a strict receiver."""

import json
from base64 import b64decode
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from tests import plain
from tests.hooking import Arrived, Hooking, hooking
from tests.patience import until
from tests.people import API, Person, register

PATH = "/webhook-endpoints"


@pytest.fixture(scope="module")
def place(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hooking]:
    folder: Path = tmp_path_factory.mktemp("hooking")
    with hooking(database_url, folder) as found:
        yield found


@pytest.fixture
async def ada(place: Hooking) -> AsyncIterator[Person]:
    async with plain.async_client(place.api) as http:
        yield await register(http, "ada")


async def made(person: Person, url: str, **wishes: Any) -> dict[str, Any]:
    answer = await person.post(PATH, json={"url": url, **wishes})
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


def verified(endpoint: dict[str, Any], message: Arrived) -> dict[str, Any]:
    """By the independent package, and the second signature by anybody's Ed25519."""
    told: dict[str, Any] = Webhook(endpoint["secret"]).verify(message.body, message.headers)
    headers = message.headers
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.{message.body}".encode()
    [v1a] = [each for each in headers["webhook-signature"].split() if each.startswith("v1a,")]
    public = Ed25519PublicKey.from_public_bytes(
        b64decode(endpoint["public_key"].removeprefix("whpk_"))
    )
    public.verify(b64decode(v1a.removeprefix("v1a,")), signed)
    return told


async def described(person: Person, message: dict[str, Any]) -> None:
    """Of the shape that the document promises."""
    document = (await person.get("/openapi.json")).json()
    content = document["webhooks"][message["type"]]["post"]["requestBody"]["content"]
    schema = content["application/json"]["schema"] | {"components": document["components"]}
    jsonschema_rs.validate(schema, message, validate_formats=True)


async def test_14_what_happens_arrives_signed_in_order_and_as_described(
    place: Hooking, ada: Person
) -> None:
    url = place.url("walk")
    endpoint = await made(ada, url, events=["todo.*"])
    await ada.post(f"{PATH}/{endpoint['id']}/test")
    [trial] = await place.until("walk", 1)
    said = verified(endpoint, trial)
    assert (said["type"], said["seq"], said["data"].keys()) == ("webhook.test", None, {"id"})
    await described(ada, said)
    todo = (await ada.post("/todos", json={"title": "Käse 🧀", "list": "Home"})).json()
    created = verified(endpoint, (await place.until("walk", 2))[-1])
    shown = (await ada.get(f"/todos/{todo['id']}")).json()
    assert created["data"]["object"] == shown
    assert created["workspace_id"] == str(ada.id)
    assert created["data"]["actor_id"] == str(ada.id)
    await ada.patch(f"/todos/{todo['id']}", json={"title": "Brie", "priority": "high"})
    await ada.post(f"/todos/{todo['id']}/complete")
    gone = await ada.delete(f"/todos/{todo['id']}")
    everything = [verified(endpoint, each) for each in await place.until("walk", 5)]
    assert [each["type"] for each in everything[1:]] == [
        "todo.created", "todo.updated", "todo.completed", "todo.deleted"
    ]  # and no list.created, which was not asked for  # fmt: skip
    seqs = [each["seq"] for each in everything[1:]]
    assert seqs == sorted(set(seqs))
    assert set(everything[2]["data"]["changed"]) == {"title", "priority"}
    last = everything[-1]["data"]
    assert (last["id"], last["object"]) == (todo["id"], None)
    assert last["change_set_id"] == gone.headers["change-set"]
    for each in everything:
        await described(ada, each)
    feed = {each["seq"]: each for each in (await ada.get("/events")).json()["data"]}
    assert [feed[each["seq"]]["type"] for each in everything[1:]] == [
        each["type"] for each in everything[1:]
    ]


async def test_thin_messages_hold_nothing_that_anybody_wrote(place: Hooking, ada: Person) -> None:
    endpoint = await made(ada, place.url("thin"), payload="thin")
    await ada.post("/todos", json={"title": "My secret plan", "list": "Plans", "tags": ["quiet"]})
    arrived = await place.until("thin", 2)
    for each in arrived:
        told = verified(endpoint, each)
        assert told["data"].keys() == {"id"}
        await described(ada, told)
    said = " ".join(each.body for each in arrived)
    assert not any(word in said for word in ("secret", "Plans", "quiet"))


async def test_14_a_failed_message_comes_again_and_is_overtaken(
    place: Hooking, ada: Person
) -> None:
    endpoint = await made(ada, place.url("failing"), events=["todo.created"])
    place.fault("failing", status=503, body={"error": "not now"})
    for title in ("first", "second"):
        await ada.post("/todos", json={"title": title})
    arrived = await place.until("failing", 3)
    told = [verified(endpoint, each) for each in arrived]
    assert [each["data"]["object"]["title"] for each in told] == ["first", "second", "first"]
    first, _, again = arrived
    assert (first.status, again.status) == (503, 200)
    assert again.headers["webhook-id"] == first.headers["webhook-id"]
    assert again.body == first.body
    assert int(again.headers["webhook-timestamp"]) > int(first.headers["webhook-timestamp"])
    page = await deliveries(ada, endpoint, "status=delivered")
    [retried] = [each for each in page if each["attempts"] == 2]
    path = f"{PATH}/{endpoint['id']}/deliveries/{retried['id']}"
    detail = (await ada.get(path)).json()
    assert detail["body"] == first.body
    assert [(each["nth"], each["status_code"]) for each in detail["log"]] == [(1, 503), (2, 200)]
    assert "not now" in detail["log"][0]["response_excerpt"]


async def deliveries(
    person: Person, endpoint: dict[str, Any], query: str = ""
) -> list[dict[str, Any]]:
    """Once none is on its way any more."""
    path = f"{PATH}/{endpoint['id']}/deliveries"

    async def arrived() -> bool:
        return not (await person.get(f"{path}?status=pending")).json()["data"]

    await until(arrived)
    found: list[dict[str, Any]] = (await person.get(f"{path}?{query}")).json()["data"]
    return found


async def test_14_two_secrets_live_while_one_is_replaced(place: Hooking, ada: Person) -> None:
    old = await made(ada, place.url("rotating"), events=["list.created"])
    path = f"{PATH}/{old['id']}"
    new = (await ada.post(f"{path}/rotate-secret")).json()
    await ada.post(f"{path}/test")
    [both] = await place.until("rotating", 1)
    assert verified(old, both) == verified(new, both)
    assert new["public_key"] == old["public_key"]
    newest = (await ada.post(f"{path}/rotate-secret", json={"overlap": "PT0S"})).json()
    await ada.post(f"{path}/test")
    _, one = await place.until("rotating", 2)
    verified(newest, one)
    for before in (old, new):
        with pytest.raises(WebhookVerificationError):
            Webhook(before["secret"]).verify(one.body, one.headers)


async def test_what_was_sent_can_be_sent_again(place: Hooking, ada: Person) -> None:
    endpoint = await made(ada, place.url("again"), events=["todo.created"])
    begun = (await ada.get(f"{PATH}/{endpoint['id']}")).json()["created_at"]
    for title in ("one", "two"):
        await ada.post("/todos", json={"title": title})
    first = await place.until("again", 2)
    two, one = await deliveries(ada, endpoint, "status=delivered")
    path = f"{PATH}/{endpoint['id']}"
    assert (await ada.post(f"{path}/deliveries/{one['id']}/redeliver")).status_code == 202
    again = (await place.until("again", 3))[-1]
    assert again.headers["webhook-id"] == one["message_id"]
    assert again.body == first[0].body
    verified(endpoint, again)
    await deliveries(ada, endpoint)
    body = {"since": begun, "status": "delivered"}
    ranged = await ada.post(f"{path}/redeliver", json=body)
    assert ranged.json() == {"redelivered": 2}
    arrived = await place.until("again", 5)
    assert [each.headers["webhook-id"] for each in arrived[3:]] == [
        one["message_id"], two["message_id"]
    ]  # fmt: skip


async def test_14_410_ends_it(place: Hooking, ada: Person) -> None:
    endpoint = await made(ada, place.url("gone"), events=["todo.created"])
    place.fault("gone", status=410)
    await ada.post("/todos", json={"title": "x"})
    await place.until("gone", 1)
    await deliveries(ada, endpoint)
    found = (await ada.get(f"{PATH}/{endpoint['id']}")).json()
    assert (found["status"], found["disabled_reason"]) == ("disabled", "gone")
    await ada.post("/todos", json={"title": "y"})
    told = (await ada.get("/notifications")).json()["data"]
    assert any(place.url("gone") in each["title"] for each in told)
    await ada.patch(f"{PATH}/{endpoint['id']}", json={"status": "active"})
    await ada.post("/todos", json={"title": "z"})
    _, next_one = await place.until("gone", 2)
    assert json.loads(next_one.body)["data"]["object"]["title"] == "z"


async def test_somebody_elses_workspace_is_not_told_of(place: Hooking, ada: Person) -> None:
    await made(ada, place.url("hers"))
    bob = await register(ada.http, "bob")
    await bob.post("/todos", json={"title": "his"})
    await ada.post("/todos", json={"title": "hers"})
    [arrived] = await place.until("hers", 1)
    assert json.loads(arrived.body)["data"]["object"]["title"] == "hers"
    assert API not in arrived.body
