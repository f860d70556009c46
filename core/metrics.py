"""What we measure. Labels come from small fixed sets: never an id, a path or a person's word."""

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
)

disable_created_metrics()  # type: ignore[no-untyped-call]  # the library has no hint here

CONTENT_TYPE = CONTENT_TYPE_LATEST
FAST = (0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.3, 0.5, 1, 2.5, 5)

REQUEST_DURATION = Histogram(
    "voicetodo_http_request_duration_seconds",
    "Time from a request's first byte to its answer's last",
    ("method", "route", "status"),
    buckets=FAST,
)
REMINDER_LATENESS = Histogram(
    "voicetodo_reminder_lateness_seconds",
    "Time between a reminder's due instant and the vendor's acceptance",
    ("channel",),
    buckets=(0.1, 0.25, 0.5, 1, 2, 3, 5, 10, 15, 30, 60, 300, 900, 3600),
)
DELIVERIES = Counter(
    "voicetodo_deliveries_total",
    "Attempts to deliver, by what came of them",
    ("channel", "outcome"),
)
CIRCUITS_OPENED = Counter(
    "voicetodo_circuits_opened_total",
    "Vendors, or tenants' shares of them, that were taken for down",
    ("channel", "whose"),
)
MEMO_WAITS = Counter(
    "voicetodo_memo_waits_total", "Looks that found no transcriber for a recording", ("reason",)
)
OCCURRENCES = Counter(
    "voicetodo_occurrences_passed_total", "Occurrences left undone that made way for the next one"
)
VOICE_COMMANDS = Counter(
    "voicetodo_voice_commands_total",
    "Utterances, by what was wanted first and what came of it",
    ("intent", "language", "outcome"),
)
VOICE_LATENCY = Histogram(
    "voicetodo_voice_understanding_seconds",
    "Time from words to what was made of them, the commit excepted",
    ("door",),
    buckets=FAST,
)
VOICE_CONFIDENCE = Histogram(
    "voicetodo_voice_confidence",
    "How sure we were of what was understood",
    ("language",),
    buckets=(0.3, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 1),
)
LANGUAGE_MODEL_CALLS = Histogram(
    "voicetodo_language_model_call_seconds",
    "Calls of the language model, by what came of them",
    ("outcome",),
    buckets=(0.1, 0.25, 0.5, 1, 1.5, 2, 3, 5, 10, 30),
)
LANGUAGE_MODEL_TOKENS = Counter(
    "voicetodo_language_model_tokens_total", "Tokens that the language model counted", ("kind",)
)
LANGUAGE_MODEL_PROPOSALS = Counter(
    "voicetodo_language_model_proposals_total",
    "What a language model proposed, held against what was said",
    ("outcome",),
)
MEMOS_RECEIVED = Counter(
    "voicetodo_memos_received_total", "Recordings that were kept, by kind", ("media_type",)
)
MEMO_BYTES = Histogram(
    "voicetodo_memo_bytes",
    "Sizes of recordings",
    buckets=(10_000, 30_000, 100_000, 300_000, 1_000_000, 3_000_000, 10_000_000, 30_000_000),
)
BLOBS_COLLECTED = Counter(
    "voicetodo_blobs_collected_total", "Blobs that no row named any more, or whose time was over"
)
RETENTION_ROWS = Counter(
    "voicetodo_retention_rows_total",
    "Rows that were forgotten because their time was over, by class and rule",
    ("retention", "rule"),
)
RETENTION_RUNS = Counter(
    "voicetodo_retention_runs_total",
    "Runs of the rules of retention, by what came of them",
    ("rule", "outcome"),
)
DATA_WORK = Counter(
    "voicetodo_data_work_total",
    "Imports, exports and erasures, by what came of them",
    ("kind", "outcome"),
)
WEBHOOK_ATTEMPTS = Counter(
    "voicetodo_webhook_attempts_total",
    "Attempts to deliver to people's own endpoints, by what came of them",
    ("outcome",),
)
WEBHOOK_LATENCY = Histogram(
    "voicetodo_webhook_latency_seconds",
    "Time from an event to its acceptance by an endpoint, of first attempts",
    buckets=(0.1, 0.25, 0.5, 1, 2, 3, 5, 10, 30, 60, 300, 900, 3600),
)
WEBHOOKS_DISABLED = Counter(
    "voicetodo_webhooks_disabled_total", "Endpoints that were switched off by us", ("reason",)
)
SLACK_INBOUND = Counter(
    "voicetodo_slack_inbound_total", "What was done in Slack, by what came of it", ("outcome",)
)
CALENDAR_SYNCS = Counter(
    "voicetodo_calendar_syncs_total", "Runs of calendar syncs, by what came of them", ("outcome",)
)
CALENDAR_WRITES = Counter(
    "voicetodo_calendar_writes_total",
    "Writes of calendar syncs, by the side and what was done there",
    ("side", "kind"),
)
CALENDAR_QUARANTINED = Counter(
    "voicetodo_calendar_quarantined_total",
    "Deletions that wait for a person, by the side they are on",
    ("side",),
)
CALENDAR_LAG = Histogram(
    "voicetodo_calendar_lag_seconds",
    "Time between the beginning of a calendar's run and its end",
    buckets=(0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 300, 900, 3600),
)
OUTBOX_DEPTH = Gauge("voicetodo_outbox_depth", "Outbox rows that wait for Temporal")
OUTBOX_DEAD = Gauge("voicetodo_outbox_dead", "Outbox rows that were given up")
OUTBOX_OLDEST_AGE = Gauge(
    "voicetodo_outbox_oldest_age_seconds", "Age of the oldest outbox row that waits"
)
WORKFLOWS_STARTED = Counter(
    "voicetodo_workflows_started_total", "Workflows started from the outbox", ("type",)
)
WORKFLOWS_REQUEUED = Counter(
    "voicetodo_workflows_requeued_total", "Open executions that Temporal no longer knew", ("type",)
)
TEMPORAL_UP = Gauge("voicetodo_temporal_up", "1 while Temporal answers the relay")
LOG_FIELDS_DROPPED = Counter(
    "voicetodo_log_fields_dropped_total", "Log fields that were not on the allow-list"
)


def render() -> bytes:
    """All of this process in Prometheus' text format, of `CONTENT_TYPE`."""
    return generate_latest()
