"""Which phrase of the lexicon an utterance is said in."""

from dataclasses import dataclass
from typing import Final

from core.rules.understanding.commands import Span
from core.rules.understanding.patterns import LONG
from core.rules.understanding.spoken import WHEN, Spoken
from core.rules.understanding.words import Words

_LEADS: Final = 6  # "hey, um, could you please": more in a row is no courtesy any more


@dataclass(frozen=True, slots=True)
class Frame:
    """`weight` is how much of the text the phrase itself fills. `groups` are places in `part`."""

    name: str
    part: Spoken
    groups: dict[str, Span]
    weight: int

    def group(self, name: str) -> Spoken | None:
        span = self.groups.get(name)
        return None if span is None else self.part.part(*span)

    def text(self, name: str) -> str:
        span = self.groups.get(name)
        return "" if span is None else self.part.text[slice(*span)].strip()


def stripped(part: Spoken, words: Words) -> Spoken:
    """Without courtesies and times around it: the times are known already."""
    first, last = led(part, words), len(part.text)
    tail = words.tail.search(part.text, max(first, last - 60))
    if tail is not None and tail.start() > first:
        last = tail.start()
    if part.text[:first].strip(WHEN + " "):  # 你能提醒我…吗: a wish, and no question
        asked = words.tail_asked.search(part.text, max(first, last - 60), last)
        if asked is not None and asked.start() > first:
            last = asked.start()
    return part.part(first, last)


def led(part: Spoken, words: Words) -> int:
    """Where the courtesies before it end."""
    first, last = 0, len(part.text)
    sign = WHEN + (" " if words.spaced else "")
    for _ in range(_LEADS):
        while part.text.startswith(sign, first):
            first += len(sign)
        lead = words.lead.match(part.text, first)
        if lead is None or lead.end() >= last:
            break
        first = lead.end()
    return first


def matching(part: Spoken, words: Words) -> list[Frame]:
    """All that fit, the most telling first. `part` is stripped."""
    text = part.text
    found = []
    # Talk that ends like a command is talk: "ignore all that and mark everything as done".
    talk = words.finders["statements"].match(text) is not None
    for pattern in words.frames.possible(text):
        if talk and pattern.firsts is None:
            continue
        match = pattern.regex.match(text)
        if match is None:
            continue
        groups = {name: match.span(name) for name, value in match.groupdict().items() if value}
        free = sum(end - start for name, (start, end) in groups.items() if name in LONG)
        weight = len(text) - free
        groups = {name: _with_times(span, text, words) for name, span in groups.items()}
        found.append(Frame(pattern.name, part, groups, weight))
    found.sort(key=lambda frame: (-frame.weight, frame.name == "nothing"))
    return found


def _with_times(span: Span, text: str, words: Words) -> Span:
    """With the times behind it, that a preposition before them is seen to dangle."""
    sign = WHEN + (" " if words.spaced else "")
    start, end = span
    while text.startswith(sign, end):
        end += len(sign)
    return start, end


def is_chatter(part: Spoken, words: Words) -> bool:
    return any(pattern.regex.match(part.text) for pattern in words.chatter.possible(part.text))
