"""App Homes, from being opened to Slack's emulator, and how they follow what is changed."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import httpx2
import pytest
from pydantic import SecretStr

from activities.shift import Hand
from activities.slack_homes import SlackHomes
from core import clock, due
from core.crypto import Keyring
from core.db import Database
from core.models.connections import Provider
from core.services import connections, slack_home
from core.services.connections import Draft
from integrations.http import vendor_client
from integrations.http_transport import Limits
from integrations.slack import Slack
from tests.patience import PATIENCE_S
from tests.people import Person, register
from tests.teams import sql

RING = Keyring((b"c" * 32,))
ZONE = "Europe/Berlin"
_lanes = count(12_000)


@dataclass(frozen=True, slots=True)
class Desk:
    """A person who has connected Slack, and a worker that looks after Homes."""

    person: Person
    connection_id: UUID
    member: dict[str, Any]
    token: str
    lane: int
    http: httpx2.Client
    url: str
    app_db: Database
    worker_db: Database
    handler: SlackHomes

    async def todo(self, title: str, **fields: object) -> dict[str, Any]:
        answer = await self.person.post("/todos", json={"title": title, **fields})
        assert answer.status_code == 201, answer.text
        made: dict[str, Any] = answer.json()
        return made

    def fault(self, **fault: object) -> None:
        given = {"vendor": "slack", "kind": "views.publish", "times": 1, **fault}
        assert self.http.post("/faults", json=given).status_code == 201

    def calls(self, since: int) -> int:
        rows = self.http.get("/ledger.json", params={"since": since, "vendor": "slack"}).json()
        return sum(self.member["id"] in row["request"]["body"] for row in rows)

    def ledger(self) -> int:
        return int(self.http.get("/latest.json").json()["seq"])

    def shown(self) -> list[str]:
        """The lines of the Home that stand there, and of its buttons."""
        view = self.http.get("/slack/client/home", params={"user": self.member["id"]}).json()
        return [line for block in view["blocks"] for line in _lines(block)]

    async def open(self) -> None:
        async with self.app_db.transaction() as tx:
            tx.act_in([self.person.id])
            slack_home.publish(tx, self.person.id, self.connection_id, now=clock.now())
        await sql(
            self.url,
            "UPDATE slack_homes SET lane = %s WHERE id = %s",
            self.lane,
            self.connection_id,
        )

    async def tick(self, now: datetime | None = None) -> int:
        asked_at = asyncio.get_running_loop().time()
        at = now or clock.now()
        async with self.worker_db.transaction() as tx:
            due.wake(tx, slack_home.SOURCE, self.lane, lanes=self.lane + 2, now=at)
            claimed = await due.claim(tx, slack_home.SOURCE, self.lane, now=at, limit=10)
        hand = Hand()
        for each in claimed:
            hand.take(each, asked_at=asked_at)
        await self.handler.work(claimed, hand)
        return len(claimed)

    async def row(self) -> dict[str, Any]:
        statement = "SELECT to_jsonb(h) FROM slack_homes h WHERE id = %s"
        [(found,)] = await sql(self.url, statement, self.connection_id)
        assert isinstance(found, dict)
        return found


def _lines(block: dict[str, Any]) -> list[str]:
    if block["type"] == "actions":
        return [f"[{each['action_id']} {each['value']}]" for each in block["elements"]]
    if block["type"] == "rich_text":
        return ["".join(e["text"] for part in block["elements"] for e in part["elements"])]
    if block["type"] == "context":
        return [each["text"] for each in block["elements"]]
    return [block["text"]["text"]]


@pytest.fixture
async def desk(
    http: Any, sandbox: httpx2.Client, database_url: str, app_db: Database, worker_db: Database
) -> AsyncIterator[Desk]:
    sandbox.delete("/faults")
    alice = await register(http, timezone=ZONE)
    email = f"{uuid4().hex}@example.com"
    member = sandbox.post("/slack/members", json={"name": "Alice", "email": email}).json()
    token, team = f"xoxb-{uuid4().hex}", uuid4().hex
    draft = Draft(Provider.SLACK, team, member["id"], SecretStr(token))
    async with app_db.transaction() as tx:
        tx.act_in([alice.id])
        key = await connections.put(tx, alice.id, alice.id, draft, ring=RING, now=clock.now())
    await sql(
        database_url,
        "INSERT INTO slack_members VALUES (%s, %s, %s, %s, %s)",
        team,
        member["id"],
        alice.id,
        alice.id,
        key,
    )
    async with vendor_client(Limits(timeout=1)) as client:
        slack = Slack(client, f"{str(sandbox.base_url).rstrip('/')}/slack/api/")
        handler = SlackHomes(app_db, worker_db, RING, slack)
        yield Desk(
            alice,
            key,
            member,
            token,
            next(_lanes),
            sandbox,
            database_url,
            app_db,
            worker_db,
            handler,
        )


def today(days: int = 0) -> str:
    return f"{clock.now().astimezone(ZoneInfo(ZONE)).date() + timedelta(days=days)}"


async def test_a_home_shows_what_is_due(desk: Desk) -> None:
    late = await desk.todo("Pay <!channel> *rent*", due={"date": today(-1)})
    await desk.todo("Water the plants", due={"date": today()})
    await desk.todo("Next year", due={"date": today(300)})
    await desk.todo("Some day")
    await desk.open()
    assert await desk.tick() == 1
    shown = desk.shown()
    assert shown[:3] == ["Your day", "1 overdue", "Pay <!channel> *rent*\nDue yesterday"]
    assert f"[voicetodo_complete todo:{late['id']}]" in shown
    assert "Water the plants\nDue today" in shown
    assert not any("Next year" in line or "Some day" in line for line in shown)
    assert (await desk.row())["next_at"] is None


async def test_what_was_snoozed_says_when_it_comes_back(desk: Desk) -> None:
    todo = await desk.todo("Water the plants", due={"date": today()})
    at = (clock.now() + timedelta(days=1)).astimezone(ZoneInfo(ZONE)).replace(hour=10, minute=5)
    wish = {"at": {"date": f"{at.date()}", "time": "10:05", "timezone": ZONE}}
    answer = await desk.person.post(f"/todos/{todo['id']}/reminders", json=wish)
    assert answer.status_code == 201, answer.text
    await desk.open()
    await desk.tick()
    said = "Water the plants\nDue today\nYou will be reminded tomorrow at 10:05"
    assert said in desk.shown()


async def test_it_follows_changes_while_somebody_looks(desk: Desk) -> None:
    todo = await desk.todo("Water the plants", due={"date": today()})
    await desk.open()
    await desk.tick()
    published = clock.now()
    since = desk.ledger()
    for nth in range(5):
        await desk.person.patch(f"/todos/{todo['id']}", json={"title": f"Water {nth}"})
    assert await desk.tick(published) == 0  # a moment ago
    soon = clock.now() + timedelta(seconds=4)
    assert await desk.tick(soon) == 1
    assert "Water 4\nDue today" in desk.shown()
    assert desk.calls(since) == 1
    # A change that shows nowhere is no call.
    await desk.todo("Some day")
    later = clock.now() + timedelta(seconds=8)
    assert await desk.tick(later) == 1
    assert desk.calls(since) == 1
    # Nobody looks any more.
    await desk.todo("Now", due={"date": today()})
    assert await desk.tick(clock.now() + timedelta(minutes=11)) == 0


async def test_nothing_due_is_said_and_how_to_begin(desk: Desk) -> None:
    await desk.person.patch("/me", json={"locale": "de"})
    await desk.open()
    await desk.tick()
    assert desk.shown() == [
        "Ihr Tag",
        "Heute ist nichts fällig.",
        "Neues: /todo Milch kaufen morgen um 17 Uhr",
    ]


async def test_many_todos_fit_into_a_view(desk: Desk) -> None:
    for nth in range(25):
        await desk.todo(f"Late {nth}", due={"date": today(-2)})
        await desk.todo(f"Now {nth} {'x' * 400}", due={"date": today()})
    await desk.open()
    await desk.tick()
    shown = desk.shown()
    assert shown.count("and 5 more") == 2
    assert "25 overdue" in shown


async def test_a_refusal_is_waited_for_and_given_up_in_the_end(desk: Desk) -> None:
    await desk.open()
    desk.fault(status=429, headers={"Retry-After": "2"})
    before = clock.now()
    await desk.tick()
    row = await desk.row()
    again_at = datetime.fromisoformat(row["next_at"])
    assert timedelta(seconds=1) < again_at - before
    assert again_at - clock.now() < timedelta(seconds=3)
    assert row["failures"] == 1
    await asyncio.sleep(max((again_at - clock.now()).total_seconds(), 0) + 0.1)
    assert await desk.tick() == 1
    assert desk.shown()[0] == "Your day"
    assert (await desk.row())["failures"] == 0
    await desk.open()
    desk.fault(times=10, drop="before")
    for _ in range(5):
        await desk.tick(clock.now() + timedelta(minutes=5))
    row = await desk.row()
    assert (row["next_at"], row["failures"]) == (None, 5)
    desk.http.delete("/faults")
    await desk.todo("Water the plants", due={"date": today()})
    assert await desk.tick(clock.now() + timedelta(minutes=6)) == 0  # nobody looks, for all we know
    await desk.open()  # looked at again, it is tried again
    await desk.tick()
    assert (await desk.row())["failures"] == 0


async def test_a_revoked_token_pauses_the_connection(desk: Desk) -> None:
    desk.http.post("/slack/revoked", json={"token": desk.token})
    await desk.open()
    await desk.tick()
    [(status,)] = await sql(
        desk.url, "SELECT status FROM connections WHERE id = %s", desk.connection_id
    )
    assert status == "needs_reauth"
    assert (await desk.row())["next_at"] is None
    await desk.open()
    since = desk.ledger()
    await desk.tick()
    assert desk.calls(since) == 0


async def test_an_opening_meanwhile_is_not_lost(desk: Desk) -> None:
    """Opened while an earlier look is under way, it is looked at once more."""
    await desk.open()
    asked_at = asyncio.get_running_loop().time()
    async with desk.worker_db.transaction() as tx:
        claimed = await due.claim(tx, slack_home.SOURCE, desk.lane, now=clock.now(), limit=10)
    await desk.open()
    hand = Hand()
    for each in claimed:
        hand.take(each, asked_at=asked_at)
    await desk.handler.work(claimed, hand)
    assert (await desk.row())["next_at"] is not None
    # The same while Slack is being called.
    desk.fault(delay_ms=600)
    working = asyncio.create_task(desk.tick())
    async with asyncio.timeout(PATIENCE_S):
        while desk.http.get("/faults.json").json():  # noqa: ASYNC110 - another thread's
            await asyncio.sleep(0.01)  # until it is called
    await desk.open()
    assert await working == 1
    assert (await desk.row())["next_at"] is not None
    assert await desk.tick() == 1
    assert (await desk.row())["next_at"] is None
