"""Whatever is sent as a recording, and however slowly: a clear 4xx, and nothing is left of it."""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx2
import pytest
from fastapi import FastAPI

from activities.orphans import Orphans
from api.main import create_app
from api.recordings import MAX_BYTES
from core.db import Database
from core.settings import Settings
from integrations.blobs import Directory
from tests import plain
from tests.api.test_hostile import is_a_problem
from tests.patience import PATIENCE_S, until
from tests.people import API, Person, register
from tests.ports import free_port
from tests.serving import serve
from tests.settings import unlimited
from tests.voicing import memo_of, noise, wav

BOUNDARY = "b0undary"
PATH = f"{API}/voice/memos"
MIB = 1024 * 1024

SDP = b"v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=x\r\nc=IN IP4 127.0.0.1\r\nm=audio 9 RTP/AVP 0\r\n"
NO_RECORDINGS = [
    SDP,
    b"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nhttp://127.0.0.1:9/secret\n",
    b"[playlist]\nFile1=file:///etc/passwd\nNumberOfEntries=1\n",
    b"ffconcat version 1.0\nfile /etc/passwd\n",
    b"<!doctype html><script>alert(1)</script>",
    b"<?xml version='1.0'?><playlist/>",
    b"\x7fELF\x02\x01\x01" + bytes(100),
    b"PK\x03\x04" + bytes(100),
    b"\x89PNG\r\n\x1a\n" + bytes(100),
    b"RIFF\x00\x00\x00\x00AVI LIST" + bytes(100),
    b"R", b"RIFF", b"\xff", bytes(1000),
]  # fmt: skip


def part(name: str, content: bytes, *, more: str = "", file: str | None = "memo.wav") -> bytes:
    named = "" if file is None else f'; filename="{file}"'
    begin = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"{named}\r\n{more}\r\n'
    return begin.encode() + content + b"\r\n"


END = f"--{BOUNDARY}--\r\n".encode()
FINE = part("audio", wav())
FORMS = {
    "no end": FINE,
    "an end in the middle": FINE[:-500],
    "no parts": END,
    "nothing": b"",
    "not even a form": b"audio=" + wav(),
    "no recording": part("language", b"en", file=None) + END,
    "two recordings": FINE + FINE + END,
    "a field twice": part("language", b"en") + part("language", b"de") + FINE + END,
    "an unknown part": part("file", b"x") + FINE + END,
    "an unknown part at the end": FINE + part("file", b"x") + END,
    "a thousand parts": b"".join(part(f"x{n}", b"") for n in range(1000)) + FINE + END,
    "a thousand of one name": b"".join(part("language", b"") for _ in range(1000)) + END,
    "a huge header": part("audio", wav(), more="X-Huge: " + "x" * 100_000 + "\r\n") + END,
    "a hundred headers": part("audio", wav(), more="X-More: x\r\n" * 100) + END,
    "no name": FINE.replace(b'name="audio"; ', b"") + END,
    "no disposition": f"--{BOUNDARY}\r\n\r\n".encode() + wav() + b"\r\n" + END,
    "a header that is none": part("audio", wav(), more="\x00\x01\r\n") + END,
    "a large field": part("language", b"x" * 100_000) + FINE + END,
    "a field that is no text": part("language", b"\xff\xfe\x00") + FINE + END,
    "a NUL in a field": part("language", b"en\x00") + FINE + END,
    "an empty recording": part("audio", b"") + END,
    "a name with a NUL": part("au\x00dio", wav()) + END,
}


@dataclass(frozen=True, slots=True)
class Api:
    """A running API with a store of its own."""

    http: httpx2.AsyncClient
    alice: Person
    blobs: Path

    def left(self) -> list[Path]:
        return [path for path in self.blobs.rglob("*") if path.is_file()]

    async def send(
        self, content: Any, kind: str = f"multipart/form-data; boundary={BOUNDARY}"
    ) -> httpx2.Response:
        return await self.alice.post(
            "/voice/memos", content=content, headers={"Content-Type": kind}
        )

    async def clean(self) -> None:
        """Nothing is left, at once or as soon as the server noticed that nobody is there."""
        await until(lambda: not self.left())


