"""Languages as providers call them: a code, a code with a region, or an English name."""

import re
from typing import Final

_NAMES: Final = {
    "arabic": "ar",
    "bengali": "bn",
    "bulgarian": "bg",
    "cantonese": "yue",
    "catalan": "ca",
    "chinese": "zh",
    "croatian": "hr",
    "czech": "cs",
    "danish": "da",
    "dutch": "nl",
    "english": "en",
    "finnish": "fi",
    "french": "fr",
    "german": "de",
    "greek": "el",
    "hebrew": "he",
    "hindi": "hi",
    "hungarian": "hu",
    "indonesian": "id",
    "italian": "it",
    "japanese": "ja",
    "korean": "ko",
    "malay": "ms",
    "mandarin": "zh",
    "norwegian": "no",
    "persian": "fa",
    "polish": "pl",
    "portuguese": "pt",
    "romanian": "ro",
    "russian": "ru",
    "slovak": "sk",
    "spanish": "es",
    "swahili": "sw",
    "swedish": "sv",
    "tagalog": "tl",
    "tamil": "ta",
    "telugu": "te",
    "thai": "th",
    "turkish": "tr",
    "ukrainian": "uk",
    "urdu": "ur",
    "vietnamese": "vi",
}
_CODE: Final = re.compile(r"([a-z]{2,3})(?:[-_][A-Za-z0-9]+)*")


def code(given: object) -> str | None:
    """`en` of `en`, `en-US`, `English`; null of what is none, or unknown."""
    if not isinstance(given, str):
        return None
    text = given.strip().lower()
    found = _CODE.fullmatch(text)
    return _NAMES.get(text) or (found[1] if found else None)
