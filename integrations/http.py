"""The guarded client every outgoing call goes through.

Two kinds: `vendor_client` for the fixed addresses of our settings, `guarded_client` for addresses
that users supplied. Neither follows redirects, reads proxies from the environment, keeps cookies,
unpacks compressed answers or waits for ever.
"""

import asyncio
import re
import socket
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import cache, lru_cache
from ipaddress import ip_address
from ssl import SSLContext
from typing import Final

import httpx2

from core import clock
from core.errors import VendorError
from core.rules import egress
from integrations.closing import Closing
from integrations.http_connection import Answer, Connection, NotConnected
from integrations.http_connection import connect as open_tcp
from integrations.http_transport import Dial, Limits, Origin, Transport

MAX_WAIT = timedelta(days=1)  # a Retry-After beyond this is a mistake of the sender
DIALLED_ADDRESSES = 4  # of one name; more would only spend the timeout

OWN_HEADERS: Final = {"user-agent": "voicetodo", "accept-encoding": "identity"}
TOKEN: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110, 5.6.2
VALUE: Final = re.compile(r"[\t\x20-\x7e]*")
PASSING: Final = (408, 429)
WITH_BODY: Final = ("POST", "PUT", "PATCH")
PORTS: Final = {"http": 80, "https": 443}

Resolve = Callable[[str, int], Awaitable[list[str]]]


@dataclass(slots=True)
class Client(Closing):
    """Sends requests and reads whole answers; use as an async context manager, share it freely.

    A `VendorError` means that no answer came: `ambiguous` says whether the request had left.
    Every status, a redirect included, is an answer: hand it to `check` or judge it yourself.
    """

    transport: Transport
    sandbox_url: str | None = None
    guarded: bool = False

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
    ) -> Answer:
        if self.guarded and (why := egress.refusal(url, sandbox_url=self.sandbox_url)):
            raise VendorError(why, permanent=True)
        try:
            origin, target = _target(url)
            head = _head(method, target, headers or {}, content)
        except (httpx2.InvalidURL, ValueError) as error:
            raise VendorError("the request is malformed", permanent=True) from error
        return await self.transport.send(origin, head + (content or b""), bodiless=method == "HEAD")

    async def get(self, url: str, *, headers: Mapping[str, str] | None = None) -> Answer:
        return await self.request("GET", url, headers=headers)

    async def post(
        self, url: str, *, content: bytes, headers: Mapping[str, str] | None = None
    ) -> Answer:
        return await self.request("POST", url, headers=headers, content=content)

    async def aclose(self) -> None:
        await self.transport.aclose()


@cache
def _authorities() -> SSLContext:
    """This machine's certificate authorities: reading them takes 20 ms, and clients can share."""
    return httpx2.create_ssl_context(trust_env=False)


def vendor_client(limits: Limits | None = None, *, tls: SSLContext | None = None) -> Client:
    """For fixed vendor addresses: 5 s, answers up to 1 MiB (a longer one is a failure)."""
    limits = limits or Limits()
    return Client(Transport(open_tcp, limits, tls or _authorities()))


def guarded_client(
    limits: Limits | None = None,
    *,
    sandbox_url: str | None,
    resolve: Resolve | None = None,
    connect: Dial | None = None,
    tls: SSLContext | None = None,
) -> Client:
    """For user-supplied addresses: 5 s, the first 64 KiB of the answer, public addresses only.

    `sandbox_url` is the sandbox's in the dev profile and None in production; it has no default so
    that nobody forgets it. A refused address is a permanent `VendorError` and nothing was dialled.
    `resolve` and `connect` are for tests.
    """
    limits = limits or Limits(connections=128, max_body=64 * 1024, cut_body=True)
    dial = connect or open_tcp
    if sandbox_url is None:
        dial = _PublicOnly(resolve or _resolve, dial)
    transport = Transport(dial, limits, tls or _authorities())
    return Client(transport, sandbox_url=sandbox_url, guarded=True)


