from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Query, Response

from api import pages, query
from api.paths import V1
from api.schemas.webhook_endpoints import (
    NewWebhookEndpoint,
    Redelivered,
    RedeliveryBody,
    RotationBody,
    WebhookDelivery,
    WebhookDeliveryDetail,
    WebhookDeliveryPage,
    WebhookEndpoint,
    WebhookEndpointBody,
    WebhookEndpointPage,
    WebhookEndpointPatch,
)
from api.transaction import Authenticated
from api.visit import InWorkspace, Visit
from core.crypto import Keyring
from core.keys import Keys
from core.models.webhooks import WebhookStatus
from core.services import webhook_deliveries, webhook_endpoints, webhook_secrets
from core.settings import Settings

router = APIRouter(prefix=f"{V1}/webhook-endpoints", tags=["webhooks"], route_class=Authenticated)

EVENT_TYPE: Final = r"^[a-z_]+\.[a-z_]+$"
Limit = Annotated[int, Query(ge=1, le=pages.MAX_LIMIT)]
Cursor = Annotated[str | None, Query(max_length=512)]


@router.get("", operation_id="list_webhook_endpoints", openapi_extra=query.documented(InWorkspace))
async def list_webhook_endpoints(
    visit: Visit, response: Response, limit: Limit = pages.DEFAULT_LIMIT, cursor: Cursor = None
) -> WebhookEndpointPage:
    """Those of a workspace, in the order they were made; for who may write there."""
    question = f"webhook-endpoints {visit.actor.user_id} {visit.workspace_id}"
    after = UUID(pages.unseal(visit, question, cursor)) if cursor is not None else None
    found = await webhook_endpoints.page(
        visit.tx, visit.actor, visit.workspace_id, after=after, limit=limit, ring=_ring(visit)
    )
    data, next_cursor = pages.cut(visit, response, question, found, limit, lambda each: each.id)
    told = [WebhookEndpoint.of(each) for each in data]
    return WebhookEndpointPage(told, next_cursor, has_more=next_cursor is not None)


@router.post(
    "",
    status_code=201,
    operation_id="create_webhook_endpoint",
    openapi_extra=query.documented(InWorkspace),
)
async def create_webhook_endpoint(
    visit: Visit, body: WebhookEndpointBody, response: Response
) -> NewWebhookEndpoint:
    """Have what happens from now on posted to an address: see `webhooks` in this document.

    At most 20 a workspace. Its secret is told this once.
    """
    made = await webhook_endpoints.create(
        visit.tx,
        visit.actor,
        visit.workspace_id,
        body.to_draft(),
        ring=_ring(visit),
        sandbox_url=_sandbox_url(visit),
        now=visit.now,
    )
    response.headers["Location"] = f"/api/v1/webhook-endpoints/{made.endpoint.id}"
    return NewWebhookEndpoint.of(made)


@router.get("/{endpoint_id}", operation_id="get_webhook_endpoint")
async def get_webhook_endpoint(visit: Visit, endpoint_id: UUID) -> WebhookEndpoint:
    found = await webhook_endpoints.get(visit.tx, visit.actor, endpoint_id, ring=_ring(visit))
    return WebhookEndpoint.of(found)


@router.patch("/{endpoint_id}", operation_id="update_webhook_endpoint")
async def update_webhook_endpoint(
    visit: Visit, endpoint_id: UUID, body: WebhookEndpointPatch
) -> WebhookEndpoint:
    """Disabled, it misses what happens. Who makes it active again is its owner from then on."""
    changed = await webhook_endpoints.change(
        visit.tx,
        visit.actor,
        endpoint_id,
        body.changes(),
        ring=_ring(visit),
        sandbox_url=_sandbox_url(visit),
        now=visit.now,
    )
    return WebhookEndpoint.of(changed)


@router.delete("/{endpoint_id}", status_code=204, operation_id="delete_webhook_endpoint")
async def delete_webhook_endpoint(visit: Visit, endpoint_id: UUID) -> None:
    """With the log of what was sent there. What is on its way may still arrive."""
    await webhook_endpoints.remove(visit.tx, visit.actor, endpoint_id)


