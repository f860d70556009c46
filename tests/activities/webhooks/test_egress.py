"""Security 12 at the moment of dialling: what a name resolves to decides, and nothing is dialled.

With a fake name service. What addresses are refused when an endpoint is made is tried in
tests/api/routes/test_webhook_endpoints.py; here they stand in rows already, as after a change of
the name or of our rules.
"""

from typing import Any, Final

import httpx2
from fastapi import FastAPI
from temporalio.testing import ActivityEnvironment

from activities.tick import Ticks
from activities.webhooks import Posting, Webhooks
from core.crypto import Keyring
from core.db import Database
from core.messages import Kind, TickMessage
from core.services import webhook_secrets
from integrations.http import guarded_client
from tests.core.rules.test_egress import NOT_PUBLIC, REFUSED
from tests.integrations.test_http_guarded import Net
from tests.people import Person, register
from tests.teams import sql
from tests.todos import make

PATH: Final = "/webhook-endpoints"
CAP: Final = 20  # of a workspace
PUBLIC: Final = "9.9.9.9"
NOBODY: Final = 1  # a port where nobody listens


def ring(app: FastAPI) -> Keyring:
    found: Keyring = app.state.keys.ring.of(webhook_secrets.PURPOSE)
    return found


async def endpoint(database_url: str, person: Person, url: str) -> str:
    """One of hers that points there, whatever may be said against it."""
    made = await person.post(PATH, json={"url": "http://127.0.0.1:8025/hooks/x"})
    assert made.status_code == 201, made.text
    endpoint_id: str = made.json()["id"]
    await sql(
        database_url,
        "UPDATE webhook_endpoints SET url = %s, lane = 0 WHERE id = %s",
        url,
        endpoint_id,
    )
    return endpoint_id


async def deliver(app_db: Database, worker_db: Database, app: FastAPI, net: Net) -> None:
    """All that is due, as a worker in production would."""
    async with guarded_client(sandbox_url=None, resolve=net.resolve, connect=net.connect) as client:
        handler = Webhooks(app_db, Posting(client, ring(app)))
        ticks = Ticks(worker_db, {Kind.WEBHOOKS: handler}, lanes=1, life_s=1.0)
        await ActivityEnvironment().run(ticks.run, TickMessage(Kind.WEBHOOKS, 0))


async def attempted(person: Person, endpoint_id: str) -> dict[str, Any]:
    """The one delivery that it was tried with."""
    page = (await person.get(f"{PATH}/{endpoint_id}/deliveries")).json()["data"]
    assert len(page) == 1, page
    found: dict[str, Any] = page[0]
    return found


async def hooked(
    http: httpx2.AsyncClient, database_url: str, urls: list[str]
) -> list[tuple[Person, str, str]]:
    """People with endpoints there, as many as they may have, and an event that all are told of."""
    await sql(database_url, "DELETE FROM webhook_endpoints")  # earlier ones fall due again
    made: list[tuple[Person, str, str]] = []
    for start in range(0, len(urls), CAP):
        person, here = await register(http), urls[start : start + CAP]
        made += [(person, await endpoint(database_url, person, url), url) for url in here]
        await make(person, title="x")
    return made


async def test_12_a_name_with_an_internal_address_is_not_dialled(
    app: FastAPI,
    http: httpx2.AsyncClient,
    app_db: Database,
    worker_db: Database,
    database_url: str,
) -> None:
    answers = [[address] for address in NOT_PUBLIC]
    answers += [[PUBLIC, "10.0.0.1"], ["10.0.0.1", PUBLIC], [PUBLIC, "::1"], ["nonsense"]]
    names = {f"h{nth}.example.com": addresses for nth, addresses in enumerate(answers)}
    net = Net(NOBODY)
    net.names = names
    made = await hooked(http, database_url, [f"https://{name}/in" for name in names])
    await deliver(app_db, worker_db, app, net)
    assert net.dialled == []
    assert sorted(net.lookups) == sorted(names)  # each once: none was asked again for another one
    for person, endpoint_id, url in made:
        delivery = await attempted(person, endpoint_id)
        assert (delivery["attempts"], delivery["status_code"]) == (1, None), url
        assert delivery["error"] == "the address is not on the public Internet", url


async def test_12_a_literal_internal_address_is_not_even_looked_up(
    app: FastAPI,
    http: httpx2.AsyncClient,
    app_db: Database,
    worker_db: Database,
    database_url: str,
) -> None:
    literals = [f"https://[{each}]/" if ":" in each else f"https://{each}/" for each in NOT_PUBLIC]
    hostile = [*(url for url in REFUSED if "\x00" not in url), *literals]  # no text holds a NUL
    net = Net(NOBODY)
    made = await hooked(http, database_url, hostile)
    await deliver(app_db, worker_db, app, net)
    assert (net.lookups, net.dialled) == ([], [])
    for person, endpoint_id, url in made:
        delivery = await attempted(person, endpoint_id)
        assert (delivery["attempts"], delivery["status_code"]) == (1, None), url
        assert delivery["error"], url


async def test_12_a_name_with_a_public_address_is_dialled_there(
    app: FastAPI,
    http: httpx2.AsyncClient,
    app_db: Database,
    worker_db: Database,
    database_url: str,
) -> None:
    """Else the two above would be green although nothing was tried at all."""
    net = Net(NOBODY, hooks_example_com=[PUBLIC])
    [(alice, endpoint_id, _)] = await hooked(http, database_url, ["https://hooks.example.com/in"])
    await deliver(app_db, worker_db, app, net)
    assert net.dialled == [(PUBLIC, 443)]
    assert (await attempted(alice, endpoint_id))["error"] == "no connection"
