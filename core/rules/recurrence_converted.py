"""What every conversion of a recurrence answers."""

from dataclasses import dataclass
from typing import Final

from core.rules.recurrence import PileUp, Recurrence, Shift
from core.rules.recurrence_spelling import start_fits
from core.rules.reminders import Due
from core.rules.rrule import Rule

PILE_UPS: Final = {
    PileUp.ROLL: "an occurrence that passes undone moves to the next one",
    PileUp.KEEP: "an occurrence that passes undone stays until it is done",
    PileUp.ALL: "each occurrence that passes undone becomes a todo of its own",
}


@dataclass(frozen=True, slots=True)
class Converted:
    """`text` is null when not even the rule's days can be said there.

    `cannot_express` has a sentence for everything that `text` leaves out: never lossy in silence.
    """

    text: str | None
    cannot_express: list[str]


def shift_lost(recurrence: Recurrence) -> list[str]:
    if recurrence.shift is Shift.NONE:
        return []
    calendar = f" ({recurrence.holidays})" if recurrence.holidays else ""
    return [f"moving to the business day {recurrence.shift} a day off{calendar}"]


def dates_lost(recurrence: Recurrence) -> list[str]:
    lost = []
    if recurrence.exdates:
        lost.append("dates that are left out: " + ", ".join(map(str, sorted(recurrence.exdates))))
    if recurrence.rdates:
        lost.append("dates that are added: " + ", ".join(map(str, sorted(recurrence.rdates))))
    return lost


def start_lost(rule: Rule, due: Due) -> list[str]:
    """For targets that begin with the first day that the rule itself names."""
    return [] if start_fits(rule, due) else [f"the first one, on {due.on}: the rule leaves it out"]
