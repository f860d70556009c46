"""What short messages say of a reminder, in the person's language, zone and clock."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from core.rules import zones
from core.rules.recurrence_words import LANGUAGES
from core.rules.reminders import due_instant
from core.services.deliveries import Send


@dataclass(frozen=True, slots=True)
class Words:
    language: str
    reminder: str
    due: str
    late: str
    nothing: str
    near: dict[int, str]
    day: str
    at: str
    complete: str
    snooze_10: str
    snooze_60: str
    test: str
    code: str


ENGLISH: Final = Words(
    language="en",
    reminder="Reminder: {title}",
    due="Due {when}",
    late="Late, we are sorry: it was due {when}",
    nothing="You asked to be reminded of this now",
    near={-1: "yesterday", 0: "today", 1: "tomorrow"},
    day="on {weekday}, {d} {month} {year}",
    at="{day} at {clock}",
    complete="Complete",
    snooze_10="Snooze 10 min",
    snooze_60="Snooze 1 h",
    test="Messages from Voice Todo arrive here",
    code="{code} is your code for Voice Todo. Tell it to nobody.",
)
GERMAN: Final = Words(
    language="de",
    reminder="Erinnerung: {title}",
    due="Fällig {when}",
    late="Verspätet, das tut uns leid: fällig war es {when}",
    nothing="Daran wollten Sie jetzt erinnert werden",
    near={-1: "gestern", 0: "heute", 1: "morgen"},
    day="am {weekday}, {d}. {month} {year}",
    at="{day} um {clock}",
    complete="Erledigt",
    snooze_10="In 10 Min.",
    snooze_60="In 1 Std.",
    test="Nachrichten von Voice Todo kommen hier an",
    code="{code} ist Ihr Code für Voice Todo. Sagen Sie ihn niemandem.",
)
_ALL: Final = {each.language: each for each in (ENGLISH, GERMAN)}


def words(locale: str) -> Words:
    """Of the language of this BCP 47 tag; English where there are none."""
    return _ALL.get(locale.replace("_", "-").partition("-")[0].lower(), ENGLISH)


def moment(send: Send, *, zoned: bool = True) -> str:
    """`Due tomorrow at 09:00 (Europe/Berlin)`, or that it is late, or that it has no due date.

    Not `zoned` the zone is left out: on a device of one's own it goes without saying.
    """
    said = words(send.person.locale)
    zone = send.person.zone
    today = zones.today(send.began_at, zone)
    if send.late:
        when = _when(send.due_at, zone, today, said, zoned=zoned)
        return said.late.format(when=when)
    if send.due is None:
        return said.nothing
    at = due_instant(send.due, zone)
    all_day = send.due.at is None
    when = _when(at, zone, today, said, all_day=all_day, zoned=zoned)
    return said.due.format(when=when)


def when(at: datetime, *, zone: str, today: date, locale: str, all_day: bool = False) -> str:
    """`tomorrow at 09:00`, as people say it in their own zone and language."""
    return _when(at, zone, today, words(locale), all_day=all_day, zoned=False)


def one_line(text: str) -> str:
    return " ".join(text.split())


def _when(
    at: datetime, zone: str, today: date, said: Words, *, all_day: bool = False, zoned: bool
) -> str:
    local = at.astimezone(zones.zone(zone))
    named = LANGUAGES[said.language]
    day = said.near.get((local.date() - today).days) or said.day.format(
        weekday=named.weekdays[local.weekday()],
        d=local.day,
        month=named.months[local.month - 1],
        year=local.year,
    )
    if all_day:
        return day
    clocked = said.at.format(day=day, clock=f"{local:%H:%M}")
    return f"{clocked} ({zone})" if zoned else clocked
