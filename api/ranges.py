"""One part of an answer, as `Range` asks for (RFC 9110 §14). Others are answered as a whole."""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final

from starlette.exceptions import HTTPException

ONE: Final = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")


@dataclass(frozen=True, slots=True)
class Range:
    """Both bytes included."""

    first: int
    last: int
    size: int
    partial: bool

    @property
    def length(self) -> int:
        return self.last - self.first + 1

    @property
    def headers(self) -> dict[str, str]:
        told = {"Accept-Ranges": "bytes", "Content-Length": str(self.length)}
        if self.partial:
            told["Content-Range"] = f"bytes {self.first}-{self.last}/{self.size}"
        return told

    async def cut(self, pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """What of it is asked for."""
        at = 0
        async for piece in pieces:
            begin, end = max(self.first - at, 0), self.last + 1 - at
            at += len(piece)
            if wanted := piece[begin : max(end, 0)]:
                yield wanted
            if at > self.last:
                return


def read(header: str | None, size: int) -> Range:
    """416 for one that begins beyond the end."""
    whole = Range(0, size - 1, size, partial=False)
    asked = ONE.fullmatch(header or "")
    if asked is None or asked[0] == "bytes=-":
        return whole
    begin, end = asked[1], asked[2]
    first = int(begin) if begin else max(size - int(end), 0)
    last = min(int(end), size - 1) if begin and end else size - 1
    if first >= size or (begin and last < first):
        raise HTTPException(416, "it is shorter than that", {"Content-Range": f"bytes */{size}"})
    return Range(first, last, size, partial=True)
