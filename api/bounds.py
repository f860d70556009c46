"""How much an answer holds at most, as the document says it; by the names of the fields.

What comes in is bounded where it is refused, in `api/schemas`. What goes out are rows, whose
bounds are those of what made them: written here once, for a name means the same everywhere. A
string or an array that is not named stays without a bound, which `make openapi` refuses.
"""

from collections.abc import Iterator
from enum import StrEnum
from typing import Any, Final

from api.schemas.accounts import MAX_EMAIL_CHARS
from core.messages import Store
from core.models import calendars, connections, erasures, imports, memos, series, voice, webhooks
from core.models.deliveries import Channel, DeliveryKind, DeliveryStatus
from core.models.jobs import JobKind, JobStatus
from core.models.todos import CreatedVia, Priority, Status
from core.models.workspaces import Role, WorkspaceKind
from core.rules import calendar_policy, digests, recurrence, rrule
from core.rules.importing import records
from core.rules.understanding.commands import Intent
from core.services import calendar_quarantine, exports, lists, tags
from core.services.memo_processing import Stage
from core.services.reminders import MAX_PER_TODO

COUNT: Final = 2**53 - 1  # RFC 8259 §6: what every reader of JSON takes for the same whole number
SMALL: Final = 2**31 - 1
WORD: Final = 64  # one of ours: a kind, a code, the name of a field, a zone, a language
LINE: Final = 500  # a title and what is about as long
SENTENCE: Final = 2_000
ADDRESS: Final = 4_096  # of the web
TEXT: Final = 20_000
PAGE: Final = 500_000  # HTML
FEW: Final = 100  # the longest page of a list

FORMATS: Final = {"uuid": 36, "date": 10, "date-time": 35, "email": MAX_EMAIL_CHARS}
STRINGS: Final[dict[str, int]] = {
    **dict.fromkeys(("all_day_time", "at", "start", "end", "time"), 8),
    **dict.fromkeys(("after", "before", "refresh_token", "secret", "signature"), 200),
    **dict.fromkeys(("action", "again", "armed_tzdata", "armed_zone", "code", "device"), 200),
    **dict.fromkeys(("channel", "digest_channel", "event_id", "name", "remote_id"), 1_024),
    **dict.fromkeys(("calendar_id", "calendar_name", "vendor_id", "id", "file_name"), 1_024),
    **dict.fromkeys(("cannot_express", "due", "lists", "location", "scopes", "lost"), LINE),
    **dict.fromkeys(("excerpt", "media_type", "phone", "public_key", "ref", "tags"), LINE),
    **dict.fromkeys(("subject", "user_agent", "what", "response_excerpt", "told"), SENTENCE),
    **dict.fromkeys(("detail", "error", "explained", "problem", "question", "reason"), SENTENCE),
    **dict.fromkeys(("sentences", "short", "taken", "title", "waits_for", "why"), SENTENCE),
    **dict.fromkeys(("changed", "deleted", "differs", "event_type", "events", "field"), WORD),
    **dict.fromkeys(("english_name", "holidays", "intent", "kind", "language", "local"), WORD),
    **dict.fromkeys(("locale", "message_id", "recurrence_id", "sha256", "stage", "state"), WORD),
    **dict.fromkeys(("issued_at", "status", "store", "timezone", "transcriber", "type"), WORD),
    **dict.fromkeys(("authorize_url", "access_token", "endpoint", "url"), ADDRESS),
    **dict.fromkeys(("description", "original_text", "text", "transcript"), TEXT),
    **dict.fromkeys(("body", "html", "text/html"), PAGE),
    "email": MAX_EMAIL_CHARS,
    "instance": 65_536,
    "next_cursor": 512,
    "rrule": rrule.MAX_CHARS,
}
ARRAYS: Final[dict[str, int]] = {
    **dict.fromkeys(("candidates", "cannot_express", "changed", "commands", "data"), FEW),
    **dict.fromkeys(("differs", "events", "fields", "keeps", "occurrences"), FEW),
    **dict.fromkeys(("progress", "proposed", "provenance", "scopes", "told"), FEW),
    **dict.fromkeys(("channels", "digest", "formats", "reminder", "sections"), 10),
    **dict.fromkeys(("exdates", "log", "muted_lists", "rdates", "todos", "understood"), 500),
    **dict.fromkeys(("days", "deliveries", "ends", "passes_on", "rejected"), 1_000),
    **dict.fromkeys(("errors", "items", "lists", "lost", "sentences", "short"), 10_000),
    "reminders": MAX_PER_TODO,
    "tags": records.MAX_TAGS,
    "words": 50_000,
}
# `data` of lists that are answered whole.
WHOLE: Final = {
    "CalendarList": 1_000,
    "LanguagePage": 200,
    "ListPage": lists.MAX_PER_WORKSPACE,
    "Quarantine": calendar_quarantine.SHOWN,
    "TagPage": tags.MOST,
}
# Words of which there are no others: the columns have them checked.
CHOICES: Final[dict[str, type[StrEnum]]] = {
    "Activity.direction": connections.Direction,
    "CalendarSettings.events_become_todos": calendar_policy.Policy,
    "ChannelChoice.digest": Channel,
    "ChannelChoice.reminder": Channel,
    "Consent.kind": memos.ConsentKind,
    "Delivery.channel": Channel,
    "Delivery.kind": DeliveryKind,
    "Delivery.status": DeliveryStatus,
    "DigestChoice.frequency": digests.Frequency,
    "DigestChoice.weekday": digests.Weekday,
    "DigestPreview.frequency": digests.Frequency,
    "Erasure.status": erasures.ErasureStatus,
    "EscalationChoice.to": Channel,
    "ExplainedDelivery.channel": Channel,
    "ExplainedDelivery.status": DeliveryStatus,
    "Export.formats": exports.Format,
    "Export.status": JobStatus,
    "Import.format": records.Format,
    "Import.status": JobStatus,
    "ImportUndo.status": JobStatus,
    "ImportedRow.outcome": imports.Outcome,
    "Integration.provider": connections.Provider,
    "Integration.status": connections.ConnectionStatus,
    "Job.kind": JobKind,
    "Job.status": JobStatus,
    "Memo.quality": memos.Quality,
    "Memo.stage": Stage,
    "Memo.status": memos.MemoStatus,
    "MemoSummary.quality": memos.Quality,
    "MemoSummary.stage": Stage,
    "MemoSummary.status": memos.MemoStatus,
    "NewWebhookEndpoint.disabled_reason": webhooks.DisabledReason,
    "NewWebhookEndpoint.payload": webhooks.Payload,
    "NewWebhookEndpoint.status": webhooks.EndpointStatus,
    "Occurrence.status": series.OccurrenceStatus,
    "PreviewSection.section": digests.Section,
    "Reminder.channels": Channel,
    "Series.status": series.SeriesStatus,
    "StoreProgress.store": Store,
    "SyncStatus.state": calendars.SyncState,
    "Todo.created_via": CreatedVia,
    "Todo.priority": Priority,
    "Todo.status": Status,
    "TodoRecurrence.anchor": recurrence.Anchor,
    "TodoRecurrence.pile_up": recurrence.PileUp,
    "TodoRecurrence.shift": recurrence.Shift,
    "TodoRecurrence.skip": rrule.Skip,
    "VoiceCommand.intent": Intent,
    "VoiceCommand.outcome": voice.Outcome,
    "WebhookDelivery.status": webhooks.WebhookStatus,
    "WebhookDeliveryDetail.status": webhooks.WebhookStatus,
    "WebhookEndpoint.disabled_reason": webhooks.DisabledReason,
    "WebhookEndpoint.payload": webhooks.Payload,
    "WebhookEndpoint.status": webhooks.EndpointStatus,
    "Workspace.kind": WorkspaceKind,
    "Workspace.role": Role,
}


