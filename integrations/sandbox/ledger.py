"""The append-only record of what reached a vendor; in memory, so it ends with the process."""

import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice

from integrations.sandbox.wire import Call, Headers

MAX_ROWS = 100_000
MAX_BYTES = 256 * 1024 * 1024  # of bodies: large attachments must not fill a laptop


@dataclass(frozen=True, slots=True)
class Row:
    seq: int
    vendor: str
    kind: str
    at: float  # POSIX seconds of the arrival
    call: Call
    response_status: int | None
    decrypted: str | None = None

    @property
    def at_utc(self) -> datetime:
        return datetime.fromtimestamp(self.at, UTC)

    def to_json(self) -> dict[str, object]:
        target = self.call.path + (f"?{self.call.query}" if self.call.query else "")
        return {
            "seq": self.seq,
            "vendor": self.vendor,
            "kind": self.kind,
            "at": self.at_utc,
            "request": {
                "method": self.call.method,
                "path": target,
                "headers": {
                    name.decode("latin-1"): value.decode("latin-1")
                    for name, value in self.call.headers
                },
                "body": self.call.body.decode("utf-8", "replace"),
                **({} if self.decrypted is None else {"decrypted": self.decrypted}),
            },
            "response_status": self.response_status,
        }


@dataclass(slots=True)
class Ledger:
    """Rows are numbered from 1 without gaps; the oldest go when the bounds are reached."""

    max_rows: int = MAX_ROWS
    max_bytes: int = MAX_BYTES
    _rows: deque[Row] = field(default_factory=deque)
    _seq: int = 0
    _bytes: int = 0

    def record(
        self,
        vendor: str,
        kind: str,
        call: Call,
        response_status: int | None,
        *,
        at: float,
        decrypted: str | None = None,
    ) -> None:
        self._seq += 1
        kept = Call(call.method, call.path, call.query, _masked(call.headers), call.body)
        self._rows.append(Row(self._seq, vendor, kind, at, kept, response_status, decrypted))
        self._bytes += len(call.body)
        while len(self._rows) > self.max_rows or self._bytes > self.max_bytes:
            self._bytes -= len(self._rows.popleft().call.body)

    def rows(self, *, since: int = 0, vendor: str | None = None) -> Iterator[Row]:
        """Give the rows after `since`, oldest first."""
        first = self._rows[0].seq if self._rows else 1
        for row in islice(self._rows, max(0, since + 1 - first), None):
            if vendor is None or row.vendor == vendor:
                yield row

    def newest(self, *, before: int | None = None) -> Iterator[Row]:
        """Give the rows before `before`, newest first."""
        for row in reversed(self._rows):
            if before is None or row.seq < before:
                yield row

    def get(self, seq: int) -> Row | None:
        row = next(self.rows(since=seq - 1), None) if seq > 0 else None
        return row if row is not None and row.seq == seq else None

    @property
    def last_seq(self) -> int:
        return self._seq

    def __len__(self) -> int:
        return len(self._rows)


def now() -> float:
    return time.time()


def _masked(headers: Headers) -> Headers:
    return tuple(
        (name, _scheme_only(value)) if name == b"authorization" else (name, value)
        for name, value in headers
    )


def _scheme_only(value: bytes) -> bytes:
    """Keep that a credential was sent and of which scheme, not the credential."""
    scheme, space, _ = value.partition(b" ")
    return scheme + b" ***" if space else b"***"
