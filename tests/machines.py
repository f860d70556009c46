"""A machine of its own for a whole stack: free ports, a data directory, none of our settings."""

import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.ports import free_port

PORTS = ("API_PORT", "TEMPORAL_PORT", "TEMPORAL_UI_PORT", "SANDBOX_PORT", "WORKER_METRICS_PORT")


def environment(data_dir: Path) -> dict[str, str]:
    """What `voicetodo up` is started with, so that several can run side by side."""
    inherited = {
        name: value
        for name, value in os.environ.items()
        if name != "DATABASE_URL" and not name.startswith("VOICETODO_")
    }
    return {
        **inherited,
        **{f"VOICETODO_{name}": str(free_port()) for name in PORTS},
        "VOICETODO_DATA_DIR": str(data_dir),
    }


@contextmanager
def full_disk(after: int) -> Iterator[None]:
    """No file of ours, or of what we start, grows beyond so many bytes: as on a disk that is full.

    A real one would need a file system of its own, and so root.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (after, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
