"""What every conversion of a recurrence answers."""

from dataclasses import dataclass
from typing import Final

from core.rules.recurrence import PileUp, Recurrence, Shift

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
