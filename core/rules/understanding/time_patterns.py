"""What the letters of an utterance mean together, in every language: days, times, lengths.

Each pattern has a function that makes what it found of it, or declines; the first one that does
not decline counts, so longer patterns stand before their beginnings.
"""

import re
from collections.abc import Sequence
from functools import cache
from typing import Final

from core.rules.understanding.time_days import (
    a_month_day,
    a_period,
    a_week_later,
    a_weekday,
    a_weekend,
    bare_month,
    dated,
    edge,
    holiday,
    led_date,
    literal_date,
    month_day_of,
    named_day,
    next_so_many,
    nth_weekday_of,
    weekday_of,
)
from core.rules.understanding.time_hours import (
    a_part,
    bare_hour,
    from_to,
    hour_first,
    minutes_first,
    oclock,
    of_day,
    of_part,
    shifted,
    written,
)
from core.rules.understanding.time_lengths import (
    ago,
    ahead,
    lasting,
    length_after,
    length_after_date,
    one_after,
    one_ago,
    one_ahead,
    one_lasting,
    so_many_times,
)
from core.rules.understanding.time_scene import Reader
from core.rules.understanding.time_words import TimeWords

_LENGTH: Final = "(?:NS|S|(?:N|A)U(?:&?NU)|(?:N|A)Us|(?:N|A)sU|(?:N|A)U|sU)"
_THIS: Final = "(?:v|n|L|z)"
_PATTERNS: Final[Sequence[tuple[str, Reader]]] = (
    ("aNP", of_day),
    (f"{_LENGTH}(?:f|r|u|t)(?:W|D|Y)", length_after),
    (f"{_LENGTH}(?:f|r|u|t)(?:M(?:O|N)j?Z?|OMZ?)", length_after_date),
    ("rP?(?:Nc?m?|T)(?:t|u)a?P?(?:Nc?(?:m|i?P)|Nc|T)", from_to),
    ("(?:a|P)?(?:Ncm?|Nm|T)(?:t|u)a?P?(?:Nc|Nc?m|T)", from_to),
    ("rP?T(?:t|u)a?P?N(?!i?(?:N|A|U))", from_to),
    (f"(?:W|D)i{_LENGTH}l?", length_after),
    ("(?:W|D)iU", one_after),
    (f"(?:i|f)?{_LENGTH}l", ahead),
    (f"{_LENGTH}i(?!N|P|U|M|W)", ahead),
    (f"g{_LENGTH}", ago),
    (f"{_LENGTH}g", ago),
    (f"i{_LENGTH}", ahead),
    ("iU|Ul", one_ahead),
    ("dU(?!i?P)", one_lasting),
    ("Ug|gU", one_ago),
    ("nNU|NnU|LNU", next_so_many),
    ("Nx", so_many_times),
    ("a?NU?(?:p|t)qNc?(?:m|i?P)?", minutes_first),
    ("aNU?(?:p|t)Nc?(?:m|i?P)?|NU?(?:p|t)Nc?(?:c|m|i?P)", minutes_first),
    ("a?qNc?(?:m|i?P)?", shifted),
    ("aNc?s(?:m|i?P)?|Ncs(?:m|i?P)?|Nsc", shifted),
    ("a?NNU?(?:~|p)(?!N)", hour_first),
    ("(?:a|P)?Nc~NU?(?:i?P)?|aN~N(?:i?P)?", hour_first),
    ("(?:a|u)?NcNU?(?:m|i?P)?|aN&N(?:i?P)?|aNN(?:m|i?P)?|NNm", hour_first),
    ("(?:a|u)?Tc?(?:m|i?P)?", written),
    ("(?:a|u)?Nc?m", oclock),
    ("(?:a|u)Nc(?:i?P)?|Nci?P", oclock),
    ("(?:a|u)?Nc(?!i?(?:N|A|U))", oclock),
    (f"(?:O|L)Wi?(?:{_THIS}U|U{_THIS}|MZ?|U)|(?:{_THIS}U|U|MZ?)(?:O|L)W", nth_weekday_of),
    (
        "(?:O|N)jJ?(?:n|v)U|(?:n|v)Uj?(?:O|N)j?|(?:O|N)U(?:n|v)|LUU(?:n|v)?|LU(?:n|v)U|(?:O|N)(?:n|v)U|OU",
        month_day_of,
    ),
    ("(?:Z|N)UM(?:O|N)j|(?:Z|N)U(?:NJ)(?:O|N)j|NJ(?:O|N)j?", dated),
    ("(?:u|i|r)M(?:O|N)j?Z?", led_date),
    ("(?:O|jN|N)j?MZ|M(?:O|N)j?Z?|(?:O|jN|N)j?M", dated),
    ("(?:n|v|L)UW|W(?:n|v|L)U|WU(?:n|v|L)", weekday_of),
    ("(?:W|D)U", a_week_later),
    (f"(?:e|k|b)(?:{_THIS}U|U{_THIS}|U|MZ?)|(?:{_THIS}U|U|MZ?)(?:e|k)", edge),
    ("vP", a_part),
    ("(?:v|n|L|z)W|W(?:v|n|L|z)|W", a_weekday),
    ("nUz|Uz|(?:v|n|L|z)U|U(?:v|n|L|z)", a_period),
    ("U", a_weekend),
    ("D", named_day),
    ("C", literal_date),
    ("Y", holiday),
    ("(?:v|n|i|u|r)?MZ|(?:v|n|i|u|r)M|M(?:v|n)|M", bare_month),
    ("jN|Nj|O", a_month_day),
    ("(?:a|u)N(?!U|j?M|%)(?:i?P)?", bare_hour),
    ("Ni?P", of_part),
    ("(?:a|i|u)?P", a_part),
    (f"d{_LENGTH}", lasting),
    (f"{_LENGTH}", lasting),
    ("N", a_month_day),
)


