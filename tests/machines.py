"""A machine of its own for a whole stack: free ports, a data directory, none of our settings."""

import os
import socket
from contextlib import ExitStack
from pathlib import Path

PORTS = ("API_PORT", "TEMPORAL_PORT", "TEMPORAL_UI_PORT", "SANDBOX_PORT", "WORKER_METRICS_PORT")


def environment(data_dir: Path) -> dict[str, str]:
    """What `voicetodo up` is started with, so that several can run side by side."""
    with ExitStack() as stack:
        free = [stack.enter_context(socket.socket()) for _ in PORTS]
        for probe in free:
            probe.bind(("127.0.0.1", 0))
        ports = [str(probe.getsockname()[1]) for probe in free]
    inherited = {
        name: value
        for name, value in os.environ.items()
        if name != "DATABASE_URL" and not name.startswith("VOICETODO_")
    }
    return {
        **inherited,
        **{f"VOICETODO_{name}": port for name, port in zip(PORTS, ports, strict=True)},
        "VOICETODO_DATA_DIR": str(data_dir),
    }
