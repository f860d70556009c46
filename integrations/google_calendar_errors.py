"""What an error of Google's Calendar API, or of its token endpoint, means to us.

https://developers.google.com/workspace/calendar/api/guides/errors
"""

from datetime import timedelta
from typing import Any, Final

from googleapiclient.errors import HttpError
from googleapiclient.http import HttpRequest

from core.errors import AlreadyThere, Changed, Gone, Revoked, SyncTokenExpired, VendorError
from integrations.http import PASSING, retry_after
from integrations.http_connection import Answer

VENDOR: Final = "Google"
MOMENTS: Final = timedelta(seconds=10)  # a limit per minute that names no wait
HOURS: Final = timedelta(hours=1)  # one of the day, or what an operator has to mend
WAITS: Final = {
    "rateLimitExceeded": MOMENTS,
    "userRateLimitExceeded": MOMENTS,
    "RATE_LIMIT_EXCEEDED": MOMENTS,
    "quotaExceeded": HOURS,
    "dailyLimitExceeded": HOURS,
    "variableTermLimitExceeded": HOURS,
    "accessNotConfigured": HOURS,
    "SERVICE_DISABLED": HOURS,
}
SCOPES: Final = frozenset({"insufficientPermissions", "ACCESS_TOKEN_SCOPE_INSUFFICIENT"})
WITHDRAWN: Final = frozenset({"invalid_grant"})
READING: Final = ("GET", "HEAD")


def failure(error: HttpError, answer: Answer, request: HttpRequest) -> VendorError:
    """The kind says what to do; the message names the status and never what Google wrote."""
    status, reasons = answer.status_code, _reasons(error.error_details)
    said, on_insert = f"{VENDOR} answered {status}", request.methodId == "calendar.events.insert"
    wait = retry_after(answer.headers.get("retry-after"))
    limits = [WAITS[each] for each in reasons if each in WAITS]
    if status == 429 or (status == 403 and limits):  # noqa: PLR2004 - the statuses of limits
        return VendorError(said, permanent=False, retry_after=wait or max([*limits, MOMENTS]))
    kinds: dict[int, type[VendorError]] = {
        401: Revoked,
        403: Revoked if reasons & SCOPES else VendorError,
        404: Gone,
        409: AlreadyThere if on_insert else VendorError,
        410: SyncTokenExpired if request.methodId == "calendar.events.list" else Gone,
        412: Changed,
    }
    passing = status in PASSING or answer.is_server_error or (status == 409 and not on_insert)  # noqa: PLR2004 - as above
    doubtful = answer.is_server_error and request.method not in READING
    kind = kinds.get(status, VendorError)
    return kind(said, permanent=not passing, ambiguous=doubtful, retry_after=wait)


def refresh_failure(answer: Answer) -> VendorError:
    """https://developers.google.com/identity/protocols/oauth2/web-server#offline."""
    try:
        told = answer.json()
    except ValueError:
        told = None
    code = told.get("error") if isinstance(told, dict) else None
    said = f"{VENDOR} answered {answer.status_code} to a refresh token"
    if code in WITHDRAWN:
        return Revoked(said, permanent=True)
    wait = retry_after(answer.headers.get("retry-after"))
    if answer.status_code in PASSING or answer.is_server_error:
        return VendorError(said, permanent=False, retry_after=wait)
    # Our client is what it does not like. No person can mend that by connecting again.
    return VendorError(said, permanent=False, retry_after=wait or HOURS)


def _reasons(details: Any) -> set[str]:
    found = details if isinstance(details, list) else ()
    return {str(each.get("reason")) for each in found if isinstance(each, dict)}
