"""Which IANA zone a TZID of a file means.

Its own name, the end of it (`/mozilla.org/20050126_1/Europe/Berlin`), X-LIC-LOCATION, a name of
Windows; else the zone that had the same offsets all through the last, this and the next year.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import chain, islice
from typing import Final

from core.rules import rrule, zones
from core.rules.importing import texts
from core.rules.importing.ics_lines import Component
from core.rules.importing.ics_moments import wall_of
from core.rules.recurrence import Recurrence, occurrences
from core.rules.reminders import Due
from core.rules.rrule import Freq

_MOST_COMPARED: Final = 20  # zones of a file; each takes some milliseconds
_MOST_KEPT: Final = 1_000
_MOST_RULES: Final = 40  # of a zone: some list every change since 1900
_LONGEST: Final = 200
_BY_OFFSET: Final = re.compile(r"(?:GMT|UTC)? ?([+-])0?(\d{1,2}):?(?:00)?", re.ASCII)
_NO_PLACES: Final = {"localtime", "posixrules", "Factory"}
_HOUR: Final = timedelta(hours=1)
_DAY: Final = timedelta(days=1)

Changes = list[tuple[datetime, timedelta]]


@dataclass(slots=True)
class Zones:
    """`said` has a sentence for each zone that was only guessed from its offsets."""

    person: str
    year: int
    said: list[str] = field(default_factory=list)
    _known: dict[str, str] = field(default_factory=dict)
    _compared: int = 0

    def learn(self, component: Component) -> None:
        """A VTIMEZONE of the file."""
        tzid = component.text("TZID").strip()[:_LONGEST]
        if not tzid or tzid in self._known or len(self._known) >= _MOST_KEPT or named(tzid):
            return
        place = named(component.value("X-LIC-LOCATION"))
        if place is None and self._compared < _MOST_COMPARED:
            self._compared += 1
            place = alike(component, self.person, self.year)
            if place is not None:
                shown = texts.excerpt(tzid)
                self.said.append(f"the time zone {shown!r} is read as {place}: its offsets are")
        if place is not None:
            self._known[tzid] = place

    def of(self, tzid: str) -> str | None:
        """Null where nothing tells which it is."""
        return named(tzid) or self._known.get(tzid.strip()[:_LONGEST])


def named(tzid: str) -> str | None:
    """The zone that this name says."""
    name = tzid.strip()[:_LONGEST]
    parts = name.split("/")
    ends = ("/".join(parts[-count:]) for count in (3, 2) if len(parts) > count)
    for each in chain([name], ends):
        if each in zones.known() or (each == name and _plain(each)):
            return each
    return _windows().get(name) or _offset_name(name)


def _offset_name(name: str) -> str | None:
    """`GMT+0200`, `UTC+2`: whole hours, which have zones whose names count the other way."""
    found = _BY_OFFSET.fullmatch(name)
    if found is None:
        return None
    hours = int(found[2])
    if not hours:
        return "UTC"
    place = f"Etc/GMT{'-' if found[1] == '+' else '+'}{hours}"
    return place if place in zones.known() else None


def _plain(name: str) -> bool:
    """CET, EST5EDT: what IANA has without a place."""
    if not name or not name[0].isupper() or "/" in name or name in _NO_PLACES:
        return False
    try:
        zones.zone(name)
    except ValueError:
        return False
    return True


@cache
def _windows() -> Mapping[str, str]:
    # Imported when a file needs it: it brings the whole library along.
    from icalendar.timezone.windows_to_olson import WINDOWS_TO_OLSON  # noqa: PLC0415 (see above)

    return WINDOWS_TO_OLSON


def alike(component: Component, person: str, year: int) -> str | None:
    """The person's own zone where it fits; else one that many people are in before others."""
    changes = _changes(component, year)
    if not changes:
        return None
    samples = list(_samples(changes, year))
    well_known = dict.fromkeys(_windows().values())
    for name in chain([person], well_known, sorted(zones.known())):
        try:
            there = zones.zone(name)
        except ValueError:
            continue
        if all(at.astimezone(there).utcoffset() == offset for at, offset in samples):
            return name
    return None


def _samples(changes: Changes, year: int) -> Iterator[tuple[datetime, timedelta]]:
    """Instants, and the offset that the file has then."""
    begin = datetime(year - 1, 1, 1, tzinfo=UTC)
    regular = (begin + n * 9 * _DAY for n in range(3 * 365 // 9))
    beside = (at + step for at, _ in changes for step in (-_HOUR, _HOUR) if at >= begin)
    starts = [at for at, _ in changes]
    for at in chain(regular, beside):
        nth = bisect_right(starts, at)
        if nth:
            yield at, changes[nth - 1][1]


def _changes(component: Component, year: int) -> Changes:
    """When its offset changes, in order, from the year before on; and what came last before."""
    found: Changes = []
    for observance in component.within[-_MOST_RULES:]:
        try:
            found += _onsets(observance, year)
        except (ValueError, OverflowError):
            return []
    found.sort()
    begin = datetime(year - 1, 1, 1, tzinfo=UTC)
    earlier = [each for each in found if each[0] < begin][-1:]
    return [*earlier, *(each for each in found if each[0] >= begin)]


def _onsets(observance: Component, year: int) -> Changes:
    start = wall_of(observance.value("DTSTART"))
    before = _offset(observance.value("TZOFFSETFROM"))
    after = _offset(observance.value("TZOFFSETTO"))
    if start is None:
        raise ValueError("no DTSTART")
    walls = [start]
    text = observance.value("RRULE")
    if text:
        rule = rrule.parse(text)
        if rule.freq is not Freq.YEARLY:
            raise ValueError("more than once a year")
        due = Due(start.date(), start.time(), "UTC")
        low = max(start.replace(tzinfo=UTC), datetime(year - 3, 12, 31, tzinfo=UTC))
        later = occurrences(Recurrence(rule), due, zone="UTC", after=low)
        walls += [each.wall for each in islice(later, 5)]
    added = (each for prop in observance.all("RDATE") for each in prop.value.split(","))
    walls += [wall for each in islice(added, _MOST_RULES) if (wall := wall_of(each))]
    return [((wall - before).replace(tzinfo=UTC), after) for wall in walls]


def _offset(text: str) -> timedelta:
    sign, digits = text[:1], text[1:]
    if sign not in {"+", "-"} or len(digits) not in {4, 6} or not digits.isascii():
        raise ValueError(text)
    hours, minutes, seconds = int(digits[:2]), int(digits[2:4]), int(digits[4:] or 0)
    offset = timedelta(hours=hours, minutes=minutes, seconds=seconds)
    return -offset if sign == "-" else offset
