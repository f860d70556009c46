"""The words of an utterance as what they can mean to a time; see `time_words` for the letters."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, time
from typing import Any, Final

from core.rules.understanding.text import Text, Word
from core.rules.understanding.time_words import UNKNOWN, Meanings, TimeWords

_FIRST_YEAR: Final = 1970
_LAST_YEAR: Final = 2199
_LONGEST_NUMBER: Final = 4  # digits; what is longer is no time
_BREAKS: Final = frozenset("!?;\n")
_TENS: Final = range(20, 100, 10)
_DROPPED: Final = frozenset("FGHB")  # between parts of a time they say nothing
_CENTURY: Final = 2000
_DIGIT_DAYS: Final = range(1, 7)
_COUNTED: Final = frozenset("cUjJxm")  # behind a number it is no name of a day
_BETWEEN_DAYS: Final = frozenset("&tu")


@dataclass(frozen=True, slots=True)
class Token:
    """`first` and `last` are the places of its words, both included."""

    letter: str
    meanings: Meanings
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Literal:
    """A date or a time that was written in digits. `sure`: it can be read in one way only."""

    value: date | time | None
    sure: bool
    strong: bool = True  # nothing else is written like this


def tokens(text: Text, words: TimeWords) -> tuple[list[Token], list[Token]]:
    """Those that mean something, and the glue between them.

    A full stop or a word that means nothing is `UNKNOWN`.
    """
    found: list[Token] = []
    glue: list[Token] = []
    at = 0
    while at < len(text.words):
        word = text.words[at]
        if at and _breaks(word, text.words[at - 1]):
            if word.before.startswith("!") and found and "E" in found[-1].meanings:
                found[-1] = _token({**found[-1].meanings, "E": "!"}, found[-1].first, at - 1, words)
            else:
                found.append(Token(UNKNOWN, {}, at, at - 1))
        if word.text[0].isdigit():
            length, meanings = _digits(text, at, words)
        else:
            length, meanings = words.phrases.longest(text.forms, at) or (1, {})
        token = _token(meanings, at, at + length - 1, words)
        joined = _joined(found[-1], token, word, words) if found else None
        if joined:
            found[-1] = joined
        else:
            (glue if meanings and meanings.keys() <= _DROPPED else found).append(token)
        at += length
    return found if words.spaced else _in_a_row(found, words), glue


def _in_a_row(found: list[Token], words: TimeWords) -> list[Token]:
    """每周一三五: behind the name of a day that recurs a digit is the name of another."""
    out: list[Token] = []
    row = False
    for n, token in enumerate(found):
        meant = token.meanings
        touches = bool(out) and out[-1].last == token.first - 1
        if "W" in meant:
            row = touches and (row or "E" in out[-1].meanings)
        elif row and touches and meant.get("N") in _DIGIT_DAYS and token.first == token.last:
            run = next(
                (each for each in found[n:] if each.meanings.get("N") not in _DIGIT_DAYS), None
            )
            if run is None or _COUNTED.isdisjoint(run.meanings):
                out.append(_token({"W": meant["N"] - 1}, token.first, token.last, words))
                continue
            row = False
        elif not (touches and not _BETWEEN_DAYS.isdisjoint(meant)):
            row = False
        out.append(token)
    return out


def _token(meanings: Meanings, first: int, last: int, words: TimeWords) -> Token:
    return Token(words.letter(meanings) if meanings else UNKNOWN, meanings, first, last)


def _breaks(word: Word, before: Word) -> bool:
    gap = word.before
    if not _BREAKS.isdisjoint(gap):
        return True
    return gap.startswith(".") and len(gap) > 1 and not before.text[0].isdigit()


def _joined(before: Token, token: Token, word: Word, words: TimeWords) -> Token | None:
    """Twenty five, twenty-fifth: said in two words."""
    if before.last != token.first - 1 or before.meanings.get("N") not in _TENS:
        return None
    if word.text[0].isdigit() or word.before not in {" ", "-"}:
        return None
    tens = before.meanings["N"]
    units = {
        letter: tens + token.meanings[letter]
        for letter in "NO"
        if token.meanings.get(letter, 0) in range(1, 10)
    }
    return _token(units, before.first, token.last, words) if units else None


def _digits(text: Text, at: int, words: TimeWords) -> tuple[int, Meanings]:
    run = list(_run(text, at))
    signs = "".join(sign for sign, _ in run[1:])
    written = _literal(signs, [number for _, number in run], text, at, words)
    if written:
        return written
    number = text.words[at].text
    if len(number) > _LONGEST_NUMBER:
        return 1, {}
    after = text.words[at + 1] if at + 1 < len(text.words) else None
    if after and not after.before and after.text in words.ordinal_marks:
        return 2, {"O": int(number), "Q": True}
    meanings: dict[str, Any] = {"N": int(number)}
    if _FIRST_YEAR <= int(number) <= _LAST_YEAR:
        meanings["Z"] = int(number)
    elif "." in words.ordinal_marks and (after.before if after else text.tail).startswith("."):
        meanings |= {"O": int(number), "Q": True}
    return 1, meanings


def _run(text: Text, at: int) -> Iterator[tuple[str, str]]:
    """Up to three numbers with nothing but one sign between them."""
    for place in range(at, min(at + 3, len(text.words))):
        word = text.words[place]
        joined = place == at or word.before in {":", ".", "/", "-", ","}
        if not joined or not word.text[0].isdigit() or len(word.text) > _LONGEST_NUMBER:
            return
        yield word.before if place > at else "", word.text


def _literal(
    signs: str, numbers: list[str], text: Text, at: int, words: TimeWords
) -> tuple[int, Meanings] | None:
    if not signs:
        return None
    if signs[0] == ":":
        return 2 + (signs == "::"), {"T": _clock(numbers[0], numbers[1])}
    if signs[0] == ",":
        return 2, {"N": float(f"{numbers[0]}.{numbers[1]}")}
    if len(set(signs)) == 1 and len(numbers) == len("dmy"):
        return 3, {"C": _date(numbers, words.date_order)}
    after = text.words[at + 2].before if at + 2 < len(text.words) else text.tail
    ordinal = after.startswith(".") and "." in words.ordinal_marks
    if signs[0] == "/" or (signs[0] == "." and ordinal):
        order = words.date_order if signs[0] == "/" else "dmy"
        return 2, {"C": _date(numbers[:2], order)}
    return (2, _decimal(numbers)) if signs[0] == "." else None


def _decimal(numbers: list[str]) -> Mapping[str, Any]:
    value = float(".".join(numbers[:2]))
    clock = _clock(numbers[0], numbers[1])
    if clock.value is None:
        return {"N": value}
    return {"N": value, "T": Literal(clock.value, sure=clock.sure, strong=False)}


def _clock(hour: str, minute: str) -> Literal:
    if int(hour) > 24 or int(minute) > 59 or len(minute) != len("00"):  # noqa: PLR2004 (of a clock)
        return Literal(None, sure=False)
    sure = int(hour) % 24 > 12 or int(hour) % 24 == 0 or hour.startswith("0")  # noqa: PLR2004 (of a clock)
    return Literal(time(int(hour) % 24, int(minute)), sure=sure)


def _date(numbers: list[str], order: str) -> Literal:
    """Of a date without a year, the year is left to be found: it stands in the leap year 4."""
    given = [int(number) for number in numbers]
    whole = len(numbers) == len("dmy")
    if len(numbers[0]) == len("yyyy"):
        order = "ymd"
    elif order == "ymd" and whole and len(numbers[-1]) == len("yyyy"):
        order = "dmy"
    kept = order if whole else order.replace("y", "")
    parts = dict(zip(kept, given, strict=False))
    year = parts.get("y", 4)
    if whole and year < 100:  # noqa: PLR2004 (years are written with two digits)
        year += _CENTURY
    month, day = parts["m"], parts["d"]
    swapped = month > 12  # noqa: PLR2004 (months)
    if swapped:
        month, day = day, month
    sure = swapped or order != "mdy" or day > 12 or day == month  # noqa: PLR2004 (months)
    two_digits = all(len(number) == len("00") for number in numbers)
    try:
        return Literal(date(year, month, day), sure=sure, strong=whole or two_digits)
    except ValueError:
        return Literal(None, sure=False, strong=whole)
