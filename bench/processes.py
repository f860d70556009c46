"""What processes use, as the system tells it: `ps` where there is no /proc."""

import os
import subprocess
from pathlib import Path


def memory_mb(pid: int) -> float:
    """Resident."""
    status = Path(f"/proc/{pid}/statm")
    if status.exists():
        return int(status.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20
    told = subprocess.run(["ps", "-o", "rss=", "-p", str(pid)], capture_output=True, check=True)
    return int(told.stdout) / 1024


def group(pid: int) -> list[int]:
    """The processes that this leader of a group started, itself included."""
    told = subprocess.run(["ps", "-A", "-o", "pid=,pgid="], capture_output=True, check=True)
    pairs = (line.split() for line in told.stdout.splitlines())
    return [int(each) for each, leader in pairs if int(leader) == pid]


def cpu_s(pid: int) -> float:
    """Processor time so far; on Linux with that of its children that have ended."""
    status = Path(f"/proc/{pid}/stat")
    if status.exists():
        ticks = status.read_text().rpartition(")")[2].split()[11:15]
        return sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK")
    told = subprocess.run(["ps", "-o", "time=", "-p", str(pid)], capture_output=True, check=True)
    seconds = 0.0
    for part in told.stdout.decode().strip().split(":"):
        seconds = seconds * 60 + float(part)
    return seconds