class Patterns:
    """Those of a language, by the letters that they begin with."""

    def __init__(self, words: TimeWords) -> None:
        self._by_letter: dict[str, list[tuple[re.Pattern[str], Reader]]] = {}
        compiled = [(pattern, words.pattern(pattern), reader) for pattern, reader in _PATTERNS]
        for meant, letter in words.letters.items():
            self._by_letter[letter] = [
                (regex, reader) for pattern, regex, reader in compiled if _heads(pattern) & meant
            ]

    def at(self, letters: str, place: int) -> "list[tuple[re.Match[str], Reader]]":
        """Those that fit here, in their order."""
        found = (
            (regex.match(letters, place), reader)
            for regex, reader in self._by_letter.get(letters[place], ())
        )
        return [(match, reader) for match, reader in found if match]


@cache
def _heads(pattern: str) -> frozenset[str]:
    """The letters that what fits a pattern can begin with."""
    heads: set[str] = set()
    for choice in _choices(pattern):
        at = 0
        while at < len(choice):
            if choice[at] == "(":
                end = _closing(choice, at)
                inner = choice[at + 3 : end]
                heads |= set() if choice[at : at + 3] == "(?!" else _heads(inner)
            else:
                end = at
                heads.add(choice[at])
            if choice[end + 1 : end + 2] != "?":
                break
            at = end + 2
    return frozenset(heads)


def _choices(pattern: str) -> list[str]:
    depth = 0
    found = [""]
    for char in pattern:
        depth += {"(": 1, ")": -1}.get(char, 0)
        if char == "|" and not depth:
            found.append("")
        else:
            found[-1] += char
    return found


def _closing(choice: str, at: int) -> int:
    depth = 0
    for place in range(at, len(choice)):
        depth += {"(": 1, ")": -1}.get(choice[place], 0)
        if not depth:
            return place
    raise ValueError(choice)
