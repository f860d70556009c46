"""Counting what may be tried only so often; exact across processes, in one table."""

from dataclasses import dataclass
from typing import Final

from sqlalchemy import bindparam, func, update

from core.db import Transaction
from core.models.users import RateLimits
from core.statements import HIT, query

_FORGIVE: Final = query(
    update(RateLimits)
    .where(RateLimits.key == bindparam("of_key"))
    .values(hits=func.greatest(RateLimits.hits - 1, 0))
)


@dataclass(frozen=True, slots=True)
class Throttle:
    """At most `limit` in `seconds`, counted from the first. `key` holds hashes, no addresses."""

    key: str
    limit: int
    seconds: int


def hit(tx: Transaction, throttle: Throttle) -> None:
    """Count one more. Ends the transaction with `RateLimited` when that is too many."""
    tx.run(HIT, key=throttle.key, limit=throttle.limit, seconds=throttle.seconds)


def forgive(tx: Transaction, throttle: Throttle) -> None:
    """Take one hit back: it was no failure after all."""
    tx.run(_FORGIVE, of_key=throttle.key)
