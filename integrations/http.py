"""The guarded client every outgoing call goes through.

Two kinds: `vendor_client` for the fixed addresses of our settings, `guarded_client` for addresses
that users supplied. Neither follows redirects, reads proxies from the environment, keeps cookies,
unpacks compressed answers or waits for ever.
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from ipaddress import ip_address
from ssl import SSLContext
from types import TracebackType
from typing import Self

import httpcore2
import httpx2

from core import clock
from core.errors import VendorError
from core.rules import egress
from integrations.http_stream import connect as open_tcp
from integrations.http_transport import Dial, Limits, Transport

MAX_WAIT = timedelta(days=1)  # a Retry-After beyond this is a mistake of the sender
DIALLED_ADDRESSES = 4  # of one name; more would only spend the timeout

Resolve = Callable[[str, int], Awaitable[list[str]]]


@dataclass(slots=True)
class Client:
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
    ) -> httpx2.Response:
        if self.guarded and (why := egress.refusal(url, sandbox_url=self.sandbox_url)):
            raise VendorError(why, permanent=True)
        try:
            request = httpx2.Request(
                method,
                url,
                headers={
                    "user-agent": "voicetodo",
                    "accept-encoding": "identity",
                    **(headers or {}),
                },
                content=content,
            )
        except (httpx2.InvalidURL, ValueError) as error:
            raise VendorError("the request is malformed", permanent=True) from error
        return await self.transport.send(request)

    async def get(self, url: str, *, headers: Mapping[str, str] | None = None) -> httpx2.Response:
        return await self.request("GET", url, headers=headers)

    async def post(
        self, url: str, *, content: bytes, headers: Mapping[str, str] | None = None
    ) -> httpx2.Response:
        return await self.request("POST", url, headers=headers, content=content)

    async def aclose(self) -> None:
        await self.transport.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.aclose()


def vendor_client(limits: Limits | None = None, *, tls: SSLContext | None = None) -> Client:
    """For fixed vendor addresses: 5 s, answers up to 1 MiB (a longer one is a failure)."""
    limits = limits or Limits()
    return Client(Transport(open_tcp, limits, tls or httpx2.create_ssl_context(trust_env=False)))


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
    transport = Transport(dial, limits, tls or httpx2.create_ssl_context(trust_env=False))
    return Client(transport, sandbox_url=sandbox_url, guarded=True)


def check(response: httpx2.Response, vendor: str, *, now: datetime | None = None) -> None:
    """Raise VendorError for every status that is not 2xx.

    408, 429 and 5xx are passing, with the wait of Retry-After if one was asked for; the rest,
    redirects included, is permanent. The message names vendor and status, never the body: it ends
    up in logs and in front of people.
    """
    if response.is_success:
        return
    status = response.status_code
    passing = status in {httpx2.codes.REQUEST_TIMEOUT, httpx2.codes.TOO_MANY_REQUESTS}
    raise VendorError(
        f"{vendor} answered {status}",
        permanent=not (passing or response.is_server_error),
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

    async def __call__(self, host: str, port: int) -> httpcore2.AsyncNetworkStream:
        try:
            addresses = await self.resolve(host.strip("[]"), port)
        except (OSError, UnicodeError) as error:
            raise httpcore2.ConnectError("the name does not resolve") from error
        if not addresses:
            raise httpcore2.ConnectError("the name does not resolve")
        if not all(_is_public(address) for address in addresses):
            raise VendorError("the address is not on the public Internet", permanent=True)
        refused = httpcore2.ConnectError()
        for address in addresses[:DIALLED_ADDRESSES]:
            try:
                return await self.connect(address, port)
            except httpcore2.ConnectError as error:
                refused = error
        raise refused


def _is_public(address: str) -> bool:
    try:
        return egress.is_public(ip_address(address))
    except ValueError:
        return False


async def _resolve(host: str, port: int) -> list[str]:
    answers = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(sockaddr[0]) for *_, sockaddr in answers]
