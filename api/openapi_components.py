"""What the document says once: the shape of errors, who may call, what is left of a limit."""

from typing import Any

from api.transaction import SCHEME

PROBLEM: dict[str, Any] = {
    "title": "Problem",
    "type": "object",
    "description": "RFC 9457",
    "required": ["type", "title", "status", "detail", "instance", "trace_id"],
    "properties": {
        "type": {"type": "string", "examples": ["urn:voicetodo:problem:invalid"]},
        "title": {"type": "string"},
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "detail": {"type": "string"},
        "instance": {"type": "string"},
        "trace_id": {"type": "string", "maxLength": 64},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["pointer", "code", "detail"],
                "properties": {
                    "pointer": {
                        "type": "string",
                        "maxLength": 2**21,
                        "description": "RFC 6901, into the body",
                    },
                    "code": {"type": "string"},
                    "detail": {"type": "string"},
                },
            },
        },
    },
}
BEARER = {
    "type": "http",
    "scheme": "bearer",
    "bearerFormat": "at+jwt",
    "description": "What signing in answers; or a personal token, `vt_pat_…`",
}


def _signed(header: str, description: str) -> dict[str, Any]:
    return {"type": "apiKey", "in": "header", "name": header, "description": description}


# By the beginning of the path: what those sign with who call us, and have no token of ours. Not
# Google: a push channel whose token is wrong is one that is not known, and a 404 has Google end it.
SIGNED = {
    "/api/v1/webhooks/slack/": "slack_signature",
    "/api/v1/webhooks/sendgrid": "sendgrid_signature",
}
SCHEMES: dict[str, dict[str, Any]] = {
    SCHEME: BEARER,
    "slack_signature": _signed("X-Slack-Signature", "HMAC-SHA256 by Slack"),
    "sendgrid_signature": _signed(
        "X-Twilio-Email-Event-Webhook-Signature", "ECDSA signature by SendGrid"
    ),
}
ANYBODY: list[dict[str, Any]] = [{}]  # OpenAPI's word for it: a scheme that asks for nothing
SERVER = {
    "url": "/",
    "description": "Wherever this document was read: local, staging or production",
    "x-internal": False,
}
DESCRIPTION = (
    "Errors are `application/problem+json` (RFC 9457). Lists go on at `next_cursor`. Instants are"
    " RFC 3339 in UTC, zones are IANA names, ids are UUIDv7."
)
IDEMPOTENCY_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "The same key and body are answered the same for 72 hours",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255},
}


def _header(description: str, example: str) -> dict[str, Any]:
    schema = {"type": "string", "maxLength": 200, "examples": [example]}
    return {"description": description, "schema": schema}


HEADERS = {
    "RateLimit": _header(
        "What is left, and in how many seconds it is whole", '"default";r=99;t=60'
    ),
    "RateLimit-Policy": _header("How many requests in how many seconds", '"default";q=100;w=60'),
    "Retry-After": _header("Seconds", "30"),
}
