"""Ports for servers that are told theirs before they start."""

import secrets
import socket
from itertools import count

# Kernels give clients, and whoever binds to port 0, only ports above these (Linux from 32768, macOS
# from 49152): between our look and the server's start nobody is handed what was free. Where to
# begin is drawn, so that test processes side by side do not look at the same port.
_FIRST, _COUNT = 15_000, 17_000
_next = count(secrets.randbelow(_COUNT))


def free_port() -> int:
    """Return one that nobody listens on; this process is not given it again."""
    while True:
        port = _FIRST + next(_next) % _COUNT
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port
