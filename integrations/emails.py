"""What our e-mails say. One content fills both parts, so HTML and text never differ.

Texts are in the catalogues of `email_words`; here is which of them go where. Nothing in an e-mail
is fetched from anywhere, and no link in it acts by being opened.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template, select_autoescape

from core.models.deliveries import DeliveryKind
from core.rules import unsubscribing
from core.rules.digests import DigestContent, Frequency
from core.services.deliveries import Send
from integrations.email_links import Links
from integrations.email_words import TEMPLATES, Language, language, one_line, shortened
from integrations.sendgrid import Email

SNOOZES: Final = ((10, "snooze_10"), (60, "snooze_60"))  # minutes, and the entry of their label

_TEMPLATES: Final = Environment(
    loader=FileSystemLoader(TEMPLATES),
    autoescape=select_autoescape(["html"], default=False),
    undefined=StrictUndefined,
    keep_trailing_newline=True,
)
_TEMPLATES.globals.clear()  # ours use none of them, and each rendering copies them all
_HTML: Final[Template] = _TEMPLATES.get_template("message.html")
_TEXT: Final[Template] = _TEMPLATES.get_template("message.txt")


@dataclass(frozen=True, slots=True)
class Button:
    label: str
    url: str


@dataclass(frozen=True, slots=True)
class Entry:
    title: str
    when: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    heading: str
    entries: tuple[Entry, ...]
    more: str = ""


@dataclass(frozen=True, slots=True)
class Content:
    """From top to bottom. The first button is the one that is meant to be pressed."""

    subject: str
    heading: str
    lines: tuple[str, ...]
    buttons: tuple[Button, ...]
    footer: str
    facts: tuple[tuple[str, str], ...] = ()
    sections: tuple[Section, ...] = ()
    after: tuple[str, ...] = ()


class Emails:
    """Renders, in the language and the zone of whom it is for."""

    def __init__(self, links: Links) -> None:
        self._links = links
        self._contents: Mapping[str, Callable[[Send, Language], Content]] = {
            DeliveryKind.REMINDER: self._reminder,
            DeliveryKind.ESCALATION: self._reminder,
            DeliveryKind.VERIFICATION: self._verification,
            DeliveryKind.EXPORT_READY: self._export_ready,
            DeliveryKind.NEW_SIGN_IN: self._security,
            DeliveryKind.PASSWORD_CHANGED: self._security,
            DeliveryKind.TOKEN_REUSED: self._security,
            DeliveryKind.INVITATION: self._invitation,
            DeliveryKind.WEBHOOK_DISABLED: self._webhook_disabled,
            DeliveryKind.ERASURE_ASKED: self._erasure_asked,
            DeliveryKind.ERASURE_BEGUN: self._erasure_begun,
        }

    def render(self, send: Send) -> Email:
        """The e-mail of this attempt; the person has an address."""
        speaking = language(send.person.locale)
        return self._email(send, speaking, self._contents[send.kind](send, speaking))

    def digest(self, send: Send, digest: DigestContent) -> Email:
        """The e-mail of a digest that is not empty."""
        speaking = language(send.person.locale)
        return self._email(send, speaking, self._digest(speaking, digest))

    def _email(self, send: Send, speaking: Language, content: Content) -> Email:
        common = speaking.texts["common"]
        headers: dict[str, str] = {}
        links = []
        if all(button.url != self._links.app for button in content.buttons):
            links.append(Button(common["open"], self._links.app))
        if (kind := unsubscribing.KINDS.get(send.kind)) is not None:
            url = self._links.unsubscribe(send.person.id, kind)
            links.append(Button(common["unsubscribe"], url))
            # RFC 8058: a mailbox's own button posts there, and nobody has to sign in.
            headers = {
                "List-Unsubscribe": f"<{url}>",
                "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
            }
        values: dict[str, Any] = {
            "language": speaking.tag,
            "product": common["product"],
            "subject": content.subject,
            "heading": content.heading,
            "lines": content.lines,
            "facts": content.facts,
            "sections": content.sections,
            "after": content.after,
            "buttons": content.buttons,
            "footer": content.footer,
            "links": links,
        }
        return Email(
            to=send.person.email or "",
            to_name=one_line(send.person.name) or None,
            subject=content.subject,
            text=_TEXT.render(values),
            html=_HTML.render(values),
            delivery_id=send.delivery_id,
            workspace_id=send.workspace_id,
            category=send.kind,
            headers=headers,
        )

    def _reminder(self, send: Send, speaking: Language) -> Content:
        texts = speaking.texts["reminder"]
        title = one_line(send.title)
        zone = send.person.zone
        lines = []
        if send.due is not None:
            lines.append(texts["due"].format(when=speaking.due(send.due, zone, send.began_at)))
        if send.late:
            was = speaking.when(send.due_at, zone, send.began_at)
            lines.append(texts["late"].format(when=was))
        buttons = [
            Button(texts[label], self._links.snooze(send, minutes)) for minutes, label in SNOOZES
        ]
        if send.todo_id is not None:
            complete = Button(texts["complete"], self._links.complete(send, send.todo_id))
            buttons.insert(0, complete)
        return Content(
            subject=texts["subject"].format(title=shortened(title)),
            heading=title,
            lines=tuple(lines) or (texts["now"],),
            buttons=tuple(buttons),
            footer=texts["footer"],
        )

    def _verification(self, send: Send, speaking: Language) -> Content:
        url = self._links.verification(send.delivery_id, send.person.email or "")
        return self._plain(send, speaking, url)

    def _export_ready(self, send: Send, speaking: Language) -> Content:
        return self._plain(send, speaking, self._links.app)

    def _invitation(self, send: Send, speaking: Language) -> Content:
        return self._plain(send, speaking, self._links.app)

    def _webhook_disabled(self, send: Send, speaking: Language) -> Content:
        return self._plain(send, speaking, self._links.app)

    def _erasure_asked(self, send: Send, speaking: Language) -> Content:
        return self._plain(send, speaking, self._links.app)

    def _erasure_begun(self, send: Send, speaking: Language) -> Content:
        return self._plain(send, speaking, self._links.receipt(send.subject_id))

    def _security(self, send: Send, speaking: Language) -> Content:
        """`due_at` is when it happened, `title` the device as it calls itself."""
        texts = speaking.texts[send.kind]
        zone = send.person.zone
        facts = [(texts["when"], speaking.when(send.due_at, zone, send.began_at))]
        if "device" in texts:
            device = shortened(one_line(send.title))
            facts.append((texts["device"], device or texts["unknown"]))
        return Content(
            subject=texts["subject"],
            heading=texts["subject"],
            lines=tuple(texts["lines"]),
            facts=tuple(facts),
            after=(texts["advice"],),
            buttons=(Button(texts["action"], self._links.app),),
            footer=texts["footer"],
        )

    def _digest(self, speaking: Language, digest: DigestContent) -> Content:
        texts = speaking.texts["digest"]
        named = "weekly" if digest.frequency is Frequency.WEEKLY else "daily"
        heading = texts[named].format(date=speaking.day(digest.on))
        sections = tuple(
            Section(
                texts[part.section],
                tuple(
                    Entry(
                        one_line(item.title),
                        speaking.listed(item.due, digest.zone, digest.on) if item.due else "",
                    )
                    for item in part.items
                ),
                texts["more"].format(n=part.more) if part.more else "",
            )
            for part in digest.parts
        )
        return Content(
            subject=heading,
            heading=heading,
            lines=(texts["streak"].format(n=digest.streak),) if digest.streak > 1 else (),
            sections=sections,
            buttons=(Button(speaking.texts["common"]["open"], self._links.app),),
            footer=texts["footer"],
        )

    def _plain(self, send: Send, speaking: Language, url: str) -> Content:
        texts = speaking.texts[send.kind]
        title = one_line(send.title)
        subject = texts["subject"].format(title=shortened(title))
        return Content(
            subject=subject,
            heading=subject,
            lines=tuple(line.format(title=title) for line in texts["lines"]),
            buttons=(Button(texts["action"], url),),
            footer=texts["footer"],
        )
