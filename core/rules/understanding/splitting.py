"""Where one utterance is several commands, and where one list of things is several todos."""

import re
from collections.abc import Iterable, Sequence
from typing import Final

from core.rules.understanding.commands import Span
from core.rules.understanding.frames import led, matching, stripped
from core.rules.understanding.spoken import WHEN, Spoken
from core.rules.understanding.words import Words

_WHOLE: Final = 2  # characters
_MOST: Final = 40  # places looked at
_LOOK: Final = 240  # characters of what follows that are looked at
_SENTENCE: Final = frozenset(".!?;\n…。；！？؟۔।")  # noqa: RUF001 (signs of other scripts)
_COMMA: Final = frozenset(",،，、")  # noqa: RUF001 (signs of other scripts)
_CREATING: Final = frozenset({"remind", "create", "add", "add_list", "to_list", "timed"})
_AIMED: Final = frozenset({"complete", "finish", "delete", "reopen"})
_NO_COMMAND: Final = frozenset({"nothing", "maybe", "list"})


def clauses(said: Spoken, words: Words, quoted: Sequence[Span]) -> list[Spoken]:
    """Split only where both sides are commands of their own."""
    places = _places(said, words, quoted)
    found: list[Spoken] = []
    begin = 0
    first = led(said, words)  # "could you do me a favor and": no command of its own
    for index, (end, start) in enumerate(places):
        if start <= first:
            continue
        following = places[index + 1][0] if index + 1 < len(places) else len(said.text)
        left, right = said.part(begin, end), said.part(start, min(len(said.text), start + _LOOK))
        near = said.part(start, following)
        if begin < end and _both(left, near, right, words):
            found.append(left)
            begin = start
    found.append(said.part(begin, len(said.text)))
    return found


def _both(  # noqa: PLR0911 (a ladder: the first that fits is meant)
    left: Spoken, near: Spoken, right: Spoken, words: Words
) -> bool:
    mine = kind(left, words)
    if mine is None:
        return False
    yours = kind(near, words) or kind(right, words)
    if yours is None:
        return False
    if any(match and not match.start() for match in _priorities(near, words)):
        return False  # "…, that's urgent"
    if mine == "set_priority" and yours in _CREATING | {"verb"} and _priority_before(left, words):
        return False  # "it's urgent, call the notary"
    if yours == "complete" and _names_nothing(near, words):
        return False  # "water the plants, done"
    if yours == "verb" and mine in _AIMED and WHEN not in near.text and _open(left, words):
        return False  # "complete buy milk and buy bread" is about two todos
    if yours == "verb":
        rest = stripped(near, words).text
        verb = words.finders["verbs"].match(rest)
        if verb is not None and words.finders["back"].match(rest, verb.end()):
            return False  # "take the car and fill it up"
        return _enough(left, words)
    if yours == "delete" and mine in _CREATING | {"verb"}:
        # Inside of what is dictated "and delete everything" is more likely text than a wish.
        return words.finders["whole"].search(near.text) is None
    return True


def _names_nothing(near: Spoken, words: Words) -> bool:
    frames = matching(stripped(near, words), words)
    return bool(frames) and not frames[0].groups


def _open(left: Spoken, words: Words) -> bool:
    """Whether it ends with the name of a todo."""
    frames = matching(stripped(left, words), words)
    return bool(frames) and frames[0].groups.get("target", (0, 0))[1] == len(frames[0].part.text)


def _priorities(near: Spoken, words: Words) -> "list[re.Match[str] | None]":
    behind = [*words.behind["priority"], *words.behind["tag"]]
    return [pattern.search(near.text) for pattern in behind]


def _priority_before(left: Spoken, words: Words) -> bool:
    found = (pattern.match(left.text) for pattern in words.before)
    return any(match and match.end() >= len(left.text.rstrip()) for match in found)


