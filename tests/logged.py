"""What this process logs, as the JSON lines that its API or worker would print."""

import io
import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from core import logs


class Lines(io.StringIO):
    def read_all(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.getvalue().splitlines()]


@contextmanager
def logged(part: str) -> Iterator[Lines]:
    """pytest's own handlers come back afterwards."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    root.handlers.clear()
    stream = Lines()
    logs.configure(part, strict=True, stream=stream)
    try:
        yield stream
    finally:
        logs.configure(part, strict=True, stream=stream)
        root.handlers[:] = handlers
        root.setLevel(level)
