"""What every answer gets, as plain ASGI: request ids, security headers, a log line, a duration.

Also what Starlette would answer outside of all this, in plain text: bodies too large, and crashes.
`BaseHTTPMiddleware` would cost more than all of the rest of a request's own work.
"""

import re
from time import perf_counter
from uuid import uuid4

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.errors import crashed
from core import logs, metrics

log = logs.get(__name__)

REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")
API_VERSION = "v1"
MAX_BODY_BYTES = 1024 * 1024
MOST = "vt.max_body_bytes"  # in the scope: what a route of recordings takes instead
SECURITY = {
    "Strict-Transport-Security": "max-age=31536000; includeSubDomains",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
    "API-Version": API_VERSION,
}
RAW_SECURITY = [(name.lower().encode(), value.encode()) for name, value in SECURITY.items()]


class Envelope:
    """Wraps the whole application; the outermost layer, so that errors are covered as well."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = _request_id(scope)
        scope["vt.request_id"] = request_id
        began = perf_counter()
        started = False
        status = 500

        async def send_enveloped(message: Message) -> None:
            nonlocal started, status
            if message["type"] == "http.response.start":
                started = True
                status = message["status"]
                headers = message.setdefault("headers", [])
                present = {name for name, _ in headers}
                headers.append((b"x-request-id", request_id.encode()))
                headers.extend(pair for pair in RAW_SECURITY if pair[0] not in present)
            await send(message)

        try:
            await self._app(scope, _bounded(scope, receive), send_enveloped)
        except Exception as error:
            if started:
                raise
            # Answered here and not raised further: the server's own log would tell people's text.
            answer = await crashed(Request(scope), error)
            await answer(scope, receive, send_enveloped)
        finally:
            seconds = perf_counter() - began
            route = getattr(scope.get("route"), "path", "unmatched")
            metrics.REQUEST_DURATION.labels(scope["method"], route, status).observe(seconds)
            log.info(
                "request.answered",
                method=scope["method"],
                route=route,
                status=status,
                duration_ms=round(seconds * 1000, 1),
                request_id=request_id,
            )


def _bounded(scope: Scope, receive: Receive) -> Receive:
    """Reading a larger body raises, before all of it is in memory; so does its announcement."""
    size = 0

    async def receive_bounded() -> Message:
        nonlocal size
        most = scope.get(MOST, MAX_BODY_BYTES)
        message = await receive() if _announced(scope) <= most else {}
        size += len(message.get("body", b""))
        if not message or size > most:
            raise HTTPException(413, f"a body has at most {most} bytes")
        return message

    return receive_bounded


def _announced(scope: Scope) -> int:
    for name, value in scope["headers"]:
        if name == b"content-length":
            return int(value) if value.isdigit() else 0
    return 0


def _request_id(scope: Scope) -> str:
    """The caller's own id when it is harmless, else a new one."""
    for name, value in scope["headers"]:
        if name == b"x-request-id" and REQUEST_ID.fullmatch(value):
            return bytes(value).decode()
    return uuid4().hex
