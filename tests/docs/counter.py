"""A warm process beside a shell: answers `voicetodo` at once, and waits until all is quiet.

    python -m tests.docs.counter SOCKET DATABASE_URL

Starting Python is most of what a command takes, and pages have sixty of them: here each is a fork
of one process that has imported all of it, with the caller's arguments, folder, environment and
streams. `CALL` is what calls it, with a Python that imports nothing.
"""

import contextlib
import json
import os
import signal
import socket
import sys
import time
from pathlib import Path
from typing import Final

import psycopg

from api import cli

QUIET_S: Final = 120.0
LONGEST: Final = 256 * 1024  # bytes of arguments and environment
CALL: Final = """
import json, os, socket, sys
with socket.socket(socket.AF_UNIX) as counter:
    counter.connect(sys.argv[1])
    asked = json.dumps([sys.argv[2:], os.getcwd(), dict(os.environ)]).encode()
    socket.send_fds(counter, [len(asked).to_bytes(4, "big")], [0, 1, 2])
    counter.sendall(asked)
    sys.exit(int(counter.recv(16) or b"70"))
"""
# What is on its way by itself. What waits for a day or for a person is not.
_UNDER_WAY: Final = """
SELECT (SELECT count(*) FROM outbox WHERE dead_at IS NULL)
     + (SELECT count(*) FROM executions WHERE open)
     + (SELECT count(*) FROM reminders WHERE lane IS NOT NULL AND next_at <= now())
     + (SELECT count(*) FROM deliveries WHERE status IN ('pending', 'sending'))
     + (SELECT count(*) FROM webhook_endpoints at JOIN feeds USING (workspace_id)
        WHERE at.status = 'active' AND (at.seq < feeds.seq OR at.next_at <= now()))
     + (SELECT count(*) FROM webhook_deliveries WHERE status = 'pending')
     + (SELECT count(*) FROM calendar_syncs WHERE next_at <= now())
"""


def settle(url: str) -> int:
    """Wait until nothing is under way any more; the code of a shell."""
    ends = time.monotonic() + QUIET_S
    with psycopg.connect(url, autocommit=True) as connection:
        while time.monotonic() < ends:
            if connection.execute(_UNDER_WAY).fetchone() == (0,):
                return 0
            time.sleep(0.1)
    sys.stderr.write(f"after {QUIET_S:.0f} s it is not quiet yet\n")
    return 1


def serve(listener: socket.socket, url: str) -> None:
    while True:
        call, _ = listener.accept()
        if os.fork() == 0:
            listener.close()
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            code = 1
            try:
                code = answer(call, url)
            finally:
                for stream in (sys.stdout, sys.stderr):
                    with contextlib.suppress(OSError):
                        stream.flush()
                call.sendall(str(code).encode())
                os._exit(code)
        call.close()


def answer(call: socket.socket, url: str) -> int:
    head, streams, *_ = socket.recv_fds(call, 4, 3)
    size, asked = int.from_bytes(head, "big"), b""
    while len(asked) < size:
        asked += call.recv(LONGEST)
    arguments, folder, environment = json.loads(asked)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
    return settle(url) if arguments == ["settle"] else cli.main(arguments)


def main(path: str, url: str) -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for them
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen()
        Path(f"{path}.ready").touch()
        serve(listener, url)


if __name__ == "__main__":
    main(*sys.argv[1:])
