"""The tree that a file's todos are to make, whatever it says about parents."""

from collections.abc import Mapping
from typing import Final

from core.rules.importing.records import MAX_DEPTH

MISSING: Final = "its parent is not in the file: it stands by itself"
CIRCLE: Final = "its parents made a circle, which is cut here: it stands by itself"
TOO_DEEP: Final = f"it was nested deeper than {MAX_DEPTH}: it stands as deep as it can"

Cuts = Mapping[str, tuple[str | None, str]]


def settled(parent_of: Mapping[str, str | None]) -> Cuts:
    """The todos whose parent becomes another one, or none, and why. Linear in their number.

    A circle is cut at the one of it that is come upon first.
    """
    cuts: dict[str, tuple[str | None, str]] = {}
    level: dict[str, int] = {}
    for ref in parent_of:
        path: list[str] = []
        on_path: set[str] = set()
        at: str | None = ref
        while at is not None and at not in level:
            if at in on_path:
                cuts[at] = None, CIRCLE
                level[at] = 1
                break
            above = parent_of[at]
            path.append(at)
            on_path.add(at)
            if above is not None and above not in parent_of:
                cuts[at] = None, MISSING
                break
            at = above
        for each in reversed(path):
            _place(each, parent_of, level, cuts)
    return cuts


def _place(
    ref: str,
    parent_of: Mapping[str, str | None],
    level: dict[str, int],
    cuts: dict[str, tuple[str | None, str]],
) -> None:
    """Its level, once that of its parent is known."""
    if ref in level:
        return
    parent = None if ref in cuts else parent_of[ref]
    if parent is None:
        level[ref] = 1
        return
    if level[parent] < MAX_DEPTH:
        level[ref] = level[parent] + 1
        return
    # Its parent stands on the last level itself: both become children of the one above.
    above = cuts[parent][0] if parent in cuts else parent_of[parent]
    cuts[ref] = above, TOO_DEEP
    level[ref] = MAX_DEPTH
