"""Probes and scrapes of a process that has no web framework: GET, one answer, close."""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass

from core import metrics
from core.errors import Misconfigured

_LONGEST_HEAD = 8 * 1024
_PATIENCE_SECONDS = 5.0
_REASONS = {200: "OK", 404: "Not Found", 405: "Method Not Allowed", 503: "Service Unavailable"}


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: bytes
    content_type: str = "text/plain; charset=utf-8"


def scrape() -> Answer:
    return Answer(200, metrics.render(), metrics.CONTENT_TYPE)


async def listen(host: str, port: int, pages: Mapping[str, Callable[[], Answer]]) -> asyncio.Server:
    """Answer `pages` by path until the server is closed. Misconfigured if the port is taken."""

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(
            OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError
        ):
            async with asyncio.timeout(_PATIENCE_SECONDS):
                head = await reader.readuntil(b"\r\n\r\n")
                writer.write(_encode(_answer(head, pages)))
                await writer.drain()
        writer.close()

    try:
        return await asyncio.start_server(converse, host, port, limit=_LONGEST_HEAD)
    except OSError as error:
        raise Misconfigured(
            f"port {port} on {host} cannot be used ({error.strerror}): stop what uses it, "
            "or set VOICETODO_WORKER_METRICS_PORT to another port"
        ) from error


def _answer(head: bytes, pages: Mapping[str, Callable[[], Answer]]) -> Answer:
    method, _, rest = head.partition(b" ")
    if method not in (b"GET", b"HEAD"):
        return Answer(405, b"")
    path = rest.split(b" ", 1)[0].split(b"?", 1)[0].decode("latin-1")
    page = pages.get(path)
    return page() if page else Answer(404, b"")


def _encode(answer: Answer) -> bytes:
    head = (
        f"HTTP/1.1 {answer.status} {_REASONS[answer.status]}\r\n"
        f"content-type: {answer.content_type}\r\n"
        f"content-length: {len(answer.body)}\r\n"
        "connection: close\r\n\r\n"
    )
    return head.encode() + answer.body
