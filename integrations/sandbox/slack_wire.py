"""How Slack's Web API reads a call and says no."""

from typing import Any, Final
from urllib.parse import parse_qsl

import orjson

from integrations.sandbox import slack_blocks
from integrations.sandbox.wire import Answer, Call, json_answer

MAX_TEXT: Final = 40_000
MAX_PAYLOAD: Final = 16_000
# "Write" methods take JSON as well; to these it is as if nothing had been said.
FORM_ONLY: Final = frozenset(
    {
        "auth.revoke",
        "chat.getPermalink",
        "oauth.v2.access",
        "users.info",
        "users.lookupByEmail",
    }
)

Arguments = dict[str, Any]


class Refused(Exception):
    def __init__(self, error: str, **more: Any) -> None:
        super().__init__(error)
        self.body = {"ok": False, "error": error, **more}


def error(status: int) -> Answer:
    codes = {429: "ratelimited", 503: "service_unavailable", 404: "unknown_method"}
    # "Bad requests" are answered with 200 by Slack; a status of 400 is a gateway's.
    code = codes.get(status, "internal_error" if status >= 500 else "invalid_arguments")  # noqa: PLR2004 - the class of a status
    headers = ((b"retry-after", b"1"),) if status == 429 else ()  # noqa: PLR2004 - the status named above
    return json_answer(status, {"ok": False, "error": code}, headers)


def arguments(call: Call, method: str) -> Arguments:
    """From the query, and from a body of JSON or of a form, whose nested values are JSON."""
    given: Arguments = dict(parse_qsl(call.query))
    if not call.body:
        return given
    content_type = call.header(b"content-type").partition(";")[0].strip().lower()
    if content_type == "application/json" and method in FORM_ONLY:
        return given
    if content_type == "application/json":
        try:
            body = orjson.loads(call.body)
        except orjson.JSONDecodeError as error:
            raise Refused("invalid_json") from error
        if not isinstance(body, dict):
            raise Refused("json_not_object")
        return given | body
    if content_type != "application/x-www-form-urlencoded":
        raise Refused("invalid_post_type")
    given |= dict(parse_qsl(call.body.decode("utf-8", "replace")))
    for name in ("blocks", "metadata", "view"):
        if name in given:
            try:
                given[name] = orjson.loads(given[name])
            except orjson.JSONDecodeError as error:
                raise Refused(f"invalid_{name}_format") from error
    return given


def content(given: Arguments) -> tuple[str, list[Any], dict[str, Any] | None]:
    text, blocks, metadata = given.get("text") or "", given.get("blocks") or [], None
    if not isinstance(text, str) or not (text or blocks):
        raise Refused("no_text")
    if len(text) > MAX_TEXT:
        raise Refused("msg_too_long")
    if found := list(slack_blocks.problems(blocks)):
        raise Refused("invalid_blocks", response_metadata={"messages": found})
    if "metadata" in given:
        metadata = given["metadata"]
        if (
            not isinstance(metadata, dict)
            or not isinstance(metadata.get("event_type"), str)
            or not isinstance(metadata.get("event_payload"), dict)
        ):
            raise Refused("invalid_metadata_format")
        if len(orjson.dumps(metadata)) > MAX_PAYLOAD:
            raise Refused("metadata_too_large")
    return text, blocks, metadata


def is_true(value: object) -> bool:
    return value is True or str(value).lower() in ("1", "true")
