import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta

import pytest

from core.errors import VendorError
from integrations.http import check, retry_after, vendor_client
from integrations.http_connection import Answer
from integrations.http_transport import Limits

NOW = datetime(2026, 1, 1, tzinfo=UTC)
Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def speaking(talk: Talk) -> AsyncIterator[str]:
    """A server that says exactly what `talk` writes once it has read the request's head."""
    calls: set[asyncio.Task[None]] = set()

    async def one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if task := asyncio.current_task():
            calls.add(task)
        try:
            while await reader.readuntil(b"\r\n\r\n"):
                await talk(reader, writer)
                if writer.is_closing():
                    break
        except (asyncio.CancelledError, asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()
            with suppress(asyncio.CancelledError, ConnectionError):
                await writer.wait_closed()

    server = await asyncio.start_server(one, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.close()
        for call in calls:
            call.cancel()
        await asyncio.gather(*calls, return_exceptions=True)


async def _silent(_: asyncio.StreamReader, __: asyncio.StreamWriter) -> None:
    await asyncio.sleep(1.5)


async def _hangs_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.close()


async def _drips(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n")
    for _byte in range(100):
        writer.write(b"x")
        await writer.drain()
        await asyncio.sleep(0.05)


async def _talks_nonsense(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"SSH-2.0-OpenSSH\r\n\r\n")


async def _breaks_off(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf")
    writer.close()


@pytest.mark.parametrize("talk", [_silent, _hangs_up, _drips, _talks_nonsense, _breaks_off])
async def test_no_answer_after_sending_is_ambiguous(talk: Talk) -> None:
    async with speaking(talk) as url, vendor_client(Limits(timeout=0.4)) as client:
        with pytest.raises(VendorError) as caught:
            await client.post(url, content=b"{}")
    assert (caught.value.permanent, caught.value.ambiguous) == (False, True)


async def test_refused_connection_is_passing_and_unambiguous() -> None:
    async with speaking(_silent) as url:
        pass  # the port is free again
    async with vendor_client() as client:
        with pytest.raises(VendorError) as caught:
            await client.get(url)
    assert (caught.value.permanent, caught.value.ambiguous) == (False, False)


async def test_waiting_for_a_connection_is_bounded_and_unambiguous() -> None:
    async with (
        speaking(_silent) as url,
        vendor_client(Limits(timeout=0.3, connections=1)) as client,
    ):
        first = asyncio.create_task(client.get(url))
        answers = await asyncio.gather(
            first, client.get(url), client.get(url), return_exceptions=True
        )
    outcomes = [(type(each), getattr(each, "ambiguous", None)) for each in answers]
    assert outcomes[0] == (VendorError, True)
    assert (VendorError, False) in outcomes


async def test_a_timed_out_handshake_is_unambiguous() -> None:
    async with speaking(_silent) as url, vendor_client(Limits(timeout=0.3)) as client:
        with pytest.raises(VendorError) as caught:
            await client.get(url.replace("http:", "https:"))
    assert (caught.value.permanent, caught.value.ambiguous) == (False, False)


def answering(head: bytes, body: bytes = b"") -> Talk:
    async def talk(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 " + head + b"\r\ncontent-length: %d\r\n\r\n" % len(body) + body)
        await writer.drain()

    return talk


async def test_redirects_are_answers_and_failures() -> None:
    talk = answering(b"302 Found\r\nlocation: http://127.0.0.1:1/")
    async with speaking(talk) as url, vendor_client() as client:
        answer = await client.get(url)
    assert answer.status_code == 302
    with pytest.raises(VendorError) as caught:
        check(answer, "Vendor")
    assert caught.value.permanent


async def test_long_answers_fail_for_vendors() -> None:
    talk = answering(b"200 OK", b"x" * 2000)
    async with speaking(talk) as url, vendor_client(Limits(max_body=1999)) as client:
        with pytest.raises(VendorError) as caught:
            await client.get(url)
    assert caught.value.ambiguous


async def test_compressed_answers_are_not_unpacked() -> None:
    talk = answering(b"200 OK\r\ncontent-encoding: gzip", b"\x1f\x8bnot gzip at all")
    async with speaking(talk) as url, vendor_client() as client:
        assert (await client.get(url)).content == b"\x1f\x8bnot gzip at all"


async def test_connections_are_reused_and_bounded() -> None:
    ports: set[int] = set()
    open_now = peak = 0

    async def talk(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal open_now, peak
        open_now += 1
        peak = max(peak, open_now)
        ports.add(writer.get_extra_info("peername")[1])
        await asyncio.sleep(0.005)
        open_now -= 1
        writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")

    async with speaking(talk) as url, vendor_client(Limits(connections=4)) as client:
        answers = await asyncio.gather(*(client.get(url) for _ in range(100)))
    assert {answer.status_code for answer in answers} == {204}
    assert len(ports) == peak == 4


async def test_a_connection_that_the_vendor_closed_is_not_used_again() -> None:
    async def talk(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")  # says nothing of closing, and closes
        await writer.drain()
        writer.close()

    async with speaking(talk) as url, vendor_client() as client:
        for _ in range(3):
            assert (await client.get(url)).status_code == 204
            await asyncio.sleep(0.05)


async def test_cancelling_gives_the_connection_back() -> None:
    async with speaking(_silent) as url, vendor_client(Limits(connections=1)) as client:
        task = asyncio.create_task(client.get(url))
        await asyncio.sleep(0.05)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        async with speaking(answering(b"200 OK")) as other:
            assert (await client.get(other)).status_code == 200


@pytest.mark.parametrize(
    ("status", "headers", "permanent", "wait"),
    [
        (301, {}, True, None),
        (400, {}, True, None),
        (404, {}, True, None),
        (408, {}, False, None),
        (410, {}, True, None),
        (429, {"retry-after": "7"}, False, timedelta(seconds=7)),
        (500, {}, False, None),
        (503, {"retry-after": "Thu, 01 Jan 2026 00:00:30 GMT"}, False, timedelta(seconds=30)),
    ],
)
def test_statuses(
    status: int,
    headers: dict[str, str],
    permanent: bool,  # noqa: FBT001 - a column of the table
    wait: timedelta | None,
) -> None:
    with pytest.raises(VendorError) as caught:
        check(Answer(status, headers=headers), "Vendor", now=NOW)
    error = caught.value
    assert (error.permanent, error.ambiguous, error.retry_after) == (permanent, False, wait)


@pytest.mark.parametrize(
    ("value", "wait"),
    [
        (None, None),
        ("", None),
        ("soon", None),
        ("-1", None),
        ("٣", None),
        ("1.5", None),
        ("0", timedelta(0)),
        (" 120 ", timedelta(minutes=2)),
        ("9" * 400, timedelta(days=1)),
        ("Thu, 01 Jan 2026 00:01:00 GMT", timedelta(minutes=1)),
        ("Thu, 01 Jan 2026 00:01:00 -0000", timedelta(minutes=1)),
        ("Wed, 31 Dec 2025 23:00:00 GMT", timedelta(0)),
        ("Thu, 01 Jan 9999 00:01:00 GMT", timedelta(days=1)),
        ("Thu, 99 Jan 2026 99:99:99 GMT", None),
    ],
)
def test_retry_after(value: str | None, wait: timedelta | None) -> None:
    assert retry_after(value, now=NOW) == wait


def saying(*parts: bytes, closes: bool = False) -> Talk:
    async def talk(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for part in parts:
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(0.01)
        if closes:
            writer.close()

    return talk


@pytest.mark.parametrize(
    ("talk", "body"),
    [
        (saying(b"HTTP/1.1 200 OK\r\n\r\nto the ", b"end", closes=True), b"to the end"),
        (saying(b"HTTP/1.1 200 OK\r\ncontent-le", b"ngth: 2\r\n\r", b"\no", b"k"), b"ok"),
        (
            saying(
                b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r", b"\n0\r\n\r\n"
            ),
            b"abc",
        ),
        (
            saying(
                b"HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n",
                b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n!",
            ),
            b"!",
        ),
    ],
)
async def test_every_shape_of_answer(talk: Talk, body: bytes) -> None:
    async with speaking(talk) as url, vendor_client(Limits(timeout=30)) as client:
        for _ in range(2):
            answer = await client.get(url)
            assert (answer.status_code, answer.content) == (200, body)
            assert "link" not in answer.headers


async def test_what_nobody_asked_for_is_not_taken_as_an_answer() -> None:
    """A second answer behind the first would answer the next request, whosever that is."""
    first = b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n1"
    forged = b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nforged"
    for parts in ((first + forged,), (first, forged)):
        async with speaking(saying(*parts)) as url, vendor_client() as client:
            for _ in range(3):
                assert (await client.get(url)).content == b"1"
                await asyncio.sleep(0.05)


async def test_an_answer_to_head_has_no_body() -> None:
    talk = saying(b"HTTP/1.1 200 OK\r\ncontent-length: 7\r\n\r\n")
    async with speaking(talk) as url, vendor_client(Limits(timeout=30)) as client:
        for _ in range(2):
            answer = await client.request("HEAD", url)
            assert (answer.headers["content-length"], answer.content) == ("7", b"")


@pytest.mark.parametrize(
    "talk",
    [
        saying(b"HTTP/1.1 200 OK\r\nx: " + b"y" * 100_000),
        saying(*[b"HTTP/1.1 100 Continue\r\n\r\n" * 1000] * 4),
        saying(b"HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n"),
        saying(b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nxx"),
        saying(b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n0"),
    ],
    ids=["endless head", "endless hints", "upgrade", "two lengths", "length and chunks"],
)
async def test_hostile_answers_fail_soon(talk: Talk) -> None:
    async with speaking(talk) as url, vendor_client(Limits(timeout=0.5)) as client:
        with pytest.raises(VendorError) as caught:
            await client.get(url)
    assert (caught.value.permanent, caught.value.ambiguous) == (False, True)


@pytest.mark.parametrize(
    ("method", "path", "headers"),
    [
        ("GET", "/", {"x": "y\r\nevil: 1"}),
        ("GET", "/", {"x\r\nevil": "1"}),
        ("GET", "/", {"x": "schön"}),
        ("GET /evil HTTP/1.1\r\nx:", "/", {}),
        ("GET", "/\ud800", {}),
    ],
)
async def test_a_malformed_request_never_leaves(
    method: str, path: str, headers: dict[str, str]
) -> None:
    async with speaking(answering(b"200 OK")) as url, vendor_client() as client:
        with pytest.raises(VendorError) as caught:
            await client.request(method, url + path, headers=headers)
    assert (caught.value.permanent, caught.value.ambiguous) == (True, False)


async def test_a_path_cannot_end_the_first_line() -> None:
    lines: list[bytes] = []

    async def talk(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")

    async def heard(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        lines.extend((await reader.readuntil(b"\r\n\r\n")).split(b"\r\n"))
        await talk(reader, writer)
        writer.close()

    server = await asyncio.start_server(heard, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, vendor_client() as client:
        await client.post(f"http://127.0.0.1:{port}/a b?c=é HTTP/1.1", content=b"")
    assert lines == [
        b"POST /a%20b?c=%C3%A9%20HTTP/1.1 HTTP/1.1",
        b"host: 127.0.0.1:%d" % port,
        b"user-agent: voicetodo",
        b"accept-encoding: identity",
        b"content-length: 0",
        b"",
        b"",
    ]
