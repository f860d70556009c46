"""The real Temporal dev server, out of the wheel, for as long as a test wants it."""

import contextlib
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from core import embedded
from core.settings import Settings
from tests.patience import PATIENCE_S
from tests.ports import free_port


class Server:
    """One dev server and its file. It may be killed, wiped and started again."""

    def __init__(self, folder: Path, port: int | None = None) -> None:
        self.settings = Settings(
            _env_file=None,
            data_dir=folder,
            temporal_port=port or free_port(),
            temporal_ui_port=free_port(),
        )
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        return embedded.temporal_address(self.settings)

    @property
    def pid(self) -> int:
        assert self._process is not None, "it was not started"
        return self._process.pid

    def start(self) -> None:
        """Return when it answers and knows our search attributes."""
        self._folder.mkdir(parents=True, exist_ok=True)
        with (self._folder / "temporal.log").open("ab") as log:
            self._process = subprocess.Popen(
                embedded.temporal_command(self.settings), stdout=log, stderr=log, process_group=0
            )
        deadline = time.monotonic() + PATIENCE_S
        for command in embedded.temporal_namespace_commands(self.settings):
            while subprocess.run(command, capture_output=True, check=False).returncode:
                if time.monotonic() > deadline:
                    raise RuntimeError(f"Temporal does not start: {self._folder}/temporal.log")
                time.sleep(0.1)

    def kill(self) -> None:
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None

    def files(self) -> list[Path]:
        """All that it keeps on disk."""
        return [each for each in self._folder.rglob("*") if each.is_file()]

    def wipe(self) -> None:
        """Delete all that a killed server knew."""
        for file in self._folder.glob("temporal.db*"):
            file.unlink()


@contextmanager
def server() -> Iterator[Server]:
    """A running server of one's own."""
    with tempfile.TemporaryDirectory(prefix="vt-") as folder:
        made = Server(Path(folder))
        try:
            made.start()
            yield made
        finally:
            made.kill()
