"""The table: kind of error -> HTTP status and `application/problem+json` (RFC 9457)."""

import math
import re
from typing import Any

import orjson
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.routing import Match

from core import errors, logs

log = logs.get(__name__)

STATUS: dict[type[errors.Error], tuple[int, str]] = {
    errors.Invalid: (422, "A value is not acceptable"),
    errors.Unauthenticated: (401, "Sign in to continue"),
    errors.InsufficientUserAuthentication: (401, "Sign in once more"),
    errors.Forbidden: (403, "Not allowed"),
    errors.ConsentRequired: (403, "Your consent is needed"),
    errors.NotFound: (404, "Not found"),
    errors.Conflict: (409, "The current state does not allow that"),
    errors.Stale: (412, "Changed since you read it"),
    errors.KeyReused: (422, "Idempotency-Key used for another request"),
    errors.KeyReplayed: (409, "Answered before"),
    errors.RateLimited: (429, "Too many requests"),
    errors.Unavailable: (503, "Try again shortly"),
    errors.VendorError: (502, "An outside service did not answer"),
    errors.Gone: (502, "An outside service no longer knows this address"),
    errors.Revoked: (502, "An outside service no longer admits us"),
    errors.AlreadyThere: (502, "An outside service has this already"),
    errors.Changed: (502, "An outside service has changed this"),
    errors.SyncTokenExpired: (502, "An outside service wants to be read again"),
    errors.Rejected: (400, "The request cannot be carried out"),
    errors.KeysMissing: (503, "A key is missing on the server"),
    errors.Misconfigured: (500, "The server is not set up for that"),
    errors.Error: (500, "Something went wrong"),
}
TITLES = {
    400: "Bad request",
    401: "Sign in to continue",
    404: "Not found",
    405: "Method not allowed",
    408: "Too slow",
    413: "Body too large",
    415: "Media type not supported",
    500: "Something went wrong",
}
RETRY_AFTER_S = 2
METHOD_NOT_ALLOWED = 405
METHODS = ("DELETE", "GET", "HEAD", "PATCH", "POST", "PUT")


def problem(
    request: Request,
    status: int,
    title: str,
    detail: str,
    *,
    slug: str | None = None,
    errors_: list[dict[str, str]] | None = None,
    headers: dict[str, str] | None = None,
) -> Response:
    """One answer shape for every status from 400 up."""
    body: dict[str, Any] = {
        "type": f"urn:voicetodo:problem:{slug or title.lower().replace(' ', '-')}",
        "title": title,
        "status": status,
        "detail": detail,
        "instance": request.url.path,
        "trace_id": request.scope.get("vt.request_id", ""),
    }
    if errors_ is not None:
        body["errors"] = errors_
    return Response(
        orjson.dumps(body), status, media_type="application/problem+json", headers=headers
    )


async def _ours(request: Request, error: Exception) -> Response:
    assert isinstance(error, errors.Error)  # noqa: S101 (the handler is registered for these alone)
    status, title = next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)
    headers: dict[str, str] = {}
    details = None
    detail = error.detail
    match error:
        case errors.Invalid():
            details = [{"pointer": error.pointer, "code": error.code, "detail": error.detail}]
        case errors.InsufficientUserAuthentication():  # RFC 9470 §3
            headers["WWW-Authenticate"] = (
                'Bearer realm="voicetodo", error="insufficient_user_authentication",'
                f' error_description="{error.detail}",'
                f' max_age="{int(error.max_age.total_seconds())}"'
            )
        case errors.Unauthenticated():
            headers["WWW-Authenticate"] = 'Bearer realm="voicetodo"'
        case errors.RateLimited():
            wait = math.ceil(error.retry_after.total_seconds())
            headers["Retry-After"] = str(wait)
            headers["RateLimit"] = f'"default";r=0;t={wait}'
            headers["RateLimit-Policy"] = f'"default";q={error.limit};w=60'
        case errors.Unavailable():
            headers["Retry-After"] = str(RETRY_AFTER_S)
            log.warning("request.unavailable", error=error.__cause__ or error)
        case errors.Misconfigured() | errors.VendorError():
            detail = title  # theirs to know: the log has it
            log.error("request.failed", error=error)
    slug = re.sub(r"(?<=[a-z])(?=[A-Z])", "-", type(error).__name__).lower()
    return problem(request, status, title, detail, slug=slug, errors_=details, headers=headers)


async def answer(request: Request, error: errors.Error) -> Response:
    """For a refusal whose transaction is to be committed: raising would roll it back."""
    return await _ours(request, error)


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 (registered for these alone)
    details = [
        {"pointer": _pointer(e["loc"]), "code": e["type"], "detail": _without_input(e["msg"])}
        for e in error.errors()
    ]
    title = STATUS[errors.Invalid][1]
    detail = details[0]["detail"] if details else title
    return problem(request, 422, title, detail, slug="invalid", errors_=details)


async def _framework(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 (registered for these alone)
    title = TITLES.get(error.status_code, "Request failed")
    detail = error.detail or title
    headers = dict(error.headers or {})
    if error.status_code == METHOD_NOT_ALLOWED:
        headers["Allow"] = ", ".join(_allowed(request))
    return problem(request, error.status_code, title, detail, headers=headers)


def _allowed(request: Request) -> list[str]:
    """All methods of this path: a route by itself knows its own alone."""
    asked = [{**request.scope, "method": method} for method in METHODS]
    routes = request.app.router.routes
    return [
        scope["method"]
        for scope in asked
        if any(route.matches(scope)[0] is Match.FULL for route in routes)
    ]


async def crashed(request: Request, error: Exception) -> Response:
    """What is said of an error that nobody foresaw: nothing of it, only where it was recorded."""
    log.error("request.crashed", error=error)
    return problem(request, 500, TITLES[500], "It was recorded; the trace id finds it.")


def _pointer(location: tuple[int | str, ...]) -> str:
    """RFC 6901 into the body; a query parameter or header by its name."""
    where, *rest = location or ("",)
    parts = rest if where == "body" else [where, *rest]
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in parts)


def _without_input(message: str) -> str:
    return message.removeprefix("Value error, ").encode("ascii", "replace").decode()[:300]


def register(app: FastAPI) -> None:
    app.add_exception_handler(errors.Error, _ours)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _framework)
