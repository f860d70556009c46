"""The end of an account: looked at before, asked for, taken back, and proved."""

from uuid import UUID

from fastapi import APIRouter, Response

from api.paths import V1
from api.schemas.erasures import ErasureRequest, Receipt
from api.transaction import Authenticated, Transactional
from api.visit import Visit
from core.keys import Keys
from core.services import accounts, erasures, users
from core.services.erasures import Erasure, Preview

router = APIRouter(prefix=f"{V1}/me/erasure", tags=["accounts"], route_class=Authenticated)
public = APIRouter(prefix=f"{V1}/erasure-receipts", tags=["accounts"], route_class=Transactional)


@router.get("/preview", operation_id="preview_erasure", summary="What an erasure would take")
async def preview_erasure(visit: Visit) -> Preview:
    """How much would go, what is kept and why, and what becomes of shared workspaces."""
    return await erasures.preview(visit.tx, visit.actor)


@router.get(
    "",
    operation_id="get_erasure",
    summary="Whether my account is going to be erased",
    responses={404: {"description": "Nobody asked for it"}},
)
async def get_erasure(visit: Visit) -> Erasure:
    return await erasures.last(visit.tx, visit.actor)


@router.post("", status_code=202, operation_id="request_erasure", summary="Erase my account")
async def request_erasure(visit: Visit, body: ErasureRequest, response: Response) -> Erasure:
    """With the password again. During the grace everything works and it can be cancelled.

    Then all sessions end, and everything goes: rows, recordings, what runs, and what connected
    services and the mail service keep for us. `/erasure-receipts/{receipt_id}` tells how far it is.
    """
    user = await users.get(visit.tx, visit.actor.user_id)
    password = body.password.get_secret_value() if body.password else None
    await accounts.confirm(visit.tx, visit.door, visit.visitor, user, password, now=visit.now)
    asked = await erasures.request(visit.tx, user.id, grace=body.grace, now=visit.now)
    response.headers["Location"] = "/api/v1/me/erasure"
    return asked


@router.delete(
    "",
    status_code=204,
    operation_id="cancel_erasure",
    summary="Keep my account",
    responses={404: {"description": "None is waiting"}},
)
async def cancel_erasure(visit: Visit) -> None:
    """As long as its grace lasts."""
    await erasures.cancel(visit.tx, visit.actor, now=visit.now)


@public.get("/{id}", operation_id="get_erasure_receipt", summary="How far an erasure is; its proof")
async def get_erasure_receipt(visit: Visit, id: UUID) -> Receipt:  # noqa: A002 (the path's own name)
    """For whoever knows the id, which nobody can guess: it says nothing about a person."""
    keys: Keys = visit.app.state.keys
    found = await erasures.progress(visit.tx, id)
    return Receipt.of(found, keys.signing.public_key())
