"""What was said without being meant is blanked out: fillers and stutters.

Blanks keep every place in the text where it was.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from core.rules.understanding.commands import Span
from core.rules.understanding.spoken import Spoken, spoken
from core.rules.understanding.words import Words

_QUOTED: Final = re.compile(
    r"\"[^\"\n]{1,300}\"|“[^”\n]{1,300}”|„[^“”\n]{1,300}[“”]|«[^»\n]{1,300}»|「[^」\n]{1,300}」"
    r"|《[^》\n]{1,300}》|(?<!\w)['‘][^'’\n]{1,300}['’](?!\w)"  # noqa: RUF001 (quotation marks)
)
PAUSE: Final = re.compile(r"[,;.!?…،、，。—–-]\s*$")  # noqa: RUF001 (signs of other scripts)


def blank(raw: str, spans: Iterable[Span]) -> str:
    for start, end in spans:
        raw = raw[:start] + " " * (end - start) + raw[end:]
    return raw


def quoted(raw: str) -> list[Span]:
    """Where something is quoted: nothing in there is a time, a correction or a conjunction."""
    return [match.span() for match in _QUOTED.finditer(raw)]


def without_fillers(raw: str, words: Words) -> str:
    """Blanks "um", and what is said twice in a row: "to to", "remind me remind me"."""
    said = spoken(raw, spaced=words.spaced)
    kept = quoted(raw)
    out = [said.span(*match.span()) for match in words.finders["fillers"].finditer(said.text)]
    for match in words.finders["weak_fillers"].finditer(said.text):
        start, end = said.span(*match.span())
        if PAUSE.search(raw[:start]) and raw[end:].lstrip()[:1] in {",", "،", "，"}:  # noqa: RUF001 (commas)
            out.append((start, end))
    if words.spaced:
        marks = words.finders["corrections"].finditer(said.text)
        kept += [said.span(*match.span()) for match in marks]  # "नहीं नहीं"
        out += _stutters(said, out)
    return blank(raw, (span for span in out if not touches(span, kept)))


def _stutters(said: Spoken, gone: Sequence[Span]) -> Iterator[Span]:
    places = [
        (said.text[a:b], said.span(a, b))
        for a, b in (match.span() for match in re.finditer(r"\S+", said.text))
    ]
    places = [(word, span) for word, span in places if not touches(span, gone)]
    words = [word for word, _ in places]
    for size in (2, 1):
        for at in range(len(places) - 2 * size + 1):
            first = words[at : at + size]
            if first != words[at + size : at + 2 * size]:
                continue
            start, end = places[at][1][0], places[at + size - 1][1][1]
            # Walla Walla is a name, 5 5 a number, anak-anak (children) a plural.
            joined = said.raw[end : end + 1] == "-"
            if not (said.raw[start:end].istitle() and at) and not first[0].isdigit() | joined:
                yield start, end


def touches(span: Span, others: Iterable[Span]) -> bool:
    return any(start < span[1] and span[0] < end for start, end in others)
