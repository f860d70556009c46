"""Structured logs: a constant event and fields from an allow-list, one JSON object per line.

    log = logs.get(__name__)
    log.info("outbox.started", workflow_id=row.workflow_id, count=3)
    log.error("relay.failed", error=error)

A log outlives erasure and is read by more people than the database. So what a person wrote has no
way in: there is no field for it, an exception is told by its class and place only, and of what
libraries say one cut line is kept.
"""

import logging
import sys
import traceback
from datetime import UTC, datetime, timedelta
from enum import Enum
from pathlib import Path
from typing import Any, Final, TextIO
from uuid import UUID

import orjson

from core import metrics

ROOT: Final = Path(__file__).resolve().parent.parent
LONGEST_TEXT: Final = 200
FRAMES: Final = 6
FIELDS: Final = frozenset(
    {
        # opaque ids
        *("workspace_id", "user_id", "session_id", "request_id", "delivery_id", "reminder_id"),
        "series_id",
        *("subject_id", "outbox_id", "workflow_id", "schedule_id", "change_set_id"),
        # names of ours
        *("kind", "lane", "channel", "outcome", "workflow_type", "activity_type", "name"),
        *("task_queue", "profile", "vendor", "fault", "revision", "reason"),
        # figures
        *("count", "attempt", "attempts", "depth", "port", "version", "duration_ms", "seconds"),
        *("lateness_s", "oldest_s", "size"),
        # requests
        *("method", "route", "status"),
        *("error", "permanent"),
    }
)
Value = str | int | float | bool | UUID | datetime | timedelta | Enum | BaseException | None
_strict = True


class Log:
    """One module's voice. An unknown field raises in the dev profile and is dropped elsewhere."""

    def __init__(self, logger: logging.Logger) -> None:
        self._logger = logger

    def info(self, event: str, **fields: Value) -> None:
        self._write(logging.INFO, event, fields)

    def warning(self, event: str, **fields: Value) -> None:
        self._write(logging.WARNING, event, fields)

    def error(self, event: str, **fields: Value) -> None:
        self._write(logging.ERROR, event, fields)

    def _write(self, level: int, event: str, fields: dict[str, Value]) -> None:
        unknown = fields.keys() - FIELDS
        if unknown:
            if _strict:
                raise ValueError(f"log fields not in core.logs.FIELDS: {sorted(unknown)}")
            metrics.LOG_FIELDS_DROPPED.inc(len(unknown))
        if self._logger.isEnabledFor(level):
            plain = {name: _plain(fields[name]) for name in fields if name not in unknown}
            error = fields.get("error")
            if isinstance(error, BaseException):
                plain["where"] = _where(error)
            self._logger.log(level, event, extra={"fields": plain})


def get(name: str) -> Log:
    return Log(logging.getLogger(name))


def configure(
    part: str, *, strict: bool, text: bool | None = None, stream: TextIO | None = None
) -> None:
    """Send every log of this process to `stream` (stdout), as text or as JSON lines.

    Without `text` a terminal decides. `strict` (the dev profile) refuses unknown fields. Call it
    once, before the first line.
    """
    global _strict  # noqa: PLW0603 - logging itself is one per process
    _strict = strict
    sink = stream or sys.stdout
    handler = logging.StreamHandler(sink)
    as_text = sink.isatty() if text is None else text
    handler.setFormatter(_Text() if as_text else _Json(part))
    # What no line of ours tells is not looked up either: half of the price of a line.
    logging._srcfile = None  # noqa: SLF001 (documented: "Optimization")
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):  # it brings handlers of its own
        logging.getLogger(name).handlers.clear()
        logging.getLogger(name).propagate = True
    for name in ("httpx2", "httpcore2"):  # they write whole addresses at INFO
        logging.getLogger(name).setLevel(logging.WARNING)
    # One line per connection that fails; we say it once ourselves.
    logging.getLogger("psycopg.pool").setLevel(logging.ERROR)


class _Json(logging.Formatter):
    def __init__(self, part: str) -> None:
        super().__init__()
        self._part = part

    def format(self, record: logging.LogRecord) -> str:
        head = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "part": self._part,
        }
        return orjson.dumps(head | _content(record)).decode()


class _Text(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        content = _content(record)
        at = datetime.fromtimestamp(record.created, UTC).astimezone()
        fields = " ".join(f"{name}={value}" for name, value in content.items() if name != "event")
        line = f"{at:%H:%M:%S} {record.levelname.lower():7} {content['event']} {fields}"
        return line.rstrip()


def _content(record: logging.LogRecord) -> dict[str, Any]:
    fields = getattr(record, "fields", None)
    if fields is not None:
        return {"event": record.msg, **fields}
    content: dict[str, Any] = {"event": "library.said", "logger": record.name}
    content["message"] = _cut(record.getMessage().partition("\n")[0])
    if record.exc_info and record.exc_info[1] is not None:
        error = record.exc_info[1]
        content |= {"error": _plain(error), "where": _where(error)}
    return content


def _plain(value: Value) -> str | int | float | bool | None:
    match value:
        case BaseException():
            return type(value).__name__
        case Enum():
            return _cut(str(value.value))
        case bool() | int() | float() | None:
            return value
        case timedelta():
            return value.total_seconds()
        case datetime():
            return value.isoformat()
        case _:
            return _cut(str(value))


def _cut(text: str) -> str:
    # Lone surrogates reach us in paths and headers, and no JSON encoder takes them.
    return text[:LONGEST_TEXT].encode(errors="replace").decode()


def _where(error: BaseException) -> str:
    """The innermost frames, innermost first; never the message, which may quote a person."""
    frames = traceback.extract_tb(error.__traceback__)[-FRAMES:]
    return " < ".join(f"{_short(frame.filename)}:{frame.lineno}" for frame in reversed(frames))


def _short(filename: str) -> str:
    path = Path(filename)
    if path.is_relative_to(ROOT) and "site-packages" not in path.parts:
        return str(path.relative_to(ROOT))
    return "/".join(path.parts[-2:])
