"""Vendors that are down are not called, but for one message now and then that finds out.

Counted are answers and failures, of each vendor and of each tenant's share of it; what is counted
is worth half after ten seconds. When there are many failures, and more of them than answers, the
circuit opens: nobody is called for some seconds, then one message is let through. Its answer closes
the circuit, its failure doubles the wait. A vendor is taken for down only when it fails several
tenants: one tenant's trouble opens that tenant's circuit alone.

Each worker counts for itself. Nothing here is needed for anything to be right: a worker that
begins anew asks a dead vendor some more times.
"""

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final
from urllib.parse import urlsplit
from uuid import UUID

from core import logs, metrics
from core.models.deliveries import Channel
from core.services.deliveries import Send

log = logs.get(__name__)

MANY: Final = 20
TENANTS: Final = 3
HALF_LIFE_S: Final = 10.0
FIRST_WAIT_S: Final = 5.0
LONGEST_WAIT_S: Final = 30.0
LONGEST_ASKED_S: Final = 900.0
PROBE_S: Final = 6.0  # a call ends sooner; one whose worker task died must not close the door
REMEMBERED: Final = 10_000

Key = tuple[str, UUID | None]


def provider(send: Send) -> str:
    """Who carries it: the channel's vendor, of push the service that the browser chose."""
    if send.channel is Channel.PUSH and send.target is not None:
        return f"{Channel.PUSH} {urlsplit(send.target.endpoint).netloc}"
    return str(send.channel)


@dataclass(slots=True)
class _Line:
    """`until` is set while it is open; after that the next message is the probe."""

    counted_at: float
    failed: float = 0.0
    answered: float = 0.0
    tenants: set[UUID] = field(default_factory=set)
    until: float | None = None
    wait: float = 0.0
    probing: bool = False

    def fade(self, now: float) -> None:
        share = 0.5 ** ((now - self.counted_at) / HALF_LIFE_S)
        self.counted_at = now
        self.failed *= share
        self.answered *= share


class Circuits:
    """`clock` counts seconds; it is an argument for tests."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lines: OrderedDict[Key, _Line] = OrderedDict()

    def rests(self, provider: str, tenant: UUID) -> timedelta | None:
        """How long nobody is to be called; zero: one may find out. Null: any number may go."""
        opened = [line.until for line in self._of(provider, tenant) if line.until is not None]
        if not opened:
            return None
        return timedelta(seconds=max(max(opened) - self._clock(), 0.0))

    def admit(self, provider: str, tenant: UUID) -> timedelta | None:
        """Null: call the vendor, and tell what came of it. Else how long not to."""
        if not self._lines:  # nearly always
            return None
        if wait := self.rests(provider, tenant):
            return wait
        for line in self._of(provider, tenant):
            if line.until is not None:
                line.probing = True
                line.until = self._clock() + PROBE_S
        return None

    def answered(self, provider: str, tenant: UUID) -> None:
        """It was accepted, or refused for good: whoever says so is there."""
        for key in ((provider, None), (provider, tenant)):
            line = self._lines.get(key)
            if line is None:
                continue
            if line.probing:
                del self._lines[key]
                log.info("circuit.closed", vendor=provider)
                continue
            line.fade(self._clock())
            line.answered += 1

    def failed(
        self, provider: str, tenant: UUID, *, asked: timedelta | None, own: bool = False
    ) -> bool:
        """Whether it is one of many. `own`: the tenant's limit was reached, not the vendor's."""
        keys: tuple[Key, ...] = (
            ((provider, tenant),) if own else ((provider, None), (provider, tenant))
        )
        lines = [self._failed(key, tenant, asked) for key in keys]
        return any(line.until is not None or line.failed >= MANY for line in lines)

    def _failed(self, key: Key, tenant: UUID, asked: timedelta | None) -> _Line:
        now = self._clock()
        line = self._lines.setdefault(key, _Line(now))
        self._lines.move_to_end(key)
        if len(self._lines) > REMEMBERED:
            self._lines.popitem(last=False)
        line.fade(now)
        line.failed += 1
        if len(line.tenants) < TENANTS:
            line.tenants.add(tenant)
        several = key[1] is not None or len(line.tenants) >= TENANTS
        down = several and line.failed >= MANY and line.failed > line.answered
        if line.probing or (line.until is None and down):
            line.wait = min(max(line.wait * 2, FIRST_WAIT_S), LONGEST_WAIT_S)
            wished = min(asked.total_seconds(), LONGEST_ASKED_S) if asked else 0.0
            line.until = now + max(line.wait, wished)
            if not line.probing:
                whose = "vendor" if key[1] is None else "tenant"
                metrics.CIRCUITS_OPENED.labels(key[0].partition(" ")[0], whose).inc()
                log.warning("circuit.opened", vendor=key[0], kind=whose)
            line.probing = False
        return line

    def _of(self, provider: str, tenant: UUID) -> list[_Line]:
        keys: tuple[Key, Key] = (provider, None), (provider, tenant)
        return [self._lines[key] for key in keys if key in self._lines]
