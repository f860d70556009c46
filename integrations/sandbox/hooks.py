"""A receiver of webhooks at `/hooks/{name}`, as strict as one that verifies would be.

It knows nobody's secret, so it judges everything but the signature itself: the headers of Standard
Webhooks, a timestamp of the last five minutes, signatures in their shape, a body of JSON.
"""

import re
import time
from typing import Final

import orjson

from integrations.sandbox.wire import Answer, Call, Vendor, json_answer

PREFIX: Final = "/hooks/"
NAME: Final = re.compile(r"[A-Za-z0-9._~-]{1,100}")
MESSAGE_ID: Final = re.compile(r"[\x21-\x2d\x2f-\x7e]{1,200}")  # visible, and no dot: it separates
SIGNATURE: Final = re.compile(r"v1,[A-Za-z0-9+/]{43}=|v1a,[A-Za-z0-9+/]{86}==")
TOLERANCE_S: Final = 300
MAX_BODY: Final = 1024 * 1024


def answer(call: Call) -> Answer:
    problem = _problem(call)
    if problem is None:
        return json_answer(200, {"ok": True})
    status, why = problem
    return json_answer(status, {"error": why})


def _problem(call: Call) -> tuple[int, str] | None:
    """The first of these; all are cheap enough to be looked at."""
    signatures = call.header(b"webhook-signature").split(" ")
    media_type = call.header(b"content-type").partition(";")[0].strip()
    problems = (
        (NAME.fullmatch(call.path.removeprefix(PREFIX)) is None, 404, "no such receiver"),
        (call.method != "POST", 405, "webhooks are posted"),
        (media_type != "application/json", 415, "webhooks are JSON"),
        (MESSAGE_ID.fullmatch(call.header(b"webhook-id")) is None, 400, "no webhook-id"),
        (not _is_fresh(call.header(b"webhook-timestamp")), 400, "no webhook-timestamp of now"),
        (not all(map(SIGNATURE.fullmatch, signatures)), 400, "no webhook-signature"),
        (not _is_json(call.body), 400, "no JSON"),
    )
    return next(((status, why) for broken, status, why in problems if broken), None)


def _is_fresh(timestamp: str) -> bool:
    is_number = timestamp.isascii() and timestamp.isdigit()
    return is_number and abs(time.time() - int(timestamp[:20])) <= TOLERANCE_S


def _is_json(body: bytes) -> bool:
    try:
        orjson.loads(body)
    except orjson.JSONDecodeError:
        return False
    return True


def _kind(_: str, path: str) -> str:
    return path.removeprefix(PREFIX)


def _error(status: int) -> Answer:
    return json_answer(status, {"error": f"scripted {status}"})


HOOKS: Final = Vendor("hooks", (PREFIX,), _kind, answer, _error, MAX_BODY)
