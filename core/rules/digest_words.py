"""A digest in few words, for push, Slack and the app; e-mails say it at length in their own."""

from dataclasses import dataclass
from typing import Final

from core.rules.digests import DAYS_AHEAD, SHORT_ITEMS, DigestContent, Frequency, Part, Section


@dataclass(frozen=True, slots=True)
class _Words:
    headings: dict[Frequency, str]
    counts: dict[Section, str]
    streak: str
    more: str
    many: str


_WORDS: Final = {
    "en": _Words(
        headings={Frequency.DAILY: "Your day", Frequency.WEEKLY: "Your week"},
        counts={
            Section.OVERDUE: "{n} overdue",
            Section.TODAY: "{n} today",
            Section.UPCOMING: f"{{n}} in the next {DAYS_AHEAD} days",
            Section.COMPLETED: "{n} done",
        },
        streak="{n} days in a row",
        more="and {n} more",
        many="{n} reminders",
    ),
    "de": _Words(
        headings={Frequency.DAILY: "Ihr Tag", Frequency.WEEKLY: "Ihre Woche"},
        counts={
            Section.OVERDUE: "{n} überfällig",
            Section.TODAY: "{n} heute",
            Section.UPCOMING: f"{{n}} in den nächsten {DAYS_AHEAD} Tagen",
            Section.COMPLETED: "{n} erledigt",
        },
        streak="{n} Tage in Folge",
        more="und {n} weitere",
        many="{n} Erinnerungen",
    ),
}
_OPEN: Final = (Section.OVERDUE, Section.TODAY, Section.UPCOMING)
SUMMARY_ITEMS: Final = 20
LINE: Final = 80  # characters


def headline(content: DigestContent, locale: str) -> str:
    """`Your day: 2 overdue, 3 today, 5 in the next 7 days, 4 done, 6 days in a row`."""
    counts = [count(part, locale) for part in content.parts]
    if content.streak > 1:
        counts.append(_words(locale).streak.format(n=content.streak))
    return f"{heading(content, locale)}: {', '.join(counts)}"


def heading(content: DigestContent, locale: str) -> str:
    """`Your day`."""
    headings = _words(locale).headings
    return headings.get(content.frequency, headings[Frequency.DAILY])


def count(part: Part, locale: str) -> str:
    """`2 overdue`."""
    return _words(locale).counts[part.section].format(n=part.total)


def more(number: int, locale: str) -> str:
    """`and 5 more`."""
    return _words(locale).more.format(n=number)


def lines(content: DigestContent, locale: str) -> list[str]:
    """The first todos that are still open, each on a line, and how many more there are."""
    open_parts = [part for part in content.parts if part.section in _OPEN]
    titles = [item.title for part in open_parts for item in part.items]
    return _listed(titles, sum(part.total for part in open_parts), SHORT_ITEMS, locale)


def summary(count: int, locale: str) -> str:
    """`14 reminders`: what messages are folded into that would have been too many."""
    return _words(locale).many.format(n=count)


def summary_lines(titles: list[str], locale: str, *, most: int = SUMMARY_ITEMS) -> list[str]:
    """What a summary lists, each on a line; those beyond `most` are counted."""
    return _listed(titles, len(titles), most, locale)


def _listed(titles: list[str], total: int, most: int, locale: str) -> list[str]:
    shown = [_shortened(" ".join(title.split())) for title in titles[:most]]
    if total > len(shown):
        shown.append(_words(locale).more.format(n=total - len(shown)))
    return shown


def _shortened(line: str) -> str:
    return line if len(line) <= LINE else line[: LINE - 1] + "…"


def _words(locale: str) -> _Words:
    return _WORDS.get(locale.replace("_", "-").partition("-")[0].lower(), _WORDS["en"])
