"""One request on one pooled connection, the answer read whole: what both kinds of client stand on.

Not httpx2's own transport, for three reasons. Its pool looks at every connection for every request,
which is felt with hundreds of connections; its timeouts are per read, so a vendor that drips bytes
is waited for without end; and it does not tell whether a request had left when it failed, on which
it depends whether a send may be repeated without asking.
"""

import asyncio
import ssl
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Protocol

import httpcore2
import httpx2

from core.errors import VendorError

KEEPALIVE_SECONDS = 30.0


class Dial(Protocol):
    """Opens a TCP connection for a host name; refuses with `VendorError(permanent=True)`."""

    async def __call__(self, host: str, port: int) -> httpcore2.AsyncNetworkStream: ...


@dataclass(frozen=True, slots=True)
class Limits:
    """`timeout` counts from a free connection to the last byte of the answer.

    Waiting for a free connection is bounded by the same time again: whoever holds a lease keeps no
    more than `connections` sends in flight.
    """

    timeout: float = 5.0
    connections: int = 256
    max_body: int = 1024 * 1024
    cut_body: bool = False  # an answer longer than max_body: keep its beginning, or fail


@dataclass(slots=True)
class Transport:
    dial: Dial
    limits: Limits
    tls: ssl.SSLContext
    _slots: asyncio.Semaphore = field(init=False)
    _idle: list[httpcore2.AsyncHTTP11Connection] = field(init=False, default_factory=list)

    def __post_init__(self) -> None:
        self._slots = asyncio.Semaphore(self.limits.connections)

    async def send(self, request: httpx2.Request) -> httpx2.Response:
        """Raise VendorError if no answer came; any status is an answer."""
        try:
            async with asyncio.timeout(self.limits.timeout):
                await self._slots.acquire()
        except TimeoutError as error:
            raise VendorError("no connection became free in time", permanent=False) from error
        try:
            return await self._exchange(request)
        finally:
            self._slots.release()

    async def aclose(self) -> None:
        while self._idle:
            await self._idle.pop().aclose()

    async def _exchange(self, request: httpx2.Request) -> httpx2.Response:
        url = httpcore2.URL(
            scheme=request.url.raw_scheme,
            host=request.url.raw_host,
            port=request.url.port,
            target=request.url.raw_path,
        )
        outgoing = httpcore2.Request(
            method=request.method, url=url, headers=request.headers.raw, content=request.content
        )
        connection = None
        kept = False
        try:
            async with asyncio.timeout(self.limits.timeout):
                connection = await self._take(url.origin) or await self._open(url.origin)
                answer = await connection.handle_async_request(outgoing)
                body = await self._body(answer)
                kept = connection.is_idle()
        except TimeoutError as error:
            left = connection is not None
            what = "no answer in time" if left else "no connection in time"
            raise VendorError(what, permanent=False, ambiguous=left) from error
        except httpcore2.LocalProtocolError as error:  # h11 refuses to write it, now and later
            raise VendorError("the request is malformed", permanent=True) from error
        except (
            httpcore2.NetworkError,
            httpcore2.ProtocolError,
            httpcore2.TimeoutException,
        ) as error:
            # A kept connection that the vendor closed at this very moment looks the same as an
            # answer that was lost; the pessimistic reading is the one that cannot be wrong.
            left = connection is not None
            what = "the connection broke before an answer" if left else "no connection"
            raise VendorError(what, permanent=False, ambiguous=left) from error
        finally:
            if connection is not None:
                await (self._keep(connection) if kept else connection.aclose())
        headers = httpx2.Headers(answer.headers)
        # The body is handed over as it came: nothing was asked to be compressed, and a bomb is not
        # unpacked for a server that did so anyway.
        headers.pop("content-encoding", None)
        return httpx2.Response(answer.status, headers=headers, content=body, request=request)

    async def _take(self, origin: httpcore2.Origin) -> httpcore2.AsyncHTTP11Connection | None:
        """Give the most recently used connection that still stands; close the ones that do not."""
        for at in range(len(self._idle) - 1, -1, -1):
            if self._idle[at].can_handle_request(origin):
                connection = self._idle.pop(at)
                if not connection.has_expired():
                    return connection
                await connection.aclose()
                return await self._take(origin)
        return None

    async def _keep(self, connection: httpcore2.AsyncHTTP11Connection) -> None:
        self._idle.append(connection)
        # In use plus idle never exceed `connections` for one origin; with many, the oldest go.
        while self._idle and (
            self._idle[0].has_expired() or len(self._idle) > self.limits.connections
        ):
            await self._idle.pop(0).aclose()

    async def _open(self, origin: httpcore2.Origin) -> httpcore2.AsyncHTTP11Connection:
        host = origin.host.decode("ascii")
        stream = await self.dial(host, origin.port)
        if origin.scheme == b"https":
            raw = stream
            try:
                stream = await raw.start_tls(self.tls, server_hostname=host)
            except OSError as error:
                await raw.aclose()
                raise httpcore2.ConnectError(str(error)) from error
            except BaseException:  # the timeout cancels: no connection may be left open
                await raw.aclose()
                raise
        return httpcore2.AsyncHTTP11Connection(
            origin=origin, stream=stream, keepalive_expiry=KEEPALIVE_SECONDS
        )

    async def _body(self, answer: httpcore2.Response) -> bytes:
        """Read the body; afterwards the connection is idle, or closed if something was left."""
        body = bytearray()
        try:
            async with aclosing(answer.aiter_stream()) as chunks:
                async for chunk in chunks:
                    body += chunk
                    if len(body) > self.limits.max_body:
                        break
        finally:
            await answer.aclose()
        if len(body) > self.limits.max_body and not self.limits.cut_body:
            raise VendorError("the answer is too long", permanent=False, ambiguous=True)
        return bytes(body[: self.limits.max_body])
