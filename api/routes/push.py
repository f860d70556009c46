from base64 import urlsafe_b64encode
from dataclasses import dataclass
from uuid import UUID

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from fastapi import APIRouter, Response

from api.paths import V1
from api.schemas.push import PushSubscriptionBody
from api.transaction import Authenticated, Transactional
from api.visit import Visit
from core.keys import Keys
from core.services import push_subscriptions
from core.services.push_subscriptions import PushSubscription, PushSubscriptionPage, Services
from core.settings import Settings

router = APIRouter(prefix=f"{V1}/push", tags=["notifications"], route_class=Authenticated)
public = APIRouter(prefix=f"{V1}/push", tags=["notifications"], route_class=Transactional)


@dataclass(frozen=True, slots=True)
class PublicKey:
    """For `PushManager.subscribe({applicationServerKey})`: 65 bytes in base64url."""

    public_key: str


@dataclass(frozen=True, slots=True)
class Trial:
    """A message is on its way; what becomes of it stands in the ledger under this id."""

    delivery_id: UUID


@public.get("/public-key", operation_id="get_push_key")
async def get_push_key(visit: Visit) -> PublicKey:
    """The key that our messages are signed with (VAPID, RFC 8292)."""
    keys: Keys = visit.app.state.keys
    point = keys.vapid.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return PublicKey(urlsafe_b64encode(point).decode().rstrip("="))


@router.get("/subscriptions", operation_id="list_push_subscriptions")
async def list_push_subscriptions(visit: Visit) -> PushSubscriptionPage:
    """My browsers and phones that show push messages. At most 20."""
    return await push_subscriptions.mine(visit.tx, visit.actor)


@router.post(
    "/subscriptions",
    status_code=201,
    operation_id="create_push_subscription",
    responses={200: {"model": PushSubscription, "description": "It was known, and is renewed"}},
)
async def create_push_subscription(
    visit: Visit, body: PushSubscriptionBody, response: Response
) -> PushSubscription:
    """What `PushManager.subscribe` gave, as JSON. It ends when the session that made it is ended.

    The same endpoint again renews it: do so whenever the app starts.
    """
    settings: Settings = visit.app.state.settings
    services = Services(settings.push_services, settings.sandbox_url if settings.dev else None)
    draft = body.to_draft(visit.headers.get("user-agent", ""))
    made, is_new = await push_subscriptions.put(
        visit.tx, visit.actor, draft, services, now=visit.now
    )
    if not is_new:
        response.status_code = 200
    response.headers["Location"] = f"/api/v1/push/subscriptions/{made.id}"
    return made


@router.delete(
    "/subscriptions/{subscription_id}", status_code=204, operation_id="delete_push_subscription"
)
async def delete_push_subscription(subscription_id: UUID, visit: Visit) -> None:
    """It gets nothing more, not even what is on its way."""
    await push_subscriptions.remove(visit.tx, visit.actor, subscription_id)


@router.post(
    "/subscriptions/{subscription_id}/test", status_code=202, operation_id="try_push_subscription"
)
async def try_push_subscription(subscription_id: UUID, visit: Visit) -> Trial:
    """Send a message there that says it is a test. Ten a minute."""
    delivery_id = await push_subscriptions.try_out(
        visit.tx, visit.actor, subscription_id, now=visit.now
    )
    return Trial(delivery_id)
