"""Errors as the Calendar API tells them.

https://developers.google.com/workspace/calendar/api/guides/errors
"""

from typing import Final

from integrations.sandbox.wire import Answer, json_answer

_OF_STATUS: Final = {
    400: ("global", "invalid", "Invalid Value"),
    401: ("global", "authError", "Invalid Credentials"),
    403: ("usageLimits", "rateLimitExceeded", "Rate Limit Exceeded"),
    404: ("global", "notFound", "Not Found"),
    405: ("global", "httpMethodNotAllowed", "Method Not Allowed"),
    409: ("global", "duplicate", "The requested identifier already exists."),
    410: (
        "calendar",
        "fullSyncRequired",
        "Sync token is no longer valid, a full sync is required.",
    ),
    412: ("global", "conditionNotMet", "Precondition Failed"),
    413: ("global", "uploadTooLarge", "Request Entity Too Large"),
    429: ("usageLimits", "rateLimitExceeded", "Rate Limit Exceeded"),
    503: ("global", "backendError", "Service Unavailable"),
}
_BACKEND: Final = ("global", "backendError", "Backend Error")


class Refused(Exception):
    """`reason` and `message` in place of those that the status usually has."""

    def __init__(self, status: int, reason: str | None = None, message: str | None = None) -> None:
        super().__init__(reason or status)
        self.status = status
        self.reason = reason
        self.message = message

    @property
    def answer(self) -> Answer:
        return error(self.status, self.reason, self.message)


def error(status: int, reason: str | None = None, message: str | None = None) -> Answer:
    domain, usual, says = _OF_STATUS.get(status, _BACKEND)
    told = {"domain": domain, "reason": reason or usual, "message": message or says}
    content = {"errors": [told], "code": status, "message": message or says}
    headers = ((b"www-authenticate", b'Bearer realm="https://accounts.google.com/"'),)
    return json_answer(status, {"error": content}, headers if status == 401 else ())  # noqa: PLR2004 - the status named above
