"""The text messages, as phones show them."""

from itertools import islice
from typing import Final

import orjson
from fastapi import APIRouter
from fastapi.responses import Response

from integrations.sandbox.gate import Gate
from integrations.sandbox.pages import To, page
from integrations.sandbox.twilio import TwilioService

SHOWN: Final = 100


def router(twilio: TwilioService, gate: Gate) -> APIRouter:
    pages = APIRouter(include_in_schema=False)

    @pages.get("/sms")
    async def texts() -> Response:
        shown = list(islice(reversed(twilio.texts), SHOWN))
        return page("sms.html", texts=shown, newest=gate.ledger.last_seq, live=True)

    @pages.get("/sms.json")
    async def read_texts(to: To = "") -> Response:
        """All that were accepted, oldest first; `to` is one number."""
        found = [each.to_json() for each in twilio.texts if to in ("", each.to)]
        return Response(orjson.dumps(found), media_type="application/json")

    return pages
