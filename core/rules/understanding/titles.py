"""What is left when times, lists, tags and priorities are taken off the ends: the title.

Only ends are looked at, from the outside in: "buy the list of names" keeps its list.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from core.rules.understanding.commands import Span
from core.rules.understanding.spoken import WHEN, Spoken, fold, spoken
from core.rules.understanding.words import Words, stemmed

_TAIL: Final = 160  # so much of the end is looked at: what stands behind a title is short
_ROUNDS: Final = 12
_COMMA: Final = re.compile("[,،，、]")  # noqa: RUF001 (signs of other scripts)
_SPACES: Final = re.compile(r"\s+")
_BEFORE_SIGN: Final = re.compile(r"\s+([,;.!?])")
_SIGNS: Final = " \t\r\n,;.:!?-–—…、，。；：！？،؛؟।"  # noqa: RUF001 (signs of other scripts)
_PARTING: Final = ":,-、，："  # noqa: RUF001 (signs of other scripts)
_QUOTES: Final = {
    '"': '"',
    "“": "”",
    "„": "“",
    "«": "»",
    "'": "'",
    "‘": "’",  # noqa: RUF001 (quotation marks)
    "「": "」",
    "《": "》",
}


@dataclass(frozen=True, slots=True)
class Known:
    """The names that the person's lists and tags have, by how they are compared."""

    lists: Mapping[str, str]
    tags: Mapping[str, str]


@dataclass(slots=True)
class Slots:
    """`title` is what is left. `spans` tells where each of the others was said."""

    title: Spoken
    whole: bool = False
    into: str | None = None
    priority: str | None = None
    tags: list[str] = field(default_factory=list)
    spans: dict[str, Span] = field(default_factory=dict)


def known(lists: Sequence[str], tags: Sequence[str], words: Words) -> Known:
    return Known(
        {fold(name, spaced=words.spaced): name for name in lists},
        {fold(name, spaced=words.spaced): name for name in tags},
    )


def peeled(
    part: Spoken, words: Words, names: Known, *, into_list: bool, whole: bool = False
) -> Slots:
    """`into_list`: what is said adds to lists, so that "milk to groceries" names one.

    `whole`: nothing need be left, as of "what's on my shopping list".
    """
    slots = Slots(part, whole=whole)
    for _ in range(_ROUNDS):
        title = slots.title
        if not (_behind(slots, words, names, into_list=into_list) or _before(slots, words)):
            break
        if slots.title.text == title.text:
            break
    return slots


def _cut(slots: Slots, first: int, last: int) -> None:
    slots.title = slots.title.part(first, last)


def _behind(slots: Slots, words: Words, names: Known, *, into_list: bool) -> bool:
    title = slots.title
    skipped = max(0, len(title.text) - _TAIL)
    end = title.text[skipped:]
    sign = WHEN + (" " if words.spaced else "")
    if end.endswith(sign):
        last = len(title.text)
        while title.text.endswith(sign, 0, last):
            last -= len(sign)
        for _ in range(_ROUNDS):  # "the rent is due | on friday"
            dangling = words.dangling.search(title.text, max(0, last - _TAIL), last)
            if dangling is None or not dangling.start():
                break
            last = dangling.start()
        _cut(slots, 0, last)
        return True
    tail = words.tail.search(end)
    if tail is not None and (tail.start() or slots.whole):
        _cut(slots, 0, skipped + tail.start())
        return True
    for name in ("list", "tag", "priority", "known"):
        if name == "known" and not into_list:
            continue
        # Of several that fit the longest is all of it: "it's urgent", and not "urgent" alone.
        found = [match for pattern in words.behind[name] if (match := _last(pattern, end, name))]
        begun = sorted(((_begun(match, words, names), match) for match in found), key=_first)
        for start, match in begun:
            if _taken(slots, match, (skipped, start), words, names):
                _cut(slots, 0, skipped + start)
                return True
    return False


def _first(begun: tuple[int, object]) -> int:
    return begun[0]


