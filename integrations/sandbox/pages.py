"""The pages for people: mailbox, mail, ledger, faults. No scripts but the refresh of the lists."""

import secrets
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Annotated, Final
from urllib.parse import parse_qsl

import orjson
from fastapi import APIRouter, HTTPException, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from pydantic import ValidationError

from integrations.sandbox import mailbox
from integrations.sandbox.faults import FaultIn
from integrations.sandbox.gate import Gate

PAGE: Final = 50
MAX_FORM: Final = 64 * 1024
Seq = Annotated[int, Query(ge=0, le=2**62)]
To = Annotated[str, Query(max_length=320)]

_templates = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def _clock(at: datetime) -> str:
    return at.strftime("%H:%M:%S")


def _combine(first: dict[str, str], second: dict[str, str]) -> dict[str, str]:
    return first | second


_templates.filters["clock"] = _clock
_templates.filters["combine"] = _combine


def page(name: str, status: int = 200, **values: object) -> HTMLResponse:
    """Render with a policy that allows our style, our one script and nothing else to run."""
    nonce = secrets.token_urlsafe(16)
    policy = (
        "default-src 'none'; style-src 'unsafe-inline'; img-src https: data:; connect-src 'self';"
        f" script-src 'nonce-{nonce}'; worker-src 'self'; form-action 'self';"
        " frame-ancestors 'none'; base-uri 'none'"
    )
    body = _templates.get_template(name).render(nonce=nonce, **values)
    headers = {
        "content-security-policy": policy,
        "x-content-type-options": "nosniff",
        "referrer-policy": "no-referrer",
        "cache-control": "no-store",
    }
    return HTMLResponse(body, status, headers)


def router(gate: Gate) -> APIRouter:  # noqa: C901 - a list of routes; each is one decision or none
    pages = APIRouter(include_in_schema=False)

    @pages.get("/")
    async def mails(to: To = "", before: Seq | None = None) -> Response:
        found = list(islice(mailbox.newest(gate.ledger, to=to, before=before), PAGE + 1))
        return page(
            "mailbox.html",
            mails=found[:PAGE],
            older=found[PAGE - 1].seq if len(found) > PAGE else None,
            to=to,
            newest=gate.ledger.last_seq,
            live=before is None,
        )

    @pages.get("/mails/{seq}/{part}")
    async def mail(seq: int, part: int, to: To = "") -> Response:
        row = gate.ledger.get(seq)
        found = mailbox.mails_of(row) if row else []
        if row is None or not 0 <= part < len(found):
            raise HTTPException(404)
        shown = found[part]
        older = next(mailbox.newest(gate.ledger, to=to, before=seq), None)
        newer = next(
            (
                each
                for later in gate.ledger.rows(since=seq, vendor="sendgrid")
                for each in mailbox.mails_of(later)
                if to.casefold() in each.to.casefold()
            ),
            None,
        )
        raw = orjson.dumps(orjson.loads(row.call.body), option=orjson.OPT_INDENT_2).decode()
        return page(
            "mail.html",
            mail=shown,
            older=found[part - 1] if part else older,
            newer=found[part + 1] if part + 1 < len(found) else newer,
            raw=raw,
            to=to,
        )

    @pages.get("/ledger")
    async def ledger(before: Seq | None = None) -> Response:
        rows = list(islice(gate.ledger.newest(before=before), PAGE + 1))
        return page(
            "ledger.html",
            rows=rows[:PAGE],
            older=rows[PAGE - 1].seq if len(rows) > PAGE else None,
            newest=gate.ledger.last_seq,
            live=before is None,
        )

    @pages.get("/faults")
    async def faults() -> Response:
        return _faults(gate)

    @pages.post("/faults/form")
    async def script(request: Request) -> Response:
        body = b""
        async for chunk in request.stream():
            body += chunk
            if len(body) > MAX_FORM:
                raise HTTPException(413)
        fields = dict(parse_qsl(body.decode("utf-8", "replace")))
        if fields.get("clear"):
            gate.faults.clear()
            return RedirectResponse("/faults", 303)
        try:
            fault = FaultIn.model_validate(_typed(fields)).to_fault()
        except ValidationError as error:
            reasons = [
                f"{'.'.join(map(str, each['loc'])) or 'fault'}: {each['msg']}"
                for each in error.errors()
            ]
            return _faults(gate, 422, problem="; ".join(reasons), fields=fields)
        if not gate.faults.add(fault):
            return _faults(gate, 409, problem="too many faults are active", fields=fields)
        return RedirectResponse("/faults", 303)

    return pages


def _faults(
    gate: Gate, status: int = 200, *, problem: str = "", fields: dict[str, str] | None = None
) -> Response:
    return page(
        "faults.html",
        status,
        faults=gate.faults.active,
        vendors=[vendor.name for vendor in gate.vendors],
        problem=problem,
        fields={"times": "1"} | (fields or {}),
    )


def _typed(fields: dict[str, str]) -> dict[str, object]:
    """Give the form's texts the types of the JSON door; the header field is `retry_after`."""
    typed: dict[str, object] = {}
    for name, value in fields.items():
        if name == "retry_after":
            typed["headers"] = {"Retry-After": value}
        elif name in {"times", "status", "delay_ms"} and value.isascii() and value.isdigit():
            typed[name] = int(value[:12])
        else:
            typed[name] = value
    return typed
