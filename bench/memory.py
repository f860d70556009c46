"""How much memory processes hold, as the system tells it."""

import os
import subprocess
from pathlib import Path


def memory_mb(pid: int) -> float:
    """Resident; `ps` where there is no /proc."""
    status = Path(f"/proc/{pid}/statm")
    if status.exists():
        return int(status.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20
    told = subprocess.run(["ps", "-o", "rss=", "-p", str(pid)], capture_output=True, check=True)
    return int(told.stdout) / 1024


def group_mb(pid: int) -> float:
    """Of all processes that this leader of a group started, itself included; pages that they
    share count for each.
    """
    told = subprocess.run(["ps", "-A", "-o", "pgid=,rss="], capture_output=True, check=True)
    pairs = (line.split() for line in told.stdout.splitlines())
    return sum(int(rss) for group, rss in pairs if int(group) == pid) / 1024
