"""multipart/form-data (RFC 7578), part by part as it comes; nothing of it is kept here.

File names and declared types are left where they stand: they are what somebody says.
"""

from collections import deque
from collections.abc import AsyncIterable, AsyncIterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.exceptions import HTTPException

from core.errors import Invalid

if TYPE_CHECKING:  # the library has this name for checkers only
    from python_multipart.multipart import MultipartCallbacks

TYPE: Final = b"multipart/form-data"
MOST_PARTS: Final = 32
MAX_HEADERS: Final = 8  # of a part; and 4 KiB in each
_BEGIN, _DATA, _END, _OVER = range(4)


@dataclass(frozen=True, slots=True)
class Part:
    """`data` must be read to its end before the next part."""

    name: str
    headers: dict[str, str]
    data: AsyncIterator[bytes]


def boundary(content_type: str) -> bytes:
    """What parts are divided by. 415 for another media type, `Invalid` without a boundary."""
    kind, options = parse_options_header(content_type)
    if kind != TYPE:
        raise HTTPException(415, "send multipart/form-data")
    found: bytes = options.get(b"boundary", b"")
    if not found:
        raise Invalid("multipart/form-data needs a boundary", pointer="", code="multipart")
    return found


class Parts:
    """The parts of a body, in their order. Raises `Invalid` where it is no such body."""

    def __init__(self, content_type: str, body: AsyncIterable[bytes]) -> None:
        callbacks: MultipartCallbacks = {
            "on_part_begin": self._begin,
            "on_header_field": self._header_field,
            "on_header_value": self._header_value,
            "on_header_end": self._header_end,
            "on_headers_finished": lambda: self._events.append((_BEGIN, self._headers)),
            "on_part_data": lambda data, start, end: self._events.append((_DATA, data[start:end])),
            "on_part_end": lambda: self._events.append((_END, None)),
            "on_end": lambda: self._events.append((_OVER, None)),
        }
        try:
            self._parser = MultipartParser(
                boundary(content_type), callbacks, max_header_count=MAX_HEADERS
            )
        except FormParserError as error:
            raise _malformed() from error
        self._body = aiter(body)
        self._events: deque[tuple[int, object]] = deque()
        self._headers: dict[str, str] = {}
        self._field = b""
        self._value = b""
        self._count = 0

    async def __aiter__(self) -> AsyncIterator[Part]:
        while True:
            kind, value = await self._next()
            if kind == _OVER:
                async for _ in self._body:  # an epilogue means nothing (RFC 2046 §5.1.1)
                    pass
                return
            if kind != _BEGIN or not isinstance(value, dict):
                raise _malformed()
            yield Part(_name(value), value, self._data())

    async def _data(self) -> AsyncIterator[bytes]:
        while True:
            kind, value = await self._next()
            if kind == _END:
                return
            if kind != _DATA or not isinstance(value, bytes):
                raise _malformed()
            yield value

    async def _next(self) -> tuple[int, object]:
        while not self._events:
            try:
                self._parser.write(await anext(self._body))
            except StopAsyncIteration:
                raise Invalid("the body ends in the middle", pointer="", code="multipart") from None
            except FormParserError as error:
                raise _malformed() from error
        return self._events.popleft()

    def _begin(self) -> None:
        self._headers = {}
        self._count += 1
        if self._count > MOST_PARTS:
            raise FormParserError("too many parts")

    def _header_field(self, data: bytes, start: int, end: int) -> None:
        self._field += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _header_end(self) -> None:
        self._headers[self._field.decode("latin-1").lower()] = self._value.decode("latin-1")
        self._field = self._value = b""


def _name(headers: dict[str, str]) -> str:
    kind, options = parse_options_header(headers.get("content-disposition", ""))
    name: bytes = options.get(b"name", b"")
    if kind != b"form-data" or not name:
        raise Invalid("give each part a name", pointer="", code="multipart")
    return name.decode("utf-8", "replace")


def _malformed() -> Invalid:
    return Invalid("this is not multipart/form-data", pointer="", code="multipart")
