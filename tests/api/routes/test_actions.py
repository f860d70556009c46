import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient, Response

from core import crypto
from core.ids import uuid7
from core.rules import actions
from core.rules.actions import PURPOSE, Action, Verb
from tests.people import API, Person
from tests.teams import sql
from tests.todos import make, read

DUE = {"date": "2030-07-01", "time": "18:00", "timezone": "UTC"}
HTML = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


class Scene:
    """A todo of Alice's with a reminder, and the links of one message about it."""

    def __init__(
        self, app: FastAPI, http: AsyncClient, alice: Person, todo: dict[str, Any]
    ) -> None:
        self.http = http
        self.alice = alice
        self.todo = todo
        self.key = crypto.derive(app.state.keys.encryption, PURPOSE)
        self.reminder_id = todo["reminders"][0]["id"]
        self.complete = Action(
            Verb.COMPLETE,
            alice.id,
            alice.id,
            UUID(todo["id"]),
            uuid7(),
            datetime.now(UTC) + timedelta(days=7),
        )
        self.snooze = replace(
            self.complete, verb=Verb.SNOOZE, subject_id=UUID(self.reminder_id), minutes=10
        )

    def path(self, action: Action) -> str:
        return f"{API}/actions/{actions.token(self.key, action)}"

    async def use(self, action: Action, **options: Any) -> Response:
        return await self.http.post(self.path(action), **options)

    async def now(self) -> dict[str, Any]:
        return await read(self.alice, self.todo["id"])


@pytest.fixture
async def scene(app: FastAPI, http: AsyncClient, alice: Person) -> Scene:
    todo = await make(alice, title="<b>Milk</b>", due=DUE, reminders=[{"before": "PT1H"}])
    return Scene(app, http, alice, todo)


async def test_it_completes_without_a_session(scene: Scene) -> None:
    answer = await scene.use(scene.complete)
    assert answer.status_code == 200, answer.text
    done = answer.json()
    assert (done["action"], done["todo_id"], done["again"]) == (
        "complete",
        scene.todo["id"],
        False,
    )
    assert (await scene.now())["status"] == "completed"
    [change, *_] = (await scene.alice.get("/events?since=0")).json()["data"][::-1]
    assert change["type"] == "todo.completed"


async def test_it_snoozes(scene: Scene) -> None:
    done = (await scene.use(scene.snooze)).json()
    assert (done["action"], done["reminder_id"]) == ("snooze", scene.reminder_id)
    until = datetime.fromisoformat(done["snoozed_until"])
    assert timedelta(minutes=9) < until - datetime.now(UTC) <= timedelta(minutes=10)
    [reminder] = (await scene.now())["reminders"]
    assert datetime.fromisoformat(reminder["next_fire_at"]) == until


async def test_twice_is_once_and_tells_what_happened(scene: Scene) -> None:
    first = (await scene.use(scene.snooze)).json()
    await asyncio.sleep(0.01)
    second = (await scene.use(scene.snooze)).json()
    assert second == first | {"again": True}
    await scene.use(scene.complete)
    await scene.alice.post(f"/todos/{scene.todo['id']}/reopen")
    again = (await scene.use(scene.complete)).json()
    assert again["again"]
    assert (await scene.now())["status"] == "pending"  # reopened, it stays so


async def test_of_many_at_a_time_one_acts(scene: Scene) -> None:
    answers = await asyncio.gather(*(scene.use(scene.snooze) for _ in range(8)))
    told = [answer.json() for answer in answers]
    assert [each["again"] for each in told].count(False) == 1
    assert len({each["snoozed_until"] for each in told}) == 1


async def test_a_scanner_that_opens_it_changes_nothing(scene: Scene) -> None:
    for action in (scene.complete, scene.snooze):
        page = await scene.http.get(scene.path(action), headers=HTML)
        assert page.status_code == 200
        assert page.headers["content-type"].startswith("text/html")
        assert "&lt;b&gt;Milk&lt;/b&gt;" in page.text
        assert '<form method="post"' in page.text
        assert "script" not in page.text
        assert page.headers["cache-control"] == "no-store"
    head = await scene.http.head(scene.path(scene.complete))
    assert head.status_code in {200, 405}
    assert (await scene.now())["version"] == scene.todo["version"]


async def test_the_page_acts_when_its_button_is_pressed(scene: Scene) -> None:
    german = HTML | {"Accept-Language": "de-AT,de;q=0.9"}
    done = await scene.use(scene.complete, headers=german)
    assert (done.status_code, "ist erledigt" in done.text) == (200, True)
    again = await scene.use(scene.complete, headers=HTML)
    assert "You had done this already" in again.text
    shown = await scene.http.get(scene.path(scene.complete), headers=HTML)
    assert "<form" not in shown.text
    assert "is completed" in shown.text
    refused = await scene.use(scene.snooze, headers=HTML)
    assert (refused.status_code, "nothing to be reminded of" in refused.text) == (409, True)


async def test_what_could_not_be_done_is_not_used_up(scene: Scene) -> None:
    await scene.alice.post(f"/todos/{scene.todo['id']}/complete")
    for headers in ({}, HTML):
        assert (await scene.use(scene.snooze, headers=headers)).status_code == 409
    await scene.alice.post(f"/todos/{scene.todo['id']}/reopen")
    assert not (await scene.use(scene.snooze)).json()["again"]


async def test_a_forged_or_old_link_is_no_link(scene: Scene) -> None:
    token = actions.token(scene.key, scene.complete)
    forged = actions.token(b"x" * 32, scene.complete)
    expired = actions.token(
        scene.key, replace(scene.complete, expires_at=datetime.now(UTC) - timedelta(seconds=1))
    )
    wrong = [
        token[:at] + ("A" if token[at] != "A" else "B") + token[at + 1 :] for at in (0, 60, 131)
    ]
    for each in (forged, expired, *wrong, "x", token[:-4], "ä" * 132):
        for answer in (
            await scene.http.post(f"{API}/actions/{each}"),
            await scene.http.get(f"{API}/actions/{each}", headers=HTML),
        ):
            assert answer.status_code == 404, each
    assert (await scene.now())["status"] == "pending"


async def test_it_reaches_only_what_its_person_may_change(
    scene: Scene, bob: Person, database_url: str
) -> None:
    for action in (
        replace(scene.complete, user_id=bob.id),  # not his workspace
        replace(scene.complete, user_id=bob.id, workspace_id=bob.id),  # not his todo
        replace(scene.complete, subject_id=uuid7()),
        replace(scene.complete, user_id=uuid7()),
    ):
        answer = await scene.use(action)
        assert answer.status_code == 404, action
    await sql(database_url, "UPDATE users SET status = 'disabled' WHERE id = %s", scene.alice.id)
    assert (await scene.use(scene.complete)).status_code == 404
    page = await scene.http.get(scene.path(scene.complete), headers=HTML)
    assert page.status_code == 404
    await sql(database_url, "UPDATE users SET status = 'active' WHERE id = %s", scene.alice.id)
    assert (await scene.use(scene.complete)).status_code == 200


def test_a_token_is_its_action() -> None:
    expires_at = datetime(2030, 1, 1, tzinfo=UTC)
    action = Action(Verb.SNOOZE, uuid7(), uuid7(), uuid7(), uuid7(), expires_at, minutes=60)
    token = actions.token(b"k" * 32, action)
    assert len(token) == actions.TOKEN_CHARS == 132
    assert actions.read(b"k" * 32, token) == action
    assert actions.token(b"k" * 32, action) == token
    assert replace(action, minutes=10).id != action.id != replace(action, verb=Verb.COMPLETE).id
