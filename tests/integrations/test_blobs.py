"""The stores of blobs: durable or not there, and never where a name from outside could point."""

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from core.errors import NotFound, Unavailable
from integrations.blobs import UNFINISHED, Blobs, Directory
from tests.integrations import s3
from tests.machines import full_disk

NOW = timedelta(0)


@pytest.fixture(scope="module")
def s3_url() -> Iterator[str]:
    with s3.server() as url:
        yield url


@pytest.fixture(params=["directory", "s3"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Blobs]:
    if request.param == "directory":
        yield Directory(tmp_path / "blobs")
        return
    async with s3.store(await s3.new_bucket(request.getfixturevalue("s3_url"))) as bucket:
        yield bucket


async def pieces(*given: bytes) -> AsyncIterator[bytes]:
    for piece in given:
        yield piece


async def read(store: Blobs, key: str, start: int = 0) -> bytes:
    return b"".join([piece async for piece in store.open(key, start=start)])


def files(root: Path) -> list[Path]:
    return [path for path in root.rglob("*") if path.is_file()]


@pytest.mark.parametrize("size", [1_000_000, 20_000_000])
async def test_what_was_put_is_there(store: Blobs, size: int) -> None:
    large = os.urandom(size)
    await store.put("memos/one-ab", pieces(large[:10], large[10:]))
    await store.put("memos/two-cd", pieces())
    assert await read(store, "memos/one-ab") == large
    assert await read(store, "memos/one-ab", size - 10) == large[-10:]
    assert await read(store, "memos/one-ab", size) == b""
    assert await read(store, "memos/one-ab", size + 10) == b""
    assert await read(store, "memos/two-cd") == b""
    found = {kept.key: kept.age async for kept in store.keys("memos")}
    assert set(found) == {"memos/one-ab", "memos/two-cd"}
    assert all(age < timedelta(minutes=1) for age in found.values())
    assert [kept async for kept in store.keys("uploads")] == []
    await store.delete("memos/one-ab")
    await store.delete("memos/one-ab")
    with pytest.raises(NotFound):
        await read(store, "memos/one-ab")


async def test_a_folder_is_not_one_that_begins_like_it(store: Blobs) -> None:
    for key in ("memos/one", "memos-more/one", "more/memos-one"):
        await store.put(key, pieces(b"x"))
    assert [kept.key async for kept in store.keys("memos")] == ["memos/one"]


async def test_only_its_owner_reads(tmp_path: Path) -> None:
    store = Directory(tmp_path / "blobs")
    await store.put("memos/one", pieces(b"x"))
    for path in (tmp_path / "blobs").rglob("*"):
        assert path.stat().st_mode & 0o077 == 0, path


@pytest.mark.parametrize(
    "key",
    ["", "x", "memos/", "/etc/passwd", "../x/y", "memos/../x", "memos/a/b", "memos/A", "memos/x\n",
     "memos/\x00x", "memos/x.wav", "-x/yy", "memos/" + "x" * 200],
)  # fmt: skip
async def test_keys_that_are_none(store: Blobs, tmp_path: Path, key: str) -> None:
    with pytest.raises(ValueError, match="folder/name"):
        await store.put(key, pieces(b"x"))
    with pytest.raises(ValueError, match="folder/name"):
        await read(store, key)
    with pytest.raises(ValueError, match="folder/name"):
        await store.delete(key)
    assert files(tmp_path) == []


@pytest.mark.parametrize("size", [1_000_000, 20_000_000])
async def test_what_fails_leaves_nothing(store: Blobs, tmp_path: Path, size: int) -> None:
    came = asyncio.Event()

    async def breaks() -> AsyncIterator[bytes]:
        yield b"x" * size
        raise RuntimeError("broken")

    async def hangs() -> AsyncIterator[bytes]:
        yield b"x" * size
        came.set()
        await asyncio.sleep(60)

    with pytest.raises(RuntimeError, match="broken"):
        await store.put("memos/one", breaks())
    putting = asyncio.create_task(store.put("memos/two", hangs()))
    await came.wait()
    assert len(files(tmp_path)) == isinstance(store, Directory)
    putting.cancel()
    await asyncio.gather(putting, return_exceptions=True)
    assert files(tmp_path) == []
    assert [kept async for kept in store.keys("memos")] == []
    with pytest.raises(NotFound):
        await read(store, "memos/two")


async def test_a_full_store_takes_nothing_and_mends_itself(tmp_path: Path) -> None:
    store = Directory(tmp_path)
    with full_disk(after=1_000_000), pytest.raises(Unavailable, match="takes nothing"):
        await store.put("memos/one", pieces(b"x" * 3_000_000))
    assert files(tmp_path) == []
    await store.put("memos/one", pieces(b"x" * 3_000_000))
    assert len(await read(store, "memos/one")) == 3_000_000


async def test_a_store_that_does_not_work(tmp_path: Path) -> None:
    (tmp_path / "blobs").write_text("a file where the directory should be")
    store = Directory(tmp_path / "blobs")
    with pytest.raises(Unavailable):
        await store.put("memos/one", pieces(b"x"))
    with pytest.raises(Unavailable):
        await read(store, "memos/one")


async def test_what_a_killed_process_left_is_tidied(tmp_path: Path) -> None:
    store = Directory(tmp_path)
    await store.put("memos/one", pieces(b"x"))
    draft = tmp_path / UNFINISHED / "abc"
    draft.write_bytes(b"half of it")
    assert await store.tidy(timedelta(minutes=1)) == 0
    assert await store.tidy(NOW) == 1
    assert not draft.exists()
    assert await read(store, "memos/one") == b"x"
