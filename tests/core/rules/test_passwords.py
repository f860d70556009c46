import pytest

from core.errors import Invalid
from core.rules.passwords import check, common

ABOUT = ("Alice Smith", "alice.smith@example.com")


@pytest.mark.parametrize(
    "password",
    [
        "password12345678",
        "passwordpassword",
        "Passw0rd!Passw0rd!",
        "P@$$w0rd1234567",
        "qwertyuiopasdfgh",
        "123456789012345",
        "987654321098765",
        "abcabcabcabcabc",
        "aaaaaaaaaaaaaaaaaaaa",
        "iloveyou123456789",
        "letmeinletmein1",
        "summer2024summer2024",
        "correcthorsebatterystaple",
        "voicetodo-voicetodo",
        "VoiceTodo-Alice-2026",
        "alice.smith@example.com",
        "alice.smith123456",
        "AliceSmith1990!!",
        "\uff30\uff21\uff33\uff33\uff37\uff2f\uff32\uff24password",  # full-width letters
    ],
)
def test_refuses_what_is_guessed_first(password: str) -> None:
    with pytest.raises(Invalid) as refused:
        check(password, min_chars=15, about=ABOUT)
    assert (refused.value.pointer, refused.value.code) == ("/password", "too_common")


@pytest.mark.parametrize(
    "password",
    [
        "four-words-nobody-ever-said",
        "my aunt alice likes tea",
        "kX9#mQ2$vL5@nR8!",
        "839201748362910",
        "nichts geht über bärlauch",
        "我喜欢在星期天早上喝绿茶看报纸",
        "x" + "yz7 " * 20 + "é" * 3 + "Q9",
    ],
)
def test_takes_what_is_not(password: str) -> None:
    check(password, min_chars=15, about=ABOUT)


@pytest.mark.parametrize(
    ("password", "code"),
    [("", "too_short"), ("kX9#mQ2$vL5@nR", "too_short"), ("kX9#" * 64 + "x", "too_long")],
)
def test_bounds_its_length_in_characters(password: str, code: str) -> None:
    with pytest.raises(Invalid) as refused:
        check(password, min_chars=15)
    assert refused.value.code == code


def test_the_list_is_a_list() -> None:
    assert len(common()) > 1000
    assert all(word == word.lower() and len(word) >= 3 for word in common())
