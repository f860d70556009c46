import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpcore2
import httpx2
import pytest
import uvloop
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from core.errors import VendorError
from integrations.http import check, guarded_client, retry_after, vendor_client
from integrations.http_stream import connect
from integrations.http_transport import Limits
from tests.serving import serve

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


def _answering(head: bytes, body: bytes = b"") -> Talk:
    async def talk(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 " + head + b"\r\ncontent-length: %d\r\n\r\n" % len(body) + body)
        await writer.drain()

    return talk


async def test_redirects_are_answers_and_failures() -> None:
    talk = _answering(b"302 Found\r\nlocation: http://127.0.0.1:1/")
    async with speaking(talk) as url, vendor_client() as client:
        answer = await client.get(url)
    assert answer.status_code == 302
    with pytest.raises(VendorError) as caught:
        check(answer, "Vendor")
    assert caught.value.permanent


async def test_long_answers_fail_for_vendors() -> None:
    talk = _answering(b"200 OK", b"x" * 2000)
    async with speaking(talk) as url, vendor_client(Limits(max_body=1999)) as client:
        with pytest.raises(VendorError) as caught:
            await client.get(url)
    assert caught.value.ambiguous


async def test_compressed_answers_are_not_unpacked() -> None:
    talk = _answering(b"200 OK\r\ncontent-encoding: gzip", b"\x1f\x8bnot gzip at all")
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
        async with speaking(_answering(b"200 OK")) as other:
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
        check(httpx2.Response(status, headers=headers), "Vendor", now=NOW)
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


class Net:
    """A fake name service, and a dialler that notes the address and goes to one loopback port."""

    def __init__(self, port: int, **names: list[str]) -> None:
        self.port = port
        self.names = {name.replace("_", "."): addresses for name, addresses in names.items()}
        self.dialled: list[tuple[str, int]] = []
        self.lookups: list[str] = []

    async def resolve(self, host: str, _port: int) -> list[str]:
        self.lookups.append(host)
        if host not in self.names:
            raise OSError("unknown name")
        return self.names[host]

    async def connect(self, host: str, port: int) -> httpcore2.AsyncNetworkStream:
        self.dialled.append((host, port))
        if host == "1.1.1.1":
            raise httpcore2.ConnectError("refused")
        return await connect("127.0.0.1", self.port)


@pytest.fixture(scope="session")
def tls(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate for hooks.example.com alone."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "hooks.example.com")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.DNSName("hooks.example.com")]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    folder = tmp_path_factory.mktemp("tls")
    (folder / "key.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    (folder / "cert.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    return folder / "cert.pem", folder / "key.pem"


async def _echo(scope: dict[str, object], _: object, send: object) -> None:
    """Answers with the Host header it was called by, 100 KiB of it."""
    if scope["type"] != "http":
        return
    headers = dict(scope["headers"])  # type: ignore[call-overload]  # ASGI's own shape
    body = headers[b"host"].ljust(100 * 1024)
    await send({"type": "http.response.start", "status": 200, "headers": []})  # type: ignore[operator]  # ASGI's own shape
    await send({"type": "http.response.body", "body": body})  # type: ignore[operator]  # ASGI's own shape


@pytest.fixture
def secure_port(tls: tuple[Path, Path]) -> Iterator[int]:
    with serve(_echo, lifespan="off", ssl_certfile=str(tls[0]), ssl_keyfile=str(tls[1])) as url:
        yield int(url.rpartition(":")[2])


def _trusting(tls: tuple[Path, Path]) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(tls[0]))


async def test_12_dials_the_checked_address_and_keeps_host_and_sni(
    secure_port: int, tls: tuple[Path, Path]
) -> None:
    net = Net(secure_port, hooks_example_com=["1.1.1.1", "9.9.9.9"])
    async with guarded_client(
        sandbox_url=None, resolve=net.resolve, connect=net.connect, tls=_trusting(tls)
    ) as client:
        answer = await client.post("https://hooks.example.com/a", content=b"{}")
        await client.post("https://hooks.example.com/b", content=b"{}")
    assert answer.content.strip() == b"hooks.example.com"
    assert len(answer.content) == 64 * 1024  # the rest was cut, the status counts
    assert net.dialled[:2] == [("1.1.1.1", 443), ("9.9.9.9", 443)]
    assert set(net.lookups) == {"hooks.example.com"}


def test_12_holds_on_the_loop_of_the_worker(secure_port: int, tls: tuple[Path, Path]) -> None:
    async def call() -> list[int]:
        net = Net(secure_port, hooks_example_com=["9.9.9.9"], evil_example_com=["9.9.9.9"])
        async with guarded_client(
            sandbox_url=None, resolve=net.resolve, connect=net.connect, tls=_trusting(tls)
        ) as client:
            with pytest.raises(VendorError):
                await client.get("https://evil.example.com/")
            urls = ["https://hooks.example.com/"] * 3
            return [(await client.post(url, content=b"x" * 500_000)).status_code for url in urls]

    with ThreadPoolExecutor(1) as thread:  # this thread has a running loop already
        assert thread.submit(uvloop.run, call()).result() == [200, 200, 200]


async def test_12_a_certificate_of_another_name_is_refused(
    secure_port: int, tls: tuple[Path, Path]
) -> None:
    net = Net(secure_port, evil_example_com=["9.9.9.9"])
    async with guarded_client(
        sandbox_url=None, resolve=net.resolve, connect=net.connect, tls=_trusting(tls)
    ) as client:
        with pytest.raises(VendorError) as caught:
            await client.get("https://evil.example.com/")
    assert not caught.value.ambiguous


async def test_bytes_from_before_the_handshake_are_nobodys() -> None:
    gone = asyncio.Event()

    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nforged")
        with suppress(ConnectionError):
            await reader.read()
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()
        gone.set()

    async def connect_slowly(host: str, port: int) -> httpcore2.AsyncNetworkStream:
        assert host == "9.9.9.9"
        stream = await connect("127.0.0.1", port)
        await asyncio.sleep(0.05)
        return stream

    server = await asyncio.start_server(greet, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    net = Net(port, hooks_example_com=["9.9.9.9"])
    async with (
        server,
        guarded_client(sandbox_url=None, resolve=net.resolve, connect=connect_slowly) as client,
    ):
        with pytest.raises(VendorError) as caught:
            await client.get(f"https://hooks.example.com:{port}/")
        await gone.wait()
    assert "TLS" in str(caught.value.__cause__)


@pytest.mark.parametrize(
    "answers",
    [
        ["127.0.0.1"],
        ["9.9.9.9", "10.0.0.1"],
        ["10.0.0.1", "9.9.9.9"],
        ["9.9.9.9", "::1"],
        ["::ffff:9.9.9.9"],
        ["fe80::1%eth0"],
        ["169.254.169.254"],
        ["nonsense"],
    ],
)
async def test_12_one_internal_answer_refuses_the_name(answers: list[str]) -> None:
    net = Net(1, hooks_example_com=answers)
    async with guarded_client(sandbox_url=None, resolve=net.resolve, connect=net.connect) as client:
        with pytest.raises(VendorError) as caught:
            await client.get("https://hooks.example.com/")
    assert (caught.value.permanent, caught.value.ambiguous) == (True, False)
    assert net.dialled == []
    assert net.lookups == ["hooks.example.com"]


@pytest.mark.parametrize("names", [{}, {"hooks_example_com": []}])
async def test_12_an_unknown_name_is_passing(names: dict[str, list[str]]) -> None:
    net = Net(1, **names)
    async with guarded_client(sandbox_url=None, resolve=net.resolve, connect=net.connect) as client:
        with pytest.raises(VendorError) as caught:
            await client.get("https://hooks.example.com/")
    assert (caught.value.permanent, caught.value.ambiguous) == (False, False)


async def test_12_refused_urls_are_never_looked_up() -> None:
    net = Net(1)
    async with guarded_client(sandbox_url=None, resolve=net.resolve, connect=net.connect) as client:
        for url in ("http://hooks.example.com/", "https://127.1/", "https://u@hooks.example.com/"):
            with pytest.raises(VendorError) as caught:
                await client.get(url)
            assert caught.value.permanent
    assert not net.lookups
    assert not net.dialled


async def test_12_dev_reaches_the_sandbox_and_nothing_else() -> None:
    async with (
        speaking(_answering(b"200 OK")) as url,
        guarded_client(sandbox_url=url) as client,
    ):
        assert (await client.get(f"{url}/hooks/mine")).status_code == 200
        for refused in (f"{url}/faults", f"{url}/hooks/../faults", "https://hooks.example.com/"):
            with pytest.raises(VendorError) as caught:
                await client.get(refused)
            assert caught.value.permanent
