from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest

from bench.reminders.figures import Wave, arrivals

DUE = datetime(2026, 8, 3, 9, tzinfo=UTC)


def row(after_s: float, *keys: str) -> dict[str, Any]:
    """What the vendor's ledger says of one call."""
    parts = [{"custom_args": {"delivery_id": key}} for key in keys]
    body = orjson.dumps({"personalizations": parts}).decode()
    return {"at": (DUE + timedelta(seconds=after_s)).isoformat(), "request": {"body": body}}


def test_lost_twice_and_early_are_told_by_the_vendors_ledger() -> None:
    promised = ["a", "b", "c", "d"]
    ledger = [row(1, "a", "b"), row(3, "b"), row(-0.5, "c"), row(9, "somebody else's")]
    wave = Wave("x", DUE, promised, arrivals(ledger, promised))
    assert (wave.lost, wave.twice, wave.lateness.early) == (1, 1, 1)
    assert wave.lateness.longest == 3


def test_lateness_is_from_the_promised_second() -> None:
    keys = [str(nth) for nth in range(200)]
    ledger = [row(nth / 10, key) for nth, key in enumerate(keys)]
    late = Wave("x", DUE, keys, arrivals(ledger, keys)).lateness
    assert (late.p50, late.p99, late.longest) == pytest.approx((10.0, 19.8, 19.9))
    assert late.cells == ["10.00 s", "19.80 s", "19.90 s"]
