"""What the document says of every operation, written once: errors and common headers."""

from typing import Any

from fastapi import FastAPI

from api import webhook_document
from api.transaction import SCHEME

PROBLEM: dict[str, Any] = {
    "title": "Problem",
    "type": "object",
    "description": "RFC 9457",
    "required": ["type", "title", "status", "detail", "instance", "trace_id"],
    "properties": {
        "type": {"type": "string", "examples": ["urn:voicetodo:problem:invalid"]},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "instance": {"type": "string"},
        "trace_id": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["pointer", "code", "detail"],
                "properties": {
                    "pointer": {"type": "string", "description": "RFC 6901, into the body"},
                    "code": {"type": "string"},
                    "detail": {"type": "string"},
                },
            },
        },
    },
}
BEARER = {"type": "http", "scheme": "bearer", "bearerFormat": "at+jwt"}
IDEMPOTENCY_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "The same key and body are answered the same for 72 hours",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255},
}
COMMON = {"400": "Bad request", "422": "Invalid", "429": "Too many requests", "503": "Try again"}
# For routes that need no token and yet answer 401: what signs in.
REFUSES_401: dict[int | str, dict[str, Any]] = {
    401: {
        "description": "Sign in to continue",
        "content": {
            "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}
        },
    }
}


def complete(app: FastAPI) -> None:
    """Make `app.openapi()` answer the whole document."""
    generate = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = generate()
            components = document.setdefault("components", {})
            components.setdefault("schemas", {})["Problem"] = PROBLEM
            components["schemas"] |= webhook_document.schemas()
            document["webhooks"] = webhook_document.section()
            components["securitySchemes"] = {SCHEME: BEARER}
            for path, operations in document["paths"].items():
                for method, operation in operations.items():
                    _complete(path, method, operation)
            app.openapi_schema = document
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI documents this way of extending


def _complete(path: str, method: str, operation: dict[str, Any]) -> None:
    statuses = dict(COMMON)
    if operation.get("security"):
        statuses["401"] = "Sign in to continue"
        statuses["403"] = "Not allowed"
    named = {parameter["name"] for parameter in operation.get("parameters", [])}
    is_page = "text/html" in operation["responses"].get("200", {}).get("content", {})
    if "{" in path or "workspace_id" in named or path.endswith("/undo") or is_page:
        statuses["404"] = "Not found"
    if method in {"post", "put", "patch", "delete"}:
        statuses["409"] = "Conflict"
        statuses["413"] = "Body too large"
    if method in {"patch", "delete", "put"}:
        statuses["412"] = "Changed since you read it"
    if method == "post":
        operation.setdefault("parameters", []).append(IDEMPOTENCY_KEY)
    content: dict[str, Any] = {
        "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}
    }
    if is_page:  # and so is what says that it did not work
        content["text/html"] = {"schema": {"type": "string"}}
    for status, description in statuses.items():
        operation["responses"][status] = {"description": description, "content": content}
