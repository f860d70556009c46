"""What was promised about reminders, and whether what became of them agrees.

An arming is one moment at which somebody was told that a reminder fires. It

1. stands:        nobody asked for anything else. It went out through each of its channels.
2. was withdrawn: a change was acknowledged clearly before the moment came. Nothing went out.
3. is contested:  a change was asked for later, or got no answer. Both are right.

Whichever it is: nothing goes out early, nothing that nobody was promised, nothing in the app twice,
and no more e-mails than the ledger owns up to.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

CLEARLY = timedelta(seconds=2)
OPEN = {"pending", "held", "sending"}
Arrivals = Mapping[str, Sequence[datetime]]  # by the delivery's id


class Standing(StrEnum):
    STANDS = "stands"
    WITHDRAWN = "withdrawn"
    CONTESTED = "contested"


@dataclass(slots=True)
class Arming:
    """`asked`: when somebody first asked for something else; `granted`: when that was answered."""

    reminder_id: UUID
    due: datetime
    channels: tuple[str, ...]
    asked: datetime | None = None
    granted: datetime | None = None

    @property
    def standing(self) -> Standing:
        if self.asked is None:
            return Standing.STANDS
        in_time = self.granted is not None and self.granted + CLEARLY <= self.due
        return Standing.WITHDRAWN if in_time else Standing.CONTESTED


# What the mail service says of a message, whenever it says so.
TOLD: Final = frozenset({"confirmed", "deferred", "delivered", "blocked", "bounced", "dropped"})


@dataclass(frozen=True, slots=True)
class Entry:
    """A delivery as it stands in the ledger; `story`: the steps of its log, in order."""

    id: str
    reminder_id: UUID
    due: datetime
    channel: str
    status: str
    ambiguous: bool
    attempts: int
    story: tuple[str, ...]


@dataclass(slots=True)
class Judgement:
    """One sentence for each thing that must not be, and how often each kind was looked at."""

    violations: list[str] = field(default_factory=list)
    lost: int = 0
    early: int = 0
    repeated: int = 0  # arrivals beyond the first, whether owned up to or not
    ambiguous: int = 0
    standings: dict[Standing, int] = field(default_factory=lambda: dict.fromkeys(Standing, 0))
    lateness: list[float] = field(default_factory=list)  # seconds, of what was promised
    unfailed: list[float] = field(default_factory=list)  # of these, of what no vendor failed


def judge(
    armings: Iterable[Arming], ledger: Iterable[Entry], arrived: Mapping[str, Arrivals]
) -> Judgement:
    """`arrived`: by channel, when each delivery reached the other side, as the other side says."""
    judged = Judgement()
    found: dict[tuple[UUID, datetime, str], list[Entry]] = defaultdict(list)
    for entry in ledger:
        found[entry.reminder_id, entry.due, entry.channel].append(entry)
        judged.violations += _odd(entry)
        judged.ambiguous += entry.ambiguous
    known = {entry.id for entries in found.values() for entry in entries}
    for channel, arrivals in arrived.items():
        strangers = arrivals.keys() - known
        judged.violations += [f"{key} came by {channel}, not in the ledger" for key in strangers]
    for arming in armings:
        judged.standings[arming.standing] += 1
        for channel in arming.channels:
            entries = found.pop((arming.reminder_id, arming.due, channel), [])
            _look(judged, arming, channel, entries, arrived.get(channel, {}))
    for reminder_id, due, channel in found:
        judged.violations.append(f"{reminder_id} by {channel} for {due}: nobody was promised that")
    return judged


def _look(
    judged: Judgement, arming: Arming, channel: str, entries: Sequence[Entry], arrivals: Arrivals
) -> None:
    name = f"{arming.reminder_id} by {channel} for {arming.due:%H:%M:%S.%f}"
    came = sorted(at for entry in entries for at in arrivals.get(entry.id, ()))
    owned = sum(entry.story.count("ambiguous") for entry in entries if entry.ambiguous)
    stands = ", ".join(entry.status for entry in entries) or "nowhere"
    if len(entries) > 1:
        judged.violations.append(f"{name}: {len(entries)} deliveries of one moment")
    if came and came[0] < arming.due:
        judged.early += 1
        judged.violations.append(f"{name}: came {arming.due - came[0]} early")
    more = max(len(came) - 1, 0)
    judged.repeated += more
    if more > (owned if channel == "email" else 0):
        judged.violations.append(f"{name}: came {len(came)} times, {owned} times in doubt")
    says_sent = any(entry.status == "sent" for entry in entries)
    promised = arming.standing is Standing.STANDS
    if not came and (promised or says_sent):
        judged.lost += 1
        judged.violations.append(f"{name}: never came; {arming.standing}, delivery {stands}")
    elif came and arming.standing is Standing.WITHDRAWN:
        judged.violations.append(f"{name}: came although withdrawn at {arming.granted}")
    elif came and not says_sent and (promised or not any(each.ambiguous for each in entries)):
        judged.violations.append(f"{name}: came, its delivery stands {stands}")
    if came and promised:
        judged.lateness.append((came[0] - arming.due).total_seconds())
        if not any("failed" in entry.story for entry in entries):
            judged.unfailed.append(judged.lateness[-1])


def _odd(entry: Entry) -> list[str]:
    """What a ledger must not say of a delivery by itself."""
    odd = []
    if entry.status in OPEN:
        odd.append(f"{entry.id} is still {entry.status}")
    in_doubt = "ambiguous" in entry.story
    if "confirmed" in entry.story and not entry.ambiguous:
        in_doubt = False  # the vendor's word ended the doubt
    if in_doubt != entry.ambiguous and (in_doubt or entry.status == "sent"):
        odd.append(f"{entry.id} is flagged otherwise than its log says")
    ours = [step for step in entry.story if step not in TOLD]
    if "sent" in ours[:-1]:
        odd.append(f"{entry.id} went on after it was sent: a late word counted")
    began = entry.story.count("sending") if entry.channel == "email" else entry.attempts
    if began != entry.attempts:
        odd.append(f"{entry.id} counts {entry.attempts} attempts and tells of {began}")
    return odd