def state(document: dict[str, Any]) -> None:
    """Write into every schema of the document the bounds that it does not state itself.

    Of a body, none that a name implies: it must refuse what is beyond them.
    """
    schemas = document["components"]["schemas"]
    bodies = set(_named(document["paths"], schemas, within="requestBody"))
    for name, schema in schemas.items():
        _walk(schema, owner=name, implied=name not in bodies)
    for part in (document["paths"], document["webhooks"]):
        _walk(part, owner="", implied=True)


def _named(node: Any, schemas: dict[str, Any], *, within: str = "") -> Iterator[str]:
    """The components that are referred to below `node`, or only below keys called `within`."""
    if isinstance(node, list):
        node = dict(enumerate(node))
    if not isinstance(node, dict):
        return
    for key, below in node.items():
        if key == "$ref" and not within:
            name = below.rpartition("/")[2]
            yield name
            yield from _named(schemas[name], schemas)
        else:
            yield from _named(below, schemas, within="" if key == within else within)


def _walk(node: Any, *, owner: str, implied: bool, name: str = "") -> None:
    if isinstance(node, list):
        for each in node:
            _walk(each, owner=owner, implied=implied, name=name)
    elif isinstance(node, dict):
        _schema(node, owner, name, implied=implied)
        for each, schema in node.get("properties", {}).items():
            _walk(schema, owner=owner, implied=implied, name=each)
        for key, below in node.items():
            if key not in {"properties", "example", "examples", "default", "enum", "const"}:
                inner = key if "/" in key else name  # a media type names what it is of
                _walk(below, owner=owner, implied=implied, name=inner)


def _schema(schema: dict[str, Any], owner: str, name: str, *, implied: bool) -> None:
    if owner.endswith("Patch"):  # what is absent is kept, whatever it is
        schema.pop("default", None)
    match schema.get("type"):
        case "string":
            _string(schema, owner, name, implied=implied)
        case "integer":
            _integer(schema)
        case "array":
            _array(schema, owner, name, implied=implied)


def _string(schema: dict[str, Any], owner: str, name: str, *, implied: bool) -> None:
    if schema.keys() & {"maxLength", "enum", "const"}:
        return
    longest = FORMATS.get(schema.get("format", ""))
    chosen = CHOICES.get(f"{owner}.{name}")
    if chosen and implied:
        schema["enum"] = [str(each) for each in chosen]
    elif longest := longest or (STRINGS.get(name) if implied else None):
        schema["maxLength"] = longest


def _integer(schema: dict[str, Any]) -> None:
    """Counts, sizes, versions: what says nothing else of itself is not negative."""
    lowest = schema.setdefault("minimum", 0) if "exclusiveMinimum" not in schema else 0
    highest = schema.setdefault("maximum", COUNT) if "exclusiveMaximum" not in schema else COUNT
    schema.setdefault("format", "int32" if lowest >= -SMALL and highest <= SMALL else "int64")


def _array(schema: dict[str, Any], owner: str, name: str, *, implied: bool) -> None:
    parts = schema.get("prefixItems", ())
    if parts and all(part == parts[0] for part in parts):  # as many tools read it as can
        schema["items"] = schema.pop("prefixItems")[0]
    elif "maxItems" not in schema and implied:
        most = WHOLE.get(owner) or ARRAYS.get(name)
        if most:
            schema["maxItems"] = most
