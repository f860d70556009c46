"""Fault points for tests: `FAULT=name:kill` ends the process there. Never set in production."""

import os
import signal

from core.settings import settings


def point(name: str) -> None:
    """Die here if this is the point that the test named."""
    if settings().fault == f"{name}:kill":
        os.kill(os.getpid(), signal.SIGKILL)
