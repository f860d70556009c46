"""Words, and where they were in the original."""

import pytest

from core.rules.understanding.text import forms, normalise


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("Call Mom at 5PM", ("call", "mom", "at", "5", "pm")),
        ("après-demain à 17h30", ("après", "demain", "à", "17", "h", "30")),
        ("what\u2019s due", ("what", "s", "due")),
        ("आज ५ बजे", ("आज", "5", "बजे")),
        ("हफ़्ते", forms("हफ्ते")),
        ("كل", forms("کل")),
        ("下午五点", ("下", "午", "五", "点")),
        ("ＦＵＬＬ　ｗｉｄｔｈ １５", ("full", "width", "15")),  # noqa: RUF001 (what is read)
        ("Straße", ("strasse",)),
        ("🎂 …", ()),
    ],
)
def test_words_are_written_alike(said: str, words: tuple[str, ...]) -> None:
    assert normalise(said).forms == words


@pytest.mark.parametrize(
    ("said", "word", "place"),
    [
        ("Straße am Freitag", "freitag", "Freitag"),
        ("ﬁx it tomorrow", "tomorrow", "tomorrow"),
        ("e\u0301te\u0301 demain", "demain", "demain"),
        ("हफ़्ते में", "में", "में"),
        ("🎂 at ５", "5", "５"),  # noqa: RUF001 (what is read)
    ],
)
def test_places_survive_a_change_of_length(said: str, word: str, place: str) -> None:
    found = next(each for each in normalise(said).words if each.text == word)
    assert said[found.start : found.end] == place


def test_a_part_keeps_the_places_of_the_whole() -> None:
    text = normalise("call mom tomorrow and bob on friday")
    part = text.within(22, 35)
    assert part.forms == ("bob", "on", "friday")
    assert [word.start for word in part.words] == [22, 26, 29]


def test_what_a_cut_leaves_are_no_neighbours() -> None:
    text = normalise("tomorrow at 5 no wait 6").without([(9, 13)])
    assert text.forms == ("tomorrow", "no", "wait", "6")
    assert [word.before for word in text.words] == ["", ";", " ", " "]
