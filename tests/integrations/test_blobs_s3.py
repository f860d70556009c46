"""The store of blobs in S3: what its buckets, its answers and the road to it may do to us."""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from core.errors import NotFound, Unavailable
from core.settings import Settings
from integrations import blob_stores
from integrations.blobs import Blobs, Directory
from integrations.blobs_s3 import PART, S3, Bucket
from tests import plain
from tests.integrations import s3
from tests.patience import PATIENCE_S

NOW = timedelta(0)


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with s3.server() as url:
        yield url


@pytest.fixture
async def road(url: str) -> AsyncIterator[s3.Road]:
    async with s3.Road(url) as road:
        yield road


async def pieces(*given: bytes) -> AsyncIterator[bytes]:
    for piece in given:
        yield piece


async def read(store: Blobs, key: str, start: int = 0) -> bytes:
    return b"".join([piece async for piece in store.open(key, start=start)])


async def uploads(url: str, bucket: Bucket) -> list[Any]:
    async with s3.client(url) as there:
        found: list[Any] = (await there.list_multipart_uploads(Bucket=bucket.name)).get(
            "Uploads", []
        )
        return found


async def test_names_begin_with_the_prefix(url: str) -> None:
    bucket = await s3.new_bucket(url)
    async with s3.store(bucket) as store, s3.store(replace(bucket, prefix="")) as bare:
        await store.put("memos/one", pieces(b"x"))
        await bare.put("memos/two", pieces(b"y"))
        assert [kept.key async for kept in store.keys("memos")] == ["memos/one"]
        assert [kept.key async for kept in bare.keys("memos")] == ["memos/two"]
    async with s3.client(url) as there:
        found = (await there.list_objects_v2(Bucket=bucket.name))["Contents"]
    assert [each["Key"] for each in found] == ["here/memos/one", "memos/two"]


async def test_more_than_one_page(url: str) -> None:
    bucket = await s3.new_bucket(url, versioned=True)
    async with s3.store(bucket, page=2) as store:
        names = {f"memos/{number}0" for number in range(5)}
        for name in [*names, "memos/00", "memos/00"]:
            await store.put(name, pieces(b"x"))
        assert {kept.key async for kept in store.keys("memos")} == names
        await store.delete("memos/00")
    async with s3.client(url) as there:
        left = await there.list_object_versions(Bucket=bucket.name, Prefix="here/memos/00")
    assert "Versions" not in left
    assert "DeleteMarkers" not in left


async def test_a_large_blob_that_failed_leaves_no_parts(url: str) -> None:
    bucket = await s3.new_bucket(url)
    begun = []

    async def breaks() -> AsyncIterator[bytes]:
        yield b"x" * PART
        begun.extend(await uploads(url, bucket))
        raise RuntimeError("broken")

    async with s3.store(bucket) as store:
        with pytest.raises(RuntimeError, match="broken"):
            await store.put("memos/one", breaks())
    assert len(begun) == 1
    assert await uploads(url, bucket) == []


async def test_what_a_killed_process_left_is_tidied(url: str) -> None:
    bucket = await s3.new_bucket(url)
    async with s3.client(url) as there:
        for name in ("here/memos/one", "elsewhere/memos/one"):
            begun = await there.create_multipart_upload(Bucket=bucket.name, Key=name)
            await there.upload_part(
                Bucket=bucket.name, Key=name, UploadId=begun["UploadId"], PartNumber=1, Body=b"x"
            )
    async with s3.store(bucket) as store:
        assert await store.tidy(NOW) == 0, "it may be living"
    async with s3.store(bucket, quiet=timedelta(seconds=-5)) as store:
        assert await store.tidy(timedelta(minutes=1)) == 0
        assert await store.tidy(timedelta(seconds=-5)) == 1
        assert await store.tidy(timedelta(seconds=-5)) == 0
    assert [each["Key"] for each in await uploads(url, bucket)] == ["elsewhere/memos/one"]


async def test_a_slow_upload_is_as_young_as_its_end(url: str) -> None:
    """Or it would be collected as an orphan before its row is written."""
    bucket = await s3.new_bucket(url, versioned=True)
    large = os.urandom(PART + 10)
    async with s3.store(bucket, aged=NOW) as store:
        await store.put("memos/slow", pieces(large))
        assert await read(store, "memos/slow") == large
        async with s3.client(url) as there:
            found = await there.list_object_versions(Bucket=bucket.name)
        assert [each["IsLatest"] for each in found["Versions"]] == [True, False]


@pytest.mark.parametrize("size", [1, PART + 1])
async def test_every_version_is_deleted(url: str, size: int) -> None:
    bucket = await s3.new_bucket(url, versioned=True)
    async with s3.store(bucket) as store:
        for _ in range(3):
            await store.put("memos/one", pieces(b"x" * size))
        await store.put("memos/one-more", pieces(b"x"))
        await store.delete("memos/one")
        await store.delete("memos/one")
        with pytest.raises(NotFound):
            await read(store, "memos/one")
    async with s3.client(url) as there:
        found = await there.list_object_versions(Bucket=bucket.name)
    assert [each["Key"] for each in found["Versions"]] == ["here/memos/one-more"]
    assert "DeleteMarkers" not in found


async def refuses(store: Blobs) -> None:
    with pytest.raises(Unavailable):
        await store.put("memos/one", pieces(b"x"))
    with pytest.raises(Unavailable):
        await store.put("memos/one", pieces(b"x" * PART, b"x"))
    with pytest.raises(Unavailable):
        await read(store, "memos/one")
    with pytest.raises(Unavailable):
        await store.delete("memos/one")
    with pytest.raises(Unavailable):
        assert [kept async for kept in store.keys("memos")]
    with pytest.raises(Unavailable):
        await store.tidy(NOW)


