from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID

import pytest

from core.models.deliveries import Channel, DeliveryKind
from core.rules.reminders import Due
from core.services.deliveries import Person, Send
from integrations.emails import Emails, in_words

NOW = datetime(2026, 8, 2, 21, 30, tzinfo=UTC)  # a Sunday; Monday already in Tokyo
EMAILS = Emails(api_url="https://todo.example/", token_key=b"k" * 32)
ADA = Person(
    id=UUID(int=1),
    email="ada@example.com",
    email_verified=True,
    name="Ada\r\nBcc: eve",
    zone="Europe/Berlin",
    locale="en",
    active=True,
    member=True,
)


def send(title: str, *, due: Due | None = None, late: timedelta = timedelta(0)) -> Send:
    return Send(
        workspace_id=UUID(int=1),
        delivery_id=UUID(int=2),
        attempt=1,
        failures=0,
        kind=DeliveryKind.REMINDER,
        channel=Channel.EMAIL,
        subject_id=UUID(int=3),
        todo_id=UUID(int=4),
        title=title,
        due=due,
        due_at=NOW - late,
        arm_no=1,
        began_at=NOW,
        person=ADA,
    )


def test_a_reminder_says_what_and_when_in_the_person_s_own_time() -> None:
    mail = EMAILS.render(send("Call Bob", due=Due(date(2026, 8, 3), time(9), "Asia/Tokyo")))
    assert mail.subject == "Reminder: Call Bob"
    for part in (mail.text, mail.html):
        assert "Call Bob" in part
        assert "Due tomorrow at 02:00 (Europe/Berlin)." in part
        assert "https://todo.example" in part
        assert "late" not in part
    assert (mail.to, mail.category, mail.delivery_id) == (ADA.email, "reminder", UUID(int=2))


def test_a_late_one_says_when_it_was_due() -> None:
    mail = EMAILS.render(send("Call Bob", late=timedelta(hours=3)))
    assert "it was due today at 20:30 (Europe/Berlin)" in mail.text


def test_all_day_has_no_time() -> None:
    mail = EMAILS.render(send("Rest", due=Due(date(2026, 8, 9), None, None)))
    assert "Due on Sunday, 9 August 2026." in mail.text


def test_hostile_titles_stay_text() -> None:
    title = "<script>alert(1)</script>\r\nBcc: eve@example.com " + "x" * 5000
    mail = EMAILS.render(send(title))
    assert "<script>" not in mail.html
    assert "&lt;script&gt;" in mail.html
    assert "<script>" in mail.text
    assert not {"\r", "\n"} & set(mail.subject + (mail.to_name or ""))
    assert len(mail.subject) <= 150


@pytest.mark.parametrize(
    ("days", "words"),
    [
        (0, "today at 23:30 (Europe/Berlin)"),
        (1, "tomorrow at 23:30 (Europe/Berlin)"),
        (-1, "yesterday at 23:30 (Europe/Berlin)"),
        (2, "on Tuesday, 4 August 2026 at 23:30 (Europe/Berlin)"),
    ],
)
def test_days_in_words(days: int, words: str) -> None:
    assert in_words(NOW + timedelta(days=days), "Europe/Berlin", NOW) == words
