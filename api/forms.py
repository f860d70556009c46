"""A form of one file and some small fields (multipart/form-data), in whatever order they come."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Final, Protocol, TypeVar

from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError

from api import integrity
from api.multipart import Part, Parts
from api.recordings import Shelf
from api.streaming import Stream
from core.errors import Invalid

OVERHEAD: Final = 64 * 1024  # of the form around a file
MOST_OF_A_FIELD: Final = 256


class Blob(Protocol):
    """What was kept of the file."""

    @property
    def blob(self) -> str: ...


B = TypeVar("B", bound=Blob)
F = TypeVar("F", bound=BaseModel)


async def received(
    visit: Stream,
    shelf: Shelf,
    fields: type[F],
    *,
    file: str,
    most: int,
    keep: Callable[[Part, AsyncIterator[bytes]], Awaitable[B]],
) -> tuple[B, F]:
    """All parts; afterwards the part called `file` is durable, or nothing of it is left.

    `keep` puts its content, of at most `most` bytes, on the shelf.
    """
    kept: B | None = None
    told: dict[str, str] = {}
    body = integrity.verified(visit.headers, visit.pieces(most=most + OVERHEAD))
    try:
        async for part in Parts(visit.headers.get("content-type", ""), body):
            if part.name in told or (part.name == file and kept is not None):
                raise Invalid("send it once", pointer=f"/{part.name}", code="twice")  # noqa: TRY301 - what drops the blob must see it
            if part.name == file:
                kept = await keep(part, integrity.verified(part.headers, part.data))
            else:
                told[part.name] = await _field(part, fields)
        return _complete(file, kept, told, fields)
    except BaseException:
        if kept is not None:
            await shelf.drop(kept.blob)
        raise


def _complete(file: str, kept: B | None, told: dict[str, str], fields: type[F]) -> tuple[B, F]:
    if kept is None:
        raise Invalid(f"send a part `{file}`", pointer=f"/{file}", code="missing")
    try:
        return kept, fields.model_validate(told)
    except ValidationError as error:
        details = [{**each, "loc": ("body", *each["loc"])} for each in error.errors()]
        raise RequestValidationError(details) from error


async def _field(part: Part, fields: type[BaseModel]) -> str:
    pointer = "/" + part.name[:100].replace("~", "~0").replace("/", "~1")
    if part.name not in fields.model_fields:
        raise Invalid("no part of this name is known", pointer=pointer, code="extra_forbidden")
    held = bytearray()
    try:
        async for piece in part.data:
            held += piece
            if len(held) > MOST_OF_A_FIELD:
                raise ValueError  # noqa: TRY301 - answered as what is no text
        return held.decode()
    except ValueError as error:
        detail = f"text of at most {MOST_OF_A_FIELD} bytes"
        raise Invalid(detail, pointer=pointer, code="string_too_long") from error
