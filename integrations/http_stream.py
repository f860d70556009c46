"""A TCP or TLS connection for httpcore2, straight on asyncio.

httpcore2's own goes through anyio, which costs a cancel scope per read and write, and sends head
and body in two system calls: together a third of the time of a send.
"""

import asyncio
import ssl
from typing import Any, Final, Self, cast

import httpcore2

HIGH_WATER: Final = 256 * 1024  # unread bytes at which the sender is made to wait
SEND_AT: Final = 64 * 1024


class Stream(asyncio.Protocol, httpcore2.AsyncNetworkStream):
    """Writes are collected and leave with the next read; its caller bounds the time of both."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport
        self._in = bytearray()
        self._out = bytearray()
        self._waiter: asyncio.Future[None] | None = None
        self._ended = False
        self._error: Exception | None = None

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002, ASYNC109 - httpcore2's signature
        self._flush()
        while not self._in:
            if self._error is not None:
                raise httpcore2.ReadError(str(self._error)) from self._error
            if self._ended:
                return b""
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter
        data = bytes(self._in[:max_bytes])
        del self._in[:max_bytes]
        if len(self._in) < HIGH_WATER and not self._ended:
            self._transport.resume_reading()
        return data

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002, ASYNC109 - httpcore2's signature
        if self._ended:
            raise httpcore2.WriteError("the other side closed the connection")
        self._out += buffer
        if len(self._out) >= SEND_AT:
            self._flush()

    async def aclose(self) -> None:
        self._transport.abort()  # at this point nobody wants what is still unsent or unread

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ARG002, ASYNC109 - httpcore2's signature
    ) -> Self:
        # Bytes from before the handshake are nobody's: taken later as an answer they would let
        # anyone on the way forge one.
        if self._in or self._ended:
            raise httpcore2.ConnectError("the other side does not speak TLS")
        transport = await asyncio.get_running_loop().start_tls(
            self._transport, self, ssl_context, server_hostname=server_hostname
        )
        if transport is None:
            raise httpcore2.ConnectError("the connection closed during the handshake")
        self._transport = transport
        return self

    def get_extra_info(self, info: str) -> Any:
        if info == "is_readable":  # between two requests: ended, or sent what nobody asked for
            return self._ended or bool(self._in)
        return self._transport.get_extra_info(info)

    def _flush(self) -> None:
        if self._out:
            self._transport.write(bytes(self._out))
            self._out.clear()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    # What asyncio tells us

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's are not of that class

    def data_received(self, data: bytes) -> None:
        self._in += data
        if len(self._in) >= HIGH_WATER:
            self._transport.pause_reading()
        self._wake()

    def eof_received(self) -> None:
        self._ended = True
        self._wake()

    def connection_lost(self, exc: Exception | None) -> None:
        self._ended = True
        self._error = exc
        self._wake()


async def connect(host: str, port: int) -> Stream:
    """Open a TCP connection; ConnectError if the name does not resolve or nobody listens."""
    loop = asyncio.get_running_loop()
    try:
        _, stream = await loop.create_connection(Stream, host, port)
    except (OSError, UnicodeError) as error:
        raise httpcore2.ConnectError(str(error)) from error
    return stream
