"""The end of a connection: a row of the outbox, the relay, real Temporal, the sandbox's vendors."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest
from temporalio.client import Client, WorkflowHandle

from activities.channels import Channels
from core.db import Database
from core.keys import Keys
from integrations import calendars
from integrations.http import vendor_client
from tests.connecting import World, connected_world, fresh_account
from tests.memos import deaf
from tests.people import Person, register
from tests.teams import sql
from worker import new_worker
from workflows import registry
from workflows.relay import Relay


@dataclass(frozen=True, slots=True)
class Office:
    """The API, the sandbox, and a worker that ends connections."""

    world: World
    db: Database
    client: Client

    async def disconnect(self, person: Person, integration: Any) -> WorkflowHandle[Any, Any]:
        """Delete it at the door, and hand its workflow to Temporal."""
        answer = await person.delete(f"/integrations/{integration['id']}")
        assert answer.status_code == 204, answer.text
        [(workflow_id,)] = await sql(
            self.world.database_url,
            "SELECT workflow_id FROM outbox WHERE workflow_type = 'Disconnect' AND subject_id = %s",
            UUID(integration["id"]),
        )
        await Relay(self.db, self.client).step()
        return self.client.get_workflow_handle(workflow_id)

    async def kept(self, person: Person) -> list[str]:
        """The status of each of her connections, as the table has it."""
        found = await sql(
            self.world.database_url, "SELECT status FROM connections WHERE user_id = %s", person.id
        )
        return [status for (status,) in found]

    def works(self, refresh_token: str) -> bool:
        """Whether Google still takes it."""
        answer = self.world.sandbox.post(
            "/google/token",
            data={
                "grant_type": "refresh_token",
                "refresh_token": refresh_token,
                "client_id": "voicetodo",
                "client_secret": "sandbox",
            },
        )
        return answer.is_success

    async def token(self, integration: Any) -> str:
        [(workspace_id, sealed, user_id)] = await sql(
            self.world.database_url,
            "SELECT workspace_id, secret, user_id FROM connections WHERE id = %s",
            UUID(integration["id"]),
        )
        aad = f"connections|secret|{integration['id']}|{workspace_id}".encode()
        return self.world.ring_of(user_id).unseal(bytes(sealed), aad=aad).decode()


@pytest.fixture
async def office(
    relay_url: str,
    db: Database,
    temporal_client: Client,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[Office]:
    async with AsyncExitStack() as stack:
        folder = tmp_path_factory.mktemp("ending")
        world = await stack.enter_async_context(connected_world(relay_url, folder))
        app_db = Database(relay_url, role="vt_app", size=4)
        await app_db.open()
        stack.push_async_callback(app_db.close)
        http = await stack.enter_async_context(vendor_client())
        own_keys: Keys = world.app.state.keys
        settings = world.app.state.settings
        google_client = calendars.google(settings)
        assert google_client is not None
        await stack.enter_async_context(google_client)
        ending = registry.disconnecting(settings, own_keys, http, app_db, db, google_client)
        parts = registry.activities(
            app_db, db, Channels({}), deaf(), dev=True, lanes=1, ending=ending
        )
        await stack.enter_async_context(new_worker(temporal_client, parts))
        yield Office(world, db, temporal_client)


async def google(office: Office, person: Person, account: str) -> Any:
    return await office.world.connect(person, "google-calendar", account)


async def test_the_provider_is_told_and_nothing_is_kept(office: Office) -> None:
    ann = await register(office.world.http, "ann")
    made = await google(office, ann, fresh_account())
    token = await office.token(made)
    assert office.works(token)
    ending = await office.disconnect(ann, made)
    assert (await ann.get(f"/integrations/{made['id']}")).status_code == 404, "at once"
    assert await ending.result() is True
    assert not office.works(token)
    assert await office.kept(ann) == []
    assert await sql(
        office.world.database_url,
        "SELECT open FROM executions WHERE workflow_id = %s",
        ending.id,
    ) == [(False,)]


async def test_a_provider_that_is_away_is_told_later(office: Office) -> None:
    ann = await register(office.world.http, "ann")
    made = await google(office, ann, fresh_account())
    token, since = await office.token(made), office.world.latest()
    office.world.fault("google_calendar", kind="oauth.revoke", status=503, times=2)
    assert await (await office.disconnect(ann, made)).result() is True
    assert office.world.ledger("google_calendar", since) == ["oauth.revoke"] * 3
    assert not office.works(token)
    assert await office.kept(ann) == []


async def test_an_account_that_others_use_is_not_taken_from_them(office: Office) -> None:
    ann, ben = [await register(office.world.http, name) for name in ("ann", "ben")]
    account = fresh_account()
    hers, his = await google(office, ann, account), await google(office, ben, account)
    token, since = await office.token(his), office.world.latest()
    assert await (await office.disconnect(ann, hers)).result() is True
    assert office.world.ledger("google_calendar", since) == []
    assert office.works(token)
    assert (await office.kept(ann), await office.kept(ben)) == ([], ["active"])
    assert await (await office.disconnect(ben, his)).result() is True
    assert not office.works(token)


async def test_what_was_connected_again_meanwhile_stays(office: Office) -> None:
    ann = await register(office.world.http, "ann")
    account = fresh_account()
    made = await google(office, ann, account)
    office.world.fault("google_calendar", kind="oauth.revoke", status=503, times=3)
    ending = await office.disconnect(ann, made)
    again = await google(office, ann, account)
    assert await ending.result() is True
    assert (again["id"], again["status"]) == (made["id"], "active")
    assert await office.kept(ann) == ["active"]


async def test_the_channel_of_a_calendar_is_stopped_before(office: Office) -> None:
    """And one that Google knows no more, as here, keeps nobody from ending the rest."""
    ann = await register(office.world.http, "ann")
    made = await google(office, ann, fresh_account())
    await sql(
        office.world.database_url,
        "UPDATE calendar_syncs SET channel_id = gen_random_uuid(), channel_resource = 'gone'"
        " WHERE id = %s",
        UUID(made["id"]),
    )
    since = office.world.latest()
    assert await (await office.disconnect(ann, made)).result() is True
    did = office.world.ledger("google_calendar", since)
    assert did == ["oauth.token", "channels.stop", "oauth.revoke"]
    assert await office.kept(ann) == []
