"""Every operation of the document, and a call of each that is fine but for who makes it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from fastapi import FastAPI
from httpx2 import AsyncClient, Response

from core.ids import uuid7
from tests.people import API, PASSWORD
from tests.voicing import wav

PUBLIC: Final = {  # before anybody can be signed in, or for machines
    "register",
    "login",
    "refresh",
    "start_anonymously",
    "verify_email",
    "get_push_key",
    "ask_action",
    "ask_unsubscribe",
    "use_action",  # for whoever holds the link
    "unsubscribe",  # likewise
    "receive_mail_events",  # signed by the mail service
    "receive_slack_command",  # signed by Slack, as the next ones
    "receive_slack_interaction",
    "receive_calendar_news",  # for whoever knows a channel's token
    "receive_slack_event",
    "ask_who_is_in_slack",  # for whoever Slack gave the link
    "begin_from_slack",
    "finish_connecting",  # for whoever holds a state of ours
    "fetch_download",  # for whoever holds a link, once
    "get_erasure_receipt",  # for whoever was given its random id
    "health",
    "ready",
}
OWN: Final = {  # works on nothing but the caller's own account
    "whoami",
    "get_me",
    "edit_me",
    "send_phone_code",
    "verify_phone",
    "logout",
    "upgrade",
    "link",
    "resend_verification",
    "list_sessions",
    "list_notifications",
    "read_all_notifications",
    "preview_digest",
    "show_digest_preview",
    "get_notification_preferences",
    "replace_notification_preferences",
    "list_push_subscriptions",
    "list_integrations",
    "create_push_subscription",
    "list_workspaces",
    "create_workspace",
    "list_jobs",
    "list_exports",
    "create_export",
    "preview_erasure",
    "get_erasure",
    "request_erasure",
    "cancel_erasure",
    "get_consents",
    "put_consents",
    "preview_recurrence",  # looks up the caller's zone
    "explain_recurrence",  # and their language
    "convert_recurrence",  # both
    "list_voice_languages",
}
DUE: Final = {"date": "2030-07-01", "time": "18:00", "timezone": "UTC"}
CREDENTIALS: Final = {"email": "nobody@example.com", "password": PASSWORD}
PUSH_KEY: Final = (  # of the example in RFC 8291
    "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
)
# A body that is fine but for who sends it; `{name}` is filled with an id.
BODIES: Final[dict[str, dict[str, Any]]] = {
    "create_todo": {"title": "x"},
    "update_todo": {"title": "x"},
    "replace_todo": {"title": "x"},
    "move_todo": {"due": DUE},
    "create_reminder": {"before": "PT5M"},
    "update_reminder": {"urgent": True},
    "snooze_reminder": {"until": "2031-01-01T00:00:00Z"},
    "create_list": {"name": "x"},
    "update_list": {"name": "x"},
    "rename_tag": {"name": "x"},
    "undo": {"change_set": "{change_set}"},
    "reprocess_memo": {},
    "create_upload": {},
    "request_erasure": {"password": PASSWORD},
    "create_export": {},
    "undo_import": {},
    "put_consents": {"third_party_transcription": False},
    "edit_me": {"name": "x"},
    "update_integration": {},
    "decide_quarantine": {"decision": "keep"},
    "verify_phone": {"code": "123456"},
    "replace_notification_preferences": {},
    "read_all_notifications": {},
    "preview_digest": {},
    "say_voice_command": {"text": "Add x"},
    "confirm_voice_command": {"choice": "no"},
    "begin_voice_session": {},
    "add_quickly": {"text": "x"},
    "create_workspace": {"kind": "sandbox"},
    "move_clock": {"advance": "PT0S"},
    "preview_recurrence": {"recurrence": {"rrule": "FREQ=DAILY"}, "due": DUE},
    "explain_recurrence": {"recurrence": {"rrule": "FREQ=DAILY"}, "due": DUE},
    "convert_recurrence": {"from": "todoist", "text": "every day"},
    "create_webhook_endpoint": {"url": "http://127.0.0.1:8025/hooks/x", "events": ["todo.*"]},
    "update_webhook_endpoint": {"description": "x"},
    "rotate_webhook_secret": {},
    "redeliver_webhooks": {"since": "2026-01-01T00:00:00Z"},
    "create_push_subscription": {
        "endpoint": "http://127.0.0.1:8025/push/x",
        "keys": {"p256dh": PUSH_KEY, "auth": "YWFhYWFhYWFhYWFhYWFhYQ"},
    },
    "register": {**CREDENTIALS},
    "login": CREDENTIALS,
    "link": CREDENTIALS,
    "upgrade": CREDENTIALS,
    "refresh": {"refresh_token": "x" * 43},
    "start_anonymously": {},
    "verify_email": {"token": "x" * 43},
}
# What is sent where the body is no JSON, and the headers that a call does not work without.
CONTENT: Final[dict[str, dict[str, Any]]] = {
    "upload_memo": {"files": {"audio": wav()}},
    "append_to_upload": {"content": wav()},
    "import_data": {"files": {"file": b"[]"}},
    "migrate_browser": {"json": {"todos": [{"id": 1, "text": "x"}]}},
}
HEADERS: Final[dict[str, dict[str, str]]] = {
    "create_upload": {"Upload-Length": str(len(wav()))},
    "append_to_upload": {
        "Upload-Offset": "0",
        "Content-Type": "application/offset+octet-stream",
    },
}


@dataclass(frozen=True, slots=True)
class Operation:
    method: str
    path: str
    id: str
    parameters: frozenset[str]
    takes_body: bool

    @property
    def names_objects(self) -> bool:
        """Somebody's: by an id or name in the path or body, or by their workspace."""
        told = [value for value in BODIES.get(self.id, {}).values() if isinstance(value, str)]
        body = any("{" in value for value in told)
        named = "{" in self.path and self.id not in PUBLIC
        return named or "workspace_id" in self.parameters or body


