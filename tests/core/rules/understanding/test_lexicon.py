"""Every language is complete, and a wrong table says what is wrong with it."""

import pytest

from core.rules.understanding import lexicon, time_words
from core.rules.understanding.lexicon import InvalidLexicon

_HEAD = 'name = "Test"\nenglish_name = "Test"\ntier = 2\nspaced = true\n'


@pytest.mark.parametrize("code", lexicon.codes())
def test_a_language_can_say_times(code: str) -> None:
    words = time_words.compiled(lexicon.load(code))
    assert words.date_order in {"dmy", "mdy", "ymd"}


def test_english_is_first_and_others_are_there() -> None:
    assert lexicon.codes()[0] == "en"
    assert {"de", "es", "fr", "pt", "hi", "ur", "zh"} <= set(lexicon.codes())
    assert {"it", "nl", "sv", "pl", "ru"} <= set(lexicon.codes())


def test_an_unknown_language_has_no_lexicon() -> None:
    with pytest.raises(KeyError):
        lexicon.load("../en")


@pytest.mark.parametrize(
    ("toml", "sentence"),
    [
        ("nonsense", "this is not TOML"),
        ('name = "X"', "`spaced = ` is missing"),
        (_HEAD + "wat = 1", "`wat` is not known"),
        (_HEAD + "[words]\nand = 'and'", "words.and is not a list of phrases"),
        (_HEAD + "[words]\nand = ['!']", "words.and: '!' has no word"),
    ],
)
def test_a_wrong_file_is_refused(toml: str, sentence: str) -> None:
    with pytest.raises(InvalidLexicon, match=sentence):
        lexicon.read("xx", toml)


@pytest.mark.parametrize(
    ("toml", "sentence"),
    [
        ("wat = []", "time.wat is not known"),
        ("", "time.every is missing"),
        ("[time.weekdays]\nmon = ['a']\ntue = ['a']", "'a' already means something else"),
        ("[time.weekdays]\nxyz = ['a']", "time.weekdays.xyz is not known"),
        ("date_order = 'xyz'", "time.date_order is none of dmy, mdy, ymd"),
        ("every = 'every'", "time.every is not a list of phrases"),
    ],
)
def test_a_wrong_table_is_refused(toml: str, sentence: str) -> None:
    wrong = lexicon.read("xx", f"{_HEAD}[time]\n{toml}")
    with pytest.raises(InvalidLexicon, match=sentence):
        time_words.compiled(wrong)
