"""Whose a member of a Slack team is here, and what becomes of a team that sends our app away."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from core.db import Transaction
from core.models.connections import ConnectionStatus, Provider
from core.services import connections, notification_rows
from core.statements import Query, row

UNINSTALLED: Final = "the app was removed from the team"


@dataclass(frozen=True, slots=True)
class Member:
    workspace_id: UUID
    user_id: UUID
    connection_id: UUID


_FIND: Final = Query(
    b"""
    SELECT workspace_id, user_id, connection_id FROM slack_members
    WHERE team_id = %(team_id)s AND slack_user_id = %(slack_user_id)s
    """,
    Member,
    {},
    writes=False,
)
_WORKSPACES: Final = Query(
    b"SELECT DISTINCT workspace_id FROM slack_members WHERE team_id = %(team_id)s",
    row,
    {},
    writes=False,
)
_PAUSE: Final = Query(
    b"""
    UPDATE connections SET status = %(status)s, problem = %(problem)s, updated_at = %(now)s
    WHERE workspace_id = ANY (%(workspaces)s) AND provider = %(provider)s
      AND account_id = %(team_id)s AND status IN ('active', 'needs_address')
      AND updated_at <= %(told_at)s
    RETURNING workspace_id, user_id
    """,
    row,
    {},
    writes=True,
)


async def find(tx: Transaction, team_id: str, slack_user_id: str) -> Member | None:
    """Null: they have not connected, or no longer."""
    return await tx.first(_FIND, team_id=team_id, slack_user_id=slack_user_id)


async def sent_away(tx: Transaction, team_id: str, *, told_at: datetime, now: datetime) -> int:
    """The team's token is void: its connections need a new one, and their owners are told, once.

    `told_at` is when that was so: whoever connected anew since then is left alone.
    """
    found = await tx.all(_WORKSPACES, team_id=team_id)
    workspaces = sorted(each for (each,) in found)
    if not workspaces:
        return 0
    tx.act_in(workspaces)
    status = ConnectionStatus.NEEDS_REAUTH
    paused = await tx.all(
        _PAUSE,
        workspaces=workspaces,
        provider=Provider.SLACK,
        team_id=team_id,
        status=status,
        problem=UNINSTALLED,
        told_at=told_at,
        now=now,
    )
    title = connections.WHY[status].format(name=connections.NAMES[Provider.SLACK])
    told = [
        notification_rows.told(workspace_id, user_id, connections.PAUSED, title)
        for workspace_id, user_id in paused
    ]
    notification_rows.add(tx, told)
    return len(told)
