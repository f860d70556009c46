"""The process itself: `pool` runs `main` with the name of a module that has the tasks.

It gets its work and gives its answers through two pipes, loads what it needs, and then gives up
what a hijacked decoder would want: it can open no file and no socket (no further descriptor at
all), write none, dump no core, and use only so much memory and, for each task, processor time.
Answers are JSON and bytes, so that nothing it says can run in the process that asks.
"""

import contextlib
import importlib
import os
import resource
import signal
import struct
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, BinaryIO, Final

import orjson

HEAD: Final = struct.Struct("!II")  # lengths of the JSON and of the bytes behind it
MEMORY: Final = 384 * 1024 * 1024  # on top of what it has when it begins to work
NICE: Final = 5  # a recording waits, a person in front of the API does not

Reply = tuple[dict[str, Any], bytes]
Task = Callable[[dict[str, Any], bytes], Reply]


class Refused(Exception):
    """The work cannot be done, nor ever will be; the code says why."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def pack(said: Mapping[str, Any], data: bytes = b"") -> bytes:
    text = orjson.dumps(said)
    return HEAD.pack(len(text), len(data)) + text


def _serve(tasks: Mapping[str, Task], asked: BinaryIO, told: BinaryIO) -> None:
    _tell(told, {"ready": True})
    while head := asked.read(HEAD.size):
        text_bytes, data_bytes = HEAD.unpack(head)
        order = orjson.loads(asked.read(text_bytes))
        data = asked.read(data_bytes)
        _limit_time(order["cpu_s"])
        try:
            said, answer = tasks[order["task"]](order, data)
        except Refused as refused:
            said, answer = {"refused": refused.code}, b""
        except MemoryError:
            said, answer = {"refused": "undecodable"}, b""
        del data
        _tell(told, said, answer)


def _tell(told: BinaryIO, said: Mapping[str, Any], data: bytes = b"") -> None:
    told.write(pack(said, data))
    told.write(data)
    told.flush()


def _limit_time(seconds: float) -> None:
    """Beyond it the kernel ends us (SIGXCPU); counted from now."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    until = int(used.ru_utime + used.ru_stime + seconds) + 1
    _, most = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (until, most))


def _give_up_rights(size: int) -> None:
    # Linux holds to all of these; macOS takes no limit of memory, so there a bomb is stopped by
    # the count of samples and by the time alone.
    for what in (resource.RLIMIT_CORE, resource.RLIMIT_FSIZE, resource.RLIMIT_NOFILE):
        resource.setrlimit(what, (0, 0))
    if sys.platform == "linux":
        resource.setrlimit(resource.RLIMIT_AS, (size + MEMORY, size + MEMORY))


def main() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to hear
    asked, told = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDWR)
    for each in (0, 1, 2):  # what libraries print is nobody's answer
        os.dup2(nothing, each)
    with contextlib.suppress(OSError):
        os.nice(NICE)
    tasks = importlib.import_module(sys.argv[1]).prepare()
    _give_up_rights(_size())
    with contextlib.suppress(BrokenPipeError):  # the parent is gone, and nobody waits
        _serve(tasks, asked, told)
    os._exit(0)


def _size() -> int:
    """Bytes of address space that are in use; only Linux tells."""
    if sys.platform != "linux":
        return 0
    pages = Path("/proc/self/statm").read_text(encoding="ascii").split()[0]
    return int(pages) * resource.getpagesize()
