"""Recurrences among the letters of an utterance: spelled in a few English words that the reader
of Todoist's dates knows, so that one place knows which rule is meant by them.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from core.rules.recurrence_spelling import WEEKEND
from core.rules.recurrence_todoist import DAYS, MONTHS, nth
from core.rules.rrule import Freq, Rule
from core.rules.todoist_days import NoRuleError, rule_of
from core.rules.understanding.time_tokens import Token
from core.rules.understanding.time_words import Meanings, TimeWords

# What may follow `every` or `weekly`, or be `mondays and fridays`; as much of it as makes sense.
RUN: Final = "(?:(?:W|X)(?:u|t)(?:W|X)|o|N|O|L|W|X|U|S|P|M|J|j|&)"
AFTER_EVERY: Final = f"E{RUN}+"
REPEATED: Final = f"R{RUN}*"
EVERY_WEEKDAY: Final = f"X{RUN}*"
EVERY_BEHIND: Final = "(?:NU|U|S|P|W(?:&?W)*)h"  # 2주마다, haftada bir
BEFORE_EVERY: Final = "(?:LUU?|(?:O|L)W?|jN|Nj?|W|X)(?:&?(?:O|W|X))*E(?:o|N|O)?U"
_MOST: Final = 999  # what is more is no interval
_SECOND: Final = 2


@dataclass(frozen=True, slots=True)
class Repeated:
    """`length` in tokens; `part` of the day ("every monday morning"); `done`: `every!`."""

    rule: Rule
    length: int
    part: str | None
    done: bool


def repeated(found: Sequence[Token]) -> Repeated | None:
    """The longest beginning of these tokens that is a rule."""
    for length in range(len(found), 0, -1):
        each = _of(found[:length])
        if each:
            return each
    return None


def repeated_before(found: Sequence[Token]) -> Repeated | None:
    """`the last friday of every month`: the days stand before it."""
    at = next(n for n, token in enumerate(found) if not token.meanings.keys().isdisjoint("Eh"))
    days, often = found[:at], found[at:]
    if (
        len(days) == 1
        and "h" not in often[0].meanings
        and not days[0].meanings.keys() & {"O", "W", "X", "L"}
        and not _gap(found, at)
    ):
        return None
    each = _of([*often, *days])
    return each if each is None or each.length == len(found) else None


def _of(found: Sequence[Token]) -> Repeated | None:
    words: list[str] = []
    part = None
    last = ""
    for n, token in enumerate(found):
        meant = token.meanings
        if not words and "o" not in meant and not meant.keys().isdisjoint("Eh"):
            continue
        if "P" in meant and part is None and n:
            part = str(meant["P"])
            if "W" not in meant:
                continue
        word, kind = _word(found, n, last)
        if word is None:
            return None
        if word:
            words.append(word)
        last = kind or last
    if last in {"&", "j"}:
        return None
    if len(words) == 1 and last == "O" and not _date_like(found[-1]):  # every second
        return None
    core = " ".join(words).replace(" ,", ",") or ("day" if part else "")
    rule = None if core.isdigit() else _rule(core)
    if rule is None:
        return None
    done = any(token.meanings.get("E") == "!" for token in found)
    return Repeated(rule, len(found), part, done)


Spelled = tuple[str | None, str]  # the word, null where this makes no sense; and its letter


def _word(found: Sequence[Token], at: int, last: str) -> Spelled:
    for speller in (_mark, _weekday, _measure, _kind):
        spelled = speller(found, at, last)
        if spelled:
            return spelled
    return None, ""


def _next(found: Sequence[Token], at: int) -> Meanings:
    return found[at + 1].meanings if at + 1 < len(found) else {}


def _mark(found: Sequence[Token], at: int, last: str) -> Spelled | None:
    meant = found[at].meanings
    if "j" in meant and ("N" in _next(found, at) or last in {"n", "N", "O"}):
        return "", ""
    if "J" in meant and last == "M":
        return "", ""
    if "R" in meant:
        return str(meant["R"]), "U"
    if at and not meant.keys().isdisjoint("ut"):
        return "-", "-"
    if "&" in meant:
        return ("and", "&") if last in {"W", "n", "O"} else (None, "")
    return None


def _weekday(found: Sequence[Token], at: int, last: str) -> Spelled | None:
    meant = found[at].meanings
    ordinal = "O" in meant and not _next(found, at).keys().isdisjoint("WU")
    counted = "U" in meant and last == "N"  # "minggu" is Sunday, and a week
    if ordinal or counted or meant.keys().isdisjoint("WX"):
        return None
    day = DAYS[meant.get("W", meant.get("X"))]
    return f"{', ' if last == 'W' else ''}{_on(last)}{day}", "W"


def _measure(found: Sequence[Token], at: int, last: str) -> Spelled | None:
    meant = found[at].meanings
    if "U" in meant and "O" not in meant:
        return _unit(found, at, last)
    if "o" in meant:
        return "other", "o"
    if "S" in meant:
        return f"{meant['S']} minute", "U"
    return None


def _kind(found: Sequence[Token], at: int, last: str) -> Spelled | None:
    meant = found[at].meanings
    if "O" in meant:
        return _ordinal(found, at, last)
    if "L" in meant:
        return f"{_on(last)}last", "L"
    if "M" in meant:
        return f"{_on(last)}{MONTHS[meant['M'] - 1]}", "M"
    return _count(found, at, last) if "N" in meant else None


def _ordinal(found: Sequence[Token], at: int, last: str) -> Spelled:
    """Every second Friday is every other one."""
    number: int = found[at].meanings["O"]
    if number == _SECOND and at == 1 and "W" in found[-1].meanings:
        return "other", "o"
    return f"{_on(last)}{nth(number)}", "O"


def _on(last: str) -> str:
    return "on the " if last == "U" else ""


def _count(found: Sequence[Token], at: int, last: str) -> Spelled:
    number = found[at].meanings["N"]
    if isinstance(number, float) or number > _MOST:
        return None, ""
    following = _next(found, at)
    marked = "j" in following or (at and "j" in found[at - 1].meanings)
    if "J" in following and 1 <= number <= len(MONTHS):
        return f"{_on(last)}{MONTHS[number - 1]}", "M"
    if last == "U" and "M" in following:
        return f"{_on(last)}{number}", "N"
    if last == "U" and not marked and not _gap(found, at):
        return None, ""
    if last == "U" or (marked and last != "M"):
        return f"{_on(last)}{nth(number)}", "n"
    return str(number), "N"


def _unit(found: Sequence[Token], at: int, last: str) -> Spelled:
    unit = str(found[at].meanings["U"])
    if unit == "month" and last in {"W", "n"}:
        return "", "U"  # the first Monday of the month
    if unit == "month" and last == "O" and _gap(found, at):
        return "", "U"
    if unit == "month" and last == "U" and "L" in found[max(at - 2, 0)].meanings:
        return "", "U"  # the last day of the month
    if last == "U" and unit not in {"day", "workday", "weekend"}:
        return None, ""
    if unit == "weekend":
        return ("on " if last == "U" else "") + "sat, sun", "W"
    return unit, "U" if last != "L" else "W" if unit == "workday" else "U"


def _date_like(token: Token) -> bool:
    return bool(token.meanings.keys() & {"Q", "W"})


def _gap(found: Sequence[Token], at: int) -> bool:
    """Whether a word that was left out stands between it and the one before: 1 de cada mes."""
    return at > 0 and found[at].first != found[at - 1].last + 1


def _rule(core: str) -> Rule | None:
    if not core:
        return None
    spelled = _SPAN.sub(_spelled, core)
    try:
        rule = rule_of(spelled)
    except (NoRuleError, ValueError, KeyError, TypeError):
        return None
    return Rule(Freq.WEEKLY, rule.interval, byday=WEEKEND) if core.endswith("weekend") else rule


_SPAN: Final = re.compile(rf"({'|'.join(DAYS)}) - ({'|'.join(DAYS)})")


def _spelled(span: re.Match[str]) -> str:
    """Each day of `mon - fri`."""
    first, last = DAYS.index(span[1]), DAYS.index(span[2])
    return ", ".join(DAYS[(first + n) % 7] for n in range((last - first) % 7 + 1))


@dataclass(frozen=True, slots=True)
class Rules:
    """The patterns of a language."""

    before: re.Pattern[str]
    after: re.Pattern[str]

    def at(self, found: Sequence[Token], letters: str, place: int) -> Repeated | None:
        """The recurrence that begins with this token."""
        match = self.before.match(letters, place)
        each = repeated_before(found[place : match.end()]) if match else None
        if each:
            return each
        match = self.after.match(letters, place)
        return repeated(found[place : match.end()]) if match else None


def rules(words: TimeWords) -> Rules:
    return Rules(
        words.pattern(f"(?:{EVERY_BEHIND}|{BEFORE_EVERY})"),
        words.pattern(f"(?:{AFTER_EVERY}|{REPEATED}|{EVERY_WEEKDAY})"),
    )
