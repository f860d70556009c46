"""What the document says of every operation, written once: errors and common headers."""

from typing import Any

from fastapi import FastAPI

from api import bounds, webhook_document
from api.openapi_components import (
    ANYBODY,
    DESCRIPTION,
    HEADERS,
    IDEMPOTENCY_KEY,
    PROBLEM,
    SCHEMES,
    SERVER,
    SIGNED,
)
from api.transaction import SCHEME

COMMON = {
    "400": "Bad request",
    "422": "Invalid",
    "429": "Too many requests",
    "500": "Something went wrong",
    "503": "Try again",
}


# For routes that need no token and yet answer 401: what signs in.
REFUSES_401: dict[int | str, dict[str, Any]] = {401: {"description": "Sign in to continue"}}
LIMITS = ("RateLimit", "RateLimit-Policy")


def complete(app: FastAPI) -> None:
    """Make `app.openapi()` answer the whole document."""
    generate = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = generate()
            document["info"]["description"] = DESCRIPTION
            document["servers"] = [SERVER]
            document["webhooks"] = webhook_document.section()
            components = document["components"]
            components |= {"securitySchemes": SCHEMES, "headers": HEADERS}
            components["schemas"] |= {"Problem": PROBLEM} | webhook_document.schemas()
            for unused in ("HTTPValidationError", "ValidationError"):  # ours is `Problem`
                del components["schemas"][unused]
            tags = set()
            for path, operations in document["paths"].items():
                for method, operation in operations.items():
                    _complete(path, method, operation)
                    tags |= set(operation.get("tags", ()))
            document["tags"] = [{"name": tag} for tag in sorted(tags)]
            bounds.state(document)
            app.openapi_schema = document
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI documents this way of extending


def _complete(path: str, method: str, operation: dict[str, Any]) -> None:
    vendor = next((scheme for start, scheme in SIGNED.items() if path.startswith(start)), None)
    security = operation.setdefault("security", [{vendor: []}] if vendor else ANYBODY)
    signed_in = security == [{SCHEME: []}]
    for parameter in operation.get("parameters", []):
        parameter["schema"] = _without_null(parameter["schema"])
    responses = operation["responses"]
    responses.pop("422", None)  # FastAPI's own, which is not what we answer
    content: dict[str, Any] = {
        "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}
    }
    if _is_page(operation):  # and so is what says that it did not work
        content["text/html"] = {"schema": {"type": "string"}}
    own = {status: told["description"] for status, told in responses.items() if status >= "400"}
    refused = _statuses(path, method, operation, signed_in=signed_in)
    for status, description in (refused | own).items():
        responses[status] = {"description": description, "content": content}
    for status, response in responses.items():
        if signed_in and status < "300":
            response["headers"] = _headers(*LIMITS)
    responses["429"]["headers"] = _headers(*LIMITS, "Retry-After")
    if method == "post":
        operation.setdefault("parameters", []).append(IDEMPOTENCY_KEY)


def _statuses(
    path: str, method: str, operation: dict[str, Any], *, signed_in: bool
) -> dict[str, str]:
    """What it may refuse with, beside what its route says itself."""
    statuses = dict(COMMON)
    if signed_in:
        statuses |= {"401": "Sign in to continue", "403": "Not allowed"}
    named = {parameter["name"] for parameter in operation.get("parameters", [])}
    if "{" in path or "workspace_id" in named or path.endswith("/undo") or _is_page(operation):
        statuses["404"] = "Not found"
    if method in {"post", "put", "patch", "delete"}:
        statuses |= {"409": "Conflict", "413": "Body too large"}
    if method in {"patch", "delete", "put"}:
        statuses["412"] = "Changed since you read it"
    return statuses


def _is_page(operation: dict[str, Any]) -> bool:
    return "text/html" in operation["responses"].get("200", {}).get("content", {})


def _headers(*names: str) -> dict[str, Any]:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """A parameter that may be left out cannot be null in an address: FastAPI says both."""
    kinds = [each for each in schema.get("anyOf", ()) if each.get("type") != "null"]
    if len(kinds) != 1:
        return schema
    return {**{key: value for key, value in schema.items() if key != "anyOf"}, **kinds[0]}
