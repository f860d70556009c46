"""What a provider's status means: for this recording, for the account, or for the moment."""

from datetime import timedelta
from typing import Final

from core.errors import Revoked, VendorError
from integrations.http import retry_after

PASSING: Final = (408, 409, 429)
# A key, a model or an address that an operator has to mend: other recordings fare the same, so
# the next provider is asked, and the recording itself has nothing wrong with it.
OF_THE_ACCOUNT: Final = (401, 402, 403, 404)
QUOTA: Final = "insufficient_quota"
SERVER_ERROR: Final = 500
UNSAID: Final = timedelta(seconds=10)  # a 429 without a wait


def refusal(vendor: str, status: int, *, wait: str | None, code: object = None) -> VendorError:
    """`wait` is the header Retry-After, `code` what the answer calls the error."""
    if code == QUOTA:
        return Revoked(f"{vendor} answered {QUOTA}", permanent=True)
    said = f"{vendor} answered {status}"
    if status in OF_THE_ACCOUNT:
        return Revoked(said, permanent=True)
    asked = retry_after(wait)
    if status in PASSING:
        return VendorError(said, permanent=False, retry_after=asked or UNSAID)
    # What stands behind a gateway's page may have worked, and will have cost.
    is_theirs = status >= SERVER_ERROR
    return VendorError(said, permanent=not is_theirs, ambiguous=is_theirs, retry_after=asked)


def unreadable(vendor: str, status: int) -> VendorError:
    """Half an answer, a gateway's page, or no transcript in it."""
    return VendorError(
        f"{vendor} answered {status} without a transcript", permanent=False, ambiguous=True
    )


def price(per_minute: int | None, seconds: float) -> int | None:
    """Millionths of a dollar; null where nobody set what a minute costs."""
    return None if per_minute is None else round(per_minute * seconds / 60)
