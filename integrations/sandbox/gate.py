"""What happens to every call of a vendor: read, fault, answer, record. Plain ASGI: the hot path."""

import asyncio
from dataclasses import dataclass, field
from typing import Final

from starlette.types import Receive, Scope, Send

from integrations.sandbox import ledger as ledgers
from integrations.sandbox.faults import Faults
from integrations.sandbox.ledger import Ledger
from integrations.sandbox.wire import Answer, Call, Vendor

TOO_LARGE: Final = 413


@dataclass(slots=True)
class Gate:
    vendors: tuple[Vendor, ...]
    ledger: Ledger = field(default_factory=Ledger)
    faults: Faults = field(default_factory=Faults)

    def vendor_of(self, path: str) -> Vendor | None:
        return next((each for each in self.vendors if each.owns(path)), None)

    async def handle(self, vendor: Vendor, scope: Scope, receive: Receive, send: Send) -> None:
        at = ledgers.now()
        body = await _read(receive, vendor.max_body)
        if body is None:
            return
        method: str = scope["method"]
        path: str = scope["path"]
        too_large = len(body) > vendor.max_body
        call = Call(
            method,
            path,
            scope["query_string"].decode("latin-1"),
            tuple(scope["headers"]),
            b"" if too_large else body,
        )
        kind = vendor.kind(method, path)
        fault = self.faults.meet(vendor.name, kind) if self.faults.active else None
        if fault is not None:
            if fault.delay:
                await asyncio.sleep(fault.delay)
            if fault.drop == "before":
                await _hang_up(receive, send)
                return
            if fault.drop == "after":
                text = vendor.answer(call).decrypted
                self.ledger.record(vendor.name, kind, call, None, at=at, decrypted=text)
                await _hang_up(receive, send)
                return
        if fault is not None and fault.status is not None:
            answer = fault.answer(vendor)
        else:
            answer = vendor.error(TOO_LARGE) if too_large else vendor.answer(call)
        self.ledger.record(
            vendor.name, kind, call, answer.status, at=at, decrypted=answer.decrypted
        )
        if fault is not None and fault.drop == "midway":
            await _answer(send, answer, cut=len(answer.body) // 2)
            await _hang_up(receive, send)
            return
        await _answer(send, answer)


async def _read(receive: Receive, max_body: int) -> bytes | None:
    """Read the body; stop keeping it once it is too long; None if the caller went away."""
    body = b""
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return None
        if len(body) <= max_body:
            body += message.get("body", b"")
        if not message.get("more_body", False):
            return body


async def _answer(send: Send, answer: Answer, *, cut: int | None = None) -> None:
    headers = [(b"content-length", str(len(answer.body)).encode()), *answer.headers]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    more = cut is not None
    await send({"type": "http.response.body", "body": answer.body[:cut], "more_body": more})


async def _hang_up(receive: Receive, send: Send) -> None:
    """Close the connection without a byte of answer.

    ASGI has no message for it, and raising would be answered with a 500. Both HTTP implementations
    of uvicorn pass a bound method of the cycle that holds the transport; the sandbox wraps
    this gate in nothing, so `send` is that method.
    """
    transport: asyncio.Transport = send.__self__.transport  # type: ignore[attr-defined]  # a bound method
    transport.close()
    while (await receive())["type"] != "http.disconnect":
        pass  # without this, uvicorn would miss the answer and complain