def _begun(match: re.Match[str], words: Words, names: Known) -> int:
    """Where the phrase begins; one that begins with a name takes no more words than the name."""
    for name, known in (("list", names.lists), ("tag", names.tags)):
        if name in match.groupdict() and match.start(name) == match.start() and words.spaced:
            return match.end(name) - len(nearest(match[name], known, words))
    return match.start()


def nearest(text: str, known: Mapping[str, str], words: Words) -> str:
    """The end of the text that is a name; else its last word."""
    parts = text.split()
    ends = [" ".join(parts[at:]) for at in range(len(parts))]
    named = (end for end in ends if end in known or end in words.sets["list_names"])
    return next(named, ends[-1]) + " "


def _last(pattern: re.Pattern[str], end: str, name: str) -> re.Match[str] | None:
    match = pattern.search(end)
    while name == "known" and match is not None:
        # Of a list without the word for it the last place is meant: "talk to Bo to work".
        nearer = pattern.search(end, match.start() + 1)
        if nearer is None:
            break
        match = nearer
    return match


def _taken(  # noqa: PLR0911 (one return for each kind of phrase)
    slots: Slots, match: re.Match[str], begin: tuple[int, int], words: Words, names: Known
) -> bool:
    skipped, start = begin
    text = match.string
    groups = {
        name: text[max(start, match.start(name)) : match.end(name)]
        for name, said in match.groupdict().items()
        if said
    }
    first = skipped + start
    if first == 0 and not slots.whole:
        return False  # nothing would be left to do
    span = slots.title.span(first, skipped + match.end())
    if "list" in groups or "known" in groups:
        name = "list" if "list" in groups else "known"
        found = list_name(groups[name], words, names, only_known=name == "known")
        if found is None or slots.into is not None:
            return False
        place = slots.title.span(skipped + max(start, match.start(name)), skipped + match.end(name))
        slots.into = found or slots.title.raw[slice(*place)]
        slots.spans["list"] = span
        return True
    if "tag" in groups:
        place = slots.title.span(
            skipped + max(start, match.start("tag")), skipped + match.end("tag")
        )
        slots.tags[:0] = tag_names(slots.title.raw[slice(*place)], words, names)
        slots.spans["tags"] = span
        return True
    if not groups and match.re in words.behind["list"]:
        return True  # "to my list": the one there is
    if slots.priority is not None:
        return False
    slots.priority = priority_of(groups, words)
    slots.spans["priority"] = span
    return slots.priority is not None


def priority_of(groups: Mapping[str, str], words: Words) -> str | None:
    """High where a phrase means that without one of the words for it ("make it important")."""
    text = groups.get("priority") or groups.get("priority_word")
    return "high" if text is None else words.priority.get(text.strip())


def list_name(text: str, words: Words, names: Known, *, only_known: bool) -> str | None:
    """The name as the person wrote it once; empty for one that is new; null if it is none."""
    name = text.strip()
    for spelling in (name, *_with_list(name, words)):
        if spelling in names.lists:
            return names.lists[spelling]
    if endings := words.sets["endings"]:
        stems = {known: [stemmed(word, endings) for word in known.split()] for known in names.lists}
        said = [stemmed(word, endings) for word in name.split()]
        alike = [names.lists[known] for known, stem in stems.items() if stem == said]
        if len(alike) == 1:
            return alike[0]
    if only_known:
        return "" if name in words.sets["list_names"] else None
    parts = name.split() if words.spaced else [name]
    return None if all(part in words.sets["articles"] for part in parts) else ""


def _with_list(name: str, words: Words) -> Sequence[str]:
    gap = " " if words.spaced else ""
    return (
        [f"{name}{gap}{word}" for word in words.sets["list_words"]]
        + [name.removesuffix(f"{gap}{word}") for word in words.sets["list_words"]]
        + [f"{name}s", name.removesuffix("s")]
        + [
            stem
            for suffix in words.sets["list_suffixes"]
            if name.endswith(suffix)
            for stem in (name.removesuffix(suffix), name.removesuffix(suffix).removesuffix("s"))
        ]
    )


