from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID

import orjson
import pytest

from core.models.deliveries import Channel, DeliveryKind
from core.rules import actions
from core.rules.actions import Verb
from core.rules.push import Subscription
from core.rules.reminders import Due
from core.services.deliveries import Person, Send
from integrations.pushes import Pushes
from integrations.web_push import MAX_CONTENT

NOW = datetime(2026, 8, 2, 21, 30, tzinfo=UTC)  # Monday, 23:30 in Berlin is Sunday
KEY = b"k" * 32
PUSHES = Pushes("https://todo.example", KEY)
ADA = Person(
    id=UUID(int=9),
    email=None,
    email_verified=False,
    name="Ada",
    zone="Europe/Berlin",
    locale="en-GB",
    active=True,
    member=True,
)
SEND = Send(
    workspace_id=UUID(int=1),
    delivery_id=UUID(int=2),
    attempt=1,
    failures=0,
    kind=DeliveryKind.REMINDER,
    channel=Channel.PUSH,
    subject_id=UUID(int=3),
    todo_id=UUID(int=4),
    title="Call Bob",
    due=Due(date(2026, 8, 3), time(9), "Asia/Tokyo"),
    due_at=NOW,
    arm_no=1,
    began_at=NOW,
    person=ADA,
    target=Subscription(UUID(int=5), "https://push.example/x", "p", "a"),
)


def content(send: Send) -> dict[str, Any]:
    found: dict[str, Any] = orjson.loads(PUSHES.render(send).content)
    return found


def test_a_reminder_says_what_and_when_in_the_person_s_own_time() -> None:
    push = PUSHES.render(SEND)
    message = orjson.loads(push.content)
    assert (message["title"], message["body"]) == ("Call Bob", "Due tomorrow at 02:00")
    assert message["due"] == {"date": "2026-08-03", "time": "09:00:00", "timezone": "Asia/Tokyo"}
    assert (message["tag"], message["todo_id"]) == (str(UUID(int=2)), str(UUID(int=4)))
    assert message["reminder_id"] == str(UUID(int=3))
    assert message["url"] == "https://todo.example"
    assert (push.urgency, push.lasts) == ("normal", timedelta(days=1))
    assert push.to == SEND.target


def test_each_attempt_is_the_same_message() -> None:
    """What a repetition replaces itself by, in the service and on the screen."""
    first, second = PUSHES.render(SEND), PUSHES.render(replace(SEND, attempt=2))
    assert first == second
    other = PUSHES.render(replace(SEND, delivery_id=UUID(int=3)))
    assert other.topic != first.topic
    assert len(first.topic) <= 32


@pytest.mark.parametrize(
    ("changes", "locale", "body"),
    [
        ({}, "de-AT", "Fällig morgen um 02:00"),
        ({}, "fr", "Due tomorrow at 02:00"),
        ({"due": None}, "en", "You asked to be reminded of this now"),
        ({"due": Due(date(2026, 8, 2), None, None)}, "en", "Due today"),
        ({"due": Due(date(2026, 8, 9), None, None)}, "en", "Due on Sunday, 9 August 2026"),
        ({"due": Due(date(2026, 8, 9), None, None)}, "de", "Fällig am Sonntag, 9. August 2026"),
        (
            {"due_at": NOW - timedelta(hours=3)},
            "en",
            "Late, we are sorry: it was due today at 20:30",
        ),
    ],
)
def test_bodies(changes: dict[str, Any], locale: str, body: str) -> None:
    send = replace(SEND, person=replace(ADA, locale=locale), **changes)
    assert content(send)["body"] == body


def test_its_buttons_are_links_that_act() -> None:
    message = content(SEND)
    assert message["act_url"] == "https://todo.example/api/v1/actions/"
    told = [(each["action"], each["title"]) for each in message["actions"]]
    assert told == [
        ("complete", "Complete"),
        ("snooze_10m", "In 10 minutes"),
        ("snooze_1h", "In 1 hour"),
    ]
    found = [actions.read(KEY, each["token"]) for each in message["actions"]]
    read = [each for each in found if each is not None]
    assert [(each.verb, each.subject_id, each.minutes) for each in read] == [
        (Verb.COMPLETE, SEND.todo_id, 0),
        (Verb.SNOOZE, SEND.subject_id, 10),
        (Verb.SNOOZE, SEND.subject_id, 60),
    ]
    assert {each.user_id for each in read} == {ADA.id}
    assert {each.message_id for each in read} == {SEND.delivery_id}
    assert {each.expires_at for each in read} == {NOW + timedelta(days=7)}


@pytest.mark.parametrize("title", ["🥛" * 500, "\u2028" * 500, '"' * 5000])
def test_it_always_fits(title: str) -> None:
    push = PUSHES.render(replace(SEND, title=title))
    assert len(push.content) <= MAX_CONTENT
    assert len(push.smaller) < 1500
    assert orjson.loads(push.smaller)["tag"] == str(SEND.delivery_id)


def test_what_is_urgent_and_what_is_late() -> None:
    assert PUSHES.render(replace(SEND, urgent=True)).urgency == "high"
    late = PUSHES.render(replace(SEND, due_at=NOW - timedelta(hours=23)))
    assert late.lasts == timedelta(hours=1)


def test_a_test_says_that_it_is_one() -> None:
    message = content(replace(SEND, kind=DeliveryKind.TEST, todo_id=None))
    assert message["title"] == "Push messages work here"
    assert (message["actions"], message["reminder_id"]) == ([], None)
