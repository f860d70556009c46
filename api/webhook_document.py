"""The `webhooks` section of the document: every message that an endpoint can get (OpenAPI 3.1)."""

from typing import Any, Final

from api import webhook_samples
from core.rules.event_types import EVENT_TYPES
from core.services.webhook_deliveries import TEST

# The resource that a full message shows, by the noun of its type; of others there is none to show.
SCHEMAS: Final = {
    "todo": "Todo",
    "list": "TodoList",
    "reminder": "Reminder",
    "recurrence": "Series",
    "job": "Job",
}
THIN: Final = "WebhookThinData"
FULL: Final = "WebhookFullData"
_ID: Final = {"type": "string", "format": "uuid"}
_HEADERS: Final = {
    "webhook-id": ("The same for every attempt at this message: do it once", "msg_…"),
    "webhook-timestamp": ("When this attempt was signed, in seconds since 1970", "1806048000"),
    "webhook-signature": ("`v1,` and `v1a,` signatures, separated by spaces", "v1,… v1a,…"),
}
_ANSWERS: Final = {
    "2XX": "It arrived. Any body is ignored but for its first KiB, which is kept for you to read.",
    "410": "Send nothing more: the endpoint is disabled.",
    "default": "It is sent again, ten times in all over 75 hours. So are redirects and timeouts.",
}


def section() -> dict[str, Any]:
    """By type of event, what is posted to endpoints that ask for it."""
    told = {kind: _item(kind, what) for kind, what in EVENT_TYPES.items()}
    told[TEST] = _item(TEST, "You asked for a test. Every endpoint gets it, and always thin.")
    return told


def schemas() -> dict[str, Any]:
    """The components that `section` refers to."""
    thin = {
        "title": THIN,
        "type": "object",
        "description": "Of an endpoint with `payload: thin`: nothing that anybody wrote.",
        "required": ["id"],
        "properties": {"id": _ID},
        "additionalProperties": False,
    }
    full = {
        "title": FULL,
        "type": "object",
        "description": "Of an endpoint with `payload: full`. `object` is the resource as the"
        " endpoint's owner sees it when this is first sent; null when it is gone, is not theirs, or"
        " is of a kind to be read in the API (recordings, what was said, accounts, workspaces)."
        " `truncated`: it was left out, for it is longer than 64 KiB.",
        "required": ["id", "object", "truncated", "changed", "actor_id", "change_set_id"],
        "properties": {
            "id": _ID,
            "object": {"type": ["object", "null"]},
            "truncated": {"type": "boolean"},
            "changed": {"type": "array", "items": {"type": "string"}},
            "actor_id": {"anyOf": [_ID, {"type": "null"}]},
            "change_set_id": _ID,
        },
    }
    return {THIN: thin, FULL: full}


def _item(kind: str, what: str) -> dict[str, Any]:
    examples = {"thin": {"value": webhook_samples.thin(kind, seq=None if kind == TEST else 1042)}}
    if kind != TEST:
        examples["full"] = {"value": webhook_samples.full(kind)}
    noun, _, verb = kind.partition(".")
    return {
        "post": {
            "operationId": f"on_{noun}_{verb}",
            "tags": ["webhooks"],
            "summary": what,
            "parameters": [_header(name, *told) for name, told in _HEADERS.items()],
            "requestBody": {
                "required": True,
                "content": {"application/json": {"schema": _message(kind), "examples": examples}},
            },
            "responses": {status: {"description": told} for status, told in _ANSWERS.items()},
        }
    }


def _message(kind: str) -> dict[str, Any]:
    seq: dict[str, Any] = {"type": "integer", "description": "Orders the events of a workspace"}
    return {
        "type": "object",
        "required": ["type", "timestamp", "workspace_id", "seq", "data"],
        "properties": {
            "type": {"const": kind},
            "timestamp": {"type": "string", "format": "date-time"},
            "workspace_id": _ID,
            "seq": {"type": "null"} if kind == TEST else seq,
            "data": {"anyOf": [{"$ref": _ref(THIN)}] if kind == TEST else _data(kind)},
        },
    }


def _data(kind: str) -> list[dict[str, Any]]:
    schema = SCHEMAS.get(kind.partition(".")[0])
    shown = {"$ref": _ref(schema)} if schema else None
    resource = {"anyOf": [shown, {"type": "null"}]} if shown else {"type": "null"}
    full = {"allOf": [{"$ref": _ref(FULL)}, {"properties": {"object": resource}}]}
    return [{"$ref": _ref(THIN)}, full]


def _ref(name: str) -> str:
    return f"#/components/schemas/{name}"


def _header(name: str, what: str, example: str) -> dict[str, Any]:
    return {
        "name": name,
        "in": "header",
        "required": True,
        "description": what,
        "schema": {"type": "string", "maxLength": 500},
        "example": example,
    }
