"""Seconds from `voicetodo up` to its banner, which appears when `/ready` is answered with 200.

    python -m bench.start     ROUNDS by environment

Cold: an empty data directory, so that PostgreSQL's cluster is created and migrated. Again: the same
directory a second time, as after every Ctrl-C.
"""

import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench.results import keep

ROUNDS = int(os.environ.get("ROUNDS", "3"))
PORTS = {
    "API_PORT": 18200,
    "TEMPORAL_PORT": 18201,
    "TEMPORAL_UI_PORT": 18202,
    "SANDBOX_PORT": 18203,
    "WORKER_METRICS_PORT": 18204,
}
AIM_S = 10
PATIENCE_S = 120


def once(data_dir: Path) -> tuple[float, float]:
    """Seconds to ready and, after Ctrl-C, to the end."""
    chosen = {f"VOICETODO_{name}": str(port) for name, port in PORTS.items()}
    began = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-m", "api.cli", "up"],
        env={**os.environ, **chosen, "VOICETODO_DATA_DIR": str(data_dir)},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        if process.stdout is None:
            raise RuntimeError("no output")
        lines = []
        for line in process.stdout:
            lines.append(line)
            if line.startswith("Voice Todo is ready"):
                break
        else:  # it ended by itself
            raise RuntimeError("".join(lines))
        ready = time.monotonic() - began
        urllib.request.urlopen(f"http://127.0.0.1:{PORTS['API_PORT']}/ready", timeout=2).close()
        stopping = time.monotonic()
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=PATIENCE_S)
        return ready, time.monotonic() - stopping
    finally:
        process.terminate()
        process.wait(PATIENCE_S)


def main() -> None:
    table = Table("start", "ready", "slowest", "stopped after Ctrl-C")
    taken: dict[str, list[tuple[float, float]]] = {"cold": [], "again": []}
    for _ in range(ROUNDS):
        with tempfile.TemporaryDirectory(prefix="vt-") as folder:
            taken["cold"].append(once(Path(folder)))
            taken["again"].append(once(Path(folder)))
    for name, rounds in taken.items():
        ready, stopped = zip(*rounds, strict=True)
        seconds = (statistics.median(ready), max(ready), statistics.median(stopped))
        table.add_row(name, *(f"{each:.1f} s" for each in seconds))
    Console().print(table)
    keep("Start", "python -m bench.start", table, note=f"median of {ROUNDS}, aim ≤ {AIM_S} s")


if __name__ == "__main__":
    main()
