"""SendGrid's `POST /v3/mail/send` and `/v3/recipients/erasejob`, with the real ones' checks.

https://www.twilio.com/docs/sendgrid/api-reference/mail-send/mail-send
What is not emulated: templates are accepted by id and render nothing, attachments are accepted and
not looked into.
"""

import secrets
from typing import Final

import orjson

from integrations.sandbox.sendgrid_problems import ADDRESS, problems
from integrations.sandbox.wire import Answer, Call, Vendor, json_answer

SEND: Final = ("POST", "/v3/mail/send")
ERASE: Final = ("POST", "/v3/recipients/erasejob")
MAX_ERASED: Final = 5000
HELP: Final = "http://sendgrid.com/docs/API_Reference/Web_API_v3/Mail/errors.html#"
MESSAGES: Final = {
    401: "The provided authorization grant is invalid, expired, or revoked",
    403: "access forbidden",
    404: "not found",
    405: "method not allowed",
    413: "Request entity too large",
    415: "Content-Type should be application/json.",
    429: "too many requests",
}


def error(status: int) -> Answer:
    """Give SendGrid's error of that status; 429 carries the reset of its rate limit."""
    message = MESSAGES.get(status, "internal server error" if status >= 500 else "Bad Request")  # noqa: PLR2004 - the class of a status
    content = {"errors": [{"message": message, "field": None, "help": None}]}
    headers = ((b"x-ratelimit-remaining", b"0"),) if status == 429 else ()  # noqa: PLR2004 - the status named above
    return json_answer(status, content, headers)


def answer(call: Call) -> Answer:
    if refused := _refused(call):
        return error(refused)
    try:
        message = orjson.loads(call.body)
    except orjson.JSONDecodeError:
        return error(400)
    if not isinstance(message, dict):
        return error(400)
    return _erase(message) if call.path == ERASE[1] else _send(message)


def _send(message: dict[str, object]) -> Answer:
    if found := list(problems(message)):
        content = [
            {"message": text, "field": field or None, "help": HELP + anchor if anchor else None}
            for text, field, anchor in found
        ]
        return json_answer(400, {"errors": content})
    if _in_sandbox_mode(message):  # "validated, never delivered": 200 instead of 202
        return Answer(200)
    return Answer(202, headers=((b"x-message-id", secrets.token_urlsafe(16).encode()),))


def _erase(message: dict[str, object]) -> Answer:
    """A job that deletes what is kept of these recipients; nothing here is ever kept of them.

    https://www.twilio.com/docs/sendgrid/api-reference/recipients-data-erasure/delete-recipients-email-data
    """
    match message.get("email_addresses"):
        case [_, *_] as addresses if len(addresses) <= MAX_ERASED:
            if all(isinstance(each, str) and ADDRESS.fullmatch(each) for each in addresses):
                return json_answer(202, {"job_id": secrets.token_hex(16)})
    return error(400)


def _refused(call: Call) -> int | None:
    """Give the status of a call whose body is not looked at."""
    scheme, _, key = call.header(b"authorization").partition(" ")
    if call.path not in {SEND[1], ERASE[1]}:
        return 404
    if call.method != "POST":
        return 405
    if scheme.lower() != "bearer" or not key.strip():
        return 401
    content_type = call.header(b"content-type").partition(";")[0]
    return None if content_type.strip().lower() == "application/json" else 415


def _in_sandbox_mode(message: dict[str, object]) -> bool:
    settings = message.get("mail_settings")
    mode = settings.get("sandbox_mode") if isinstance(settings, dict) else None
    return isinstance(mode, dict) and mode.get("enable") is True


def _kind(method: str, path: str) -> str:
    known = {SEND: "mail.send", ERASE: "recipients.erase"}
    return known.get((method, path), f"{method} {path}")


SENDGRID: Final = Vendor(
    name="sendgrid", prefixes=("/v3/",), kind=_kind, answer=answer, error=error
)
