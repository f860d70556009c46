"""A worker as a process, and the servers that it is started beside."""

import contextlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from core.settings import Settings
from integrations.sandbox.app import create_app
from tests import plain, temporal
from tests.databases import fresh
from tests.patience import PATIENCE_S
from tests.ports import free_port
from tests.serving import serve

ROOT = Path(__file__).resolve().parent.parent


class Process:
    def __init__(self, environment: dict[str, str], port: int) -> None:
        self.port = port
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the process
        self.popen = subprocess.Popen(
            [sys.executable, "-P", str(ROOT / "worker.py")],
            env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
            stdout=self._log,
            stderr=self._log,
        )

    def get(self, path: str) -> httpx2.Response | None:
        with contextlib.suppress(httpx2.TransportError):
            return plain.get(f"http://127.0.0.1:{self.port}{path}")
        return None

    def until(self, status: int) -> httpx2.Response:
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            answer = self.get("/ready")
            if answer is not None and answer.status_code == status:
                return answer
            assert self.popen.poll() is None, self.said()
            time.sleep(0.05)
        raise AssertionError(self.said())

    def until_said(self, event: str) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while event not in self.said():
            assert time.monotonic() < deadline, self.said()
            time.sleep(0.05)

    def said(self) -> str:
        self._log.seek(0)
        return self._log.read().decode()

    def end(self) -> None:
        self.popen.kill()
        self.popen.wait()
        self._log.close()


@pytest.fixture
def environment(database_url: str) -> Iterator[dict[str, str]]:
    """A worker's settings with a database of its own: it takes every row of the outbox it finds."""
    with tempfile.TemporaryDirectory(prefix="vt-") as folder:
        yield {
            "VOICETODO_DATA_DIR": folder,
            "VOICETODO_PROFILE": "dev",
            "VOICETODO_WORKER_METRICS_PORT": str(free_port()),
            "VOICETODO_TEMPORAL_PORT": str(free_port()),
            "DATABASE_URL": fresh(database_url, "worker"),
        }


@pytest.fixture
def sandbox() -> Iterator[httpx2.Client]:
    with (
        serve(create_app(Settings(_env_file=None))) as url,
        plain.client(url) as http,
    ):
        yield http


@pytest.fixture
def server(environment: dict[str, str], tmp_path: Path) -> Iterator[temporal.Server]:
    made = temporal.Server(tmp_path, int(environment["VOICETODO_TEMPORAL_PORT"]))
    made.start()
    yield made
    made.kill()
