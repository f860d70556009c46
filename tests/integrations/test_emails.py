import re
import tomllib
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from html.parser import HTMLParser
from string import Formatter
from typing import Any
from uuid import UUID

import pytest

from core import crypto
from core.models.deliveries import Channel, DeliveryKind
from core.rules import actions, unsubscribing
from core.rules.actions import Verb
from core.rules.digests import DigestContent, Frequency, Item, Part, Section
from core.rules.reminders import Due
from core.services.deliveries import Person, Send
from integrations.email_links import Links
from integrations.email_words import TEMPLATES, language, one_line, shortened
from integrations.emails import Emails
from integrations.sendgrid import Email

NOW = datetime(2026, 8, 2, 21, 30, tzinfo=UTC)  # a Sunday; Monday already in Tokyo
KEY = b"k" * 32
EMAILS = Emails(Links.of("https://todo.example/", KEY))
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
KINDS = [kind for kind in DeliveryKind if kind not in {"test", "summary", "digest"}]


def send(
    title: str,
    *,
    due: Due | None = None,
    late: timedelta = timedelta(0),
    kind: DeliveryKind = DeliveryKind.REMINDER,
    locale: str = "en",
) -> Send:
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
        person=replace(ADA, locale=locale),
    )


def digest(locale: str = "en", title: str = "Call Bob") -> Email:
    items = tuple(
        Item(UUID(int=n), f"{title} {n}", Due(date(2026, 8, 3), time(9), None)) for n in (1, 2)
    )
    content = DigestContent(
        Frequency.WEEKLY,
        date(2026, 8, 3),
        "Europe/Berlin",
        (Part(Section.OVERDUE, items, 2), Part(Section.COMPLETED, items, 9)),
        streak=5,
    )
    return EMAILS.digest(send("", kind=DeliveryKind.DIGEST, locale=locale), content)


def mails(locale: str) -> list[Email]:
    """One of each kind."""
    due = Due(date(2026, 8, 3), time(9), None)
    found = [EMAILS.render(send("Call Bob", kind=kind, due=due, locale=locale)) for kind in KINDS]
    return [*found, digest(locale)]


def test_a_reminder_says_what_and_when_in_the_person_s_own_time() -> None:
    mail = EMAILS.render(send("Call Bob", due=Due(date(2026, 8, 3), time(9), "Asia/Tokyo")))
    assert mail.subject == "Reminder: Call Bob"
    for part in (mail.text, mail.html):
        assert "Call Bob" in part
        assert "Due tomorrow at 02:00 (Europe/Berlin)." in part
        assert "https://todo.example" in part
        assert "late" not in part
    assert (mail.to, mail.category, mail.delivery_id) == (ADA.email, "reminder", UUID(int=2))


@pytest.mark.parametrize(
    ("locale", "words"),
    [
        ("de", "Fällig am Sonntag, 9. August 2026 um 21:00 (Europe/Berlin)."),
        ("de_AT", "Fällig am Sonntag, 9. August 2026 um 21:00 (Europe/Berlin)."),
        ("en-US", "Due on Sunday, August 9, 2026 at 9:00 PM (Europe/Berlin)."),
        ("en-GB", "Due on Sunday, 9 August 2026 at 21:00 (Europe/Berlin)."),
        ("tlh", "Due on Sunday, 9 August 2026 at 21:00 (Europe/Berlin)."),
    ],
)
def test_a_reminder_speaks_the_person_s_language(locale: str, words: str) -> None:
    mail = EMAILS.render(send("x", due=Due(date(2026, 8, 9), time(21), None), locale=locale))
    assert words in mail.text
    assert words in mail.html
    assert f'<html lang="{locale[:2] if locale != "tlh" else "en"}"' in mail.html


def test_a_late_one_says_when_it_was_due() -> None:
    mail = EMAILS.render(send("Call Bob", late=timedelta(hours=3)))
    assert "it was due today at 20:30 (Europe/Berlin)" in mail.text