def _enough(left: Spoken, words: Words) -> bool:
    """Whether it is a task by itself: "wash and fold it", "go and see mom" are one."""
    part = stripped(left, words)
    frames = matching(part, words)
    title = frames[0].group("title") if frames and frames[0].name in _CREATING else part
    if title is None:
        return False
    text = title.text.replace(WHEN, "").strip()
    if words.spaced and " " not in text:
        return False
    return words.finders["motion"].match(text + " ") is None


def kind(part: Spoken, words: Words) -> str | None:
    """What a clause does, if it begins as a command."""
    part = stripped(part, words)
    frames = [frame for frame in matching(part, words) if frame.weight > 1]
    # "…, jam on my shopping list for tomorrow" begins with no list.
    frames = [frame for frame in frames if frame.groups.get("known", (1, 1))[0]]
    if frames and frames[0].name not in _NO_COMMAND:
        return frames[0].name
    if frames and frames[0].name == "nothing":
        return None
    if is_task(part.text, words):
        return "verb"
    return "list" if frames and frames[0].name == "list" and frames[0].weight > _QUESTION else None


_QUESTION: Final = 8


def is_task(text: str, words: Words) -> bool:
    """Whether it begins, or in some languages ends, with the verb of a task and has more."""
    first = words.finders["verbs"].match(text)
    if first is not None and first.end() < len(text.rstrip(WHEN + " ")):
        return True
    if first is not None and not words.spaced and first.end() >= _WHOLE:
        return True  # 开会, 跑步: with what is done
    return any(
        match.end() == len(text.rstrip(WHEN + " ")) + (1 if words.spaced else 0) and match.start()
        for match in words.finders["verbs_last"].finditer(text)
    )


def _places(said: Spoken, words: Words, quoted: Iterable[Span]) -> list[Span]:
    """Where a conjunction or a sign parts the text: end of the left, start of the right."""
    found = [match.span() for match in words.finders["and"].finditer(said.text)]
    for index in range(1, len(said.text)):
        if said.text[index - 1] == " " or not words.spaced:
            gap = said.raw[said.ends[index - 1] : said.starts[index]]
            ordinal = gap.startswith(".") and said.raw[said.ends[index - 1] - 1].isdigit()
            if not ordinal and any(sign in gap for sign in _SENTENCE | _COMMA):
                found.append((index, index))
    quotes = list(quoted)
    merged: list[Span] = []
    for start, end in sorted(found):
        at = said.starts[start] if start < len(said.starts) else len(said.raw)
        if start == 0 or end >= len(said.text) or any(a < at < b for a, b in quotes):
            continue
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged[:_MOST]


def things(title: Spoken, words: Words) -> list[Spoken]:
    """The things of "milk, eggs and bread" one by one; "bread and butter" is one."""
    found = [
        *(match.span() for match in words.finders["items"].finditer(title.text)),
        *_commas(title),
    ]
    pairs = [match.span() for match in words.finders["pairs"].finditer(title.text)]
    cuts = [
        (start, end)
        for start, end in sorted(found)
        if start
        and end < len(title.text)
        and not any(a <= start < b and a < end < b for a, b in pairs)
    ]
    pieces: list[Spoken] = []
    begin = 0
    for start, end in cuts:
        if start > begin:
            pieces.append(title.part(begin, start))
        begin = max(begin, end)
    pieces.append(title.part(begin, len(title.text)))
    pieces = [piece for piece in pieces if piece.text.strip(WHEN + " ")]
    first = is_task(pieces[0].text, words) if pieces else False
    if any(is_task(piece.text, words) != first for piece in pieces):
        return [title]  # "call mom and dad"
    return pieces


def leads(part: Spoken, time: Span, words: Words) -> bool:
    """Whether the time was said before the task, as in "remind me tomorrow to"."""
    inner = stripped(part, words)
    frames = matching(inner, words)
    title = frames[0].group("title") if frames else inner
    return title is not None and time[1] <= title.span(0, len(title.text))[0]


def _commas(title: Spoken) -> list[Span]:
    return [
        (index, index)
        for index in range(1, len(title.text))
        if any(sign in title.raw[title.ends[index - 1] : title.starts[index]] for sign in _COMMA)
    ]
