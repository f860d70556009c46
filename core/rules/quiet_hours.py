"""When a person wants to be left alone: from one wall time to another, also over midnight."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from core.rules import zones


@dataclass(frozen=True, slots=True)
class QuietHours:
    start: time
    end: time

    @classmethod
    def of(cls, stored: object) -> "QuietHours | None":
        """As preferences hold them; what is not quiet hours is none: it must not stop a message."""
        if not isinstance(stored, Mapping):
            return None
        try:
            hours = cls(*(time.fromisoformat(stored[name]) for name in ("start", "end")))
        except (KeyError, TypeError, ValueError):
            return None
        return None if hours.start == hours.end or hours.start.tzinfo or hours.end.tzinfo else hours

    def end_at(self, now: datetime, zone: str) -> datetime | None:
        """When the quiet hours end that it is in, if it is in any.

        Both ends are instants first, so that a clock change in the night neither lets anything
        through nor holds it for an hour more than the person's clock says.
        """
        today = zones.today(now, zone)
        over_night = timedelta(days=self.end <= self.start)
        for on in (today - timedelta(days=1), today):
            end = zones.instant(on + over_night, self.end, zone)
            if zones.instant(on, self.start, zone) <= now < end:
                return end
        return None
