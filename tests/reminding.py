"""People with todos and reminders, as rows; each scene has a lane that no other test looks at."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from typing import Any
from uuid import UUID

import psycopg
from psycopg.rows import dict_row

from core.ids import uuid7
from core.rules import zones

NOWHERE = {"endpoint": "https://push.invalid/", "p256dh": "", "auth": ""}
_lanes = count(100)


@dataclass(frozen=True, slots=True)
class Scene:
    """One person; one todo and one reminder for each of `reminders`, in this order."""

    url: str
    lane: int
    user_id: UUID
    email: str | None
    todos: list[UUID]
    reminders: list[UUID]

    def rows(self, statement: str, *parameters: object) -> list[dict[str, Any]]:
        with psycopg.connect(self.url, row_factory=dict_row) as connection:
            found: list[dict[str, Any]] = connection.execute(
                statement.encode(), parameters
            ).fetchall()
        return found

    def run(self, statement: str, *parameters: object) -> None:
        with psycopg.connect(self.url) as connection:
            connection.execute(statement.encode(), parameters)

    def deliveries(self, channel: str = "email") -> list[dict[str, Any]]:
        return self.rows(
            "SELECT * FROM deliveries WHERE user_id = %s AND channel = %s ORDER BY due_at, id",
            self.user_id,
            channel,
        )

    def notifications(self) -> list[dict[str, Any]]:
        return self.rows("SELECT * FROM notifications WHERE user_id = %s", self.user_id)

    def waiting(self) -> int:
        """Reminders that are still to fire."""
        [row] = self.rows(
            "SELECT count(*) AS n FROM reminders WHERE workspace_id = %s AND next_at IS NOT NULL",
            self.user_id,
        )
        return int(row["n"])

    def leases(self) -> int:
        [row] = self.rows("SELECT count(*) AS n FROM leases WHERE workspace_id = %s", self.user_id)
        return int(row["n"])

    def outbox(self) -> list[dict[str, Any]]:
        return self.rows("SELECT * FROM outbox WHERE fairness_key = %s", str(self.user_id))

    def events(self) -> list[str]:
        found = self.rows(
            "SELECT type FROM events WHERE workspace_id = %s ORDER BY seq", self.user_id
        )
        return [row["type"] for row in found]


def scene(
    url: str,
    due: Sequence[datetime],
    *,
    channels: list[str] | None = None,
    verified: bool = True,
    anonymous: bool = False,
    timezone: str = "UTC",
    lane: int | None = None,
    browser: Mapping[str, str] = NOWHERE,
) -> Scene:
    """Reminders due at these instants; `channels` null: e-mail and in the app.

    With push among them there is a browser: its endpoint, p256dh and auth.
    """
    user_id = uuid7()
    email = None if anonymous else f"{user_id.hex}@example.com"
    made = Scene(url, next(_lanes) if lane is None else lane, user_id, email, [], [])
    with psycopg.connect(url) as connection:
        connection.execute(
            "INSERT INTO users (id, email, email_verified_at, name, timezone)"
            " VALUES (%s, %s, %s, 'Ada', %s)",
            (user_id, email, due[0] if verified and due else None, timezone),
        )
        connection.execute(
            "INSERT INTO workspaces (id, kind, name, created_at)"
            " VALUES (%s, 'personal', '', now())",
            (user_id,),
        )
        connection.execute(
            "INSERT INTO memberships (user_id, workspace_id, role, created_at)"
            " VALUES (%s, %s, 'owner', now())",
            (user_id, user_id),
        )
        connection.execute("INSERT INTO feeds (workspace_id) VALUES (%s)", (user_id,))
        if "push" in (channels or ()):
            connection.execute(
                "INSERT INTO push_subscriptions (id, user_id, endpoint, p256dh, auth, name)"
                " VALUES (%s, %s, %s, %s, %s, 'Firefox')",
                (uuid7(), user_id, browser["endpoint"], browser["p256dh"], browser["auth"]),
            )
        for nth, at in enumerate(due):
            made.todos.append(uuid7())
            made.reminders.append(uuid7())
            connection.execute(
                "INSERT INTO todos (workspace_id, id, title, position) VALUES (%s, %s, %s, %s)",
                (user_id, made.todos[-1], f"Water <b>plant</b> {nth}", nth),
            )
            connection.execute(
                "INSERT INTO reminders (workspace_id, id, todo_id, user_id, lane, next_at, arm_no,"
                " at_on, at_time, armed_zone, armed_tzdata, channels)"
                " VALUES (%s, %s, %s, %s, %s, %s, 1, %s, %s, %s, %s, %s)",
                (
                    user_id,
                    made.reminders[-1],
                    made.todos[-1],
                    user_id,
                    made.lane,
                    at,
                    at.date(),
                    at.time(),
                    timezone,
                    zones.tzdata_version(),
                    channels,
                ),
            )
    return made
