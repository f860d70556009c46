from uuid import UUID

import pytest

from core.rules.tokens import (
    parse_verification_token,
    verification_token,
    verification_token_is_genuine,
)

KEY = b"k" * 32
ID = UUID(int=5)
TOKEN = verification_token(KEY, ID, "ada@example.com")


def test_it_names_its_delivery_and_is_genuine_for_one_address_and_key() -> None:
    assert parse_verification_token(TOKEN) == ID
    assert verification_token_is_genuine(KEY, TOKEN, ID, "ada@example.com")
    assert not verification_token_is_genuine(KEY, TOKEN, ID, "eve@example.com")
    assert not verification_token_is_genuine(KEY, TOKEN, UUID(int=6), "ada@example.com")
    assert not verification_token_is_genuine(b"x" * 32, TOKEN, ID, "ada@example.com")


@pytest.mark.parametrize("nth", range(0, 64, 7))
def test_each_character_counts(nth: int) -> None:
    other = TOKEN[:nth] + ("A" if TOKEN[nth] != "A" else "B") + TOKEN[nth + 1 :]
    assert not verification_token_is_genuine(KEY, other, ID, "ada@example.com")


@pytest.mark.parametrize("text", ["", "x", TOKEN + "A", TOKEN[:-1], "é" * 64, "\ud800" * 64])
def test_hostile_text_is_no_token(text: str) -> None:
    assert parse_verification_token(text) is None
    assert not verification_token_is_genuine(KEY, text, ID, "ada@example.com")
