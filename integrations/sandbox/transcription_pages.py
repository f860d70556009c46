"""What transcribers are to hear, scripted over HTTP."""

import orjson
from fastapi import APIRouter
from fastapi.responses import Response

from integrations.sandbox.transcription import Scripted, TranscriptionService


def router(transcription: TranscriptionService) -> APIRouter:
    pages = APIRouter(include_in_schema=False)

    @pages.post("/transcripts", status_code=201)
    async def script(body: Scripted) -> Response:
        transcription.script(body)
        return Response(orjson.dumps(body.model_dump()), 201, media_type="application/json")

    @pages.delete("/transcripts", status_code=204)
    async def clear() -> Response:
        """From now on they hear the same sentence in everything."""
        transcription.scripts.clear()
        return Response(status_code=204)

    return pages
