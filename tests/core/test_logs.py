import logging
from collections.abc import Iterator
from datetime import timedelta
from uuid import UUID

import pytest
from prometheus_client import REGISTRY

from core import logs
from tests.logged import Lines, logged

log = logs.get("tests.core.test_logs")


def dropped() -> float:
    return REGISTRY.get_sample_value("voicetodo_log_fields_dropped_total") or 0


@pytest.fixture
def lines() -> Iterator[Lines]:
    with logged("worker") as lines:
        yield lines


def test_a_line_is_an_event_and_its_fields(lines: Lines) -> None:
    log.info("outbox.started", workflow_id="delivery:1", count=2, seconds=timedelta(seconds=1.5))
    log.warning("outbox.dead", outbox_id=UUID(int=7))
    first, second = lines.read_all()
    assert first.pop("at").endswith("+00:00")
    assert first == {
        "level": "info",
        "part": "worker",
        "event": "outbox.started",
        "workflow_id": "delivery:1",
        "count": 2,
        "seconds": 1.5,
    }
    assert second["outbox_id"] == "00000000-0000-0000-0000-000000000007"


def test_a_field_nobody_allowed_is_refused_in_dev(lines: Lines) -> None:
    with pytest.raises(ValueError, match="title"):
        log.info("todo.created", title="Call the doctor")
    assert lines.read_all() == []


def test_and_dropped_and_counted_in_production(lines: Lines) -> None:
    logs.configure("worker", strict=False, stream=lines)
    before = dropped()
    log.info("todo.created", title="Call the doctor", email="alice@example.org", count=1)
    assert "doctor" not in lines.getvalue()
    assert "alice" not in lines.getvalue()
    assert lines.read_all()[0]["count"] == 1
    assert dropped() == before + 2


def test_an_exception_is_told_without_its_words(lines: Lines) -> None:
    try:
        raise LookupError("no todo called Buy milk")  # noqa: TRY301 - it has to be raised somewhere
    except LookupError as error:
        log.error("request.failed", error=error)
        logging.getLogger("asyncio").exception("Task failed\nfuture: Buy milk")
    ours, theirs = lines.read_all()
    assert ours["error"] == "LookupError"
    assert ours["where"].startswith("tests/core/test_logs.py:")
    assert theirs["event"] == "library.said"
    assert theirs["message"] == "Task failed"
    assert theirs["error"] == "LookupError"
    assert "milk" not in lines.getvalue()


def test_hostile_text_is_cut_and_stays_one_line(lines: Lines) -> None:
    log.info("request.done", route="/a\nb\ud800" + "x" * 1000)
    assert len(lines.getvalue().splitlines()) == 1
    assert len(lines.read_all()[0]["route"]) == logs.LONGEST_TEXT


def test_a_terminal_gets_text(lines: Lines) -> None:
    class Terminal(Lines):
        def isatty(self) -> bool:
            return True

    terminal = Terminal()
    logs.configure("worker", strict=True, stream=terminal)
    log.info("outbox.started", count=2)
    assert terminal.getvalue().rstrip().endswith("info    outbox.started count=2")
    assert lines.getvalue() == ""


def test_a_pipe_gets_text_when_told_so(lines: Lines) -> None:
    logs.configure("worker", strict=True, text=True, stream=lines)
    log.info("outbox.started", count=2)
    assert lines.getvalue().rstrip().endswith("outbox.started count=2")
