"""Which language it is, and what is asked in it."""

from typing import Final

import pytest

from core.rules.understanding import languages, lexicon, words

NAMES: Final = {
    *("sure.create", "sure.complete", "sure.reopen", "sure.update", "sure.delete", "sure.snooze"),
    *("sure.list", "sure.undo", "which", "until", "what", "target", "change", "when", "unclear"),
    *("not_found", "nothing_to_undo", "every.delete", "every.complete", "every.update"),
    *("every.snooze", "every.reopen"),
}


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("remind me to call mom", "en"),
        ("erinnere mich daran, Mama anzurufen", "de"),
        ("recuérdame llamar a mamá", "es"),
        ("rappelle-moi d'appeler maman", "fr"),
        ("me lembre de ligar para a mãe", "pt"),
        ("मुझे माँ को फोन करने की याद दिलाना", "hi"),
        ("مجھے امی کو فون کرنا یاد دلانا", "ur"),
        ("提醒我给妈妈打电话", "zh"),
        ("sonra annemi ara diye not et", "tr"),
        ("ingatkan saya menelepon ibu", "id"),
        ("母に電話するのをリマインドして", "ja"),
        ("엄마한테 전화하라고 알려줘", "ko"),
        ("ذكرني بالاتصال بأمي", "ar"),
        ("ricordami di chiamare la mamma", "it"),
        ("herinner me eraan mama te bellen", "nl"),
        ("påminn mig om att ringa mamma", "sv"),
        ("przypomnij mi zadzwonić do mamy", "pl"),
        ("напомни мне позвонить маме", "ru"),
        ("Add 牛奶 to my shopping list", "en"),
        ("", "en"),
        ("!!", "en"),
        ("Zwiebelkuchen Gurkensalat Pfannkuchen", "en"),  # whoever knows as many words
    ],
)
def test_the_language_of(text: str, code: str) -> None:
    assert languages.language(text) == code


def test_a_hint_wins_where_there_is_a_lexicon_for_it() -> None:
    assert languages.language("remind me to call mom", "de-AT") == "de"
    assert languages.language("remind me to call mom", "tlh") == "en"


@pytest.mark.parametrize("code", lexicon.codes())
def test_every_phrase_compiles_and_every_question_is_there(code: str) -> None:
    questions = words.of(code).questions
    if lexicon.load(code).tier == 1:
        assert questions.keys() >= NAMES
    for name, english in words.of("en").questions.items():
        assert ("{title}" in questions.get(name, english)) == ("{title}" in english)


def test_a_title_is_never_read_as_a_pattern() -> None:
    asked = languages.question("en", "sure.delete", {"title": "{title} \\1 {count}"})
    assert asked == "Delete “{title} \\1 {count}”?"
