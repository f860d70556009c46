"""Reads what servers of OpenAI's shape answer. Each leaves out, renames and retypes something.

vLLM writes numbers as strings and null for what it does not compute; speaches gives a name for the
language and sometimes no segments; LocalAI counts in nanoseconds; Groq adds fields of its own;
`gpt-transcribe` gives the text and nothing else.
"""

from dataclasses import dataclass, field
from math import isfinite
from typing import Any, Final

from integrations.transcription import hearsay
from integrations.transcription.languages import code
from integrations.transcription.protocol import Word

# Whisper's own measure of silence and of going round in circles.
NO_SPEECH: Final = 0.6
UNLIKELY: Final = -0.5
REPEATS: Final = 2.4
NANOSECONDS: Final = 1e6  # no recording has so many seconds


@dataclass(frozen=True, slots=True)
class Spoken:
    text: str = field(repr=False)
    language: str | None
    words: list[Word] = field(repr=False)


def read(answer: object) -> Spoken | None:
    """Null where there is no `text`: half an answer, or somebody else's."""
    if not isinstance(answer, dict) or not isinstance(answer.get("text"), str):
        return None
    segments = dicts(answer.get("segments"))
    kept = [each for each in segments if not _is_doubtful(each)]
    text, words = answer["text"], _words(answer, kept)
    if len(kept) < len(segments):
        text = "".join(str(each.get("text", "")) for each in kept)
        words = [said for said in words if any(_within(said, each) for each in kept)]
    said = hearsay.without(" ".join(text.split()))
    if said != " ".join(text.split()):
        words = []  # nobody knows whose they were
    return Spoken(said, code(answer.get("language")), words)


def _is_doubtful(segment: dict[str, Any]) -> bool:
    silent, likely = _number(segment.get("no_speech_prob")), _number(segment.get("avg_logprob"))
    repeats = _number(segment.get("compression_ratio"))
    return (
        silent is not None and likely is not None and silent > NO_SPEECH and likely < UNLIKELY
    ) or (repeats is not None and repeats > REPEATS)


def _words(answer: dict[str, Any], segments: list[dict[str, Any]]) -> list[Word]:
    given = dicts(answer.get("words"))
    if not given:
        given = [each for segment in segments for each in dicts(segment.get("words"))]
    return [found for each in given if (found := word(each))]


def word(given: dict[str, Any]) -> Word | None:
    text = given.get("word", given.get("text"))
    first, last = _seconds(given.get("start")), _seconds(given.get("end"))
    if not isinstance(text, str) or not text.strip() or first is None or last is None:
        return None
    return Word(text.strip(), first, max(last, first), confidence(given.get("probability")))


def confidence(given: object) -> float | None:
    number = _number(given)
    return number if number is not None and 0 <= number <= 1 else None


def _within(said: Word, segment: dict[str, Any]) -> bool:
    first, last = _seconds(segment.get("start")), _seconds(segment.get("end"))
    middle = (said.start_s + said.end_s) / 2
    return first is None or last is None or first <= middle <= last


def _seconds(given: object) -> float | None:
    number = _number(given)
    if number is None or number < 0:
        return None
    return number / 1e9 if number >= NANOSECONDS else number


def _number(given: object) -> float | None:
    if isinstance(given, bool) or not isinstance(given, int | float | str):
        return None
    try:
        number = float(given)
    except (ValueError, OverflowError):
        return None
    return number if isfinite(number) else None


def dicts(given: object) -> list[dict[str, Any]]:
    return [each for each in given if isinstance(each, dict)] if isinstance(given, list) else []
