"""An archive as one stream: whatever comes in, any reader opens it, and little is held."""

import hashlib
import io
import zipfile
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.rules.exporting.archive import Archive

NOON = datetime(2031, 3, 3, 12, 34, 56, tzinfo=UTC)


@given(
    st.lists(st.tuples(st.booleans(), st.lists(st.binary(max_size=300), max_size=4)), max_size=5)
)
def test_what_went_in_comes_out(members: list[tuple[bool, list[bytes]]]) -> None:
    archive, out = Archive(NOON), b""
    for nth, (packed, pieces) in enumerate(members):
        archive.begin(f"folder/{nth}.bin", packed=packed)
        for piece in pieces:
            archive.add(piece)
            out += archive.take()
        archive.end()
    archive.close()
    out += archive.take()
    with zipfile.ZipFile(io.BytesIO(out)) as opened:
        assert opened.testzip() is None
        for nth, (_, pieces) in enumerate(members):
            plain = b"".join(pieces)
            name = f"folder/{nth}.bin"
            assert opened.read(name) == plain
            told = archive.members[nth]
            digest = hashlib.sha256(plain).hexdigest()
            assert (told.name, told.size, told.sha256) == (name, len(plain), digest)
            assert opened.getinfo(name).date_time == (2031, 3, 3, 12, 34, 56)


def test_what_was_added_is_given_out_and_not_kept() -> None:
    archive = Archive(NOON)
    archive.begin("a", packed=True)
    given_out = 0
    for _ in range(100):
        archive.add(bytes(64 * 1024))
        taken = len(archive.take())
        assert taken <= 192 * 1024
        given_out += taken
    assert given_out > 95 * 64 * 1024


@pytest.mark.parametrize("year", [1, 1979, 2108, 9999])
def test_a_date_that_no_archive_can_hold_is_the_nearest_that_it_can(year: int) -> None:
    archive = Archive(datetime(year, 1, 2, tzinfo=UTC))
    archive.begin("a")
    archive.end()
    archive.close()
    (info,) = zipfile.ZipFile(io.BytesIO(archive.take())).infolist()
    assert info.date_time[0] == min(max(year, 1980), 2107)


def test_one_that_is_broken_off_can_be_closed() -> None:
    archive = Archive(NOON)
    archive.begin("a")
    archive.add(b"x")
    archive.close()
    archive.close()
