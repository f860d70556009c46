import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from core.crypto import Keyring
from core.embedded import locked
from core.epochs import Epochs
from tests.machines import environment
from tests.patience import PATIENCE_S

ROOT = Path(__file__).resolve().parents[2]
STAND_INS = Path(__file__).with_name("stand_ins.py")


@pytest.fixture
def data_dir() -> Iterator[Path]:
    """A directory without private ancestors, which pytest's own are for root."""
    folder = Path(tempfile.mkdtemp(prefix="vt")).resolve()
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def env(data_dir: Path) -> dict[str, str]:
    return {**environment(data_dir), "PYTHONPATH": str(ROOT)}


def up(env: dict[str, str], cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "api.up"]
    return subprocess.run(
        command, env=env, cwd=cwd, capture_output=True, text=True, timeout=PATIENCE_S, check=False
    )


@contextmanager
def parent(
    env: dict[str, str], *arguments: str, until: str = "all: ready"
) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, str(STAND_INS), *arguments],
        env=env,
        cwd=tempfile.gettempdir(),
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        seen = ""
        while until not in seen:
            line = process.stdout.readline()
            assert line, f"ended before {until!r}: {seen}"
            seen += line
        yield process
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def eventually(holds: object, seconds: float = PATIENCE_S) -> bool:
    assert callable(holds)
    deadline = time.monotonic() + seconds
    while not (found := holds()) and time.monotonic() < deadline:
        time.sleep(0.01)
    return bool(found)


def events(journal: Path, kind: str) -> list[tuple[str, int, float]]:
    rows = [line.split() for line in journal.read_text().splitlines()]
    return [(name, int(pid), float(at)) for name, event, pid, at in rows if event == kind]


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    if sys.platform == "linux":  # an orphan waits as a zombie until PID 1 looks
        try:
            return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
        except FileNotFoundError:
            return False
    return True


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    path = tmp_path / "journal"
    path.touch()
    return path


def test_parts_start_in_order_and_stop_in_reverse(env: dict[str, str], journal: Path) -> None:
    with parent(env, "journal", str(journal)) as process:
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE_S) == 0
    assert [name for name, *_ in events(journal, "started")] == ["a", "b", "c"]
    assert [name for name, *_ in events(journal, "stopped")] == ["c", "b", "a"]


def test_a_dead_part_is_back_within_a_second(env: dict[str, str], journal: Path) -> None:
    with parent(env, "journal", str(journal)) as process:
        victim = events(journal, "started")[1][1]
        killed_at = time.monotonic()
        os.kill(victim, signal.SIGKILL)
        assert eventually(lambda: len(events(journal, "started")) == 4)
        name, pid, started_at = events(journal, "started")[-1]
        assert (name, pid != victim) == ("b", True)
        assert started_at - killed_at < 4  # waits after vain starts grow to 5 s; idle it is 0.2 s
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE_S) == 0
    assert [name for name, *_ in events(journal, "stopped")] == ["c", "b", "a"]


def test_a_second_interrupt_kills(env: dict[str, str], journal: Path) -> None:
    with parent(env, "journal", str(journal), "stubborn") as process:
        process.send_signal(signal.SIGINT)
        assert eventually(lambda: events(journal, "stopped"))
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE_S) == 0
    assert not any(alive(pid) for _, pid, _ in events(journal, "started"))


def test_a_part_that_never_starts_stops_the_rest(env: dict[str, str], journal: Path) -> None:
    command = [sys.executable, str(STAND_INS), "journal", str(journal), "broken"]
    done = subprocess.run(
        command, env=env, capture_output=True, text=True, timeout=PATIENCE_S, check=False
    )
    assert "b does not start (exit code 3): the disk is on fire" in done.stderr
    assert "Traceback" not in done.stderr
    assert [name for name, *_ in events(journal, "stopped")] == ["a"]