def tag_names(said: str, words: Words, names: Known) -> list[str]:
    """Several of "home and errands", unless that is the name of one."""
    whole = tag_name(said, words, names)
    if whole in names.tags.values():
        return [whole]
    part = spoken(said, spaced=words.spaced)
    cuts = [part.span(*match.span()) for match in words.finders["items"].finditer(part.text)]
    cuts += [match.span() for match in _COMMA.finditer(said)]
    found, begin = [], 0
    for start, end in [*sorted(cuts), (len(said), len(said))]:
        if name := said[begin:start].strip(_SIGNS):
            found.append(tag_name(name, words, names))
        begin = max(begin, end)
    return found or [whole]


def tag_name(said: str, words: Words, names: Known) -> str:
    return names.tags.get(fold(said, spaced=words.spaced), said)


def _before(slots: Slots, words: Words) -> bool:
    title = slots.title
    sign = WHEN + (" " if words.spaced else "")
    if title.text.startswith(sign):
        dangling = words.dangling_first.match(title.text, len(sign))
        _cut(slots, len(sign) if dangling is None else dangling.end(), len(title.text))
        return True
    extra = words.title_first.match(title.text)  # "noch Milch", "mal die Oma anrufen"
    if extra is not None and title.text[extra.end() :].strip(WHEN + " "):
        _cut(slots, extra.end(), len(title.text))
        return True
    if slots.priority is None:
        for pattern in words.before:
            match = pattern.match(title.text)
            if match is None or match.end() == len(title.text):
                continue
            last = max(match.end() - (2 if title.spaced else 1), 0)
            parted = title.raw[title.ends[last] :].lstrip()[:1] in _PARTING
            # Where verbs are last, a longer phrase tells: "उच्च प्राथमिकता के साथ".
            told = max(map(match.end, match.groupdict()), default=match.end()) < match.end()
            if (
                parted
                or words.finders["verbs"].match(title.text, match.end())
                or (told and words.finders["verbs_last"].search(title.text, match.end()))
            ):
                slots.priority = priority_of(match.groupdict(), words)
                slots.spans["priority"] = title.span(0, match.end())
                _cut(slots, match.end(), len(title.text))
                return True
    return False


def written(title: Spoken, masked: str) -> tuple[str, Span]:
    """The person's own words, without the times in them and what was blanked out."""
    if not title.text.strip():
        return "", (0, 0)
    start, end = title.span(0, len(title.text))
    start, end = _with_marks(masked, start, end)
    pieces = []
    at = start
    for index, char in enumerate(title.text):
        if char == WHEN:
            pieces.append(masked[at : title.starts[index]])
            at = title.ends[index]
    pieces.append(masked[at:end])
    gap = " " if title.spaced else ""
    text = gap.join(piece.strip(" ,，、") for piece in pieces if piece.strip(_SIGNS))  # noqa: RUF001 (signs of other scripts)
    text = _BEFORE_SIGN.sub(r"\1", _SPACES.sub(" ", text))
    return tidy(text), (start, end)


def _with_marks(raw: str, start: int, end: int) -> Span:
    """What touches the words belongs to them: "(again)", "C++", "100%", a quotation's marks."""
    while end < len(raw) and not raw[end].isspace() and raw[end] not in _SIGNS:
        if raw[end].isalnum():
            break
        end += 1
    while start and not raw[start - 1].isspace() and raw[start - 1] not in _SIGNS:
        if raw[start - 1].isalnum() or raw[start - 1] in "'’":  # noqa: RUF001 (an apostrophe)
            break
        start -= 1
    return start, end


def tidy(text: str) -> str:
    """Without signs at its ends, and without quotation marks around all of it."""
    text = text.strip(_SIGNS)
    if len(text) > 1 and _QUOTES.get(text[0]) in {text[-1], *("”" if text[0] == "„" else ())}:
        inner = text[1:-1]
        if text[0] not in inner and text[-1] not in inner:
            return inner.strip()
    return text