def check(response: Answer, vendor: str, *, now: datetime | None = None) -> None:
    """Raise VendorError for every status that is not 2xx.

    408, 429 and 5xx are passing, with the wait of Retry-After if one was asked for; the rest,
    redirects included, is permanent. The message names vendor and status, never the body: it ends
    up in logs and in front of people.
    """
    if response.is_success:
        return
    status = response.status_code
    raise VendorError(
        f"{vendor} answered {status}",
        permanent=not (status in PASSING or response.is_server_error),
        retry_after=retry_after(response.headers.get("retry-after"), now=now),
    )


def retry_after(value: str | None, *, now: datetime | None = None) -> timedelta | None:
    """Read Retry-After, seconds or an HTTP date (RFC 9110, 10.2.3); nonsense counts as none."""
    if value is None:
        return None
    value = value.strip()
    if value.isascii() and value.isdigit():
        return min(timedelta(seconds=int(value[:9])), MAX_WAIT)
    with suppress(ValueError, OverflowError):
        at = parsedate_to_datetime(value)
        at = at if at.tzinfo else at.replace(tzinfo=UTC)
        return min(max(at - (now or clock.now()), timedelta(0)), MAX_WAIT)
    return None


@dataclass(frozen=True, slots=True)
class _PublicOnly:
    """Resolves once, demands that all answers are public, dials those and nothing else.

    Checking one answer and dialling another is how rebinding works, so the name is not looked up a
    second time; it stays in Host and SNI, since the transport takes both from the URL.
    """

    resolve: Resolve
    connect: Dial

    async def __call__(self, host: str, port: int) -> Connection:
        try:
            addresses = await self.resolve(host.strip("[]"), port)
        except (OSError, UnicodeError) as error:
            raise NotConnected("the name does not resolve") from error
        if not addresses:
            raise NotConnected("the name does not resolve")
        if not all(_is_public(address) for address in addresses):
            raise VendorError("the address is not on the public Internet", permanent=True)
        refused = NotConnected("nobody answers")
        for address in addresses[:DIALLED_ADDRESSES]:
            try:
                return await self.connect(address, port)
            except NotConnected as error:
                refused = error
        raise refused


@lru_cache(maxsize=256)  # the addresses of our settings are asked for again and again
def _target(url: str) -> tuple[Origin, str]:
    """Where to dial, and the first line's path with the Host header under it."""
    parsed = httpx2.URL(url)
    if parsed.scheme not in PORTS or not parsed.host:
        raise ValueError("neither http nor https")
    host, path = parsed.raw_host.decode("ascii"), parsed.raw_path.decode("ascii")
    if not VALUE.fullmatch(path) or " " in path:
        raise ValueError("no path")
    origin = Origin(host, parsed.port or PORTS[parsed.scheme], parsed.scheme == "https")
    return origin, f"{path} HTTP/1.1\r\nhost: {parsed.netloc.decode('ascii')}\r\n"


def _head(method: str, target: str, headers: Mapping[str, str], content: bytes | None) -> bytes:
    lines = [f"{method} {target}"]
    if not TOKEN.fullmatch(method):
        raise ValueError("no method")
    for name, value in {**OWN_HEADERS, **headers}.items():
        # A line break in either would begin a header, or a request, of somebody else's making.
        if not (TOKEN.fullmatch(name) and VALUE.fullmatch(value)):
            raise ValueError("no header")
        lines.append(f"{name}: {value}\r\n")
    if content is not None or method in WITH_BODY:
        lines.append(f"content-length: {len(content or b'')}\r\n")
    lines.append("\r\n")
    return "".join(lines).encode("ascii")


def _is_public(address: str) -> bool:
    try:
        return egress.is_public(ip_address(address))
    except ValueError:
        return False


async def _resolve(host: str, port: int) -> list[str]:
    answers = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(sockaddr[0]) for *_, sockaddr in answers]