def test_all_day_has_no_time() -> None:
    mail = EMAILS.render(send("Rest", due=Due(date(2026, 8, 9), None, None)))
    assert "Due on Sunday, 9 August 2026." in mail.text


def test_its_buttons_lead_to_pages_of_this_very_todo() -> None:
    mail = EMAILS.render(send("Call Bob"))
    tokens = re.findall(r"/api/v1/actions/([\w=-]+)", mail.text)
    assert tokens == re.findall(r"/api/v1/actions/([\w=-]+)", mail.html)
    found = [actions.read(crypto.derive(KEY, actions.PURPOSE), token) for token in tokens]
    told = [each and (each.verb, each.subject_id, each.minutes) for each in found]
    assert told == [
        (Verb.COMPLETE, UUID(int=4), 0),
        (Verb.SNOOZE, UUID(int=3), 10),
        (Verb.SNOOZE, UUID(int=3), 60),
    ]


@pytest.mark.parametrize("mail", [EMAILS.render(send("x")), digest()])
def test_what_can_be_turned_off_says_how(mail: Email) -> None:
    """RFC 8058: both headers, an https address without a session, also as a link."""
    url = mail.headers["List-Unsubscribe"].strip("<>")
    assert mail.headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert url in mail.text
    assert url in mail.html
    wish = unsubscribing.read(crypto.derive(KEY, unsubscribing.PURPOSE), url.rpartition("/")[2])
    assert wish is not None
    assert (wish.user_id, wish.kind.stored, wish.wanted) == (ADA.id, mail.category, False)


@pytest.mark.parametrize("kind", ["verification", "new_sign_in", "token_reused"])
def test_what_must_be_told_cannot_be_turned_off(kind: str) -> None:
    mail = EMAILS.render(send("x", kind=DeliveryKind(kind)))
    assert mail.headers == {}
    assert "unsubscribe" not in mail.html


def test_a_sign_in_says_when_and_from_what() -> None:
    mail = EMAILS.render(
        send("Mozilla/5.0 <b>", kind=DeliveryKind.NEW_SIGN_IN, late=timedelta(minutes=1))
    )
    assert "today at 23:29 (Europe/Berlin)" in mail.text
    assert "Mozilla/5.0 <b>" in mail.text
    assert "Mozilla/5.0 &lt;b&gt;" in mail.html


def test_a_digest_has_its_sections_in_both_parts() -> None:
    mail = digest("de")
    assert mail.subject == "Ihre Woche ab 3. August 2026"
    for words in ("Überfällig", "Erledigt", "Call Bob 2", "und 7 weitere", "5 Tage in Folge"):
        assert words in mail.text
        assert words in mail.html


HOSTILE = [
    "<script>alert(1)</script>\r\nBcc: eve@example.com " + "x" * 5000,
    "\u202egnp.exe\u202c \u2066\u200f" + "\u0627" * 500,
    "👨‍👩‍👧‍👦" * 100,
    "{title} {0.__class__} %s {{ 7 * 7 }} {% raw %}",
    "\x00\x07\x1b[31m\u2028\u2029\x85",
    "é" * 500 + "\u0301" * 500,
]


@pytest.mark.parametrize("title", HOSTILE)
@pytest.mark.parametrize("kind", [*KINDS, "digest"])
def test_hostile_titles_stay_text(title: str, kind: str) -> None:
    if kind == "digest":
        mail = digest(title=title)
    else:
        mail = EMAILS.render(send(title, kind=DeliveryKind(kind)))
    assert "<script>" not in mail.html
    if "{{" in title and kind in {"reminder", "digest", "invitation"}:
        assert "{title} {0.__class__} %s {{ 7 * 7 }} {% raw %}" in mail.text
    for line in (mail.subject, mail.to_name or ""):
        assert line.isprintable() or "\u200d" in line
        assert len(line) <= 150
    for part in (mail.text, mail.html, mail.subject):
        assert not set("\x00\x07\x1b\u202e\u2066\u200f\u2028\r") & set(part)
    elements(mail.html)


