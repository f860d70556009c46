"""Every due time and every recurrence that an utterance has, in any language with a lexicon.

Words become letters, letters become days and times of the clock, and what belongs together of
these becomes one `Said`, also when other words stand between ("tomorrow remind me at 5").
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final

from core.rules.understanding import time_rules, time_tokens, time_words
from core.rules.understanding.commands import Said
from core.rules.understanding.lexicon import Lexicon
from core.rules.understanding.text import Text
from core.rules.understanding.time_groups import NUMBER, STRONG, WEAK, Item, grouped
from core.rules.understanding.time_moments import Clock, Days, Hour, in_part
from core.rules.understanding.time_patterns import Patterns
from core.rules.understanding.time_rules import Repeated
from core.rules.understanding.time_said import said_of
from core.rules.understanding.time_scene import AfterDone, Ahead, Length, Meaning, Part, Scene
from core.rules.understanding.time_tokens import Token
from core.rules.understanding.time_words import UNKNOWN

__all__ = ["Clock", "find"]

_LANGUAGES: Final = 64
_FLOOR: Final = 0.8  # on the 3rd floor
_FIRST_OF_HALF, _LAST_OF_HALF = 4, 11  # hours of which there is one before and one after noon


@dataclass(frozen=True, slots=True)
class _Language:
    words: time_words.TimeWords
    patterns: Patterns
    rules: time_rules.Rules
    may_repeat: frozenset[str]  # letters of `every` and the like
    vague: frozenset[str]
    done: frozenset[str]


def find(
    text: Text,
    lexicon: Lexicon,
    clock: Clock,
    *,
    past: bool = False,
    lasting: bool = False,
    half: str | None = None,
) -> list[Said]:
    """In the order in which they were said; none touches another. Never raises.

    `past`: it asks for what was, so Friday is the last one. `lasting`: it asks how long, so "two
    hours" and "for a day" are from now on. `half`: what it speaks of is of the morning or of the
    evening ("wake me up at 6").
    """
    language = _language(lexicon)
    text = language.words.parting.apart(text)
    found, glue = time_tokens.tokens(text, language.words)
    if all(token.letter == UNKNOWN for token in found):
        return []
    items = list(_items(text, found, glue, language, clock, past=past, lasting=lasting))
    if half:
        items = _halved(items, half)
    kept = [item for n, item in enumerate(items) if _counts(n, items, found)]
    groups = grouped(kept, clock)
    vague = [token for token in found if token.letter in language.vague]
    said = (said_of(group, text, clock, vague) for group in groups)
    return [each for each in said if each]


def _halved(items: list[Item], half: str) -> list[Item]:
    """Only where one time alone is said: of several, who knows which one it is about."""
    places = [n for n, item in enumerate(items) if isinstance(item.meaning, Hour)]
    for n in places[:1] if len(places) == 1 else ():
        hour = items[n].meaning
        if (
            isinstance(hour, Hour)
            and not hour.sure
            and hour.part is None
            and _FIRST_OF_HALF <= hour.hour <= _LAST_OF_HALF
            and not any(isinstance(item.meaning, Part) for item in items)
        ):
            items[n] = replace(items[n], meaning=in_part(hour, half))
    return items


@lru_cache(_LANGUAGES)
def _language(lexicon: Lexicon) -> _Language:
    words = time_words.compiled(lexicon)

    def letters(meant: str) -> frozenset[str]:
        return frozenset(letter for kind, letter in words.letters.items() if kind & set(meant))

    return _Language(
        words, Patterns(words), time_rules.rules(words), letters("ERXh"), letters("V"), letters("K")
    )


def _items(
    text: Text,
    found: Sequence[Token],
    glue: Sequence[Token],
    language: _Language,
    clock: Clock,
    *,
    past: bool,
    lasting: bool,
) -> Iterator[Item]:
    letters = "".join(token.letter for token in found)
    repeats = not language.may_repeat.isdisjoint(letters)
    before = {token.last: token for token in glue}
    behind = {token.first: token for token in glue}
    scene = Scene((), clock, past, language.words, text)
    last: Item | None = None
    place = 0
    while place < len(found):
        if letters[place] == UNKNOWN:
            place += 1
            continue
        item = None
        if repeats:
            rule = language.rules.at(found, letters, place)
            if rule:
                item = _item(place, place + rule.length, found, rule)
        if item is None:
            item = _read(place, found, letters, language, scene, last, lasting=lasting)
        if item is None:
            place += 1
            continue
        item = _extended(item, found, last, before, behind)
        place = item.end
        last = item
        yield item


def _item(begin: int, end: int, found: Sequence[Token], meaning: Meaning | Repeated) -> Item:
    return Item(begin, end, found[begin].first, found[end - 1].last, meaning)


def _read(
    place: int,
    found: Sequence[Token],
    letters: str,
    language: _Language,
    scene: Scene,
    last: Item | None,
    *,
    lasting: bool,
) -> Item | None:
    meant = found[place].meanings
    beside_day = last and last.end == place and isinstance(last.meaning, Days)
    if beside_day and "P" in meant and "D" in meant:  # heute morgen
        return _item(place, place + 1, found, Part(meant["P"], this=False))
    if "K" in meant:
        return _item(place, place + 1, found, AfterDone())
    for match, reader in language.patterns.at(letters, place):
        tokens = found[place : match.end()]
        try:
            read = reader(Scene(tokens, scene.clock, scene.past, scene.words, scene.text))
        except (OverflowError, ValueError):  # beyond the calendar
            continue
        if read is None:
            continue
        meaning = read.meaning
        if lasting and read.weak and isinstance(meaning, Hour) and "u" not in tokens[0].meanings:
            continue  # "put it off by une heure"
        if isinstance(meaning, Length) and lasting:
            meaning = Ahead(meaning)
        item = _item(place, match.end(), found, meaning)
        lead = next((each for each in "ur" if each in tokens[0].meanings), "")
        weak = NUMBER if read.number else WEAK if read.weak else STRONG
        return replace(item, lead=lead, weak=weak)
    return None


def _extended(
    item: Item,
    found: Sequence[Token],
    last: Item | None,
    before: dict[int, Token],
    behind: dict[int, Token],
) -> Item:
    """With the words that lead it in, and those behind that belong to it."""
    free = last.last if last else -1
    led = False
    first, begin, lead = item.first, item.begin, item.lead
    while first - 1 in before and first - 1 > free:
        token = before[first - 1]
        if "B" in token.meanings:  # "Rohit को | कल": it belongs to what stands before
            break
        led = led or not token.meanings.keys().isdisjoint("GH")
        if item.weak == NUMBER and "H" in token.meanings:
            item = replace(item, weak=STRONG)
        first = token.first
    leads = found[begin - 1].meanings if begin and (last is None or last.end < begin) else {}
    if leads and found[begin - 1].last == first - 1 and not leads.keys().isdisjoint("urGad"):
        lead = lead or next((each for each in "ur" if each in leads), "")
        led = led or "G" in leads
        if lead or led:
            begin, first = begin - 1, found[begin - 1].first
    end = item.last
    while end + 1 in behind and "B" in behind[end + 1].meanings:
        end = behind[end + 1].last
        led = True
    trail = found[item.end] if item.end < len(found) else None
    if trail and trail.first == end + 1 and "B" in trail.meanings:
        led, end = True, trail.last
        lead = lead or next((each for each in "ur" if each in trail.meanings), "")
        item = replace(item, end=item.end + 1)
    weak = STRONG if item.weak == WEAK and (led or lead) else item.weak
    meaning = item.meaning
    follows = found[item.end] if item.end < len(found) else None
    alone = item.end - item.begin == 1 and "Q" in found[item.begin].meanings
    if alone and item.begin and isinstance(meaning, Days) and _word_follows(follows):
        item = replace(item, meaning=replace(meaning, confidence=min(meaning.confidence, _FLOOR)))
    return replace(item, begin=begin, first=first, last=end, lead=lead, weak=weak)


def _word_follows(token: Token | None) -> bool:
    return token is not None and token.letter == UNKNOWN and token.last >= token.first


def _counts(n: int, items: Sequence[Item], found: Sequence[Token]) -> bool:
    """Whether it is a time at all: what is weak needs something beside it."""
    item = items[n]
    if item.weak == NUMBER:
        return False
    if item.weak == STRONG:
        return True
    if item.end == len(found) and "Q" in found[item.end - 1].meanings:
        return True
    beside = [items[n - 1]] if n else []
    beside += items[n + 1 : n + 2]
    return any(
        other.weak != NUMBER and (other.end == item.begin or item.end == other.begin)
        for other in beside
    )
