"""The words of a language, from `lexicons/<code>.toml`: all that a translator writes.

`[time]` is described in `core.rules.understanding.time_words`. In `[words]` every key has a list
of phrases; its keys are those of who reads them.
"""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Final

_PLACE: Final = files("core.rules.understanding") / "lexicons"
_KEYS: Final = {"name": str, "english_name": str, "tier": int, "spaced": bool}

Listed = Mapping[str, tuple[str, ...]]


class InvalidLexicon(ValueError):
    """Why a lexicon cannot be used, one sentence for each thing that is wrong in it."""

    def __init__(self, code: str, wrong: Sequence[str]) -> None:
        super().__init__(f"{code}.toml: " + "; ".join(wrong))
        self.wrong = tuple(wrong)


@dataclass(frozen=True, slots=True, eq=False)
class Lexicon:
    """`name` is what its speakers call the language. `tier` 1 has been measured, 2 has not.

    `spaced`: blanks stand between its words. `words` has the phrases of `[words]` by key, those
    of a table within it as `table.key`.
    """

    code: str
    name: str
    english_name: str
    tier: int
    spaced: bool
    time: Mapping[str, Any]
    words: Listed


@cache
def codes() -> tuple[str, ...]:
    """The languages that there are lexicons of, English first."""
    found = sorted(
        entry.name.removesuffix(".toml")
        for entry in _PLACE.iterdir()
        if entry.name.endswith(".toml")
    )
    return tuple(sorted(found, key=lambda code: code != "en"))


@cache
def load(code: str) -> Lexicon:
    """Raises `KeyError` for a language without a lexicon, `InvalidLexicon` for a wrong one."""
    if code not in codes():
        raise KeyError(code)
    return read(code, (_PLACE / f"{code}.toml").read_text("utf-8"))


def read(code: str, toml: str) -> Lexicon:
    """A lexicon from its text. Raises `InvalidLexicon`."""
    try:
        data = tomllib.loads(toml)
    except tomllib.TOMLDecodeError as error:
        raise InvalidLexicon(code, [f"this is not TOML: {error}"]) from error
    wrong = [
        f"`{key} = ` is missing or not of type {kind.__name__}"
        for key, kind in _KEYS.items()
        if not isinstance(data.get(key), kind)
    ]
    wrong += [
        f"`{key}` is not known here" for key in sorted(data.keys() - {*_KEYS, "time", "words"})
    ]
    words = listed("words", data.get("words", {}), wrong)
    if wrong:
        raise InvalidLexicon(code, wrong)
    return Lexicon(
        code=code,
        name=data["name"],
        english_name=data["english_name"],
        tier=data["tier"],
        spaced=data["spaced"],
        time=data.get("time", {}),
        words=words,
    )


def _says(phrase: str) -> bool:
    return any(map(str.isalnum, phrase))


def listed(name: str, table: Mapping[str, Any], wrong: list[str]) -> dict[str, tuple[str, ...]]:
    """Lists of phrases by key, tables within as `table.key`; what is not one is noted as wrong."""
    found: dict[str, tuple[str, ...]] = {}
    for key, value in table.items():
        if isinstance(value, Mapping):
            inner = listed(f"{name}.{key}", value, wrong)
            found |= {f"{key}.{each}": phrases for each, phrases in inner.items()}
        elif isinstance(value, list) and all(isinstance(each, str) for each in value):
            wrong += [f"{name}.{key}: {each!r} has no word" for each in value if not _says(each)]
            found[key] = tuple(value)
        else:
            wrong.append(f"{name}.{key} is not a list of phrases")
    return found
