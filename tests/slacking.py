"""Slack's side of the app: requests as Slack signs them, and the worker's part run by hand."""

import hashlib
import hmac
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID, uuid4

import httpx2
import orjson
import pytest
from fastapi import FastAPI
from pydantic import SecretStr
from temporalio.testing import ActivityEnvironment

from activities.slack_app import SlackApp
from core import clock
from core.crypto import Keyring
from core.db import Database
from core.keys import Keys
from core.messages import SlackMessage
from core.models.connections import Provider
from core.services import connections
from core.services.connections import Draft
from core.services.voice_results import Using
from integrations.http import Client, vendor_client
from integrations.sandbox import slack_blocks
from integrations.slack import Slack
from integrations.slack_responses import Responses
from tests.memos import deaf
from tests.people import API, Person
from tests.teams import sql

RING = Keyring((b"c" * 32,))
ANN, BEN = "U0ANN", "U0BEN"
HOOK = "https://hooks.slack.com/actions/T1/1/x"


def idle(db: Database) -> SlackApp:
    """For a worker in whose tests nobody uses Slack."""
    return worker(db, deaf().using, vendor_client(), b"k" * 32)


def worker(
    db: Database, using: Using, client: Client, key: bytes, *, sandbox_url: str | None = None
) -> SlackApp:
    slack = Slack(client, f"{sandbox_url or 'http://127.0.0.1:9'}/slack/api/")
    return SlackApp(
        db,
        using,
        RING,
        slack,
        Responses(client, sandbox_url=sandbox_url),
        key=key,
        api_url="http://api",
    )


def signed(secret: bytes, body: bytes, *, at: float | None = None) -> dict[str, str]:
    stamp = str(int(time.time() if at is None else at))
    mac = hmac.new(secret, b"v0:" + stamp.encode() + b":" + body, hashlib.sha256).hexdigest()
    return {"X-Slack-Request-Timestamp": stamp, "X-Slack-Signature": f"v0={mac}"}


@dataclass(frozen=True, slots=True)
class Team:
    """A Slack team whose members use the app; `did` is the worker's part, one row at a time."""

    app: FastAPI
    http: httpx2.AsyncClient
    database_url: str
    db: Database  # as `vt_app`
    slack_app: SlackApp
    id: str = field(default_factory=lambda: f"T{uuid4().hex[:10].upper()}")

    @property
    def secret(self) -> bytes:
        found: bytes = self.app.state.slack_signing
        return found

    async def join(self, person: Person, user: str) -> None:
        """She has connected, as this member."""
        draft = Draft(Provider.SLACK, self.id, user, SecretStr(f"xoxb-{uuid4().hex}"))
        async with self.db.transaction() as tx:
            tx.act_in([person.id])
            at = clock.now() - timedelta(hours=1)
            connection_id = await connections.put(
                tx, person.id, person.id, draft, ring=RING, now=at
            )
        await sql(
            self.database_url,
            "INSERT INTO slack_members (team_id, slack_user_id, workspace_id, user_id,"
            " connection_id) VALUES (%s, %s, %s, %s, %s)",
            self.id,
            user,
            person.id,
            person.id,
            connection_id,
        )

    async def post(
        self, path: str, body: bytes, headers: Mapping[str, str] | None = None
    ) -> httpx2.Response:
        sent = {**signed(self.secret, body), **(headers or {})}
        return await self.http.post(f"{API}/webhooks/slack/{path}", content=body, headers=sent)

    def command_body(self, user: str, text: str, **more: str) -> bytes:
        return urlencode(
            {
                "team_id": self.id,
                "user_id": user,
                "command": "/todo",
                "text": text,
                "response_url": HOOK,
                "trigger_id": f"{uuid4().int % 10**12}.{uuid4().hex}",
                **more,
            }
        ).encode()

    async def types(self, user: str, text: str) -> dict[str, Any]:
        """What she is answered to `/todo text`."""
        return await self._answered("commands", self.command_body(user, text))

    async def presses(
        self, user: str, button: Mapping[str, Any], *, url: str | None = HOOK
    ) -> dict[str, Any]:
        """Of a message of ours: `block_id`, `action_id` and `value`."""
        payload = {
            "type": "block_actions",
            "team": {"id": self.id},
            "user": {"id": user},
            "trigger_id": uuid4().hex,
            "actions": [{"type": "button", **button}],
            **({"response_url": url} if url else {}),
        }
        return await self._answered("interactions", _form(payload))

    async def makes(self, user: str, message: Mapping[str, Any]) -> dict[str, Any]:
        """With the shortcut, a todo of a message."""
        payload = {
            "type": "message_action",
            "callback_id": "voicetodo_make_todo",
            "team": {"id": self.id, "domain": "acme"},
            "user": {"id": user},
            "channel": {"id": "C1", "name": "general"},
            "trigger_id": uuid4().hex,
            "response_url": HOOK,
            "message": message,
        }
        return await self._answered("interactions", _form(payload))

    async def happens(self, event: Mapping[str, Any], **more: Any) -> httpx2.Response:
        told = {
            "type": "event_callback",
            "team_id": self.id,
            "event_id": f"Ev{uuid4().hex[:8]}",
            "event_time": int(time.time()),
            "event": event,
            **more,
        }
        return await self.post("events", orjson.dumps(told))

    async def rows(self) -> list[tuple[UUID, str | None]]:
        """What was told and what came of it, oldest first."""
        found = await sql(
            self.database_url,
            "SELECT id, result FROM slack_inbound WHERE team_id = %s ORDER BY received_at, id",
            self.id,
        )
        return [(key, result) for key, result in found]

    async def did(self) -> None:
        """The worker does what it was not yet."""
        for key, result in await self.rows():
            if result is None:
                await ActivityEnvironment().run(self.slack_app.handle, SlackMessage(key))

    async def _answered(self, path: str, body: bytes) -> dict[str, Any]:
        taken = await self.post(path, body)
        assert (taken.status_code, taken.content) == (200, b""), taken.text
        await self.did()
        [(answer,)] = await sql(
            self.database_url,
            "SELECT answer FROM slack_inbound WHERE team_id = %s"
            " ORDER BY received_at DESC, id LIMIT 1",
            self.id,
        )
        if answer is None:
            return {}
        assert answer["url"] == HOOK
        message: dict[str, Any] = answer["message"]
        assert list(slack_blocks.problems(message["blocks"])) == []
        return message


@pytest.fixture
async def acme(
    app: FastAPI, http: httpx2.AsyncClient, app_db: Database, database_url: str
) -> AsyncIterator[Team]:
    own_keys: Keys = app.state.keys
    async with vendor_client() as client:
        desk = worker(app_db, app.state.voice, client, own_keys.encryption)
        yield Team(app, http, database_url, app_db, desk)


@pytest.fixture
async def ann(acme: Team, alice: Person) -> Person:
    """Alice, as a member of the team."""
    await acme.join(alice, ANN)
    return alice


def lines(message: Mapping[str, Any]) -> list[str]:
    """What a person reads."""
    return slack_blocks.lines(message["blocks"])


def buttons(message: Mapping[str, Any]) -> list[dict[str, Any]]:
    """By what stands on them, from top to bottom."""
    return [
        {**each, "block_id": block["block_id"], "label": each["text"]["text"]}
        for block in message["blocks"]
        for each in [*block.get("elements", []), block.get("accessory") or {}]
        if each.get("type") == "button"
    ]


def _form(payload: Mapping[str, Any]) -> bytes:
    return urlencode({"payload": orjson.dumps(payload).decode()}).encode()
