"""Faults that tests ask for in a process of ours. Never set in production.

`FAULT=name:kill` ends it at a fault point. `CLOCK_FILE=path` puts its machine's clock wrong by as
many seconds as the file says, which may change at any time.
"""

import os
import signal
import time
from pathlib import Path

from core.clock import CLOCK
from core.settings import settings


def point(name: str) -> None:
    """Die here if this is the point that the test named."""
    if settings().fault == f"{name}:kill":
        os.kill(os.getpid(), signal.SIGKILL)


def skew_clock(by: Path) -> None:
    CLOCK.machine = lambda: time.time() + float(by.read_text())
