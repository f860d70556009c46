"""What a child process needs so that it never outlives its parent."""

import ctypes
import os
import signal
import sys
from collections.abc import Callable

_PR_SET_PDEATHSIG = 1
# Loaded before any fork: a child between fork and exec must not import or lock anything.
_libc = ctypes.CDLL(None) if sys.platform == "linux" else None


def die_with_parent(with_signal: signal.Signals) -> Callable[[], None] | None:
    """Return a `preexec_fn` that has the kernel send `with_signal` when the starting thread ends.

    Linux only, elsewhere None; start such children from the main thread. Works together with
    `user=`: Python switches the user first, and the kernel forgets the wish at that switch.
    """
    libc = _libc
    if libc is None:
        return None
    parent = os.getpid()

    def before_exec() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, int(with_signal), 0, 0, 0)
        if os.getppid() != parent:  # the parent died before the wish was known
            os._exit(1)

    return before_exec