def operations(app: FastAPI) -> Iterator[Operation]:
    for path, described in app.openapi()["paths"].items():
        for method, each in described.items():
            names = frozenset(p["name"] for p in each.get("parameters", []))
            content = each.get("requestBody", {}).get("content", {})
            takes_body = bool(content) and each["operationId"] not in CONTENT
            yield Operation(method.upper(), path, each["operationId"], names, takes_body)


def nothing() -> dict[str, str]:
    """Ids of the same kinds that nobody has."""
    names = (
        "todo_id",
        "list_id",
        "reminder_id",
        "series_id",
        "notification_id",
        "id",
        "change_set",
        "workspace_id",
        "sandbox_id",
        "job_id",
        "subscription_id",
        "memo_id",
        "upload_id",
        "export_id",
        "import_id",
        "integration_id",
        "command_id",
        "session_id",
        "endpoint_id",
        "delivery_id",
    )
    return {name: str(uuid7()) for name in names} | {
        "name": "unheard-of",
        "provider": "slack",
    }


async def call(
    client: AsyncClient,
    operation: Operation,
    ids: dict[str, str],
    headers: dict[str, str] | None = None,
    extra: dict[str, Any] | None = None,
) -> Response:
    """The operation as it should be called, on the objects of these ids."""
    if operation.path.startswith(f"{API}/workspaces/"):
        ids = ids | {"workspace_id": ids["sandbox_id"]}
    query = f"?workspace_id={ids['workspace_id']}" if "workspace_id" in operation.parameters else ""
    sent = CONTENT.get(operation.id, {})
    if operation.takes_body:
        body = BODIES[operation.id]
        filled = {
            name: value.format(**ids) if isinstance(value, str) else value
            for name, value in body.items()
        }
        sent = {"json": filled | (extra or {})}
    return await client.request(
        operation.method,
        operation.path.format(**ids) + query,
        headers={"If-Match": "*"} | HEADERS.get(operation.id, {}) | (headers or {}),
        **sent,
    )
