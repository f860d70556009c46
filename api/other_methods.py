from fastapi import Request
from starlette.types import Receive, Scope, Send

from api import errors


class OtherMethods:
    """Of a path that is only posted to, which `/{id}` beside it would take for itself: 405.

    An application: unlike a function it is called for every method there is.
    """

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope)
        headers = {"Allow": "POST"}
        refusal = errors.problem(
            request, 405, errors.TITLES[405], "Method Not Allowed", headers=headers
        )
        await refusal(scope, receive, send)
