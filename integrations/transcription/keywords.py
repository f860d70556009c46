"""Words that are likely to be said, so that a provider takes them: one bad one refuses the call."""

import re
import unicodedata
from collections.abc import Iterable
from typing import Final

MOST: Final = 100
LONGEST: Final = 40  # characters
IN_ALL: Final = 800
# Letters, marks and digits of any script, and what stands inside of names.
_OTHER: Final = re.compile(r"[^\w\s'\u2019&.+-]|_")


def sanitised(given: Iterable[str]) -> list[str]:
    """In their order, without those that say nothing; controls and punctuation become spaces."""
    kept: dict[str, str] = {}
    room = IN_ALL
    for each in given:
        text = " ".join(_OTHER.sub(" ", unicodedata.normalize("NFC", each)).split())
        text = text.strip(" '\u2019&.+-")
        if not text or len(text) > LONGEST or text.casefold() in kept:
            continue
        if len(text) > room or len(kept) == MOST:
            break
        room -= len(text)
        kept[text.casefold()] = text
    return list(kept.values())
