"""What recognisers write where nobody spoke: the ends of the videos they learnt from.

Whole sentences only: whoever is to be thanked for watching the dog says more than that.
"""

import re
import unicodedata
from pathlib import Path
from typing import Final

_SENTENCES: Final = Path(__file__).with_suffix(".txt").read_text(encoding="utf-8").splitlines()
_ANYWHERE: Final = ("amaraorg",)  # of subtitles in every language
_ENDS: Final = re.compile(r"(?<=[.!?])\s+|(?<=[\u3002\uff01\uff1f])\s*|\n+")


def _plain(text: str) -> str:
    folded = unicodedata.normalize("NFKC", text).casefold()
    # Marks are kept: Hindi has no words without them. Numbers are mostly years.
    return "".join(each for each in folded if unicodedata.category(each)[0] in "LM")


_KNOWN: Final = re.compile(
    "(?:"
    + "|".join(re.escape(_plain(each)) for each in _SENTENCES if not each.startswith("#"))
    + ")+"
)


def without(text: str) -> str:
    """The text without such sentences; as it was, if there are none."""
    sentences = _ENDS.split(text)
    kept = [each for each in sentences if not _is_known(each)]
    return text if len(kept) == len(sentences) else " ".join(kept).strip()


def _is_known(sentence: str) -> bool:
    plain = _plain(sentence)
    return bool(_KNOWN.fullmatch(plain)) or any(each in plain for each in _ANYWHERE)
