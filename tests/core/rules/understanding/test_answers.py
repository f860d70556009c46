"""Short answers: by their words in each language, and only as whole utterances."""

import pytest

from core.rules.understanding import answers, lexicon

NO = (
    *("no", "nein", "non", "não", "नहीं", "نہیں", "不", "nee", "hayır", "tidak", "いいえ", "nej"),  # noqa: RUF001 - so it is written in Turkish
    *("нет", "لا", "아니", "nie"),
)


@pytest.mark.parametrize(
    ("code", "text", "answer"),
    [
        ("en", "Yes!", "yes"),
        ("en", "NO, thanks.", "no"),
        ("en", "the first one", 0),
        ("en", "The second one.", 1),
        ("en", "the last one", -1),
        ("en", "that", None),
        ("en", "yes and buy milk", None),
        ("en", "ja", None),
        ("en", "", None),
        ("de", "ja bitte", "yes"),
        ("de", "NEIN", "no"),
        ("fr", "s'il te plaît", None),
        ("zh", "好的。", "yes"),
        ("zh", "不要", "no"),
        ("hi", "हाँ", "yes"),
        ("ur", "نہیں", "no"),
        ("xx", "yes", None),
    ],
)
def test_what_it_answers(code: str, text: str, answer: answers.Answer | None) -> None:
    assert answers.read(text, code) == answer


@pytest.mark.parametrize("code", lexicon.codes())
def test_every_language_has_an_answer(code: str) -> None:
    """In English where nobody wrote down its own."""
    assert any(answers.read(word, code) == answers.NO for word in NO)


def test_what_is_no_answer_in_any_language() -> None:
    assert answers.may_be("Sí")
    assert not answers.may_be("buy milk")
    assert not answers.may_be("yes " * 100)
