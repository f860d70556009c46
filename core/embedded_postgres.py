"""PostgreSQL out of a wheel: one cluster in one directory, reachable through a unix socket only.

The package's own `get_server` is not used: it detaches the server, which then survives a killed
parent, and as root it opens every parent folder of the data to everyone.
"""

import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import psycopg

from core.children import die_with_parent
from core.embedded_cluster import DATABASE, binary, pgdata, prepare, run_as, socket_dir
from core.errors import Misconfigured

_START_SECONDS = 120  # it takes 0.2, but not on a machine that is busy with other things
_STOP_SECONDS = 10
_SETTINGS = {
    "listen_addresses": "",
    "shared_buffers": "256MB",
    "max_connections": "100",
    "jit": "off",  # compiling costs more than our short queries
    "random_page_cost": "1.1",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
    # Statements and details hold what people wrote, which never goes to a log.
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
}
# Commits still reach the kernel before they are answered: a killed server loses none of them.
_FAST = {"fsync": "off", "full_page_writes": "off"}


def url(data_dir: Path) -> str:
    return f"postgresql://postgres@/{DATABASE}?host={quote(str(socket_dir(data_dir)))}"


def command(data_dir: Path, *, fast: bool = False) -> list[str]:
    settings = _SETTINGS | (_FAST if fast else {})
    settings["unix_socket_directories"] = str(socket_dir(data_dir))
    options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    return [str(binary("postgres")), "-D", str(pgdata(data_dir)), *options]


def ready(data_dir: Path) -> bool:
    try:
        psycopg.connect(url(data_dir), connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True


@contextmanager
def postgres(data_dir: Path, *, fast: bool = False) -> Iterator[str]:
    """Run PostgreSQL in `data_dir` (created when missing) and yield its libpq URL.

    `fast` is for tests: what was committed survives a killed server, but not a power cut.
    The log is `data_dir/postgres.log`. Call it from the main thread: the server ends with it.
    """
    prepare(data_dir, fast=fast)
    log = data_dir / "postgres.log"
    with log.open("ab") as sink:
        process = subprocess.Popen(  # noqa: S603 - the wheel's own program
            command(data_dir, fast=fast),
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=sink,
            process_group=0,
            preexec_fn=die_with_parent(signal.SIGINT),  # noqa: PLW1509 - one prctl, no locks
            **run_as(),
        )
    try:
        deadline = time.monotonic() + _START_SECONDS
        # Ours must be the one that answers: a second server on the same files ends at once.
        while not ready(data_dir) or process.poll() is not None:
            if process.poll() is not None or time.monotonic() > deadline:
                raise Misconfigured(f"PostgreSQL does not start: its log is {log}")
            time.sleep(0.02)
        yield url(data_dir)
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
