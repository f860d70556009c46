"""Todoist's recurring dates in the languages that we also say them in.

A phrase is put into English word by word, and read there: what a table does not know stays as it
is, and is refused as what it is, a word that is not understood.
"""

import re
from datetime import date
from types import ModuleType
from typing import Final
from unicodedata import combining, normalize

from core.rules.phrases import de, es, fr
from core.rules.todoist_reading import MAX_CHARS, Read, from_todoist

_LANGUAGES: Final[dict[str, ModuleType]] = {"de": de, "es": es, "fr": fr}
LANGUAGES: Final = ("en", *_LANGUAGES)
_TIDY: Final = (
    (r"\bat (\d{1,2}):(?!\d)", r"at \1:00"),
    (r"(,| and) on ", r"\1 "),
    (r"\b(every!?) every\b", r"\1"),
    (r" !", "! "),
    (r"\s+", " "),
)


def from_words(text: str, *, today: date, language: str) -> Read:
    """As `from_todoist`, in one of LANGUAGES. English is understood beside every other."""
    if language == "en" or len(text) > MAX_CHARS:
        return from_todoist(text, today=today)
    try:
        return from_todoist(translated(text, language), today=today)
    except ValueError:
        pass
    try:
        return from_todoist(text, today=today)
    except ValueError as error:
        examples = _LANGUAGES[language].EXAMPLES
        shown = f"{text[:80]!r} is not a recurring date I understand; these are: {examples}"
        raise ValueError(shown) from error


def translated(text: str, language: str) -> str:
    """In English, as far as the words are known."""
    plain = normalize("NFKD", text.casefold().replace("\N{RIGHT SINGLE QUOTATION MARK}", "'"))
    said = " ".join("".join(char for char in plain if not combining(char)).split())
    for pattern, replacement in (*_LANGUAGES[language].PHRASES, *_TIDY):
        said = re.sub(pattern, replacement, said)
    return said.strip()
