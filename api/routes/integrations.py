"""Connections to Google Calendar and Slack: looked at, set, and ended."""

from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response

from api import pages
from api.paths import V1
from api.schemas.integrations import IntegrationBody
from api.transaction import Authenticated
from api.visit import Visit
from core.models.connections import Provider
from core.services import calendar_settings, connection_activity, slack_settings
from core.services import integrations as services
from core.services.connection_activity import Activity
from core.services.integrations import Integration

router = APIRouter(prefix=f"{V1}/integrations", tags=["integrations"], route_class=Authenticated)


@dataclass(frozen=True, slots=True)
class IntegrationList:
    """Oldest first."""

    data: list[Integration]


@dataclass(frozen=True, slots=True)
class ActivityPage:
    """Newest first."""

    data: list[Activity]
    next_cursor: str | None
    has_more: bool


@router.get("", operation_id="list_integrations")
async def list_integrations(visit: Visit) -> IntegrationList:
    """What I connected, in all workspaces. Nobody else sees it, nor do I what others did."""
    return IntegrationList(await services.mine(visit.tx, visit.actor))


@router.get("/{integration_id}", operation_id="get_integration")
async def get_integration(integration_id: UUID, visit: Visit) -> Integration:
    """Its `status` is `active`, or why it is not used; `problem` is what the provider said."""
    return await services.get(visit.tx, visit.actor, integration_id)


@router.patch("/{integration_id}", operation_id="update_integration")
async def update_integration(
    integration_id: UUID, visit: Visit, body: IntegrationBody
) -> Integration:
    """Another calendar begins anew; events in the old one stay there."""
    found = await services.writable(visit.tx, visit.actor, integration_id)
    provider = Provider(found.provider)
    body.check(provider)
    if provider is Provider.GOOGLE_CALENDAR and body.model_fields_set:
        await calendar_settings.change(
            visit.tx,
            found.workspace_id,
            found.id,
            calendar_id=body.calendar_id,
            calendar_name=body.calendar_name,
            policy=body.events_become_todos,
            now=visit.now,
        )
    if provider is Provider.SLACK and "digest_channel" in body.model_fields_set:
        await slack_settings.change(
            visit.tx, visit.actor, found, digest_channel=body.digest_channel, now=visit.now
        )
    return await services.get(visit.tx, visit.actor, integration_id)


@router.delete("/{integration_id}", status_code=204, operation_id="disconnect_integration")
async def disconnect_integration(integration_id: UUID, visit: Visit) -> None:
    """Not used from now on. The provider is told, and then our access to it is deleted.

    Todos and events stay where they are.
    """
    await services.disconnect(visit.tx, visit.actor, integration_id, now=visit.now)


@router.get("/{integration_id}/activity", operation_id="list_integration_activity")
async def list_integration_activity(
    integration_id: UUID,
    visit: Visit,
    response: Response,
    limit: Annotated[int, Query(ge=1, le=pages.MAX_LIMIT)] = pages.DEFAULT_LIMIT,
    cursor: Annotated[str | None, Query(max_length=512)] = None,
) -> ActivityPage:
    """What was read, written, left alone or failed there, and why. Kept for 30 days."""
    question = f"activity {visit.actor.user_id} {integration_id}"
    before = None if cursor is None else UUID(pages.unseal(visit, question, cursor))
    whose = await services.get(visit.tx, visit.actor, integration_id)
    found = await connection_activity.page(
        visit.tx, whose.workspace_id, whose.id, before=before, limit=limit
    )
    data, next_cursor = pages.cut(
        visit, response, question, found, limit, lambda each: str(each.id)
    )
    return ActivityPage(data, next_cursor, has_more=next_cursor is not None)
