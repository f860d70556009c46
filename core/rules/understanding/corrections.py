"""What was taken back while it was said is blanked out: the last value of its kind is meant."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from core.rules.understanding.cleaning import PAUSE, blank, quoted, touches
from core.rules.understanding.commands import Said, Span
from core.rules.understanding.spoken import WHEN, Spoken, fold, spoken
from core.rules.understanding.words import Words, names_day

Find = Callable[[str], Sequence[Said]]

_COMMAS: Final = frozenset(",،，、–—")  # noqa: RUF001 (signs of other scripts)
_PAUSES: Final = " ,،，、–—-"  # noqa: RUF001 (signs of other scripts)
_CORRECTIONS: Final = 4  # of one utterance; each is a look at all of it
_LONG: Final = 600  # characters; of more only the first correction is looked for
_MARKERS: Final = 12  # words that may be a correction: each is looked at
_REPAIR_WORDS: Final = 4


@dataclass(frozen=True, slots=True)
class _Place:
    """A correction: what was said before it, what comes after it."""

    marker: Span
    before: str
    after: str


def corrected(raw: str, words: Words, find: Find) -> str | None:
    """The text with what was taken back blanked: the last value of the same kind is kept.

    Null when everything was taken back ("never mind").
    """
    if _withdrawn(raw, words):
        return None
    for _ in range(_CORRECTIONS):
        said = spoken(raw, spaced=words.spaced)
        kept = quoted(raw)
        priorities = words.finders["priority"].finditer(said.text)
        kept += [said.span(*match.span()) for match in priorities]  # "no rush" takes nothing back
        for match, strong in _markers(said.text, words)[: _MARKERS if len(raw) < _LONG else 1]:
            span = _with_pauses(raw, said.span(*match.span()))
            if touches(span, kept):
                continue
            before, after = said.text[: match.start()], said.text[match.end() :]
            if not after.strip():
                if words.finders["withdrawn"].search(said.text, match.start()):
                    return None
                continue
            if not before.strip():
                continue
            place = _Place(span, raw[: span[0]], raw[span[1] :])
            repaired = _repaired(raw, place, words, find, strong=strong)
            if repaired is not None:
                raw = repaired
                break
        else:
            break
    return raw


def _withdrawn(raw: str, words: Words) -> bool:
    """Whether all of it is taken back at its end: "no wait, don't"."""
    said = spoken(raw, spaced=words.spaced)
    return any(
        match.start() and not words.tail.sub("", said.text[match.end() :]).strip()
        for match in words.finders["withdrawn"].finditer(said.text)
    )


def _with_pauses(raw: str, span: Span) -> Span:
    """With the commas around it: ", I mean, "."""
    start, end = span
    while start and raw[start - 1] in _PAUSES:
        start -= 1
    while end < len(raw) and raw[end] in _PAUSES:
        end += 1
    return start, end


def _markers(text: str, words: Words) -> list[tuple[re.Match[str], bool]]:
    strong = [(match, True) for match in words.finders["corrections"].finditer(text)]
    weak = [
        (match, False)
        for match in words.finders["weak_corrections"].finditer(text)
        if not any(a.start() <= match.start() < a.end() for a, _ in strong)
    ]
    return sorted(strong + weak, key=lambda found: found[0].start())


def _repaired(raw: str, place: _Place, words: Words, find: Find, *, strong: bool) -> str | None:
    """Null when this is no correction after all ("does it actually work")."""
    marker = place.marker
    times = list(find(place.before))
    new = _begins_with_time(place.after, words, find)
    if new is not None and times:
        old = _same_kind(place.before, times, new, place.after, words)
        return blank(raw, [*old, marker])
    led = _led(raw, place, times, find)
    if led is not None:
        return led
    number = _numbers(place.before, place.after, words)
    if number is not None:
        return blank(raw, [number, marker])
    other = _same_phrase(place, words)
    if other is not None:
        return blank(raw, [other, marker])
    start = place.marker[0]
    paused = bool(PAUSE.search(raw[: start + 1].rstrip())) or raw[start : start + 1] in _COMMAS
    if not (strong or paused):
        return None
    piece = _piece(place, words, find)
    return None if piece is None else blank(raw, [*piece, marker])


def _begins_with_time(after: str, words: Words, find: Find) -> Said | None:
    times = find(after)
    if not times:
        return None
    start = times[0].spans[0][0]
    lead = spoken(after[:start], spaced=words.spaced).text
    lead = words.dangling_first.sub("", lead)
    return None if lead.strip() and not words.lead.fullmatch(lead) else times[0]


def _says_day(text: str, time: Said, words: Words) -> bool:
    return any(names_day(text[start:end], words) for start, end in time.spans)


def _same_kind(
    before: str, times: Sequence[Said], new: Said, after: str, words: Words
) -> list[Span]:
    """What of the times before is replaced: days by days, clock times by clock times."""
    day = _says_day(after, new, words)
    clock = new.due is not None and new.due.at is not None
    gone: list[Span] = []
    for time in times:
        old_day = _says_day(before, time, words)
        old_clock = time.due is not None and time.due.at is not None
        if old_day and old_clock and not (day and clock) and words.spaced:
            for start, end in time.spans:
                gone += [
                    (start + word.start(), start + word.end())
                    for word in re.finditer(r"\S+", before[start:end])
                    if names_day(word[0], words) == day
                ]
        elif old_day and old_clock and not (day and clock) and len(time.parts) > 1:
            # 明天下午三点 不对 四点: the day stays, and which half of it is meant.
            kinds = [span for kind, span in time.parts if (kind == "time") == clock]
            gone += kinds[-1:] if clock else kinds
        elif (day and old_day) or (clock and old_clock):
            gone.extend(time.spans)
    return gone


_NUMBER_END: Final = re.compile(r"\d[\d:.]*\s*[,.]?\s*$")
_WORD_END: Final = re.compile(r"(\w+)\s*[,.]?\s*$")
_WORD_START: Final = re.compile(r"\s*[,.]?\s*(\w+)")
_NUMBER_START: Final = re.compile(r"\s*[,.]?\s*\d")


def _led(raw: str, place: _Place, times: Sequence[Said], find: Find) -> str | None:
    """Where the new time needs the first word of the old: "in ten minutes, no, twenty minutes"."""
    if not times:
        return None
    start, end = max(times[-1].spans)
    first = re.match(r"\w+", place.before[start:end])
    if first is None or place.before[end:].strip():
        return None
    tried = blank(raw, [(start + first.end(), end), place.marker])
    after = place.marker[1]
    if any(a == start and b > after for time in find(tried) for a, b in time.spans):
        return tried
    return None


def _numbers(before: str, after: str, words: Words) -> Span | None:
    """Where "at 5 no wait 6" has the 5: only the number is replaced."""
    if not words.spaced:
        return None
    match = _NUMBER_END.search(before[-20:])
    if match is not None and _NUMBER_START.match(after):
        return (max(0, len(before) - 20) + match.start(), len(before))
    last, first = _WORD_END.search(before[-20:]), _WORD_START.match(after)
    if last is None or first is None:
        return None
    if fold(last[1]) not in words.numbers or fold(first[1]) not in words.numbers:
        return None
    return (max(0, len(before) - 20) + last.start(), len(before))


def _same_phrase(place: _Place, words: Words) -> Span | None:
    """A priority by a priority, a list by a list."""
    after = spoken(place.after, spaced=words.spaced).text
    before = spoken(place.before, spaced=words.spaced)
    for name in ("priority", "list"):
        for new in words.behind[name]:
            first = new.search(after)
            if first is None or first.start() > 0:
                continue
            for old in words.behind[name]:
                found = old.search(before.text)
                if found is not None:
                    return before.span(*found.span())
    return None


def _piece(place: _Place, words: Words, find: Find) -> list[Span] | None:
    """Which words of the title the correction replaces, times between them aside."""
    before = _untimed(place.before, words, find)
    after = _untimed(place.after, words, find)
    end = _title_end(before.text, words)
    if not words.spaced:
        return _unspaced(before, end, after.text, words)
    if not words.sets["verbs"]:
        return _again(before, end, after.text.split(), words)
    return _spaced(before, end, after.text, words)


def _untimed(raw: str, words: Words, find: Find) -> Spoken:
    times = [span for time in find(raw) for span in time.spans]
    return spoken(raw, spaced=words.spaced, holes=times)


def _unspaced(before: Spoken, end: int, after: str, words: Words) -> list[Span] | None:
    """From where the same character stood; or 买苹果 不对 香蕉: what a verb has is said anew."""
    start = before.text.rfind(after[:1], 0, end) if after else -1
    if start < 0:
        verbs = words.finders["verbs"].finditer(before.text)
        start = max((verb.end() for verb in verbs), default=end)
    return None if start >= end else _around(before, start, end)


def _spaced(  # noqa: PLR0911 (a ladder: the first that fits is meant)
    before: Spoken, end: int, after: str, words: Words
) -> list[Span] | None:
    new = after[: _title_end(after, words)].split()
    if not new:
        return None
    verb = _last_verb(before.text[:end], after, words)
    if verb is not None:
        return _around(before, verb, end)
    if new[-1] in words.sets["list_words"] and (at := before.text.rfind(f" {new[0]} ")) >= 0:
        # "To the work list, no, the home list".
        return _around(before, at + 1, len(before.text))
    repeated = before.text[:end].rfind(f" {new[0]} ")
    first = before.text.startswith(f"{new[0]} ")
    if repeated >= 0 or (first and end):
        return _around(before, 0 if first and repeated < 0 else repeated + 1, len(before.text))
    if not words.sets["particles"].isdisjoint(before.text[:end].split()[-1:]):
        return None  # "ruf Peter an, ich meine Paul"
    if new[0].isdigit() or new[0] in words.numbers:
        return _other_number(before, end, alone=len(new) == 1, words=words)
    return _last_words(before, end, new, words)


def _last_words(before: Spoken, end: int, new: Sequence[str], words: Words) -> list[Span] | None:
    """As many as are new; with their article, where that is said anew as well."""
    articles = words.sets["articles"]
    count = len([word for word in new if word not in articles and word != WHEN])
    if count > _REPAIR_WORDS:
        return None
    at = end
    for _ in range(count):
        at = before.text.rfind(" ", 0, max(at - 1, 0)) + 1
    article = before.text[:at].split()[-1:]
    if new[0] in articles and not articles.isdisjoint(article):
        at -= len(article[0]) + 1
    return _around(before, at, end)


def _other_number(before: Spoken, end: int, *, alone: bool, words: Words) -> list[Span] | None:
    """The number only, or it and what it counts: "three apples, no, four"."""
    found = [
        match.span()
        for match in re.finditer(r"\S+", before.text[:end])
        if match[0].isdigit() or match[0] in words.numbers
    ]
    if not found or (alone and before.text[found[-1][1] : end].strip()):
        return None  # "three apples, no, four": we cannot say it for them
    return _around(before, found[-1][0], end)


def _last_verb(before: str, after: str, words: Words) -> int | None:
    """Where "wash the car" begins that "no, vacuum the car" takes the place of."""
    verbs = words.finders["verbs"]
    if verbs.match(after) is None:
        return None
    return max((match.start() for match in verbs.finditer(before)), default=None)


def _again(before: Spoken, end: int, new: Sequence[str], words: Words) -> list[Span] | None:
    """Where verbs are last, what follows goes on to the end of the sentence: all of it is said
    again if both end alike, else what stands before the same word, else the last word.
    """
    old = before.text[:end].split()
    whole = before.text.split()
    if not new or not old:
        return None
    if whole[-1] == new[-1] and words.finders["verbs_last"].search(f"{new[-1]} "):
        return _around(before, 0, len(before.text))
    same = next((n for n, word in enumerate(new[1:], 1) if word in old and word != WHEN), None)
    at = len(old) - 1
    if same is not None:
        at = max(len(old) - 1 - old[::-1].index(new[same]) - same, 0)
    return _around(before, len("".join(f"{word} " for word in old[: max(at, 0)])), end)


def _title_end(text: str, words: Words) -> int:
    """Where the title ends and its list, priority and times begin."""
    end = len(text)
    for _ in range(_REPAIR_WORDS):
        found = [
            match.start()
            for name in ("list", "priority", "tag")
            for pattern in words.behind[name]
            if (match := pattern.search(text[:end]))
        ]
        if text[:end].rstrip().endswith(WHEN):
            found.append(text[:end].rindex(WHEN))
        if not found:
            break
        end = min(found)
    return end


def _around(before: Spoken, start: int, end: int) -> list[Span]:
    """The spans of this stretch without the times in it."""
    spans = []
    at = start
    for index in [*(i for i in range(start, end) if before.text[i] == WHEN), end]:
        span = before.span(at, index)
        if span[1] > span[0]:
            spans.append(span)
        at = index + 1
    return spans
