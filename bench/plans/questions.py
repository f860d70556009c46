"""What people ask: every list of the API, its first page and one in the middle."""

from datetime import timedelta
from typing import Final
from uuid import UUID

from bench.plans import todos
from bench.plans.cases import PAGE, RING, Case, paged
from core.models.imports import Outcome
from core.models.jobs import JobKind, JobStatus
from core.models.webhooks import WebhookStatus
from core.services import (
    calendar_quarantine,
    changes,
    connection_activity,
    consents,
    delivery_pages,
    erasures,
    explanations,
    exports,
    imports,
    integrations,
    jobs,
    lists,
    memos,
    notifications,
    push_subscriptions,
    reminders,
    series_pages,
    sessions,
    tags,
    todo_pages,
    voice_analytics,
    voice_history,
    voice_sessions,
    webhook_deliveries,
    webhook_endpoints,
    workspaces,
)

NEWEST: Final = "they are looked through, newest first, until a page is full"


def _by_time(table: str, column: str) -> str:
    return f"SELECT {column}, id FROM {table} WHERE user_id = {{home}} ORDER BY 1 DESC, 2 DESC"  # noqa: S608 - constants of this module


def pages() -> list[Case]:
    first = UUID(int=0)
    return [
        *paged(
            "jobs",
            "/jobs",
            "ix_jobs_user_id_created_at",
            _by_time("jobs", "created_at"),
            lambda tx, who, at: jobs.page(
                tx, who.actor, status=None, kind=None, before=at, limit=PAGE
            ),
        ),
        Case(
            "jobs of a kind",
            "ix_jobs_user_id_created_at",
            lambda tx, who: jobs.page(
                tx, who.actor, status=None, kind=JobKind.IMPORT, before=None, limit=PAGE
            ),
            "/jobs",
        ),
        Case(
            "jobs that failed",
            "ix_jobs_user_id_created_at",
            lambda tx, who: jobs.page(
                tx, who.actor, status=JobStatus.FAILED, kind=None, before=None, limit=PAGE
            ),
            "/jobs",
            because=NEWEST,
        ),
        *paged(
            "imports",
            "/imports",
            "ix_imports_user_id_workspace_id_created_at",
            _by_time("imports", "created_at"),
            lambda tx, who, at: imports.page(tx, who.actor, who.home, before=at, limit=PAGE),
        ),
        *paged(
            "rows of an import",
            "/imports/{import_id}/rows",
            "uq_import_rows_workspace_id",
            "SELECT n FROM import_rows WHERE workspace_id = {home} ORDER BY n",
            lambda tx, who, at: imports.lines(
                tx, who.actor, who.first("jobs"), outcome=None, after=at[0] if at else 0, limit=PAGE
            ),
        ),
        Case(
            "rows of an import that were rejected",
            "uq_import_rows_workspace_id",
            lambda tx, who: imports.lines(
                tx, who.actor, who.first("jobs"), outcome=Outcome.REJECTED, after=0, limit=PAGE
            ),
            "/imports/{import_id}/rows",
            because="a file's rows are looked through",
        ),
        *paged(
            "exports",
            "/exports",
            "ix_exports_user_id_workspace_id_created_at",
            _by_time("exports", "created_at"),
            lambda tx, who, at: exports.page(tx, who.actor, before=at, limit=PAGE, now=tx.began_at),
        ),
        *paged(
            "memos",
            "/voice/memos",
            "ix_voice_memos_user_id_workspace_id_created_at",
            _by_time("voice_memos", "created_at"),
            lambda tx, who, at: memos.page(tx, who.actor, who.home, before=at, limit=PAGE),
        ),
        *paged(
            "voice commands",
            "/voice/commands",
            "ix_voice_commands_workspace_id_user_id",
            _by_time("voice_commands", "created_at"),
            lambda tx, who, at: voice_history.page(
                tx,
                who.actor,
                workspace_id=who.home,
                session_id=None,
                before=at,
                limit=PAGE,
                ring=RING,
            ),
        ),
        Case(
            "voice commands of a session",
            "ix_voice_commands_workspace_id_session_id",
            lambda tx, who: voice_history.page(
                tx,
                who.actor,
                workspace_id=who.home,
                session_id=who.first("voice_sessions"),
                before=None,
                limit=PAGE,
                ring=RING,
            ),
            "/voice/commands",
            because="a session's are sorted: people say hundreds in one, at most",
        ),
        *paged(
            "voice sessions",
            "/voice/sessions",
            "ix_voice_sessions_workspace_id_user_id",
            _by_time("voice_sessions", "last_at"),
            lambda tx, who, at: voice_sessions.page(
                tx, who.actor, workspace_id=who.home, before=at, limit=PAGE
            ),
        ),
        Case(
            "voice, counted over a month",
            "ix_voice_commands_workspace_id_user_id",
            lambda tx, who: voice_analytics.of_person(
                tx,
                who.actor,
                workspace_id=who.home,
                since=tx.began_at - timedelta(days=30),
                until=tx.began_at,
            ),
            "/voice/analytics",
            because="what is counted is read",
        ),
        *paged(
            "notifications",
            "/notifications",
            "ix_notifications_user_id_created_at",
            _by_time("notifications", "created_at"),
            lambda tx, who, at: notifications.page(tx, who.actor, before=at, limit=PAGE),
        ),
        Case(
            "notifications unread, counted",
            "ix_notifications_unread",
            lambda tx, who: notifications.unread(tx, who.actor),
            "/notifications",
            because="what is counted is read, from the index alone",
        ),
        *paged(
            "workspaces",
            "/workspaces",
            "pk_memberships",
            "SELECT workspace_id FROM memberships WHERE user_id = {home} ORDER BY 1",
            lambda tx, who, at: workspaces.page(
                tx, who.actor, after=at[0] if at else None, limit=PAGE
            ),
        ),
        *paged(
            "deliveries",
            "/workspaces/{workspace_id}/deliveries",
            "ix_deliveries_user_id_workspace_id_due_at",
            _by_time("deliveries", "due_at"),
            lambda tx, who, at: delivery_pages.page(tx, who.actor, who.home, before=at, limit=PAGE),
        ),
        *paged(
            "webhook endpoints",
            "/webhook-endpoints",
            "pk_webhook_endpoints",
            "SELECT id FROM webhook_endpoints WHERE workspace_id = {home} ORDER BY 1",
            lambda tx, who, at: webhook_endpoints.page(
                tx, who.actor, who.home, after=at[0] if at else first, limit=PAGE, ring=RING
            ),
        ),
        *paged(
            "webhook deliveries",
            "/webhook-endpoints/{endpoint_id}/deliveries",
            "ix_webhook_deliveries_workspace_id_endpoint_id",
            "SELECT id FROM webhook_deliveries WHERE workspace_id = {home} ORDER BY 1 DESC",
            lambda tx, who, at: webhook_deliveries.page(
                tx,
                who.actor,
                who.first("webhook_endpoints"),
                before=at[0] if at else None,
                limit=PAGE,
            ),
        ),
        *[
            Case(
                f"webhook deliveries that {what}",
                "ix_webhook_deliveries_workspace_id_endpoint_id",
                lambda tx, who, of=of: webhook_deliveries.page(
                    tx, who.actor, who.first("webhook_endpoints"), before=None, limit=PAGE, **of
                ),  # type: ignore[misc]  # bound now
                "/webhook-endpoints/{endpoint_id}/deliveries",
                because="an endpoint's are looked through, newest first: a month of them at most",
            )
            for what, of in (
                ("failed", {"status": WebhookStatus.FAILED}),
                ("tell of deletions", {"event_type": "todo.deleted"}),
            )
        ],
        *paged(
            "a connection's activity",
            "/integrations/{integration_id}/activity",
            "ix_connection_activity_workspace_id_connection_id",
            "SELECT id FROM connection_activity WHERE workspace_id = {home} ORDER BY 1 DESC",
            lambda tx, who, at: connection_activity.page(
                tx, who.home, who.connected, before=at[0] if at else None, limit=PAGE
            ),
        ),
        *paged(
            "occurrences",
            "/series/{series_id}/occurrences",
            "pk_occurrences",
            "SELECT turn, recurrence_id FROM occurrences WHERE workspace_id = {home}"
            " ORDER BY 1 DESC, 2 DESC",
            lambda tx, who, at: series_pages.occurrences(
                tx, who.actor, who.first("series"), after=at, limit=PAGE
            ),
        ),
        *paged(
            "events",
            "/events",
            "pk_events",
            "SELECT seq FROM events WHERE workspace_id = {home} ORDER BY 1",
            lambda tx, who, at: changes.since(
                tx, who.actor, workspace_id=who.home, seq=at[0] if at else 0, limit=PAGE
            ),
        ),
    ]


