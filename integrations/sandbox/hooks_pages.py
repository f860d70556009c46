"""Webhooks that arrived, as a developer of a receiver would want to see them."""

from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Annotated, Final, Self

import orjson
from fastapi import APIRouter, Query
from fastapi.responses import Response

from integrations.sandbox.gate import Gate
from integrations.sandbox.ledger import Row
from integrations.sandbox.pages import page

SHOWN: Final = 100
Name = Annotated[str, Query(max_length=100)]


@dataclass(frozen=True, slots=True)
class Shown:
    seq: int
    name: str
    at: datetime
    type: str
    message_id: str
    signatures: int
    status: int | None
    body: str

    @classmethod
    def of(cls, row: Row) -> Self:
        text = row.call.body.decode("utf-8", "replace")
        try:
            read = orjson.loads(row.call.body)
        except orjson.JSONDecodeError:
            read = None
        is_message = isinstance(read, dict)
        return cls(
            row.seq,
            row.kind,
            row.at_utc,
            str(read.get("type", "")) if is_message else "",
            row.call.header(b"webhook-id"),
            len(row.call.header(b"webhook-signature").split()),
            row.response_status,
            orjson.dumps(read, option=orjson.OPT_INDENT_2).decode() if is_message else text,
        )


def router(gate: Gate) -> APIRouter:
    pages = APIRouter(include_in_schema=False)

    @pages.get("/hooks")
    async def hooks(name: Name = "") -> Response:
        rows = (
            row for row in gate.ledger.newest() if row.vendor == "hooks" and name in ("", row.kind)
        )
        shown = [Shown.of(row) for row in islice(rows, SHOWN)]
        return page(
            "hooks.html", hooks=shown, receiver=name, newest=gate.ledger.last_seq, live=True
        )

    return pages
