"""What an emulator gets, what it answers, and what it says about itself."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import orjson

MAX_BODY: Final = 30 * 1024 * 1024

Headers = tuple[tuple[bytes, bytes], ...]


@dataclass(frozen=True, slots=True)
class Call:
    method: str
    path: str
    query: str
    headers: Headers  # names lower-cased, as ASGI delivers them
    body: bytes

    def header(self, name: bytes) -> str:
        """Give the first value of the header, or the empty string."""
        return next((value.decode("latin-1") for key, value in self.headers if key == name), "")


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: bytes = b""
    headers: Headers = ()
    decrypted: str | None = None  # of the request: for the ledger, never sent


def json_answer(status: int, content: object, headers: Headers = ()) -> Answer:
    return Answer(status, orjson.dumps(content), ((b"content-type", b"application/json"), *headers))


@dataclass(frozen=True, slots=True)
class Vendor:
    """One emulator. Every request below one of its prefixes is its, and is recorded.

    `not_its`: paths below them that are the sandbox's own.

    `answer` must be quick and must not block: it runs on the event loop, thousands of times a
    second. `error` gives an error in the vendor's own shape for a scripted status; 413 is also
    asked of it when a body exceeds `max_body`.
    """

    name: str
    prefixes: tuple[str, ...]
    kind: Callable[[str, str], str]  # method, path -> the vendor's own name of the method
    answer: Callable[[Call], Answer]
    error: Callable[[int], Answer]
    max_body: int = MAX_BODY
    not_its: tuple[str, ...] = ()

    def owns(self, path: str) -> bool:
        return path.startswith(self.prefixes) and not (
            self.not_its and path.startswith(self.not_its)
        )
