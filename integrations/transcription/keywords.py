"""Words that are likely to be said, so that a provider takes them: one bad one refuses the call."""

import unicodedata
from collections.abc import Iterable
from typing import Final

MOST: Final = 100
LONGEST: Final = 40  # characters
IN_ALL: Final = 800
INSIDE: Final = " '\u2019&.+-"  # of names, beside letters, marks and digits of any script


def sanitised(given: Iterable[str]) -> list[str]:
    """In their order, without those that say nothing; controls and punctuation become spaces."""
    kept: dict[str, str] = {}
    room = IN_ALL
    for each in given:
        text = " ".join("".join(map(_kept, unicodedata.normalize("NFC", each))).split())
        text = text.strip(INSIDE)
        if not text or len(text) > LONGEST or text.casefold() in kept:
            continue
        if len(text) > room or len(kept) == MOST:
            break
        room -= len(text)
        kept[text.casefold()] = text
    return list(kept.values())


def _kept(character: str) -> str:
    is_kept = unicodedata.category(character)[0] in "LMN" or character in INSIDE
    return character if is_kept else " "
