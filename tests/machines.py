"""A machine of its own for a whole stack: free ports, a data directory, none of our settings."""

import os
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
