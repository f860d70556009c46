"""Outlives a killed supervisor for a moment and ends what it left, where no kernel does (macOS).

Run as a program. Lines "PID SIGNAL" on stdin name children and what to send them, "PID 0" those
that have ended. stdin ends with the supervisor, however that ended.
"""

import os
import signal
import sys
from contextlib import suppress


def main() -> None:
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    children: dict[int, int] = {}
    for line in sys.stdin:
        pid, number = map(int, line.split())
        children[pid] = number
    for pid, number in children.items():
        if number:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(pid, number)


if __name__ == "__main__":
    main()
