import asyncio
import ssl
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import uvloop
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from core.errors import VendorError
from integrations.http import guarded_client
from integrations.http_connection import Connection, NotConnected, connect
from tests.integrations.test_http import answering, speaking
from tests.serving import serve


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

    async def connect(self, host: str, port: int) -> Connection:
        self.dialled.append((host, port))
        if host == "1.1.1.1":
            raise NotConnected("refused")
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

    async def connect_slowly(host: str, port: int) -> Connection:
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
        speaking(answering(b"200 OK")) as url,
        guarded_client(sandbox_url=url) as client,
    ):
        assert (await client.get(f"{url}/hooks/mine")).status_code == 200
        for refused in (f"{url}/faults", f"{url}/hooks/../faults", "https://hooks.example.com/"):
            with pytest.raises(VendorError) as caught:
                await client.get(refused)
            assert caught.value.permanent