@router.post("/{endpoint_id}/rotate-secret", operation_id="rotate_webhook_secret")
async def rotate_webhook_secret(
    visit: Visit, endpoint_id: UUID, body: RotationBody | None = None
) -> NewWebhookEndpoint:
    """A new secret, told this once. For a day deliveries are signed with both."""
    made = await webhook_endpoints.rotate(
        visit.tx,
        visit.actor,
        endpoint_id,
        overlap=(body or RotationBody()).overlap,
        ring=_ring(visit),
        now=visit.now,
    )
    return NewWebhookEndpoint.of(made)


@router.post("/{endpoint_id}/test", status_code=202, operation_id="try_webhook_endpoint")
async def try_webhook_endpoint(
    visit: Visit, endpoint_id: UUID, response: Response
) -> WebhookDelivery:
    """Send a `webhook.test` there, whatever it is to be told of. 409 where it is disabled."""
    made = await webhook_deliveries.test(visit.tx, visit.actor, endpoint_id, now=visit.now)
    response.headers["Location"] = _path(endpoint_id, made.id)
    return WebhookDelivery.of(made)


@router.post("/{endpoint_id}/redeliver", operation_id="redeliver_webhooks")
async def redeliver_webhooks(visit: Visit, endpoint_id: UUID, body: RedeliveryBody) -> Redelivered:
    """Send again what was made in a time, in the order of its events, under the same ids.

    409 where the endpoint is disabled. Deliveries are remembered for 30 days.
    """
    again = await webhook_deliveries.redeliver_range(
        visit.tx,
        visit.actor,
        endpoint_id,
        since=body.since,
        until=body.until,
        status=body.status,
        now=visit.now,
    )
    return Redelivered(again)


@router.get("/{endpoint_id}/deliveries", operation_id="list_webhook_deliveries")
async def list_webhook_deliveries(
    visit: Visit,
    endpoint_id: UUID,
    response: Response,
    status: WebhookStatus | None = None,
    event_type: Annotated[str | None, Query(max_length=64, pattern=EVENT_TYPE)] = None,
    limit: Limit = pages.DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> WebhookDeliveryPage:
    """What was sent there in 30 days or is on its way, the newest first."""
    question = (
        f"webhook-deliveries {visit.actor.user_id} {endpoint_id} {status or ''} {event_type or ''}"
    )
    before = UUID(pages.unseal(visit, question, cursor)) if cursor is not None else None
    found = await webhook_deliveries.page(
        visit.tx,
        visit.actor,
        endpoint_id,
        status=status,
        event_type=event_type,
        before=before,
        limit=limit,
    )
    data, next_cursor = pages.cut(visit, response, question, found, limit, lambda each: each.id)
    told = [WebhookDelivery.of(each) for each in data]
    return WebhookDeliveryPage(told, next_cursor, has_more=next_cursor is not None)


@router.get("/{endpoint_id}/deliveries/{delivery_id}", operation_id="get_webhook_delivery")
async def get_webhook_delivery(
    visit: Visit, endpoint_id: UUID, delivery_id: UUID
) -> WebhookDeliveryDetail:
    """With its body and each attempt."""
    found = await webhook_deliveries.get(visit.tx, visit.actor, endpoint_id, delivery_id)
    return WebhookDeliveryDetail.of_detail(found)


@router.post(
    "/{endpoint_id}/deliveries/{delivery_id}/redeliver",
    status_code=202,
    operation_id="redeliver_webhook",
)
async def redeliver_webhook(
    visit: Visit, endpoint_id: UUID, delivery_id: UUID, response: Response
) -> WebhookDelivery:
    """Send it again, whatever became of it, under the same `webhook-id`."""
    again = await webhook_deliveries.redeliver(
        visit.tx, visit.actor, endpoint_id, delivery_id, now=visit.now
    )
    response.headers["Location"] = _path(endpoint_id, delivery_id)
    return WebhookDelivery.of(again)


def _path(endpoint_id: UUID, delivery_id: UUID) -> str:
    return f"/api/v1/webhook-endpoints/{endpoint_id}/deliveries/{delivery_id}"


def _ring(visit: Visit) -> Keyring:
    keys: Keys = visit.app.state.keys
    return keys.ring.of(webhook_secrets.PURPOSE)


def _sandbox_url(visit: Visit) -> str | None:
    settings: Settings = visit.app.state.settings
    return settings.sandbox_url if settings.dev else None
