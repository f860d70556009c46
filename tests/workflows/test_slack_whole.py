"""Slack all the way: a person at the sandbox's client, the API, the outbox, real Temporal, answers.

The worker calls the sandbox's Slack; so the whole loop is closed over loopback.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx2
import pytest
from temporalio.client import Client

from activities.channels import Channels
from api.main import create_app
from core import keys
from core.db import Database
from core.settings import Settings
from integrations.http import vendor_client
from integrations.sandbox.app import create_app as create_sandbox
from tests import plain
from tests.connecting import unconnected
from tests.memos import deaf
from tests.patience import PATIENCE_S
from tests.people import PASSWORD, Person, register
from tests.ports import free_port
from tests.serving import serve
from tests.settings import unlimited
from worker import new_vendor_workers, new_worker
from workflows import queues, registry, vendors
from workflows.relay import Relay

NAME = "/slack/client"


@dataclass(frozen=True, slots=True)
class Place:
    """An installation and the Slack beside it, with Alice at its client."""

    settings: Settings
    api: httpx2.AsyncClient
    slack: httpx2.AsyncClient
    db: Database  # as `vt_worker`
    app_db: Database
    client: Client

    @asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        loaded = keys.load(self.settings)
        async with AsyncExitStack() as stack:
            http = await stack.enter_async_context(vendor_client())
            slack = vendors.slack(self.settings, http)
            app = registry.slack_app(self.settings, loaded, http, self.app_db, deaf(), slack)
            parts = registry.activities(
                self.app_db,
                self.db,
                Channels({}),
                deaf(),
                dev=True,
                lanes=1,
                ending=unconnected(self.app_db),
                slack_app=app,
            )
            answers = [queues.answers(app)]
            for each in (new_worker(self.client, parts), *new_vendor_workers(self.client, answers)):
                await stack.enter_async_context(each)
            relaying = asyncio.create_task(Relay(self.db, self.client).run())
            try:
                yield
            finally:
                relaying.cancel()
                await asyncio.gather(relaying, return_exceptions=True)

    async def does(self, door: str, **fields: Any) -> None:
        answer = await self.slack.post(f"{NAME}/{door}", json=fields)
        assert answer.is_success, answer.text
        assert answer.json()["status"] == 200, answer.text

    async def shown(self, matching: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """The newest message in Alice's sight that does, once there is one."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                seen = (await self.slack.get(f"{NAME}/messages")).json()
                fitting: list[dict[str, Any]] = list(filter(matching, seen))
                if fitting:
                    return fitting[-1]
                await asyncio.sleep(0.1)

    async def connect(self, ann: Person, url: str) -> None:
        """As a browser does: the link, the form, Slack's consent, back."""
        token = dict(parse_qsl(urlsplit(url).query))["token"]
        fields = {"token": token, "email": str(ann.email), "password": PASSWORD}
        onward = await self.api.post(urlsplit(url).path, data=fields)
        assert onward.status_code == 303, onward.text
        consent = f"{onward.headers['location']}&approve=1&account=alice@example.com"
        back = await self.slack.get(consent)
        assert back.status_code == 302, back.text
        done = await self.api.get(back.headers["location"])
        assert done.status_code == 200, done.text


@pytest.fixture
async def place(
    relay_url: str, db: Database, temporal_client: Client, tmp_path: Path
) -> AsyncIterator[Place]:
    sandbox_port, api_port = free_port(), free_port()
    settings = unlimited(relay_url, tmp_path, api_port=api_port, sandbox_port=sandbox_port)
    app_db = Database(relay_url, role="vt_app", size=4)
    await app_db.open()
    slack_to = f"{settings.api_url}/api/v1/webhooks/slack"
    with (
        serve(create_app(settings), port=api_port) as api_url,
        serve(create_sandbox(settings, slack_to=slack_to), port=sandbox_port) as slack_url,
    ):
        async with (
            plain.async_client(api_url) as api,
            plain.async_client(slack_url) as slack,
        ):
            yield Place(settings, api, slack, db, app_db, temporal_client)
    await app_db.close()


async def test_from_an_unknown_member_to_a_todo_that_is_done(place: Place) -> None:
    ann = await register(place.api, "ann", timezone="Europe/Berlin")
    async with place.working():
        await place.does("command", text="add Buy milk tomorrow 5pm")
        invitation = await place.shown(lambda message: bool(urls(message)))
        await place.connect(ann, urls(invitation)[0])
        await place.does("command", text="add Buy milk tomorrow 5pm")
        added = await place.shown(says("Added: Buy milk"))
        [todo] = (await ann.get("/todos")).json()["data"]
        assert (todo["title"], todo["created_via"]) == ("Buy milk", "slack")
        assert "Due tomorrow at 17:00" in added["lines"]
        await place.does("command", text="list")
        listed = await place.shown(says("Your open todos"))
        await place.does("action", ts=listed["ts"], action_id="voicetodo_complete")
        await place.shown(says("Completed: Buy milk"))
        assert (await ann.get(f"/todos/{todo['id']}")).json()["status"] == "completed"
        written = await place.slack.post(
            f"{NAME}/message", json={"channel": "general", "text": "Please water the plants"}
        )
        ts = written.json()["ts"]
        await place.does("shortcut", channel="general", ts=ts)
        made = await until_todo(ann, "Please water the plants")
        assert "/archives/" in made["description"]
    kept = [handle async for handle in place.client.list_workflows("WorkflowType='HandleSlack'")]
    for each in kept:
        history = await place.client.get_workflow_handle(each.id).fetch_history()
        assert not any(b"milk" in event.SerializeToString() for event in history.events)


async def until_todo(person: Person, title: str) -> dict[str, Any]:
    async with asyncio.timeout(PATIENCE_S):
        while True:
            for each in (await person.get("/todos")).json()["data"]:
                if each["title"] == title:
                    found: dict[str, Any] = each
                    return found
            await asyncio.sleep(0.1)


def says(line: str) -> Callable[[dict[str, Any]], bool]:
    return lambda message: line in message["lines"]


def urls(message: dict[str, Any]) -> list[str]:
    """Where its buttons lead."""
    return [
        each["url"]
        for block in message["blocks"]
        for each in block.get("elements", [])
        if each.get("url")
    ]
