"""What people press and choose in Slack, what Slack tells of, and what a worker does of it."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from core import clock
from tests.people import Person
from tests.slacking import ANN, BEN, Team, acme, ann, buttons, lines
from tests.teams import sql
from tests.todos import listed, make

__all__ = ["acme", "ann"]  # fixtures


async def test_another_member_is_another_person(acme: Team, ann: Person, bob: Person) -> None:
    await acme.join(bob, BEN)
    mine = await make(ann, "Buy milk")
    button = {"block_id": "x", "action_id": "voicetodo_complete", "value": f"todo:{mine['id']}"}
    said = await acme.presses(BEN, button)
    assert lines(said)[0].startswith("That did not work: there is no such todo")
    assert said["replace_original"] is False
    assert [each["status"] for each in await listed(ann)] == ["pending"]


async def test_a_reminder_is_completed_by_its_button(
    acme: Team, ann: Person, database_url: str
) -> None:
    delivery_id, todo = await reminded(ann, database_url)
    button = {
        "block_id": "voicetodo_reminder",
        "action_id": "voicetodo_complete",
        "value": str(delivery_id),
    }
    said = await acme.presses(ANN, button)
    assert lines(said) == ["Completed: Buy milk"]
    assert said["replace_original"] is True
    again = await acme.presses(ANN, button)
    assert lines(again) == ["Completed: Buy milk"]
    assert buttons(again) == []  # nothing to take back
    assert (await ann.get(f"/todos/{todo}")).json()["status"] == "completed"


@pytest.mark.parametrize(
    ("action", "minutes"), [("voicetodo_snooze_10m", 10), ("voicetodo_snooze_1h", 60)]
)
async def test_a_reminder_is_snoozed_by_its_button(
    acme: Team, ann: Person, database_url: str, action: str, minutes: int
) -> None:
    delivery_id, todo = await reminded(ann, database_url)
    button = {"block_id": "voicetodo_reminder", "action_id": action, "value": str(delivery_id)}
    began = clock.now().replace(microsecond=0)
    said = await acme.presses(ANN, button)
    assert lines(said)[0] == "Snoozed: Buy milk"
    assert lines(said)[1].startswith("You will be reminded again t")
    [reminder] = (await ann.get(f"/todos/{todo}")).json()["reminders"]
    asked_at = datetime.fromisoformat(reminder["next_fire_at"]) - timedelta(minutes=minutes)
    assert began <= asked_at <= clock.now()


async def test_a_todo_without_a_reminder_gets_one(acme: Team, ann: Person) -> None:
    todo = await make(ann, "Buy milk")
    button = {"block_id": "x", "action_id": "voicetodo_snooze_10m", "value": f"todo:{todo['id']}"}
    began = clock.now().replace(microsecond=0)
    said = await acme.presses(ANN, button)
    assert said["response_type"] == "ephemeral"  # several may read that message
    [reminder] = (await ann.get(f"/todos/{todo['id']}")).json()["reminders"]
    asked_at = datetime.fromisoformat(reminder["next_fire_at"]) - timedelta(minutes=10)
    assert began <= asked_at <= clock.now()


async def test_a_press_in_the_home_needs_no_answer(
    acme: Team, ann: Person, database_url: str
) -> None:
    todo = await make(ann, "Buy milk")
    button = {"block_id": "x", "action_id": "voicetodo_complete", "value": f"todo:{todo['id']}"}
    assert await acme.presses(ANN, button, url=None) == {}
    assert await homes(ann, database_url) == 1
    assert (await ann.get(f"/todos/{todo['id']}")).json()["status"] == "completed"


async def test_an_opened_home_is_shown(acme: Team, ann: Person, database_url: str) -> None:
    opened = {"type": "app_home_opened", "user": ANN, "tab": "home", "channel": "D1"}
    await acme.happens(opened)
    await acme.happens({**opened, "user": BEN})  # who has not connected
    await acme.happens({**opened, "tab": "messages"})
    await acme.did()
    assert [result for _, result in await acme.rows()] == ["app_home_opened"] * 2
    assert await homes(ann, database_url) == 1


async def test_a_message_becomes_a_todo(acme: Team, ann: Person) -> None:
    text = (
        "Please *send* the report &amp; slides to <@U0BEN|ben>\nby Friday, <https://x.test/a|here>"
    )
    said = await acme.makes(ANN, {"text": text, "ts": "1763719200.000100", "user": BEN})
    assert lines(said) == ["Added: Please *send* the report & slides to ben"]
    [todo] = await listed(ann)
    assert todo["created_via"] == "slack"
    assert todo["due"] is None
    assert todo["description"] == (
        "Please *send* the report & slides to ben\nby Friday, here\n\n"
        "https://acme.slack.com/archives/C1/p1763719200000100"
    )


async def test_a_message_without_words_becomes_one_too(acme: Team, ann: Person) -> None:
    await acme.makes(ANN, {"text": "", "ts": "1.2", "thread_ts": "1.1"})
    [todo] = await listed(ann)
    assert todo["title"] == "Message from Slack"
    assert todo["description"] == "https://acme.slack.com/archives/C1/p12?thread_ts=1.1&cid=C1"


@pytest.mark.parametrize(
    "event",
    [{"type": "app_uninstalled"}, {"type": "tokens_revoked", "tokens": {"bot": ["U1"]}}],
    ids=lambda event: event["type"],
)
async def test_a_team_sends_the_app_away(
    acme: Team, ann: Person, event: dict[str, Any], database_url: str
) -> None:
    assert (await acme.happens(event)).status_code == 200
    await acme.did()
    assert await sql(database_url, "SELECT status FROM connections WHERE user_id = %s", ann.id) == [
        ("needs_reauth",)
    ]
    told = (await ann.get("/notifications")).json()["data"]
    assert [each["kind"] for each in told] == ["connection_paused"]


async def test_who_connected_anew_since_is_left_alone(
    acme: Team, ann: Person, database_url: str
) -> None:
    await acme.happens({"type": "app_uninstalled"}, event_time=1_700_000_000)
    await acme.did()
    assert await sql(database_url, "SELECT status FROM connections WHERE user_id = %s", ann.id) == [
        ("active",)
    ]


async def homes(person: Person, database_url: str) -> int:
    """How many of hers are to be shown now."""
    [(count,)] = await sql(
        database_url,
        "SELECT count(*) FROM slack_homes WHERE workspace_id = %s AND next_at <= now()",
        person.id,
    )
    return int(count)


async def reminded(person: Person, database_url: str) -> tuple[UUID, UUID]:
    """A reminder of hers went out: the delivery's id, and its todo's."""
    todo = await make(
        person,
        "Buy milk",
        due={"date": "2030-01-01", "time": "09:00"},
        reminders=[{"before": "PT0S"}],
    )
    delivery_id = uuid4()
    await sql(
        database_url,
        "INSERT INTO deliveries (workspace_id, id, kind, subject_id, todo_id, user_id, channel,"
        " status, due_at) VALUES (%s, %s, 'reminder', %s, %s, %s, 'slack', 'sent', now())",
        person.id,
        delivery_id,
        todo["reminders"][0]["id"],
        todo["id"],
        person.id,
    )
    return delivery_id, UUID(todo["id"])
