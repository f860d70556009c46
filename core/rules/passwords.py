"""Which passwords are refused: the short, and those that attackers try first.

A password is read as the fewest pieces it can be made of. A well-known password, a word of its
owner, a run (`aaaa`, `1234`, `qwerty`) or a year is one piece, however long; any other character is
half a piece. Few pieces are few guesses: `Passw0rd!Passw0rd!` has three, a passphrase has many.
"""

import re
import unicodedata
from functools import cache
from importlib.resources import files
from typing import Final

from core.errors import Invalid

MAX_CHARS: Final = 256
MIN_PIECES: Final = 4.5
MIN_WORD: Final = 3
LONGEST_WORD: Final = 32
OURS: Final = frozenset({"voicetodo", "voice", "todo"})

_LEET: Final = str.maketrans("013457@$!", "oleastasi")
_ROWS: Final = (
    "abcdefghijklmnopqrstuvwxyz",
    "01234567890",
    "qwertyuiop",
    "asdfghjkl",
    "zxcvbnm",
    "qwertzuiop",
    "azertyuiop",
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik9ol0p",
    "1q2w3e4r5t6y7u8i9o0p",
)
_RUNS: Final = (*_ROWS, *(row[::-1] for row in _ROWS))
_YEAR: Final = re.compile(r"(?:19|20)\d\d")
_REPEATED: Final = re.compile(r"(.+?)\1+", re.DOTALL)


@cache
def common() -> frozenset[str]:
    """Well-known passwords, one a line, in lower case."""
    return frozenset(files(__package__).joinpath("common_passwords.txt").read_text().split())


def check(password: str, *, min_chars: int, about: tuple[str, ...] = ()) -> None:
    """Raise `Invalid` at /password unless it will do. `about` is its owner: name, e-mail address.

    Nothing is cut off and no composition is asked for (NIST SP 800-63B-4, 3.1.1.2).
    """
    if len(password) < min_chars:
        raise _refused(f"at least {min_chars} characters; a few words make a good one", "too_short")
    if len(password) > MAX_CHARS:
        raise _refused(f"at most {MAX_CHARS} characters", "too_long")
    words = common() | OURS | _words(about)
    plain = unicodedata.normalize("NFKC", password).casefold()
    if _pieces(plain, words) < MIN_PIECES:
        raise _refused("this is among the first passwords that attackers try", "too_common")


def _refused(detail: str, code: str) -> Invalid:
    return Invalid(detail, pointer="/password", code=code)


def _words(about: tuple[str, ...]) -> set[str]:
    found = set()
    for text in about:
        whole = unicodedata.normalize("NFKC", text).casefold()
        parts = {whole, *whole.split("@"), *re.split(r"[\W_]+", whole)}
        found |= {part for part in parts if len(part) >= MIN_WORD}
    return found


def _pieces(text: str, words: frozenset[str]) -> float:
    """The fewest pieces; found from the left, the best way to reach each position."""
    if repeated := _REPEATED.fullmatch(text):
        return 1 + _pieces(repeated[1], words)
    longest = max(LONGEST_WORD, *map(len, words))
    best = [0.0] + [float("inf")] * len(text)
    for start in range(len(text)):
        best[start + 1] = min(best[start + 1], best[start] + 0.5)
        for end in range(start + MIN_WORD, min(len(text), start + longest) + 1):
            if best[start] + 1 < best[end] and _is_one(text[start:end], words):
                best[end] = best[start] + 1
    return best[-1]


def _is_one(part: str, words: frozenset[str]) -> bool:
    return (
        part in words
        or part.translate(_LEET) in words
        or len(set(part)) == 1
        or _YEAR.fullmatch(part) is not None
        or any(part in run for run in _RUNS)
    )
