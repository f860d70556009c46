"""When a webhook is sent again, how long its receiver is left in peace, and when it is given up.

Ten tries over 75 hours, as Standard Webhooks and its users have them: long enough for a weekend.
"""

from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final
from uuid import UUID

WAITS: Final = (
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=14),
    timedelta(hours=20),
    timedelta(hours=24),
)
TRIES: Final = len(WAITS) + 1
JITTER: Final = 0.1  # either way, so that what failed together does not return together
DISABLE_AFTER: Final = timedelta(days=5)
# The longest pause between two tries of one message is 24 h and its jitter: after a longer one
# nothing was tried, and what failed before says nothing of today.
FORGOTTEN_AFTER: Final = timedelta(hours=36)
GONE: Final = 410
_BUSY: Final = frozenset({408, 429})
_FEW: Final = 3  # failures in a row that may still be the messages' own
_FIRST_REST: Final = timedelta(seconds=10)
_LONGEST_REST: Final = timedelta(minutes=1)


def wait(delivery: UUID, failures: int, asked: timedelta | None = None) -> timedelta | None:
    """Until the next try after so many failed ones (from 1); None: that was the last.

    `asked` is the receiver's own wish, kept when it is longer.
    """
    if failures > len(WAITS):
        return None
    share = sha256(delivery.bytes + failures.to_bytes(4)).digest()[0] / 255
    planned = WAITS[failures - 1] * (1 - JITTER + 2 * JITTER * share)
    return max(planned, asked or timedelta(0))


def is_down(status_code: int | None) -> bool:
    """Whether this speaks against the receiver and not against the message; None: no answer."""
    return status_code is None or status_code >= 500 or status_code in _BUSY  # noqa: PLR2004 - HTTP


def rest(failures: int) -> timedelta:
    """How long a receiver is left in peace that failed so often in a row.

    It is then asked with one message, not with all that wait: they keep their tries.
    """
    if failures < _FEW:
        return timedelta(0)
    doublings: int = 1 << min(failures - _FEW, 10)
    return min(_FIRST_REST * doublings, _LONGEST_REST)


def failing_since(
    since: datetime | None, last_failure_at: datetime | None, *, now: datetime
) -> datetime:
    """Since when it has failed without a success, now that it failed once more."""
    if since is None or last_failure_at is None or now - last_failure_at > FORGOTTEN_AFTER:
        return now
    return since