def others() -> list[Case]:
    """Lists that have no pages, and what is looked up by an id."""
    return [
        Case(
            "lists",
            "uq_lists_workspace_id_name",
            lambda tx, who: lists.all_of(tx, who.actor, workspace_id=who.home),
            "/lists",
        ),
        Case(
            "tags",
            "",
            lambda tx, who: tags.all_of(tx, who.actor, workspace_id=who.home),
            "/tags",
            because="they are counted over all todos of a workspace",
        ),
        Case(
            "sessions",
            "ix_sessions_user_id",
            lambda tx, who: sessions.live(tx, who.actor, now=tx.began_at),
            "/sessions",
        ),
        Case(
            "push subscriptions",
            "uq_push_subscriptions_user_id",
            lambda tx, who: push_subscriptions.mine(tx, who.actor),
            "/push/subscriptions",
        ),
        Case(
            "consents", "pk_consents", lambda tx, who: consents.page(tx, who.home), "/me/consents"
        ),
        Case(
            "integrations",
            "ix_connections_user_id",
            lambda tx, who: integrations.mine(tx, who.actor),
            "/integrations",
        ),
        Case(
            "quarantine",
            "ix_calendar_links_to_look_at",
            lambda tx, who: calendar_quarantine.waiting(tx, who.home, who.connected),
            "/integrations/{integration_id}/quarantine",
        ),
        Case(
            "a todo", "pk_todos", lambda tx, who: todo_pages.get(tx, who.actor, who.first("todos"))
        ),
        Case("a list", "pk_lists", lambda tx, who: lists.get(tx, who.actor, who.first("lists"))),
        Case(
            "reminders of a todo",
            "ix_reminders_todo_id",
            lambda tx, who: reminders.of_todo(tx, who.actor, who.first("todos")),
            "/todos/{todo_id}/reminders",
        ),
        Case(
            "a reminder's story",
            "ix_deliveries_subject_id",
            lambda tx, who: explanations.why(
                tx, who.actor, who.first("reminders"), now=tx.began_at
            ),
            "/reminders/{reminder_id}/why",
        ),
        Case(
            "undo, which rows",
            "ix_events_change_set_id",
            lambda tx, who: changes.undo(
                tx, who.actor, who.first("change_set_id"), now=tx.began_at
            ),
        ),
        Case(
            "an erasure's preview",
            "",
            lambda tx, who: erasures.preview(tx, who.actor),
            "/me/erasure/preview",
            because="what goes is counted",
        ),
    ]


def all_of() -> list[Case]:
    return [*todos.all_of(), *pages(), *others()]
