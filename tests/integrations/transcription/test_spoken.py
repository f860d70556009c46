from typing import Any

import pytest

from integrations.transcription import hearsay
from integrations.transcription.keywords import IN_ALL, MOST, sanitised
from integrations.transcription.languages import code
from integrations.transcription.spoken import read


def segment(text: str, start: float, end: float, **figures: object) -> dict[str, Any]:
    sure = {"no_speech_prob": 0.01, "avg_logprob": -0.2, "compression_ratio": 1.1}
    return {"text": text, "start": start, "end": end, **sure, **figures}


def words(*timed: tuple[str, float, float]) -> list[dict[str, Any]]:
    return [{"word": text, "start": first, "end": last} for text, first, last in timed]


@pytest.mark.parametrize(
    "doubtful",
    [
        {"no_speech_prob": 0.7, "avg_logprob": -0.6},
        {"no_speech_prob": "0.7", "avg_logprob": "-0.6"},
        {"compression_ratio": 2.5},
    ],
)
def test_a_segment_that_is_likely_not_speech_is_left_out(doubtful: dict[str, object]) -> None:
    found = read(
        {
            "text": " Buy milk. You you you",
            "language": "english",
            "segments": [segment(" Buy milk.", 0, 2), segment(" You you you", 2, 5, **doubtful)],
            "words": words(("Buy", 0, 1), ("milk.", 1, 2), ("You", 2, 3), ("you", 3, 4)),
        }
    )
    assert found is not None
    assert (found.text, found.language) == ("Buy milk.", "en")
    assert [each.text for each in found.words] == ["Buy", "milk."]


@pytest.mark.parametrize(
    "sure",
    [
        {"no_speech_prob": 0.7, "avg_logprob": -0.4},
        {"no_speech_prob": 0.5, "avg_logprob": -0.9},
        {"no_speech_prob": None, "avg_logprob": None, "compression_ratio": None},
        {"no_speech_prob": "high", "compression_ratio": True},
        {"compression_ratio": 2.4},
    ],
)
def test_one_doubt_alone_is_not_enough(sure: dict[str, object]) -> None:
    found = read({"text": "buy milk", "segments": [segment("buy milk", 0, 2, **sure)]})
    assert found is not None
    assert found.text == "buy milk"


@pytest.mark.parametrize(
    "answer",
    [
        {"text": "buy milk"},
        {"text": "buy milk", "language": None, "duration": "2.0", "segments": None, "words": None},
        {"text": " buy\n milk ", "language": 7, "segments": [None, 3], "words": ["x", {}]},
        {"text": "buy milk", "words": [{"word": "buy", "start": "x", "end": 1}], "usage": {}},
    ],
)
def test_every_field_but_the_text_is_optional(answer: dict[str, object]) -> None:
    found = read(answer)
    assert found is not None
    assert (found.text, found.language, found.words) == ("buy milk", None, [])


@pytest.mark.parametrize("answer", [None, "buy milk", [], {}, {"text": None}, {"text": ["x"]}, 1])
def test_without_a_text_it_is_no_answer(answer: object) -> None:
    assert read(answer) is None


def test_nanoseconds_and_numbers_as_strings_are_seconds() -> None:
    found = read(
        {
            "text": "buy milk",
            "segments": [
                {"words": [{"text": "buy", "start": 0, "end": 500_000_000, "probability": "0.5"}]},
                {"words": [{"text": "milk", "start": "0.5", "end": "1.25", "probability": 3}]},
            ],
        }
    )
    assert found is not None
    told = [(each.text, each.start_s, each.end_s, each.confidence) for each in found.words]
    assert told == [("buy", 0, 0.5, 0.5), ("milk", 0.5, 1.25, None)]


@pytest.mark.parametrize(
    "text",
    [
        "Thank you for watching!",
        "Thanks for watching. Please subscribe.",
        "Untertitel der Amara.org-Community",
        "Untertitelung des ZDF, 2020",
        "Sous-titres réalisés para la communauté d'Amara.org",
        "Sous-titrage ST' 501",
        "¡Suscríbete al canal!",
        "Altyaz\u0131 M.K.",
        "Субтитры сделал DimaTorzok",
        "请不吝点赞 订阅 转发 打赏支持明镜与点点栏目",
        "ご視聴ありがとうございました",
        "देखने के लिए धन्यवाद।",
        "ترجمة نانسي قنقر",
    ],
)
def test_the_ends_of_videos_are_nobodys_words(text: str) -> None:
    assert hearsay.without(text) == ""


@pytest.mark.parametrize(
    "text",
    [
        "Thank Anna for watching the dog.",
        "Thank you for watching the kids, tell Ben.",
        "Subscribe to the newspaper",
        "remind me to say thanks for watching",
        "Untertitel für das Video schreiben",
        "买牛奶。",
        "Dr. Smith at 5 p.m. tomorrow",
        "",
    ],
)
def test_what_people_say_stays_as_it_is(text: str) -> None:
    assert hearsay.without(text) == text


def test_only_the_sentence_is_cut() -> None:
    assert hearsay.without("Buy milk. Thank you for watching!") == "Buy milk."
    assert hearsay.without("买牛奶。谢谢观看。") == "买牛奶。"
    found = read({"text": "Buy milk. Thanks for watching.", "words": words(("Buy", 0, 1))})
    assert found is not None
    assert (found.text, found.words) == ("Buy milk.", [])


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ("en", "en"),
        ("EN-us", "en"),
        ("zh-Hant-TW", "zh"),
        ("pt_BR", "pt"),
        ("Portuguese", "pt"),
        ("urdu", "ur"),
        ("yue", "yue"),
        ("klingonish", None),
        ("", None),
        (None, None),
        (5, None),
        ("e", None),
    ],
)
def test_languages_become_codes(given: object, wanted: str | None) -> None:
    assert code(given) == wanted


def test_keywords_are_bounded() -> None:
    many = [f"word {at:04}" for at in range(1000)]
    kept = sanitised(many)
    assert kept == many[: len(kept)]
    assert len(kept) <= MOST
    assert sum(map(len, kept)) <= IN_ALL
    assert sanitised(["_", "...", "-x-", "O'Neill", "C++", "日本"]) == ["x", "O'Neill", "C", "日本"]
