"""One request on one pooled connection, the answer read whole: what both kinds of client stand on.

Not httpx2's own transport, for four reasons. It costs four times as much (`http_connection`); its
pool looks at every connection for every request, which is felt with hundreds of connections; its
timeouts are per read, so a vendor that drips bytes is waited for without end; and it does not tell
whether a request had left when it failed, on which it depends whether a send may be repeated
without asking.
"""

import asyncio
import ssl
from dataclasses import dataclass, field
from typing import Protocol

from core.errors import VendorError
from integrations.http_connection import Answer, Broken, Connection, NotConnected, TooLong


class Dial(Protocol):
    """Opens a TCP connection for a host name; refuses with `VendorError(permanent=True)`."""

    async def __call__(self, host: str, port: int) -> Connection: ...


@dataclass(frozen=True, slots=True)
class Limits:
    """`timeout` counts from a free connection to the last byte of the answer.

    Waiting for a free connection is bounded by the same time again: whoever holds a lease keeps no
    more than `connections` sends in flight. A connection is kept for `keepalive` unused: longer
    than the other side keeps it, and a request may meet its end.
    """

    timeout: float = 5.0
    connections: int = 256
    max_body: int = 1024 * 1024
    keepalive: float = 30.0
    cut_body: bool = False  # an answer longer than max_body: keep its beginning, or fail


@dataclass(frozen=True, slots=True)
class Origin:
    host: str
    port: int
    secure: bool


@dataclass(slots=True)
class Transport:
    dial: Dial
    limits: Limits
    tls: ssl.SSLContext
    _slots: asyncio.Semaphore = field(init=False)
    _idle: list[tuple[Origin, Connection]] = field(init=False, default_factory=list)

    def __post_init__(self) -> None:
        self._slots = asyncio.Semaphore(self.limits.connections)

    async def send(self, origin: Origin, request: bytes, *, bodiless: bool = False) -> Answer:
        """Raise VendorError if no answer came; any status is an answer. `bodiless`: for HEAD."""
        if self._slots.locked():
            try:
                async with asyncio.timeout(self.limits.timeout):
                    await self._slots.acquire()
            except TimeoutError as error:
                raise VendorError("no connection became free in time", permanent=False) from error
        else:
            await self._slots.acquire()
        try:
            return await self._exchange(origin, request, bodiless=bodiless)
        finally:
            self._slots.release()

    async def aclose(self) -> None:
        while self._idle:
            self._idle.pop()[1].close()

    async def _exchange(self, origin: Origin, request: bytes, *, bodiless: bool) -> Answer:
        connection = None
        answer = None
        try:
            async with asyncio.timeout(self.limits.timeout):
                connection = self._take(origin) or await self._open(origin)
                answer = await connection.exchange(
                    request,
                    bodiless=bodiless,
                    max_body=self.limits.max_body,
                    cut_body=self.limits.cut_body,
                )
        except TimeoutError as error:
            left = connection is not None
            what = "no answer in time" if left else "no connection in time"
            raise VendorError(what, permanent=False, ambiguous=left) from error
        except NotConnected as error:
            raise VendorError("no connection", permanent=False) from error
        except TooLong as error:
            raise VendorError("the answer is too long", permanent=False, ambiguous=True) from error
        except Broken as error:
            # A kept connection that the vendor closed at this very moment looks the same as an
            # answer that was lost; the pessimistic reading is the one that cannot be wrong.
            what = "the connection broke before an answer"
            raise VendorError(what, permanent=False, ambiguous=True) from error
        finally:
            if connection is not None:
                if answer is not None and connection.usable:
                    self._keep(origin, connection)
                else:
                    connection.close()
        return answer

    def _take(self, origin: Origin) -> Connection | None:
        """Give the most recently used connection that still stands; close the ones that do not."""
        for at in range(len(self._idle) - 1, -1, -1):
            if self._idle[at][0] == origin:
                _, connection = self._idle.pop(at)
                if connection.usable and not self._has_expired(connection):
                    return connection
                connection.close()
        return None

    def _keep(self, origin: Origin, connection: Connection) -> None:
        connection.kept_since = asyncio.get_running_loop().time()
        self._idle.append((origin, connection))
        # In use plus idle never exceed `connections` for one origin; with many, the oldest go.
        while len(self._idle) > self.limits.connections or self._has_expired(self._idle[0][1]):
            self._idle.pop(0)[1].close()

    async def _open(self, origin: Origin) -> Connection:
        connection = await self.dial(origin.host, origin.port)
        if origin.secure:
            try:
                await connection.start_tls(self.tls, origin.host)
            except BaseException:  # the timeout cancels: no connection may be left open
                connection.close()
                raise
        return connection

    def _has_expired(self, connection: Connection) -> bool:
        now = asyncio.get_running_loop().time()
        return connection.kept_since + self.limits.keepalive < now