@pytest.fixture(scope="module")
async def api(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Api]:
    ours = unlimited(
        database_url, tmp_path_factory.mktemp("api"), upload_idle_seconds=1, pool_size=1
    )
    with serve(create_app(ours)) as url:
        async with plain.async_client(url) as http:
            yield Api(http, await register(http), ours.blobs)


@pytest.mark.parametrize("content", NO_RECORDINGS, ids=lambda content: repr(content[:12]))
async def test_what_is_no_recording(api: Api, content: bytes) -> None:
    for said in ("audio/wav", "application/sdp", "text/plain", ""):
        answer = await api.send(part("audio", content, more=f"Content-Type: {said}\r\n") + END)
        is_a_problem(answer, content)
        assert answer.status_code == 415, answer.text
    assert api.left() == []


@pytest.mark.parametrize("what", FORMS)
async def test_forms_that_are_none(api: Api, what: str) -> None:
    answer = await api.send(FORMS[what])
    is_a_problem(answer, what)
    assert answer.status_code == 422, answer.text
    await api.clean()


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("multipart/form-data", 422),
        ("multipart/form-data; boundary=", 422),
        (f"multipart/form-data; boundary={'b' * 300}", 422),
        ("multipart/form-data; boundary=another", 422),
        ("multipart/mixed; boundary=b0undary", 415),
        ("application/json", 415),
        ("audio/wav", 415),
        ("application/x-www-form-urlencoded", 415),
        (";;;", 415),
    ],
)
async def test_other_media_types(api: Api, kind: str, status: int) -> None:
    answer = await api.send(FINE + END, kind)
    is_a_problem(answer, kind)
    assert answer.status_code == status, answer.text
    assert api.left() == []


@pytest.mark.parametrize(
    "name",
    ["../../../../etc/passwd", "/etc/passwd", "a\x00b.wav", "..\\..\\x.wav", "x" * 3000, "",
     "%2e%2e%2f", "~/.ssh/id", "memo.wav\x1b[2J", "\u202egpj.wav"],
)  # fmt: skip
async def test_file_names_mean_nothing(api: Api, name: str) -> None:
    sent = await api.send(part("audio", wav(), file=name) + END)
    memo_id = memo_of(sent)
    left = api.left()
    assert left
    assert all(path.suffix == "" and "memo" not in path.name for path in left)
    audio = await api.alice.get(f"/voice/memos/{memo_id}/audio")
    assert audio.headers["content-disposition"] == f'attachment; filename="{memo_id}.wav"'
    assert (await api.alice.delete(f"/voice/memos/{memo_id}")).status_code == 204
    assert api.left() == []


async def test_a_polyglot_is_kept_for_whoever_decodes_it(api: Api) -> None:
    """Its first bytes are those of a recording; what it really is shows in a process of its own."""
    sent = await api.send(part("audio", b"RIFF\xff\xff\xff\xffWAVE" + SDP) + END)
    assert sent.status_code == 202
    await api.alice.delete(f"/voice/memos/{memo_of(sent)}")


async def test_parts_in_any_order(api: Api) -> None:
    capture = str(uuid4()).encode()
    fields = part("language", b"en", file=None) + part("capture_id", capture, file=None)
    first = await api.send(fields + FINE + END)
    again = await api.send(FINE + fields + END + b"epilogue")
    assert memo_of(first) == memo_of(again)
    await api.alice.delete(f"/voice/memos/{memo_of(first)}")
    assert api.left() == []


async def test_nobody_is_refused_before_a_byte_is_read(api: Api) -> None:
    url = api.http.base_url
    reader, writer = await asyncio.open_connection(url.host, url.port)
    writer.write(f"POST {PATH} HTTP/1.1\r\nHost: x\r\nContent-Length: 20000000\r\n\r\n".encode())
    async with asyncio.timeout(PATIENCE_S):
        assert b"401" in await reader.readline()
    writer.close()


