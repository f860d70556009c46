"""An API server that dies at its fault point, again and again: `python -m bench.chaos.forking`.

The application is imported and built once. Each round forks a child that serves on the inherited
socket until the armed fault (`FAULT`) kills it, which is its first connection. Nothing before the
fork has threads or connections: those are made by the child's own start.

    python -m bench.chaos.forking LISTENER SPARE

LISTENER is the socket's file descriptor, SPARE how many children wait at a time. Prints how each
child ended, a line each.
"""

import gc
import os
import signal
import socket
import sys

import uvicorn
from fastapi import FastAPI

from api import main as api
from core.children import die_with_parent


def serve(app: FastAPI, listener: socket.socket) -> None:
    config = uvicorn.Config(
        app, loop="uvloop", http="httptools", log_level="warning", access_log=False
    )
    uvicorn.Server(config).run(sockets=[listener])


def main() -> None:
    listener = socket.socket(fileno=int(sys.argv[1]))
    spare = int(sys.argv[2])
    app: FastAPI = api.app
    bind_to_us = die_with_parent(signal.SIGKILL)
    gc.freeze()
    alive: set[int] = set()
    while True:
        while len(alive) < spare:
            child = os.fork()
            if child == 0:
                if bind_to_us is not None:
                    bind_to_us()
                serve(app, listener)
                os._exit(1)  # it was to be killed
            alive.add(child)
        ended, status = os.wait()
        alive.discard(ended)
        print(os.waitstatus_to_exitcode(status), flush=True)


if __name__ == "__main__":
    main()
