"""The worker as the process that it is."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx2
import pytest

from core import migrate
from tests import temporal
from tests.patience import PATIENCE_S
from tests.reminding import Scene, scene
from tests.workers import ROOT, Process, environment, sandbox, server

__all__ = ["environment", "sandbox", "server"]  # fixtures


@pytest.fixture
def worker(environment: dict[str, str]) -> Iterator[Process]:
    process = Process(environment, int(environment["VOICETODO_WORKER_METRICS_PORT"]))
    yield process
    process.end()


def test_it_waits_for_its_servers_and_drains(
    worker: Process, environment: dict[str, str], tmp_path: Path
) -> None:
    worker.until(503)
    worker.until_said("database.awaited")
    time.sleep(1)
    assert worker.said().count("database.awaited") == 1  # reachable, but not migrated
    migrated = subprocess.run(
        [sys.executable, "-P", "-m", "core.migrate"],
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        check=False,
    )
    assert migrated.returncode == 0, migrated.stderr
    worker.until_said("temporal.awaited")
    time.sleep(1)
    assert worker.said().count("temporal.awaited") == 1
    assert worker.until(503).text == "not ready\n"
    server = temporal.Server(tmp_path, int(environment["VOICETODO_TEMPORAL_PORT"]))
    try:
        server.start()
        worker.until(200)
        scraped = worker.get("/metrics")
        assert scraped is not None
        assert "voicetodo_outbox_depth 0.0" in scraped.text
        missing = worker.get("/nothing")
        assert missing is not None
        assert missing.status_code == 404
        worker.popen.send_signal(signal.SIGTERM)
        assert worker.popen.wait(PATIENCE_S) == 0
    finally:
        server.kill()
    lines = worker.said().splitlines()
    assert all(line.startswith('{"at":') for line in lines)
    assert "worker.stopped" in lines[-1]


def test_it_stops_while_it_waits(worker: Process) -> None:
    worker.until(503)
    worker.popen.send_signal(signal.SIGINT)
    assert worker.popen.wait(PATIENCE_S) == 0


def test_a_port_in_use_is_a_sentence(environment: dict[str, str]) -> None:
    port = int(environment["VOICETODO_WORKER_METRICS_PORT"])
    with socket.create_server(("127.0.0.1", port)):
        worker = Process(environment, port)
        try:
            assert worker.popen.wait(PATIENCE_S) == 2, worker.said()
            assert "VOICETODO_WORKER_METRICS_PORT" in worker.said()
            assert "Traceback" not in worker.said()
        finally:
            worker.end()


@pytest.fixture
def ada(environment: dict[str, str]) -> Scene:
    """Somebody with a reminder by e-mail, due in a few seconds."""
    migrate.run(environment["DATABASE_URL"])
    due = datetime.now(UTC) + timedelta(seconds=5)
    return scene(environment["DATABASE_URL"], [due], channels=["email"], lane=0)


@contextlib.contextmanager
def working(environment: dict[str, str], sandbox: httpx2.Client) -> Iterator[Process]:
    port = int(environment["VOICETODO_WORKER_METRICS_PORT"])
    vendor = {"VOICETODO_SENDGRID_URL": str(sandbox.base_url)}
    process = Process({**environment, **vendor}, port)
    try:
        process.until(200)
        yield process
    finally:
        process.end()


def sent(sandbox: httpx2.Client) -> list[int | None]:
    return [row["response_status"] for row in sandbox.get("/ledger.json").json()]


def until_sent(ada: Scene, worker: Process) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while [row["status"] for row in ada.deliveries()] != ["sent"]:
        assert time.monotonic() < deadline, (ada.deliveries(), worker.said())
        time.sleep(0.1)


def test_a_reminder_arrives_although_everything_died_meanwhile(
    environment: dict[str, str], sandbox: httpx2.Client, server: temporal.Server, ada: Scene
) -> None:
    with working(environment, sandbox) as worker:
        worker.popen.send_signal(signal.SIGKILL)
        worker.popen.wait()
    server.kill()
    server.wipe()
    server.start()
    with working(environment, sandbox) as worker:
        until_sent(ada, worker)
    assert sent(sandbox) == [202]


def test_what_the_vendor_refused_gets_a_workflow_of_its_own(
    environment: dict[str, str], sandbox: httpx2.Client, server: temporal.Server, ada: Scene
) -> None:
    assert server.address.endswith(environment["VOICETODO_TEMPORAL_PORT"])
    sandbox.post("/faults", json={"vendor": "sendgrid", "times": 1, "status": 503})
    with working(environment, sandbox) as worker:
        until_sent(ada, worker)
        scraped = worker.get("/metrics")
    assert sent(sandbox) == [503, 202]
    [delivery] = ada.deliveries()
    assert delivery["attempts"] == 2
    [execution] = ada.rows("SELECT * FROM executions")
    assert execution["workflow_id"] == f"delivery:{delivery['id']}"
    assert not execution["open"]
    assert ada.rows("SELECT * FROM outbox") == []
    assert scraped is not None
    for line in (
        'voicetodo_workflows_started_total{type="RetryDelivery"} 1.0',
        'voicetodo_deliveries_total{channel="email",outcome="sent"} 1.0',
        'voicetodo_reminder_lateness_seconds_count{channel="email"} 1.0',
    ):
        assert line in scraped.text
