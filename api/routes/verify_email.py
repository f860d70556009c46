"""The page behind the link of the verification e-mail."""

from html import escape
from typing import Annotated

from fastapi import APIRouter, Form, Query
from starlette.responses import HTMLResponse

from api.small_pages import button, page
from api.transaction import Transactional
from api.visit import Visit
from core.errors import Invalid
from core.services import verifications

router = APIRouter(include_in_schema=False, route_class=Transactional)

Token = Annotated[str, Query(max_length=200)]


@router.get("/verify-email")
async def ask(token: Token = "") -> HTMLResponse:
    return page(
        "Verify your e-mail address",
        "<p>Voice Todo sends reminders to this address once you have verified it.</p>"
        + button("/verify-email", "Verify this address", token=token),
    )


@router.post("/verify-email")
async def verify(visit: Visit, token: Annotated[str, Form(max_length=200)]) -> HTMLResponse:
    try:
        await verifications.verify(visit.tx, visit.door.key, token, now=visit.now)
    except Invalid as error:
        return page("That did not work", f"<p>{escape(error.detail)}.</p>", status=422)
    return page("Your address is verified", "<p>You can close this page.</p>")