def head(api: Api, length: int) -> bytes:
    return (
        f"POST {PATH} HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n"
        f"Authorization: Bearer {api.alice.access_token}\r\n"
        f"Content-Type: multipart/form-data; boundary={BOUNDARY}\r\n\r\n"
    ).encode()


@pytest.mark.parametrize("crawls", [False, True])
async def test_a_slow_upload_is_cut_off(api: Api, *, crawls: bool) -> None:
    """Meanwhile, with the one connection to the database there is, others are answered."""
    url = api.http.base_url
    reader, writer = await asyncio.open_connection(url.host, url.port)
    writer.write(head(api, 100_000) + FINE[:1000])

    async def crawl() -> None:
        while crawls:
            writer.write(b"x")
            await asyncio.sleep(0.1)

    crawling = asyncio.create_task(crawl())
    await asyncio.sleep(0.3)
    assert (await api.alice.get("/me")).status_code == 200
    async with asyncio.timeout(PATIENCE_S):
        answer = await reader.read()  # to the end: the server hangs up
    crawling.cancel()
    writer.close()
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"urn:voicetodo:problem:too-slow" in answer
    await api.clean()


async def test_whoever_leaves_in_the_middle_leaves_nothing(api: Api) -> None:
    url = api.http.base_url
    for sent in (100, 60_000, 400_000):
        body = part("audio", noise(600_000)) + END
        _, writer = await asyncio.open_connection(url.host, url.port)
        writer.write(head(api, len(body)) + body[:sent])
        await writer.drain()
        await asyncio.sleep(0.2)
        writer.transport.abort()
        await api.clean()
    assert (await api.alice.get("/voice/memos")).json()["data"] == []


async def test_what_arrived_of_a_part_is_kept(api: Api) -> None:
    """The network fails, or stalls; whoever comes back goes on where it stopped."""
    audio, url = noise(400_000), api.http.base_url
    headers = {"Upload-Length": str(len(audio))}
    begun = await api.alice.post("/voice/uploads", json={}, headers=headers)
    path = begun.headers["location"]

    async def offset() -> int:
        return int((await api.http.head(path, headers=api.alice.headers)).headers["upload-offset"])

    def being_read() -> bool:
        return any("unfinished" in path.parts for path in api.left())

    async def over() -> bool:
        """What was read is kept, and known to be."""
        return not being_read() and (await offset() > before) == (len(api.left()) > parts)

    for sent, leaves in ((150_000, True), (100_000, False)):
        before, parts = await offset(), len(api.left())
        reader, writer = await asyncio.open_connection(url.host, url.port)
        writer.write(
            f"PATCH {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(audio) - before}\r\n"
            f"Authorization: Bearer {api.alice.access_token}\r\nUpload-Offset: {before}\r\n"
            "Content-Type: application/offset+octet-stream\r\n\r\n".encode()
        )
        writer.write(audio[before : before + sent])
        await writer.drain()
        if leaves:
            await until(being_read)
        else:
            assert b"408" in await reader.readline()
        writer.close()
        await until(over)
        kept = await offset() - before
        # Who leaves takes along what the server has not read yet.
        assert 0 <= kept <= sent if leaves else kept == sent
    at = await offset()
    last = {"Upload-Offset": str(at), "Content-Type": "application/offset+octet-stream"}
    done = await api.http.patch(path, content=audio[at:], headers=api.alice.headers | last)
    memo_id = memo_of(done)
    assert (await api.alice.get(f"/voice/memos/{memo_id}/audio")).content == audio
    await api.alice.delete(f"/voice/memos/{memo_id}")
    assert api.left() == []


# From here on a process of its own: its memory is measured, and it is killed.