@pytest.mark.parametrize(
    "flags",
    [
        pytest.param(
            (),
            marks=pytest.mark.skipif(sys.platform != "linux", reason="the kernel's part is Linux"),
        ),
        ("guarded",),
    ],
)
def test_a_killed_parent_leaves_nothing(
    env: dict[str, str], journal: Path, flags: tuple[str, ...]
) -> None:
    with parent(env, "journal", str(journal), *flags) as process:
        pids = [pid for _, pid, _ in events(journal, "started")]
        assert all(alive(pid) for pid in pids)
        process.kill()
        assert eventually(lambda: not any(alive(pid) for pid in pids), 5)


def test_killed_servers_are_gone_and_start_again(env: dict[str, str], data_dir: Path) -> None:
    def listens() -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", int(env["VOICETODO_TEMPORAL_PORT"]))) == 0

    with parent(env, "servers") as process:
        postmaster = int((data_dir / "postgres" / "postmaster.pid").read_text().split()[0])
        assert alive(postmaster)
        assert listens()
        process.kill()
        assert eventually(lambda: not alive(postmaster))
        assert eventually(lambda: not listens())
    with parent(env, "servers") as process:
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE_S) == 0


def test_a_port_in_use_is_a_sentence(env: dict[str, str], data_dir: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        env["VOICETODO_TEMPORAL_PORT"] = str(taken.getsockname()[1])
        env["VOICETODO_SANDBOX_PORT"] = env["VOICETODO_API_PORT"]
        done = up(env, data_dir)
    assert done.returncode == 2
    assert done.stderr == (
        f"VOICETODO_SANDBOX_PORT and VOICETODO_API_PORT are both {env['VOICETODO_API_PORT']}: "
        "set one to another port.\n"
        f"Port {env['VOICETODO_TEMPORAL_PORT']} on 127.0.0.1 cannot be used (address already in "
        "use): stop what uses it, or set VOICETODO_TEMPORAL_PORT to another port.\n"
    )
    assert not (data_dir / "postgres").exists()


def test_a_second_start_is_a_sentence(env: dict[str, str], data_dir: Path) -> None:
    with locked(data_dir):
        done = up(env, data_dir)
    assert done.returncode == 2
    assert done.stderr.startswith(f"another `voicetodo up` (process {os.getpid()}) uses the data")
    assert done.stderr.count("\n") == 1


def test_a_lost_encryption_key_is_a_sentence(env: dict[str, str], data_dir: Path) -> None:
    Epochs(data_dir / "epochs", Keyring((b"k" * 32,))).make(1)
    done = up(env, data_dir)
    assert done.returncode == 2
    assert done.stderr.startswith(f"{data_dir}/epochs/1.key does not open")
    assert f"bring back {data_dir}/keys/encryption_key from a backup" in done.stderr
    assert done.stderr.count("\n") == 1
    assert not (data_dir / "postgres").exists()


def test_a_broken_data_directory_is_a_sentence(env: dict[str, str], data_dir: Path) -> None:
    (data_dir / "postgres").mkdir()
    (data_dir / "postgres" / "base").touch()
    done = up(env, data_dir)
    assert done.returncode == 2
    assert done.stderr.startswith(f"{data_dir}/postgres holds no PostgreSQL data")
    assert done.stderr.count("\n") == 1


@pytest.mark.skipif(os.geteuid() != 0, reason="only root hands PostgreSQL to another user")
def test_a_private_ancestor_is_a_sentence(env: dict[str, str], data_dir: Path) -> None:
    private = data_dir / "private"
    private.mkdir(mode=0o700)
    env["VOICETODO_DATA_DIR"] = str(private / "data")
    done = up(env, data_dir)
    assert done.returncode == 2
    assert done.stderr.startswith(f"{data_dir} is private")
    assert "VOICETODO_DATA_DIR" in done.stderr
    assert done.stderr.count("\n") == 1
    assert private.stat().st_mode & 0o777 == 0o700
