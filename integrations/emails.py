"""What our e-mails say. One content fills both parts, so HTML and text never differ.

English for now: every text is asked for with a `locale`, which decides once there are more.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Final
from uuid import UUID

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template, select_autoescape

from core.models.deliveries import DeliveryKind
from core.rules import zones
from core.rules.reminders import Due, due_instant
from core.rules.tokens import verification_token
from core.services.deliveries import Send
from integrations.sendgrid import Email

LANGUAGE: Final = "en"
SUBJECT_CHARS: Final = 150

_TEMPLATES: Final = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "email_templates"),
    autoescape=select_autoescape(["html"], default=False),
    undefined=StrictUndefined,
    keep_trailing_newline=True,
)
_TEMPLATES.globals.clear()  # ours use none of them, and each rendering copies them all


@dataclass(frozen=True, slots=True)
class Content:
    subject: str
    heading: str
    lines: tuple[str, ...]
    action: str
    url: str
    footer: str


class Emails:
    """Renders; `api_url` is where links lead and `token_key` what verification links are made by.

    `token_key` is `crypto.derive(encryption_key, tokens.VERIFICATION_PURPOSE)`.
    """

    def __init__(self, *, api_url: str, token_key: bytes) -> None:
        self._api_url = api_url.rstrip("/")
        self._token_key = token_key
        self._html: Template = _TEMPLATES.get_template("message.html")
        self._text: Template = _TEMPLATES.get_template("message.txt")

    def render(self, send: Send) -> Email:
        """The e-mail of this attempt; the person has an address."""
        address = send.person.email or ""
        if send.kind is DeliveryKind.VERIFICATION:
            content = self._verification(send.delivery_id, address, send.person.locale)
        else:
            content = self._reminder(send, send.person.locale)
        values = {
            "language": LANGUAGE,
            "subject": content.subject,
            "heading": content.heading,
            "lines": content.lines,
            "action": content.action,
            "url": content.url,
            "footer": content.footer,
        }
        return Email(
            to=address,
            to_name=_one_line(send.person.name) or None,
            subject=content.subject,
            text=self._text.render(values),
            html=self._html.render(values),
            delivery_id=send.delivery_id,
            category=send.kind,
        )

    def _reminder(self, send: Send, _locale: str) -> Content:
        title = _one_line(send.title)
        zone = send.person.zone
        lines = []
        if send.due is not None:
            lines.append(f"Due {_due_in_words(send.due, zone, zones.today(send.began_at, zone))}.")
        if send.late:
            was = in_words(send.due_at, zone, send.began_at)
            lines.append(f"This reminder is late, we are sorry: it was due {was}.")
        return Content(
            subject=f"Reminder: {title}"[:SUBJECT_CHARS],
            heading=title,
            lines=tuple(lines) or ("You asked to be reminded of this now.",),
            action="Open Voice Todo",
            url=self._api_url,
            footer="You get this because you set a reminder in Voice Todo.",
        )

    def _verification(self, delivery_id: UUID, address: str, _locale: str) -> Content:
        token = verification_token(self._token_key, delivery_id, address)
        return Content(
            subject="Confirm your e-mail address",
            heading="Confirm your e-mail address",
            lines=(
                "Somebody, hopefully you, registered this address with Voice Todo.",
                "Follow the link within 48 hours to confirm it. If it was not you, do nothing.",
            ),
            action="Confirm this address",
            url=f"{self._api_url}/verify-email?token={token}",
            footer="You get this once, because this address was given at a registration.",
        )


def in_words(at: datetime, zone: str, now: datetime, *, all_day: bool = False) -> str:
    """`today at 09:00 (UTC)`, `tomorrow …`, else `on Monday, 3 August 2026 at 09:00 (UTC)`."""
    return _in_words(at, zone, zones.today(now, zone), all_day=all_day)


@lru_cache(maxsize=1024)  # many are due at nine o'clock
def _due_in_words(due: Due, zone: str, today: date) -> str:
    return _in_words(due_instant(due, zone), zone, today, all_day=due.at is None)


def _in_words(at: datetime, zone: str, today: date, *, all_day: bool) -> str:
    local = at.astimezone(zones.zone(zone))
    near = {timedelta(0): "today", timedelta(1): "tomorrow", timedelta(-1): "yesterday"}
    day = near.get(local.date() - today)
    day = day or f"on {local:%A}, {local.day} {local:%B} {local.year}"
    return day if all_day else f"{day} at {local:%H:%M} ({zone})"


def _one_line(text: str) -> str:
    """Headers take no line breaks."""
    return " ".join(text.split())
