"""ETags and preconditions (RFC 9110 §13)."""

import re
from typing import Annotated, Any

from fastapi import Header, Request, Response

from core.errors import Invalid, Stale

IfMatch = Annotated[
    str | None, Header(max_length=200, description="Change only this version (its ETag)")
]
NOT_MODIFIED: dict[int | str, dict[str, Any]] = {
    304: {"description": "`If-None-Match` names what is current"}
}
_STRONG = re.compile(r'"(\d{1,18})(?:-[0-9a-f]+)?"')


def wanted(if_match: str | None) -> int | None:
    """The version that `If-Match` names; null where any will do."""
    if if_match is None or if_match.strip() == "*":
        return None
    found = _STRONG.fullmatch(if_match.strip())
    if found is None:
        if if_match.lstrip().startswith(("W/", '"')):
            raise Stale
        raise Invalid("send an ETag as it was answered", pointer="/header/If-Match", code="etag")
    return int(found[1])


def unchanged(request: Request, response: Response, etag: str) -> bool:
    """Set the ETag; true when the client has this version already: answer 304."""
    response.headers["ETag"] = etag
    known = request.headers.get("if-none-match")
    return known is not None and (
        known.strip() == "*"
        or etag in {each.strip().removeprefix("W/") for each in known.split(",")}
    )
