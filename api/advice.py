"""Routes that may have to ask a language model, which takes seconds, before they do anything.

The request is handled in one transaction as ever. Where `Unsure` ends that, nothing was done and
nobody was counted: the model is asked with no transaction open, and the request handled anew.
Where it is refused, what is to be kept of that is written when its own transaction is over: a
request that held one connection and waited for another could wait for its equals for ever.
"""

from collections.abc import Awaitable, Callable

from fastapi import Request, Response
from starlette.types import Message

from api.transaction import Authenticated, Handler
from core.errors import Rejected
from core.services import voice_advice
from core.services.voice_advice import Unsure
from core.services.voice_results import Using

Receive = Callable[[], Awaitable[Message]]


class Advised(Authenticated):
    """`request.state.advice` is what was advised; null the first time.

    `request.state.refused` may be set to what is to be done when the request is refused.
    """

    def get_route_handler(self) -> Handler:
        handle = super().get_route_handler()

        async def asked(request: Request) -> Response:
            using: Using = request.app.state.voice
            request.state.advice = None
            if using.adviser is None:
                return await handle(request)
            body = _Kept(request.receive)
            try:
                return await handle(Request(request.scope, body.receive))
            except Unsure as unsure:
                request.state.advice = await voice_advice.consult(using.adviser, unsure)
            return await handle(Request(request.scope, body.again().receive))

        async def advised(request: Request) -> Response:
            request.state.refused = None
            try:
                return await asked(request)
            except Rejected:
                if request.state.refused is not None:
                    await request.state.refused()
                raise

        return advised


class _Kept:
    """A body that can be read a second time, as far as it was read the first time."""

    def __init__(self, receive: Receive, kept: list[Message] | None = None) -> None:
        self._receive = receive
        self._left = kept or []
        self._read: list[Message] = []

    async def receive(self) -> Message:
        message = self._left.pop(0) if self._left else await self._receive()
        self._read.append(message)
        return message

    def again(self) -> "_Kept":
        return _Kept(self._receive, self._read)
