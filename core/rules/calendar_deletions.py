"""When deletions wait for a person: many at once are more often an accident than a wish."""

from collections.abc import Sequence
from typing import Final, TypeVar

MOST: Final = 10
SHARE: Final = 0.2
FEWEST: Final = 5  # links, below which a share says nothing

Each = TypeVar("Each")


def held(deletions: int, links: int) -> bool:
    """Whether so many, of so many links in one sync, wait for a person; each side for itself.

    `links` counts those that were linked when the sync began. All of them wait then: of an
    accident the first ten are no better than the others.
    """
    if deletions > MOST:
        return True
    return links >= FEWEST and deletions > SHARE * links


def apart(
    deletions: Sequence[Each], *, links: int, before: int = 0
) -> tuple[Sequence[Each], Sequence[Each]]:
    """Those to carry out now, and those that wait. `before` were carried out in this sync."""
    return ((), deletions) if held(len(deletions) + before, links) else (deletions, ())