async def test_a_bucket_that_is_not_there(url: str) -> None:
    bucket = await s3.new_bucket(url)
    async with s3.store(replace(bucket, name="nowhere")) as store:
        await refuses(store)


async def test_a_key_that_is_wrong(url: str) -> None:
    bucket = await s3.new_bucket(url)
    with plain.client(url) as moto:
        moto.post("/moto-api/reset-auth", content=b"0").raise_for_status()
        try:
            async with s3.store(replace(bucket, access_key="wrong")) as store:
                await refuses(store)
        finally:
            moto.post("/moto-api/reset-auth", content=b"inf").raise_for_status()


@pytest.mark.parametrize(
    ("status", "code"),
    [(503, "SlowDown"), (507, "XMinioStorageFull"), (500, "InternalError"), (403, "AccessDenied")],
)
async def test_a_store_that_refuses(url: str, road: s3.Road, status: int, code: str) -> None:
    bucket = await s3.new_bucket(url)
    async with s3.store(replace(bucket, endpoint=road.url)) as store:
        road.refuse(status, code)
        with pytest.raises(Unavailable):
            await store.put("memos/one", pieces(b"x"))
        with pytest.raises(Unavailable):
            await read(store, "memos/one")
        road.answer = b""
        await store.put("memos/one", pieces(b"x"))
        assert await read(store, "memos/one") == b"x", "it heals itself"


async def test_a_store_that_is_away(url: str) -> None:
    bucket = await s3.new_bucket(url)
    async with s3.Road(url) as gone:
        at = gone.url
    async with s3.store(replace(bucket, endpoint=at)) as store:
        with pytest.raises(Unavailable):
            await store.put("memos/one", pieces(b"x"))
        with pytest.raises(Unavailable):
            await read(store, "memos/one")


async def test_a_read_that_is_reset_goes_on_where_it_was(url: str, road: s3.Road) -> None:
    bucket = await s3.new_bucket(url)
    large = os.urandom(3_000_000)
    async with s3.store(bucket) as store:
        await store.put("memos/one", pieces(large))
    async with s3.store(replace(bucket, endpoint=road.url)) as store:
        road.cuts = [1_000_000, 700_000, 100_000]
        assert await read(store, "memos/one") == large
        asked = [
            line for head in road.heads for line in head.split(b"\r\n") if b"range:" in line.lower()
        ]
        assert len(road.heads) == 4
        assert len(asked) == 3
        road.cuts = [500_000]
        assert await read(store, "memos/one", 2_000_000) == large[2_000_000:]


async def test_another_blob_of_that_name_is_not_its_rest(url: str, road: s3.Road) -> None:
    bucket = await s3.new_bucket(url)
    async with s3.store(bucket) as direct, s3.store(replace(bucket, endpoint=road.url)) as store:
        await direct.put("memos/one", pieces(b"x" * 3_000_000))
        road.cuts = [1_500_000]
        reading = store.open("memos/one")
        await anext(reading)
        await direct.put("memos/one", pieces(b"y" * 3_000_000))
        with pytest.raises(Unavailable):
            assert b"".join([piece async for piece in reading])


async def test_a_road_that_only_breaks_is_given_up(url: str, road: s3.Road) -> None:
    bucket = await s3.new_bucket(url)
    async with s3.store(bucket) as store:
        await store.put("memos/one", pieces(b"x" * 3_000_000))
    async with s3.store(replace(bucket, endpoint=road.url)) as store:
        road.cuts = [0] * 100
        with pytest.raises(Unavailable):
            await read(store, "memos/one")
        with pytest.raises(Unavailable):
            await store.put("memos/two", pieces(b"x"))
        road.cuts = []
        await store.put("memos/two", pieces(b"x"))


async def test_a_store_that_falls_silent_is_asked_again(url: str, road: s3.Road) -> None:
    bucket = await s3.new_bucket(url)
    large = os.urandom(3_000_000)
    async with s3.store(bucket) as store:
        await store.put("memos/one", pieces(large))
    async with s3.store(replace(bucket, endpoint=road.url), silent_s=0.5) as store:
        road.cuts, road.stalls = [1_000_000], True
        began = time.monotonic()
        assert await read(store, "memos/one") == large
        assert time.monotonic() - began < 10


async def test_readers_who_stop_halfway_leave_the_store_working(url: str) -> None:
    bucket = await s3.new_bucket(url)
    async with s3.store(bucket) as store:
        await store.put("memos/one", pieces(b"x" * 3_000_000))
        for _ in range(300):
            reading = store.open("memos/one")
            await anext(reading)
            await reading.aclose()  # type: ignore[attr-defined]  # generators are what they are
        async with asyncio.timeout(PATIENCE_S):
            assert len(await read(store, "memos/one")) == 3_000_000


def test_a_large_blob_takes_little_memory(url: str) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "tests.integrations.s3", url, "200"],
        check=True,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
    )
    assert float(ran.stdout) < 80


def test_the_settings_say_which_store(tmp_path: Path) -> None:
    directory = Settings(_env_file=None, data_dir=tmp_path)
    assert isinstance(blob_stores.opened(directory), Directory)
    chosen = Settings(
        _env_file=None,
        data_dir=tmp_path,
        blob_store="s3",
        s3_bucket="recordings",
        s3_access_key="me",
        s3_secret_key=SecretStr("secret"),
    )
    assert isinstance(blob_stores.opened(chosen), S3)


def test_amazons_library_is_not_imported_for_a_directory() -> None:
    code = "import api.main, worker, sys; sys.exit('aiobotocore' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=PATIENCE_S)
