"""Scripted faults: the next so many calls of a vendor are delayed, refused or dropped."""

import re
from dataclasses import dataclass, field
from typing import Annotated, Final, Literal, Self

import orjson
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from integrations.sandbox.wire import Answer, Vendor

VendorName = Literal[
    "sendgrid",
    "sendgrid_events",
    "web_push",
    "slack",
    "google_calendar",
    "transcription",
    "language_model",
    "twilio",
    "hooks",
]
MAX_FAULTS: Final = 100
HEADER_NAME: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")
HEADER_VALUE: Final = re.compile(r"[\x20-\x7e]{0,1000}")
OWN_HEADERS: Final = frozenset({"content-length", "transfer-encoding", "connection"})


class FaultIn(BaseModel):
    """A fault as scripted over HTTP.

    `delay_ms` waits first. Then `drop: before` closes the connection as if the request had never
    arrived (no ledger row); `drop: after` carries the request out, records it with a null status
    and closes the connection without an answer; `drop: midway` carries it out and closes after half
    of the answer's body; `status` answers that status and carries nothing out. A 2xx
    `status` is an answer like any other.
    """

    model_config = ConfigDict(extra="forbid", strict=True)

    vendor: VendorName
    kind: Annotated[str, Field(min_length=1, max_length=100)] | None = None
    times: Annotated[int, Field(ge=1, le=1_000_000_000)]
    status: Annotated[int, Field(ge=200, le=599)] | None = None
    delay_ms: Annotated[int, Field(ge=0, le=600_000)] | None = None
    drop: Literal["before", "after", "midway"] | None = None
    body: object = None
    headers: dict[str, str] | None = None

    @field_validator("headers")
    @classmethod
    def _headers_are_wire_safe(cls, headers: dict[str, str] | None) -> dict[str, str] | None:
        for name, value in (headers or {}).items():
            if not HEADER_NAME.fullmatch(name) or not HEADER_VALUE.fullmatch(value):
                raise ValueError("not a header")
            if name.lower() in OWN_HEADERS:
                raise ValueError(f"{name} is the server's")
        return headers

    @model_validator(mode="after")
    def _does_something_and_one_thing(self) -> Self:
        if self.status is None and self.drop is None and self.delay_ms is None:
            raise ValueError("give at least one of status, delay_ms and drop")
        if self.drop is not None and self.status is not None:
            raise ValueError("a dropped call has no status")
        if self.status is None and (self.body is not None or self.headers is not None):
            raise ValueError("body and headers need a status")
        return self

    def to_fault(self) -> "Fault":
        return Fault(
            vendor=self.vendor,
            kind=self.kind,
            times=self.times,
            status=self.status,
            delay=(self.delay_ms or 0) / 1000,
            drop=self.drop,
            body=self.body,
            headers=tuple(
                (name.lower().encode(), value.encode())
                for name, value in (self.headers or {}).items()
            ),
        )


@dataclass(slots=True)
class Fault:
    vendor: str
    kind: str | None
    times: int  # how many calls it will still meet
    status: int | None
    delay: float  # seconds
    drop: Literal["before", "after", "midway"] | None
    body: object
    headers: tuple[tuple[bytes, bytes], ...]

    def answer(self, vendor: Vendor) -> Answer:
        """Give the scripted answer; without a body it is the vendor's own error of that status."""
        error = vendor.error(self.status or 500)
        own = {name for name, _ in self.headers}
        headers = tuple(pair for pair in error.headers if pair[0] not in own) + self.headers
        if self.body is None:
            return Answer(error.status, error.body, headers)
        body = self.body.encode() if isinstance(self.body, str) else orjson.dumps(self.body)
        return Answer(error.status, body, headers)

    def to_json(self) -> dict[str, object]:
        return {
            "vendor": self.vendor,
            "kind": self.kind,
            "times": self.times,
            "status": self.status,
            "delay_ms": round(self.delay * 1000),
            "drop": self.drop,
            "body": self.body,
            "headers": {name.decode(): value.decode() for name, value in self.headers},
        }


@dataclass(slots=True)
class Faults:
    """The active faults in the order in which they were scripted; a call meets the first match."""

    active: list[Fault] = field(default_factory=list)

    def add(self, fault: Fault) -> bool:
        """Answer False if there are too many already."""
        if len(self.active) >= MAX_FAULTS:
            return False
        self.active.append(fault)
        return True

    def clear(self) -> None:
        self.active.clear()

    def meet(self, vendor: str, kind: str) -> Fault | None:
        """Give the fault this call meets, and count it."""
        for fault in self.active:
            if fault.vendor == vendor and fault.kind in (None, kind):
                fault.times -= 1
                if fault.times == 0:
                    self.active.remove(fault)
                return fault
        return None
