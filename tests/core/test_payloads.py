import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import payloads
from core.errors import Invalid

KEY = payloads.key_of(b"k" * 32)
ANOTHER = payloads.key_of(b"l" * 32)
PLAIN = {"encoding": b"json/plain"}


@given(st.dictionaries(st.text(max_size=20), st.binary(max_size=50), max_size=4), st.binary())
def test_what_was_sealed_comes_back(metadata: dict[str, bytes], data: bytes) -> None:
    sealed = payloads.seal_payload(KEY, metadata, data)
    assert payloads.is_sealed(sealed[0])
    assert payloads.open_payload(KEY, *sealed) == (metadata, data)


def test_nothing_of_it_can_be_read() -> None:
    metadata, data = payloads.seal_payload(KEY, PLAIN, b'"Buy milk"')
    assert b"milk" not in data
    assert b"plain" not in data
    assert metadata == {"encoding": b"binary/encrypted", "encryption-key-id": payloads.key_id(KEY)}
    assert payloads.seal_payload(KEY, PLAIN, b'"Buy milk"')[1] != data


def test_what_is_not_sealed_is_left_alone() -> None:
    assert payloads.open_payload(KEY, PLAIN, b"1") == (PLAIN, b"1")


def test_another_key_is_named_as_such() -> None:
    with pytest.raises(Invalid, match="another key"):
        payloads.open_payload(ANOTHER, *payloads.seal_payload(KEY, PLAIN, b"1"))


@pytest.mark.parametrize("damaged", [b"", b"x" * 40])
def test_damaged_bytes_are_refused(damaged: bytes) -> None:
    metadata, _ = payloads.seal_payload(KEY, PLAIN, b"1")
    with pytest.raises(Invalid):
        payloads.open_payload(KEY, metadata, damaged)
