"""An API server that dies at its fault point, again and again: `python -m bench.chaos.forking`.

The application is imported and built once. Each round forks a child that serves on the inherited
socket until the armed fault (`FAULT`) kills it, which is its first connection. Nothing before the
fork has threads or connections: those are made by the child's own start.

    python -m bench.chaos.forking LISTENER SPARE [LONGEST_LIFE_S SEED FAULT...]

LISTENER is the socket's file descriptor, SPARE how many children wait at a time. With a longest
life, each child draws its own and one of the faults or none, and dies of whatever comes first.
Prints how each child ended, a line each.
"""

import gc
import os
import signal
import socket
import sys
from collections.abc import Sequence
from random import Random
from threading import Timer

import uvicorn
from fastapi import FastAPI

from api import main as api
from core.children import die_with_parent
from core.settings import settings

SHORTEST_LIFE_S = 0.2
AT_A_FAULT = 0.5  # of the children that draw


def serve(app: FastAPI, listener: socket.socket) -> None:
    config = uvicorn.Config(
        app, loop="uvloop", http="httptools", log_level="warning", access_log=False
    )
    uvicorn.Server(config).run(sockets=[listener])


def doom(rng: Random, longest: float, faults: Sequence[str]) -> None:
    """This process dies at one of the faults, or at some moment before."""
    fault = rng.choice(faults) if rng.random() < AT_A_FAULT else ""
    os.environ["FAULT"] = f"{fault}:kill" if fault else ""
    settings.cache_clear()
    timer = Timer(rng.uniform(SHORTEST_LIFE_S, longest), os.kill, (os.getpid(), signal.SIGKILL))
    timer.daemon = True
    timer.start()


def main() -> None:
    listener = socket.socket(fileno=int(sys.argv[1]))
    spare = int(sys.argv[2])
    longest, seed, *faults = sys.argv[3:] or ["", ""]
    rng = Random(seed)  # noqa: S311 - repeatable, which is the point
    app: FastAPI = api.app
    bind_to_us = die_with_parent(signal.SIGKILL)
    gc.freeze()
    alive: set[int] = set()
    while True:
        while len(alive) < spare:
            own = Random(rng.random())  # noqa: S311 - as above
            child = os.fork()
            if child == 0:
                if bind_to_us is not None:
                    bind_to_us()
                os.dup2(2, 1)  # what servers log is no line of ours
                if longest:
                    doom(own, float(longest), faults)
                serve(app, listener)
                os._exit(1)  # it was to be killed
            alive.add(child)
        ended, status = os.wait()
        alive.discard(ended)
        print(os.waitstatus_to_exitcode(status), flush=True)


if __name__ == "__main__":
    main()
