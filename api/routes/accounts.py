from fastapi import APIRouter, Response

from api.door import remember
from api.errors import answer
from api.openapi import REFUSES_401
from api.paths import V1
from api.schemas.accounts import (
    AnonymousRegistration,
    Credentials,
    Refresh,
    Registration,
    Upgrade,
    Verification,
)
from api.transaction import Authenticated, Transactional
from api.visit import Visit
from core.errors import Unauthenticated
from core.services import accounts, refresh_tokens, sessions, users, verifications
from core.services.sessions import SignedIn
from core.services.users import User

router = APIRouter(prefix=f"{V1}/auth", tags=["accounts"], route_class=Authenticated)
# What one does before one is known.
public = APIRouter(prefix=f"{V1}/auth", tags=["accounts"], route_class=Transactional)


@public.post(
    "/register", operation_id="register", status_code=201, summary="Make an account and sign in"
)
async def register(visit: Visit, body: Registration, response: Response) -> SignedIn:
    """The address gets an e-mail with a link that verifies it. 409 where it has an account."""
    signed_in = await accounts.register(
        visit.tx, visit.door, visit.visitor, body.to_draft(), now=visit.now
    )
    response.headers["Location"] = "/api/v1/me"
    remember(visit, response, visit.door.mark(body.email, now=visit.now))
    return signed_in


@public.post("/login", operation_id="login", summary="Sign in", responses=REFUSES_401)
async def login(visit: Visit, body: Credentials, response: Response) -> SignedIn:
    """Ten wrong passwords in ten minutes are looked at, from a device that signed in before ten
    more: keep the `vt-device` cookie.
    """
    signed_in = await accounts.login(
        visit.tx,
        visit.door,
        visit.visitor,
        email=body.email,
        password=body.password.get_secret_value(),
        now=visit.now,
    )
    remember(visit, response, visit.door.mark(body.email, now=visit.now))
    return signed_in


@public.post(
    "/refresh", operation_id="refresh", summary="Exchange a refresh token", responses=REFUSES_401
)
async def refresh(visit: Visit, body: Refresh) -> SignedIn:
    """Each token is good once; within 30 seconds it is answered with the same successor. Used
    later it ends the session, for it is in two hands.
    """
    signed_in = await refresh_tokens.exchange(
        visit.tx, visit.door, body.refresh_token, now=visit.now
    )
    if signed_in is None:
        # An answer and no exception: the end of a stolen session must be committed.
        refused = Unauthenticated("this refresh token is no good: sign in")
        return await answer(visit, refused)  # type: ignore[return-value]  # sent as it is
    return signed_in


@router.post("/logout", operation_id="logout", status_code=204, summary="End this session")
async def logout(visit: Visit) -> None:
    await sessions.end(visit.tx, visit.actor, visit.actor.session_id, now=visit.now)


@router.get("/me", operation_id="whoami", summary="Who I am")
async def whoami(visit: Visit) -> User:
    return await users.get(visit.tx, visit.actor.user_id)


@public.post(
    "/anonymous",
    operation_id="start_anonymously",
    status_code=201,
    summary="Start without an address",
)
async def start_anonymously(
    visit: Visit, response: Response, body: AnonymousRegistration | None = None
) -> SignedIn:
    """An account that everything works in; upgrade or link it to be reached by e-mail."""
    draft = (body or AnonymousRegistration()).to_draft()
    signed_in = await accounts.register(visit.tx, visit.door, visit.visitor, draft, now=visit.now)
    response.headers["Location"] = "/api/v1/me"
    return signed_in


@router.post(
    "/upgrade",
    operation_id="upgrade",
    summary="Give an anonymous account an address and a password",
)
async def upgrade(visit: Visit, body: Upgrade, response: Response) -> SignedIn:
    """It keeps its id and all it has. 409 where it has an address, or the address an account."""
    signed_in = await accounts.upgrade(
        visit.tx, visit.door, visit.actor, visit.visitor, body.to_draft(), now=visit.now
    )
    remember(visit, response, visit.door.mark(body.email, now=visit.now))
    return signed_in


@router.post("/link", operation_id="link", summary="Move an anonymous account into an existing one")
async def link(visit: Visit, body: Credentials, response: Response) -> SignedIn:
    """Its todos, lists and reminders move; lists of one name become one. It ends, and the answer
    signs in to the other.
    """
    signed_in = await accounts.link(
        visit.tx,
        visit.door,
        visit.actor,
        visit.visitor,
        email=body.email,
        password=body.password.get_secret_value(),
        now=visit.now,
    )
    remember(visit, response, visit.door.mark(body.email, now=visit.now))
    return signed_in


@public.post(
    "/verify-email",
    operation_id="verify_email",
    status_code=204,
    summary="Verify an e-mail address",
)
async def verify_email(visit: Visit, body: Verification) -> None:
    """With the token of the link that was sent there; good once, for 48 hours."""
    await verifications.verify(visit.tx, visit.door.key, body.token, now=visit.now)


@router.post(
    "/verify-email/resend",
    operation_id="resend_verification",
    status_code=202,
    response_class=Response,
    summary="Send the verification again",
)
async def resend_verification(visit: Visit) -> Response:
    """Once a minute. Links sent before are no longer good."""
    await verifications.send_again(visit.tx, visit.actor, now=visit.now)
    return Response(status_code=202)
