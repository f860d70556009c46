"""What the language model is to answer, scripted over HTTP."""

import orjson
from fastapi import APIRouter
from fastapi.responses import Response

from integrations.sandbox.chat import ChatService, Proposed


def router(chat: ChatService) -> APIRouter:
    pages = APIRouter(include_in_schema=False)

    @pages.post("/proposals", status_code=201)
    async def script(body: Proposed) -> Response:
        chat.script(body)
        return Response(orjson.dumps(body.model_dump()), 201, media_type="application/json")

    @pages.delete("/proposals", status_code=204)
    async def clear() -> Response:
        """From now on it finds nothing to do in whatever it is asked."""
        chat.scripts.clear()
        return Response(status_code=204)

    return pages