def test_a_title_is_cut_between_characters() -> None:
    family = "👨‍👩‍👧‍👦"
    cut = shortened(family * 40)
    assert len(cut) <= 120
    assert set(cut.removesuffix("…").split(family)) == {""}
    assert shortened("e\u0301" * 80, most=10) == "e\u0301" * 4 + "…"
    assert one_line(family) == family


def elements(html: str) -> list[tuple[str, dict[str, str | None]]]:
    """Start tags in order; every one of them is closed where it must be."""
    found: list[tuple[str, dict[str, str | None]]] = []
    open_: list[str] = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            found.append((tag, dict(attrs)))
            if tag != "meta":
                open_.append(tag)

        def handle_endtag(self, tag: str) -> None:
            assert open_.pop() == tag

    reader = Reader()
    reader.feed(html)
    reader.close()
    assert not open_
    return found


@pytest.mark.parametrize("locale", ["en", "de"])
def test_every_mail_can_be_read_by_everybody(locale: str) -> None:
    for mail in mails(locale):
        found = elements(mail.html)
        tags = [tag for tag, _ in found]
        assert ("html", {"lang": locale, "dir": "ltr"}) in found
        assert tags.count("h1") == tags.count("main") == tags.count("title") == 1
        assert "{" not in mail.text.replace("{when}", "{")
        assert ("meta", {"name": "color-scheme", "content": "light dark"}) in found
        links = [attributes["href"] or "" for tag, attributes in found if tag == "a"]
        assert links
        assert all(link in mail.text for link in links)
        # Nothing is fetched: opening a mail tells nobody that it was opened.
        assert not {"img", "link", "script", "iframe", "form", "object"} & set(tags)
        assert not re.search(r"url\(|@import|src=", mail.html)
        assert len(mail.html.encode()) < 100_000  # Gmail cuts at 102 kB


def _luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_its_colours_are_told_apart() -> None:
    """WCAG 2.2, 1.4.3: 4.5 to 1, on either ground, by day and by night."""
    style = (TEMPLATES / "message.html").read_text().partition("<style>")[2]
    for scheme in style.partition("</style>")[0].split("@media"):
        rules = dict(re.findall(r"^ *([^{}\n]+?) \{([^{}]+)\}", scheme, re.MULTILINE))
        colour = {name: _value("color", text) for name, text in rules.items()}
        ground = {name: _value("background", text) for name, text in rules.items()}
        quiet = colour.get(".quiet") or colour[".quiet, .small, .small a"]
        for text, on in [
            (colour["body"], ground["main"]),
            (quiet, ground["main"]),
            (quiet, ground["body"]),
            (colour[".action"], ground[".action"]),
            (colour[".other"], ground["main"]),
        ]:
            assert text
            assert on
            light, dark = sorted((_luminance(text), _luminance(on)), reverse=True)
            assert (light + 0.05) / (dark + 0.05) >= 4.5, (text, on)


def _value(name: str, rule: str) -> str:
    found = re.search(rf"(?:^|[; ]){name}: (#[0-9a-f]{{6}})", rule)
    return found.group(1) if found else ""


def test_every_language_says_the_same() -> None:
    """The same entries, with the same gaps to be filled."""
    catalogues = {path.stem: tomllib.loads(path.read_text()) for path in TEMPLATES.glob("*.toml")}
    assert set(catalogues) == {"en", "de"}
    first, *others = (_gaps(catalogue) for catalogue in catalogues.values())
    for other in others:
        assert other == first


def _gaps(catalogue: dict[str, Any]) -> dict[str, set[str | None]]:
    return {
        f"{part}.{name}": {gap for line in lines for _, gap, *_ in Formatter().parse(line) if gap}
        for part, entries in catalogue.items()
        for name, text in entries.items()
        for lines in [text if isinstance(text, list) else [text]]
    }


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
    assert language("en").when(NOW + timedelta(days=days), "Europe/Berlin", NOW) == words