@contextmanager
def process(ours: Settings, **environment: str) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    port = free_port()
    told = {
        "VOICETODO_DATA_DIR": str(ours.data_dir.absolute()),
        "VOICETODO_BLOB_DIR": str(ours.blobs.absolute()),
        "VOICETODO_RATE_LIMIT_UPLOADS": "1000000",
        "VOICETODO_PASSWORD_MEMORY_MIB": "1",
        **environment,
    }
    if ours.database_url is not None:
        told["DATABASE_URL"] = ours.database_url.get_secret_value()
    command = [sys.executable, "-m", "uvicorn", "api.main:app", "--port", str(port)]
    with subprocess.Popen(
        [*command, "--log-level", "error", "--no-access-log"], env=os.environ | told
    ) as popen:
        try:
            yield popen, f"http://127.0.0.1:{port}"
        finally:
            popen.kill()


async def ready(http: httpx2.AsyncClient) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while True:
            try:
                if (await http.get("/ready")).status_code == 200:
                    return
            except httpx2.TransportError:
                await asyncio.sleep(0.1)


def resident_kib(pid: int) -> int:
    told = subprocess.run(
        ["ps", "-o", "rss=", "-p", str(pid)], capture_output=True, check=True, text=True
    )
    return int(told.stdout)


async def settled_kib(pid: int) -> int:
    """What it takes once the words of all languages are read, which goes on behind a start."""
    last, now = 0, resident_kib(pid)
    async with asyncio.timeout(PATIENCE_S):
        while now != last:
            await asyncio.sleep(1)
            last, now = now, resident_kib(pid)
    return now


async def test_the_largest_and_one_byte_more(database_url: str, tmp_path: Path) -> None:
    ours = unlimited(database_url, tmp_path, upload_idle_seconds=1)
    with process(ours) as (popen, url):
        async with plain.async_client(url) as http:
            await ready(http)
            alice = await register(http)
            api = Api(http, alice, ours.blobs)
            memo_of(await api.send(part("audio", noise(2 * MIB)) + END))  # what is loaded once
            before, most, left = await settled_kib(popen.pid), 0, len(api.left())
            for size, status in ((MAX_BYTES, 202), (MAX_BYTES + 1, 413), (MAX_BYTES + MIB, 413)):
                body = part("audio", noise(size)) + END

                async def pieces(body: bytes = body) -> AsyncIterator[bytes]:
                    nonlocal most
                    for start in range(0, len(body), 65536):
                        yield body[start : start + 65536]
                        if start % (16 * 65536) == 0:
                            most = max(most, resident_kib(popen.pid))

                for content in (body, pieces()):
                    answer = await api.send(content)
                    most = max(most, resident_kib(popen.pid))
                    assert answer.status_code == status, answer.text
            assert len(api.left()) == left + 2
            assert most - before < 8 * 1024, "never more than a part of it in memory"


@pytest.mark.parametrize("point", ["after_blob_before_row", "before_commit",
                                   "after_commit_before_response"])  # fmt: skip
async def test_killed_between_blob_and_answer(
    app: FastAPI, alice: Person, worker_db: Database, tmp_path: Path, point: str
) -> None:
    """A repetition works, no orphan stays, and what a row names is never collected."""
    ours: Settings = app.state.settings.model_copy(update={"blob_dir": tmp_path})
    body = part("audio", noise(300_000))
    body += part("capture_id", str(uuid4()).encode(), file=None) + END
    with process(ours, FAULT=f"{point}:kill") as (_, url):
        async with plain.async_client(url) as http:
            await ready(http)
            api = Api(http, replace(alice, http=http), tmp_path)
            with pytest.raises(httpx2.TransportError):
                await api.send(body)
    assert len(api.left()) == 1, "durable, whether or not a row names it"
    with process(ours) as (_, url):
        async with plain.async_client(url) as http:
            await ready(http)
            api = Api(http, replace(alice, http=http), tmp_path)
            again = memo_of(await api.send(body))
            known = point == "after_commit_before_response"
            orphans = Orphans(worker_db, Directory(tmp_path))
            await orphans.once()
            assert len(api.left()) == (1 if known else 2), "the one without a row is too young"
            for path in api.left():
                os.utime(path, (1, 1))
            assert await orphans.once() == (0 if known else 1)
            assert (await api.alice.get(f"/voice/memos/{again}/audio")).status_code == 200
            assert len((await api.alice.get("/voice/memos")).json()["data"]) == 1
