"""`voicetodo admin blobs copy`."""

import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

from integrations.blobs import Directory
from tests.integrations import s3

ROOT: Final = Path(__file__).resolve().parents[3]


async def one(piece: bytes) -> AsyncIterator[bytes]:
    yield piece


def copy(folder: Path, **settings: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "VOICETODO_DATA_DIR": str(folder)}
    env |= {f"VOICETODO_{name.upper()}": value for name, value in settings.items()}
    command = [sys.executable, "-m", "api.cli", "admin", "blobs", "copy", "--json"]
    return subprocess.run(command, env=env, cwd=ROOT, capture_output=True, text=True, check=False)


async def test_everything_is_copied_once(tmp_path: Path) -> None:
    here = Directory(tmp_path / "blobs")
    await here.put("memos/one", one(b"x" * 100_000))
    await here.put("erasures/two", one(b""))
    with s3.server() as url:
        bucket = await s3.new_bucket(url)
        where = {
            "blob_store": "s3",
            "s3_endpoint": url,
            "s3_bucket": bucket.name,
            "s3_access_key": "test",
            "s3_secret_key": "test",
            "s3_prefix": bucket.prefix,
        }
        done = copy(tmp_path, **where)
        assert json.loads(done.stdout) == {"copied": 2}, done.stderr
        assert json.loads(copy(tmp_path, **where).stdout) == {"copied": 0}
        async with s3.store(bucket) as there:
            assert b"".join([piece async for piece in there.open("memos/one")]) == b"x" * 100_000
            assert [kept.key async for kept in there.keys("erasures")] == ["erasures/two"]


def test_it_says_what_it_needs(tmp_path: Path) -> None:
    done = copy(tmp_path, blob_store="directory")
    assert done.returncode != 0
    assert "VOICETODO_BLOB_STORE=s3" in done.stderr
    assert "Traceback" not in done.stderr
