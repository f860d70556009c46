"""An S3 that is not ours, moto's, in a process; and a road to it that can be made bad."""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any, Final, Self
from uuid import uuid4

import httpx2
from aiobotocore.session import AioSession
from pydantic import SecretStr

from integrations.blobs_s3 import NOT_READ, S3, Bucket
from tests import plain
from tests.patience import PATIENCE_S
from tests.ports import free_port

REGION: Final = "us-east-1"


@contextmanager
def server() -> Iterator[str]:
    port = free_port()
    command = [sys.executable, "-W", "ignore", "-m", "moto.server", "-H", "127.0.0.1", "-p"]
    with subprocess.Popen(
        [*command, str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as running:
        try:
            url = f"http://127.0.0.1:{port}"
            _await(url, running)
            yield url
        finally:
            running.terminate()


def _await(url: str, running: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until and running.poll() is None:
        with suppress(httpx2.HTTPError):
            plain.get(f"{url}/moto-api/")
            return
        time.sleep(0.05)
    raise AssertionError("moto's server does not answer")


@asynccontextmanager
async def client(url: str) -> AsyncIterator[Any]:
    """Amazon's own, to look at what we left there."""
    async with AioSession(NOT_READ).create_client(
        "s3",
        region_name=REGION,
        endpoint_url=url,
        aws_access_key_id="test",
        aws_secret_access_key="test",
    ) as made:
        yield made


async def new_bucket(url: str, *, versioned: bool = False) -> Bucket:
    name = f"b-{uuid4().hex}"
    async with client(url) as s3:
        await s3.create_bucket(Bucket=name)
        if versioned:
            await s3.put_bucket_versioning(
                Bucket=name, VersioningConfiguration={"Status": "Enabled"}
            )
    return Bucket(
        name=name,
        region=REGION,
        access_key="test",
        secret_key=SecretStr("test"),
        endpoint=url,
        prefix="here/",
    )


@asynccontextmanager
async def store(bucket: Bucket, **options: Any) -> AsyncIterator[S3]:
    made = S3(bucket, **options)
    try:
        yield made
    finally:
        await made.aclose()


class Road:
    """Carries bytes between a client and `url`, but as badly as it was told to.

    `cuts`: each answer's connection is reset after so many bytes, the first number for the first
    connection and so on; `stalls`: it stands still after so many instead. `heads`: what was asked.
    """

    def __init__(self, url: str) -> None:
        host, _, port = url.removeprefix("http://").partition(":")
        self._to = (host, int(port))
        self.cuts: list[int] = []
        self.stalls = False
        self.answer = b""
        self.heads: list[bytes] = []
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def refuse(self, status: int, code: str) -> None:
        """Everything, from now on, as S3 words it."""
        body = f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>no</Message></Error>"
        head = f"HTTP/1.1 {status} No\r\nContent-Type: application/xml\r\nConnection: close\r\n"
        self.answer = f"{head}Content-Length: {len(body)}\r\n\r\n{body}".encode()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        self._tasks.add(task)
        try:
            await self._carry(reader, writer)
        except OSError:
            pass
        finally:
            writer.close()
            self._tasks.discard(task)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.read(65536)
        self.heads.append(head)
        if self.answer:
            writer.write(self.answer)
            await writer.drain()
            return
        left = self.cuts.pop(0) if self.cuts else None
        there, onwards = await asyncio.open_connection(*self._to)
        try:
            onwards.write(head)
            sending = asyncio.create_task(_pump(reader, onwards))
            try:
                await self._return(there, writer, left)
            finally:
                sending.cancel()
                await asyncio.gather(sending, return_exceptions=True)
        finally:
            onwards.close()

    async def _return(
        self, there: asyncio.StreamReader, writer: asyncio.StreamWriter, left: int | None
    ) -> None:
        while data := await there.read(65536):
            if left is not None and len(data) >= left:
                writer.write(data[:left])
                await writer.drain()
                if self.stalls:
                    await asyncio.sleep(60)
                writer.transport.abort()
                return
            writer.write(data)
            await writer.drain()
            left = None if left is None else left - len(data)


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()


def peak_mib() -> float:
    """Of this process, so far."""
    import resource  # noqa: PLC0415 - not on every system, and asked for in a process of its own

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1024 * 1024 if sys.platform == "darwin" else 1024)


async def _large(url: str, size: int) -> None:
    """Put and read a blob of `size` MiB; print how much memory that took at most."""
    piece = os.urandom(1024 * 1024)

    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(size):
            yield piece

    async with store(await new_bucket(url)) as blobs:
        await blobs.put("memos/small", _one(piece))
        before = peak_mib()
        await blobs.put("memos/large", pieces())
        got = 0
        async for each in blobs.open("memos/large"):
            got += len(each)
        assert got == size * len(piece), got
        print(peak_mib() - before)  # noqa: T201 - this is what the test reads


async def _one(piece: bytes) -> AsyncIterator[bytes]:
    yield piece


if __name__ == "__main__":
    asyncio.run(_large(sys.argv[1], int(sys.argv[2])))
