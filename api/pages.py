"""Cursors that cannot be read, forged or used for another question, and `?fields=`."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from collections.abc import Callable, Hashable, Sequence
from datetime import datetime
from functools import cache
from typing import Any, TypeVar
from uuid import UUID

import orjson
from fastapi import Request, Response
from pydantic import TypeAdapter

from core import crypto
from core.errors import Invalid
from core.keys import Keys

T = TypeVar("T")
DEFAULT_LIMIT = 50
MAX_LIMIT = 100


def seal(request: Request, question: str, position: object) -> str:
    """A cursor for this question (route, sort, filters, person) that continues at `position`."""
    sealed = crypto.seal(_key(request), orjson.dumps(position), aad=question.encode())
    return urlsafe_b64encode(sealed).decode().rstrip("=")


def unseal(request: Request, question: str, cursor: str) -> Any:
    """The position. Raises `Invalid` for a cursor of another question or none of ours."""
    try:
        sealed = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        return orjson.loads(crypto.unseal(_key(request), sealed, aad=question.encode()))
    except (Base64Error, ValueError, Invalid) as error:
        detail = "this cursor does not belong to this query: start at the first page"
        raise Invalid(detail, pointer="/query/cursor", code="cursor") from error


def moment(request: Request, question: str, cursor: str | None) -> tuple[datetime, UUID] | None:
    """Where lists that go by an instant continue: after it and this id; null for the first page."""
    if cursor is None:
        return None
    at, last_id = unseal(request, question, cursor)
    return datetime.fromisoformat(at), UUID(last_id)


def cut(
    request: Request,
    response: Response,
    question: str,
    found: Sequence[T],
    limit: int,
    position: Callable[[T], object],
) -> tuple[list[T], str | None]:
    """The page, and the cursor of the next one if `found` has more than `limit`; as Link, too."""
    data = list(found[:limit])
    if len(found) <= limit:
        return data, None
    cursor = seal(request, question, position(data[-1]))
    next_link(request, response, cursor)
    return data, cursor


def next_link(request: Request, response: Response, cursor: str | None) -> None:
    """RFC 8288, for clients that follow links."""
    if cursor is not None:
        asked = request.scope["query_string"].decode("ascii", "replace").split("&")
        kept = [each for each in asked if each and not each.startswith("cursor=")]
        query = "&".join([*kept, f"cursor={cursor}"])
        response.headers["Link"] = f'<{request.scope["path"]}?{query}>; rel="next"'


def only(
    response: Response, kind: Hashable, page: Any, fields: str, *, known: frozenset[str]
) -> Response:
    """The page with these fields of each row alone, and the headers that `response` has."""
    wanted = {name.strip() for name in fields.split(",")} - {""}
    unknown = sorted(wanted - known)
    if unknown or not wanted:
        detail = f"unknown fields: {', '.join(unknown)[:200]}"
        raise Invalid(detail, pointer="/query/fields", code="fields")
    include: Any = {"data": {"__all__": wanted}, "next_cursor": True, "has_more": True}
    body = _adapter(kind).dump_json(page, include=include)
    headers = dict(response.headers)
    return Response(body, media_type="application/json", headers=headers)


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


def _key(request: Request) -> bytes:
    keys: Keys = request.app.state.keys
    return crypto.derive(keys.encryption, "cursor")
