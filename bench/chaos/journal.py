"""What clients did, and whether the state at the end agrees with what they were told.

Every operation has an id of its own that can be found again in the state: a title, a key.

1. Acknowledged: it must be there.            A missing one is lost.
2. Failed, refused for good: it must not be.  One that is there is a ghost.
3. Unknown, no answer came: it may be there.  Both are right.
Nothing may be there twice, and nothing that nobody asked for.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Fate(StrEnum):
    INVOKED = "invoked"
    ACKNOWLEDGED = "acknowledged"
    FAILED = "failed"
    UNKNOWN = "unknown"


class Misuse(Exception):
    """The journal was kept wrongly: the trial proves nothing."""


class Journal:
    """An operation is invoked once, however often it is then tried under the same id."""

    def __init__(self) -> None:
        self._fates: dict[str, Fate] = {}

    def __len__(self) -> int:
        return len(self._fates)

    def __getitem__(self, key: str) -> Fate:
        return self._fates[key]

    def invoked(self, key: str) -> None:
        if key in self._fates:
            raise Misuse(f"{key} was invoked before")
        self._fates[key] = Fate.INVOKED

    def acknowledged(self, key: str) -> None:
        """Success was answered, to this try or an earlier one."""
        self._known(key)
        self._fates[key] = Fate.ACKNOWLEDGED

    def unknown(self, key: str) -> None:
        """A try ended without an answer. An acknowledgement that came before stays."""
        self._known(key)
        if self._fates[key] is not Fate.ACKNOWLEDGED:
            self._fates[key] = Fate.UNKNOWN

    def failed(self, key: str) -> None:
        """A try was refused. That says nothing about an earlier one whose answer was lost."""
        self._known(key)
        if self._fates[key] is Fate.INVOKED:
            self._fates[key] = Fate.FAILED

    def of(self, fate: Fate) -> set[str]:
        return {key for key, found in self._fates.items() if found is fate}

    def _known(self, key: str) -> None:
        if key not in self._fates:
            raise Misuse(f"{key} was never invoked")


@dataclass(frozen=True, slots=True)
class Verdict:
    lost: set[str]
    ghosts: set[str]
    twice: set[str]
    strangers: set[str]

    @property
    def violations(self) -> list[str]:
        told = {
            "acknowledged but not there": self.lost,
            "failed but there": self.ghosts,
            "there more than once": self.twice,
            "there although nobody asked": self.strangers,
        }
        return [f"{len(keys)} {what}, such as {min(keys)}" for what, keys in told.items() if keys]


def check(journal: Journal, state: Iterable[str]) -> Verdict:
    """Compare with the ids in the state, each as often as it is there."""
    found = Counter(state)
    return Verdict(
        lost=journal.of(Fate.ACKNOWLEDGED) - found.keys(),
        ghosts=journal.of(Fate.FAILED) & found.keys(),
        twice={key for key, count in found.items() if count > 1},
        strangers=found.keys() - {key for fate in Fate for key in journal.of(fate)},
    )
