"""Tasks that do what a hijacked decoder would: for the tests of the pool."""

import os
import signal
import socket
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NoReturn

from integrations.audio.child import Refused, Reply, Task

MODULE = __name__


def prepare() -> Mapping[str, Task]:
    return {
        "echo": lambda asked, data: ({"pid": os.getpid(), "said": asked["said"]}, data),
        "environment": lambda *_: (dict(os.environ), b""),
        "refuse": _refuse,
        "die": _die,
        "sleep": _sleep,
        "burn": _burn,
        "memory": lambda *_: ({"got": len(bytearray(2**31))}, b""),
        "read": _tried(lambda: Path(__file__).read_bytes()),
        "connect": _tried(lambda: socket.create_connection(("127.0.0.1", 9))),
        "spawn": _tried(os.pipe),
    }


def _tried(what: Callable[[], object]) -> Task:
    def task(_: dict[str, Any], __: bytes) -> Reply:
        try:
            what()
        except OSError as error:
            return {"errno": error.errno}, b""
        return {"errno": None}, b""

    return task


def _refuse(_: dict[str, Any], __: bytes) -> NoReturn:
    raise Refused("undecodable")


def _die(_: dict[str, Any], __: bytes) -> NoReturn:
    os.kill(os.getpid(), signal.SIGSEGV)
    raise AssertionError


def _sleep(_: dict[str, Any], __: bytes) -> Reply:
    time.sleep(60)
    return {}, b""


def _burn(_: dict[str, Any], __: bytes) -> NoReturn:
    while True:
        pass
