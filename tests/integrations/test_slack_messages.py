from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from core.models.deliveries import Channel, DeliveryKind
from core.rules.reminders import Due
from core.services.deliveries import Person, Send
from integrations import slack_messages
from integrations.sandbox import slack_blocks
from integrations.slack import SlackMessage

NOW = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)
HOSTILE = [
    "<!channel> wake up",
    "<@U012345> & <#C012345|general>",
    "*bold* _it_ ~no~ `code`",
    "<https://evil.example|Click>",
    "&lt;!here&gt;",
    "a\nb\r\n> quoted\u2028c",
    "x" * 5000,
    "🪴" * 600,
    " ",
]


def message(title: str = "Water the plants", locale: str = "en", **changes: Any) -> SlackMessage:
    person = Person(UUID(int=1), None, False, "Ada", "Europe/Berlin", locale, True, True)
    values: dict[str, Any] = {
        "workspace_id": person.id,
        "delivery_id": UUID(int=7),
        "attempt": 1,
        "failures": 0,
        "kind": DeliveryKind.REMINDER,
        "channel": Channel.SLACK,
        "subject_id": UUID(int=2),
        "todo_id": UUID(int=3),
        "title": title,
        "due": Due(NOW.date(), NOW.time().replace(tzinfo=None), "UTC"),
        "due_at": NOW,
        "arm_no": 1,
        "began_at": NOW,
        "person": person,
    }
    return slack_messages.render(Send(**values | changes), team_id="T1", channel="C1")


def blocks(made: SlackMessage) -> list[dict[str, Any]]:
    return [block.to_dict() for block in made.blocks]


def test_it_says_what_and_when_and_offers_three_buttons() -> None:
    made = message()
    assert made.text == "Reminder: Water the plants\nDue today at 09:00 (Europe/Berlin)"
    assert slack_blocks.lines(blocks(made)) == [
        "Water the plants",
        "Due today at 09:00 (Europe/Berlin)",
    ]
    assert [(each["text"], each["action_id"]) for each in slack_blocks.buttons(blocks(made))] == [
        ("Complete", "voicetodo_complete"),
        ("Snooze 10 min", "voicetodo_snooze_10m"),
        ("Snooze 1 h", "voicetodo_snooze_1h"),
    ]
    assert {each["value"] for each in slack_blocks.buttons(blocks(made))} == {str(UUID(int=7))}


def test_it_speaks_the_persons_language() -> None:
    made = message("Gießen", "de-AT")
    assert made.text == "Erinnerung: Gießen\nFällig heute um 09:00 (Europe/Berlin)"
    assert slack_blocks.buttons(blocks(made))[0]["text"] == "Erledigt"


def test_a_late_one_says_when_it_was_due_and_a_day_has_no_clock() -> None:
    late = message(began_at=NOW + timedelta(hours=20))
    assert late.text.endswith("it was due yesterday at 09:00 (Europe/Berlin)")
    day = message(due=Due((NOW + timedelta(days=3)).date(), None, None))
    assert day.text.endswith("Due on Monday, 23 November 2026")
    assert message(due=None).text.endswith("You asked to be reminded of this now")


@pytest.mark.parametrize("title", HOSTILE)
def test_a_title_is_text_and_nothing_else(title: str) -> None:
    made = message(title)
    shown = blocks(made)
    assert list(slack_blocks.problems(shown)) == []
    # Slack reads `<…>` in `text` as a link, a mention or a call to everybody.
    assert "<" not in made.text
    assert ">" not in made.text
    assert made.text.count("\n") == 1
    assert len(made.text) < 4000
    assert [block["type"] for block in shown] == ["rich_text", "context", "actions"]
    [section] = shown[0]["elements"]
    assert [each["type"] for each in section["elements"]] == ["text"]
    assert "mrkdwn" not in str(shown)


def test_a_summary_lists_its_titles() -> None:
    made = message("2 reminders", kind=DeliveryKind.SUMMARY, titles=("Milk & <b>", "Bread"))
    assert slack_blocks.lines(blocks(made)) == ["2 reminders", "Milk & <b>\nBread"]
    assert made.text == "2 reminders\nMilk &amp; &lt;b&gt;\nBread"
    assert slack_blocks.buttons(blocks(made)) == []


def test_a_trial_has_no_buttons() -> None:
    made = message("", kind=DeliveryKind.TEST, todo_id=None)
    assert made.text == "Messages from Voice Todo arrive here"
    assert len(made.blocks) == 1
