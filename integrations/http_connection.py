"""One TCP or TLS connection that carries one HTTP/1.1 exchange at a time, straight on asyncio.

httpcore2 with h11 did the same at four times the cost, and a send is mostly this. The parser is
llhttp, which the API has under uvicorn as well. What it does not do is done here: it has no bound
on a head, and does not know that an answer without a length ends with its connection.
"""

import asyncio
import ssl
from dataclasses import dataclass, field
from typing import Any, Final, cast

import httptools
import orjson

MAX_HEAD: Final = 64 * 1024
INFORMATIONAL: Final = range(100, 200)
OK: Final = range(200, 300)
SERVER_ERROR: Final = range(500, 600)


class NotConnected(Exception):
    """No connection came to be."""


class Broken(Exception):
    """The connection ended, or spoke no HTTP, before the answer was whole."""


class TooLong(Exception):
    """The answer's body exceeds what the caller takes."""


@dataclass(frozen=True, slots=True)
class Answer:
    """`headers` are lower-cased; of several with one name, the values are joined by a comma."""

    status_code: int
    headers: dict[str, str] = field(default_factory=dict)
    content: bytes = b""

    @property
    def is_success(self) -> bool:
        return self.status_code in OK

    @property
    def is_server_error(self) -> bool:
        return self.status_code in SERVER_ERROR

    @property
    def text(self) -> str:
        return self.content.decode("utf-8", "replace")

    def json(self) -> Any:
        """Raises ValueError where it is none."""
        return orjson.loads(self.content)


class Connection(asyncio.Protocol):
    """`usable` until it ends, or says what nobody asked for. Its caller bounds the time."""

    def __init__(self) -> None:
        self.kept_since = 0.0  # of the loop's clock; when it was last given back
        self.usable = True
        self._transport: asyncio.Transport
        self._waiter: asyncio.Future[None] | None = None
        self._parser: httptools.HttpResponseParser | None = None
        self._body = bytearray()

    async def exchange(
        self, request: bytes, *, bodiless: bool, max_body: int, cut_body: bool
    ) -> Answer:
        """Send it and read the whole answer. Raises `Broken` or `TooLong`; then close it.

        `bodiless` is for HEAD, whose answers tell the length of a body that does not come.
        """
        if not self.usable:
            raise Broken("the other side closed the connection")
        self._bodiless, self._max_body, self._cut_body = bodiless, max_body, cut_body
        self._begin()
        self._head_bytes = 0
        if self._parser is None:
            self._parser = httptools.HttpResponseParser(self)
        self._waiter = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        try:
            await self._waiter
            return Answer(self._status, self._headers, bytes(self._body[:max_body]))
        finally:
            self._waiter = None
            self._body = bytearray()

    async def start_tls(self, context: ssl.SSLContext, host: str) -> None:
        # Bytes from before the handshake are nobody's: taken later as an answer they would let
        # anyone on the way forge one.
        if not self.usable:
            raise NotConnected("the other side does not speak TLS")
        try:
            transport = await asyncio.get_running_loop().start_tls(
                self._transport, self, context, server_hostname=host
            )
        except OSError as error:
            raise NotConnected(str(error)) from error
        if transport is None:
            raise NotConnected("the connection closed during the handshake")
        self._transport = transport

    def close(self) -> None:
        self.usable = False
        self._transport.abort()  # at this point nobody wants what is still unsent or unread

    def _begin(self) -> None:
        self._status = 0
        self._headers: dict[str, str] = {}
        self._body = bytearray()

    def _over(self, error: Exception | None = None) -> None:
        if self._waiter is not None and not self._waiter.done():
            if error is None:
                self._waiter.set_result(None)
            else:
                self.usable = False
                self._waiter.set_exception(error)

    # What asyncio tells us

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's are not of that class

    def data_received(self, data: bytes) -> None:
        if self._waiter is None or self._waiter.done() or self._parser is None:
            self.usable = False
            return
        if not self._status:
            self._head_bytes += len(data)
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            self.usable = False
            self._over(Broken(str(error)))
        if not self._status and self._head_bytes > MAX_HEAD:
            self._over(Broken("the answer's head does not end"))

    def eof_received(self) -> None:
        self.usable = False
        # No length and no chunks: the end of the connection is the end of the body (RFC 9112, 6.3).
        unbounded = not self._headers.keys() & {"content-length", "transfer-encoding"}
        whole = self._waiter is not None and self._status and unbounded
        self._over(None if whole else Broken("the other side closed the connection"))

    def connection_lost(self, exc: Exception | None) -> None:
        self.usable = False
        self._parser = None  # it holds us: without this we would wait for the collector
        self._over(Broken(str(exc or "the other side closed the connection")))

    # What the parser tells us

    def on_message_begin(self) -> None:
        if self._status:  # a second answer behind the first: nobody asked for it
            self.usable = False

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._waiter is None or self._waiter.done():
            return
        key, text = name.decode("latin-1").lower(), value.decode("latin-1")
        before = self._headers.get(key)
        self._headers[key] = text if before is None else f"{before}, {text}"

    def on_headers_complete(self) -> None:
        if self._parser is None or self._waiter is None or self._waiter.done():
            return
        status = self._parser.get_status_code()
        if status in INFORMATIONAL:  # the answer proper comes behind it
            self._begin()
            return
        self._status = status
        if self._bodiless:
            self.usable = False  # the parser waits for a body that does not come
            self._over()

    def on_body(self, body: bytes) -> None:
        if self._waiter is None or self._waiter.done():
            return
        self._body += body
        if len(self._body) > self._max_body:
            self.usable = False
            self._over(None if self._cut_body else TooLong())

    def on_message_complete(self) -> None:
        if self._parser is None or not self._status:
            return
        self.usable = self.usable and self._parser.should_keep_alive()
        self._over()


async def connect(host: str, port: int) -> Connection:
    """Open a TCP connection; NotConnected if the name does not resolve or nobody listens."""
    loop = asyncio.get_running_loop()
    try:
        _, connection = await loop.create_connection(Connection, host, port)
    except (OSError, UnicodeError) as error:
        raise NotConnected(str(error)) from error
    return connection
