"""One e-mail of each kind, as it would be sent: to be looked at by people, and by tests."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from uuid import UUID

from core.models.deliveries import Channel, DeliveryKind
from core.rules.digests import DigestContent, Frequency, Item, Part, Section
from core.rules.reminders import Due
from core.services.deliveries import Person, Send
from integrations.email_links import Links
from integrations.emails import Emails
from integrations.sendgrid import Email

NOW: Final = datetime(2026, 8, 3, 6, 30, tzinfo=UTC)  # a Monday
ZONE: Final = "Europe/Berlin"
BROWSER: Final = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
HOSTILE: Final = (
    "<b>Déjà vu</b> \u202egnp.exe \u0645\u0631\u062d\u0628\u0627 👨‍👩‍👧 " + "endless" * 40
)
TITLES: Final = {
    "en": ("Call the dentist", "Water the plants", "Hand in the tax return", "Holiday plans"),
    "de": ("Zahnarzt anrufen", "Blumen gießen", "Steuererklärung abgeben", "Urlaubspläne"),
}

_EMAILS: Final = Emails(Links.of("https://todo.example", b"a key for samples, and for no one"))


def samples(locale: str) -> Iterator[tuple[str, Email]]:
    """Give each with the name of what it shows, for people of this locale."""
    titles = TITLES[locale]
    due = Due(date(2026, 8, 3), time(9), None)
    about = {
        "reminder": (DeliveryKind.REMINDER, titles[0], due, timedelta(0)),
        "reminder_late": (DeliveryKind.REMINDER, titles[2], due, timedelta(hours=3)),
        "reminder_hostile": (DeliveryKind.REMINDER, HOSTILE, None, timedelta(0)),
        "verification": (DeliveryKind.VERIFICATION, "", None, timedelta(0)),
        "export_ready": (DeliveryKind.EXPORT_READY, "", None, timedelta(0)),
        "new_sign_in": (DeliveryKind.NEW_SIGN_IN, BROWSER, None, timedelta(0)),
        "password_changed": (DeliveryKind.PASSWORD_CHANGED, "", None, timedelta(0)),
        "token_reused": (DeliveryKind.TOKEN_REUSED, BROWSER, None, timedelta(0)),
        "invitation": (DeliveryKind.INVITATION, titles[3], None, timedelta(0)),
        "webhook_disabled": (DeliveryKind.WEBHOOK_DISABLED, "", None, timedelta(0)),
        "erasure_asked": (DeliveryKind.ERASURE_ASKED, "", None, timedelta(0)),
        "erasure_begun": (DeliveryKind.ERASURE_BEGUN, "", None, timedelta(0)),
    }
    for name, (kind, title, when, late) in about.items():
        yield name, _EMAILS.render(_send(kind, title, when, late, locale))
    yield "digest", _digest(locale, titles)


def _send(kind: DeliveryKind, title: str, due: Due | None, late: timedelta, locale: str) -> Send:
    return Send(
        workspace_id=UUID(int=1),
        delivery_id=UUID(int=2),
        attempt=1,
        failures=0,
        kind=kind,
        channel=Channel.EMAIL,
        subject_id=UUID(int=3),
        todo_id=UUID(int=4),
        title=title,
        due=due,
        due_at=NOW - late,
        arm_no=1,
        began_at=NOW,
        person=Person(
            id=UUID(int=1),
            email="ada@example.com",
            email_verified=True,
            name="Ada",
            zone=ZONE,
            locale=locale,
            active=True,
            member=True,
        ),
    )


def _digest(locale: str, titles: tuple[str, ...]) -> Email:
    def item(nth: int, on: date, at: time | None = None) -> Item:
        return Item(UUID(int=nth), titles[nth], Due(on, at, None))

    content = DigestContent(
        Frequency.DAILY,
        date(2026, 8, 3),
        ZONE,
        (
            Part(Section.OVERDUE, (item(2, date(2026, 7, 31)),), 1),
            Part(Section.TODAY, (item(0, date(2026, 8, 3), time(9)), item(1, date(2026, 8, 3))), 7),
            Part(Section.COMPLETED, (replace(item(3, date(2026, 8, 2)), due=None),), 1),
        ),
        streak=5,
    )
    send = _send(DeliveryKind.DIGEST, "", None, timedelta(0), locale)
    return _EMAILS.digest(send, content)
