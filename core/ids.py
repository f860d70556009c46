"""UUIDv7 (RFC 9562 §5.7): ids that sort by the time they were made."""

import os
import time
from datetime import datetime
from uuid import UUID

_VERSION_AND_VARIANT = (7 << 76) | (0b10 << 62)
_RANDOM_BITS = ~((0xF << 76) | (0b11 << 62)) & ((1 << 80) - 1)
_LAST_BITS = (1 << 62) - 1


def uuid7(at: datetime | None = None) -> UUID:
    """Made now; or `at` some instant since 1970, for what was made elsewhere before.

    What one process makes one after the other sorts so, too: the 12 bits after the millisecond are
    the next 12 of the clock (§6.2, method 3), steps of 244 ns. With `at` they are random.
    """
    if at is not None:
        random = int.from_bytes(os.urandom(10), "big") & _RANDOM_BITS
        return UUID(int=(int(at.timestamp() * 1000) << 80) | _VERSION_AND_VARIANT | random)
    milliseconds, rest = divmod(time.time_ns(), 1_000_000)
    fraction = (rest << 12) // 1_000_000
    random = int.from_bytes(os.urandom(8), "big") & _LAST_BITS
    return UUID(int=(milliseconds << 80) | _VERSION_AND_VARIANT | (fraction << 64) | random)
