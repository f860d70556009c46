"""Commands on a terminal: a pseudo-terminal, and somebody who answers what is asked."""

import os
import pty
import select
import subprocess
import sys
import time
from pathlib import Path

from tests.patience import PATIENCE_S

ROOT = Path(__file__).resolve().parents[1]


def talk(arguments: list[str], *answers: tuple[str, str], env: dict[str, str]) -> tuple[int, str]:
    """Run a command; type each answer once its prompt has appeared. Exit code and all it showed."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "api.cli", *arguments],
        stdin=theirs, stdout=theirs, stderr=theirs, cwd=ROOT, close_fds=True,
        env={**env, "TERM": "dumb", "COLUMNS": "200"},
    )  # fmt: skip
    os.close(theirs)
    shown, seen, until = "", 0, time.monotonic() + PATIENCE_S
    waiting = list(answers)
    try:
        while time.monotonic() < until:
            if select.select([ours], [], [], 0.1)[0]:
                try:
                    piece = os.read(ours, 4096)
                except OSError:  # Linux says so that nobody holds the other end any more
                    break
                if not piece:
                    break
                shown += piece.decode()
            if waiting and (at := shown.find(waiting[0][0], seen)) >= 0:
                seen = at + len(waiting[0][0])
                os.write(ours, f"{waiting.pop(0)[1]}\n".encode())
        return process.wait(max(until - time.monotonic(), 1)), shown.replace("\r", "")
    finally:
        process.kill()
        process.wait()
        os.close(ours)
