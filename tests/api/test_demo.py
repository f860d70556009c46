"""The main story on the real thing: every server, the worker killed in between, one e-mail."""

import json
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.machines import environment
from tests.patience import PATIENCE_S

ROOT = Path(__file__).resolve().parents[2]
COMMAND = [sys.executable, "-m", "api.cli"]


@pytest.fixture
def env() -> Iterator[dict[str, str]]:
    """A machine of its own: ports, and a directory that PostgreSQL's user may reach."""
    folder = Path(tempfile.mkdtemp(prefix="vt"))
    yield environment(folder)
    shutil.rmtree(folder)


def demo(env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    command = [*COMMAND, "demo", "--seconds", "6", "--json"]
    return subprocess.run(
        command, env=env, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE_S, check=False
    )


def test_the_mail_arrives_once_and_on_time_although_the_worker_was_killed(
    env: dict[str, str],
) -> None:
    log = Path(env["VOICETODO_DATA_DIR"]) / "up.log"
    pids = Path(env["VOICETODO_DATA_DIR"]) / "run"
    with log.open("w") as output:
        up = subprocess.Popen(
            [*COMMAND, "up"], env=env, cwd=ROOT, stdout=subprocess.PIPE, stderr=output, text=True
        )
    try:
        assert up.stdout is not None
        assert any("Voice Todo is ready" in line for line in up.stdout), log.read_text()
        told = demo(env)
        assert told.returncode == 0, told.stderr
        document = json.loads(told.stdout)
        recurring = document["recurring"]
        assert recurring["explained"] == "every weekday at 09:00"
        assert recurring["next_due_at"] > recurring["completed_due_at"]
        said = document["said"]
        assert (said["language"], said["due"]["time"], said["undone"]) == ("de", "17:00", 1)
        assert document["worker"]["killed"] != document["worker"]["restarted"]
        assert document["mail"]["copies"] == 1
        assert 0 <= document["mail"]["late_s"] < 120
        assert document["why"]["deliveries"][0]["status"] == "sent"
        assert {path.stem for path in pids.iterdir()} == {
            "api",
            "postgres",
            "sandbox",
            "temporal",
            "worker",
        }
    finally:
        up.send_signal(signal.SIGINT)
        rest, _ = up.communicate(timeout=PATIENCE_S)
    assert up.returncode == 0, rest
    assert list(pids.iterdir()) == []
    stopped = demo(env)
    assert stopped.returncode == 3
    assert json.loads(stopped.stderr)["type"] == "urn:voicetodo:problem:unreachable"
