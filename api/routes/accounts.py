from fastapi import APIRouter, Request, Response

from api.deps import AnonymousTx, Me, Now, Tx
from api.door import TheDoor, TheVisitor, remember
from api.errors import answer
from api.openapi import REFUSES_401
from api.schemas.accounts import (
    AnonymousRegistration,
    Credentials,
    Refresh,
    Registration,
    Upgrade,
    Verification,
)
from api.transaction import Transactional
from core.errors import Unauthenticated
from core.services import accounts, refresh_tokens, sessions, users, verifications
from core.services.sessions import SignedIn
from core.services.users import User

router = APIRouter(tags=["accounts"], route_class=Transactional, prefix="/auth")


@router.post(
    "/register", operation_id="register", status_code=201, summary="Make an account and sign in"
)
async def register(
    body: Registration,
    tx: AnonymousTx,
    door: TheDoor,
    visitor: TheVisitor,
    now: Now,
    request: Request,
    response: Response,
) -> SignedIn:
    """The address gets an e-mail with a link that verifies it. 409 where it has an account."""
    signed_in = await accounts.register(tx, door, visitor, body.to_draft(), now=now)
    response.headers["Location"] = "/api/v1/me"
    remember(request, response, door.mark(body.email, now=now))
    return signed_in


@router.post("/login", operation_id="login", summary="Sign in", responses=REFUSES_401)
async def login(
    body: Credentials,
    tx: AnonymousTx,
    door: TheDoor,
    visitor: TheVisitor,
    now: Now,
    request: Request,
    response: Response,
) -> SignedIn:
    """Ten wrong passwords in ten minutes are looked at, from a device that signed in before ten
    more: keep the `vt-device` cookie.
    """
    signed_in = await accounts.login(
        tx, door, visitor, email=body.email, password=body.password.get_secret_value(), now=now
    )
    remember(request, response, door.mark(body.email, now=now))
    return signed_in


@router.post(
    "/refresh", operation_id="refresh", summary="Exchange a refresh token", responses=REFUSES_401
)
async def refresh(
    body: Refresh, tx: AnonymousTx, door: TheDoor, now: Now, request: Request
) -> SignedIn:
    """Each token is good once; within 30 seconds it is answered with the same successor. Used
    later it ends the session, for it is in two hands.
    """
    signed_in = await refresh_tokens.exchange(tx, door, body.refresh_token, now=now)
    if signed_in is None:
        # An answer and no exception: the end of a stolen session must be committed.
        refused = Unauthenticated("this refresh token is no good: sign in")
        return await answer(request, refused)  # type: ignore[return-value]  # sent as it is
    return signed_in


@router.post("/logout", operation_id="logout", status_code=204, summary="End this session")
async def logout(tx: Tx, me: Me, now: Now) -> None:
    await sessions.end(tx, me, me.session_id, now=now)


@router.get("/me", operation_id="whoami", summary="Who I am")
async def whoami(tx: Tx, me: Me) -> User:
    return await users.get(tx, me.user_id)


@router.post(
    "/anonymous",
    operation_id="start_anonymously",
    status_code=201,
    summary="Start without an address",
)
async def start_anonymously(
    tx: AnonymousTx,
    door: TheDoor,
    visitor: TheVisitor,
    now: Now,
    response: Response,
    body: AnonymousRegistration | None = None,
) -> SignedIn:
    """An account that everything works in; upgrade or link it to be reached by e-mail."""
    draft = (body or AnonymousRegistration()).to_draft()
    signed_in = await accounts.register(tx, door, visitor, draft, now=now)
    response.headers["Location"] = "/api/v1/me"
    return signed_in


@router.post(
    "/upgrade",
    operation_id="upgrade",
    summary="Give an anonymous account an address and a password",
)
async def upgrade(
    body: Upgrade,
    tx: Tx,
    me: Me,
    door: TheDoor,
    visitor: TheVisitor,
    now: Now,
    request: Request,
    response: Response,
) -> SignedIn:
    """It keeps its id and all it has. 409 where it has an address, or the address an account."""
    signed_in = await accounts.upgrade(tx, door, me, visitor, body.to_draft(), now=now)
    remember(request, response, door.mark(body.email, now=now))
    return signed_in


@router.post("/link", operation_id="link", summary="Move an anonymous account into an existing one")
async def link(
    body: Credentials,
    tx: Tx,
    me: Me,
    door: TheDoor,
    visitor: TheVisitor,
    now: Now,
    request: Request,
    response: Response,
) -> SignedIn:
    """Its todos, lists and reminders move; lists of one name become one. It ends, and the answer
    signs in to the other.
    """
    signed_in = await accounts.link(
        tx, door, me, visitor, email=body.email, password=body.password.get_secret_value(), now=now
    )
    remember(request, response, door.mark(body.email, now=now))
    return signed_in


@router.post(
    "/verify-email",
    operation_id="verify_email",
    status_code=204,
    summary="Verify an e-mail address",
)
async def verify_email(body: Verification, tx: AnonymousTx, door: TheDoor, now: Now) -> None:
    """With the token of the link that was sent there; good once, for 48 hours."""
    await verifications.verify(tx, door.key, body.token, now=now)


@router.post(
    "/verify-email/resend",
    operation_id="resend_verification",
    status_code=202,
    summary="Send the verification again",
)
async def resend_verification(tx: Tx, me: Me, now: Now) -> Response:
    """Once a minute. Links sent before are no longer good."""
    await verifications.send_again(tx, me, now=now)
    return Response(status_code=202)
