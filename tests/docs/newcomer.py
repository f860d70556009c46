"""Somebody who has just fetched the project: a folder, a home, `make run`, and a shell."""

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psycopg

from core import embedded_postgres
from tests.docs.counter import CALL
from tests.docs.pages import ROOT, Block
from tests.machines import environment

START_S: Final = 180.0  # on a machine that does other things as well
STOP_S: Final = 60.0
# What pages call by its usual port, which another installation may have here.
PORTS: Final = {"API_PORT": 8000, "SANDBOX_PORT": 8025}
WAITS: Final = 4  # a command's exit code: it asked something, and the page goes on to answer
INSTALLED: Final = ".venv/installed"  # make -o: as it is here, however old
_BEGIN: Final = "==== block "


@dataclass(frozen=True, slots=True)
class Told:
    """What a block printed, both streams as they came, and how its shell ended if it did."""

    text: str
    failed: bool


@dataclass(frozen=True, slots=True)
class Newcomer:
    """`folder` is as a fresh clone, in which `make run` runs."""

    folder: Path
    env: dict[str, str]

    @property
    def database_url(self) -> str:
        return embedded_postgres.url(self.folder / ".voicetodo")

    def shell(self, blocks: Sequence[Block], timeout: float, *, warm: bool) -> dict[Block, Told]:
        """Run these one after the other in one shell, up to the first that fails.

        `sleep` takes as long as it says, and then until nothing is under way: a page says what is
        enough for a machine with nothing else to do. `warm`: commands are answered by a process
        that has started already.
        """
        name = Path(blocks[0].page).stem
        home = self.folder.parent / f"home-{name}"
        home.mkdir()
        env = {
            **self.env,
            "HOME": str(home),
            "XDG_CONFIG_HOME": str(home / ".config"),
            "TEMPORAL_ADDRESS": f"127.0.0.1:{self.env['VOICETODO_TEMPORAL_PORT']}",
        }
        with self._counter(name) as call, tempfile.TemporaryFile("w+") as told:
            script = [
                "set -Eo pipefail",
                f"trap '[ $? = {WAITS} ] || exit 1' ERR",
                f'make() {{ command make -o {INSTALLED} "$@"; }}',
                f'sleep() {{ command sleep "$@"; {call} settle; }}',
            ]
            if warm:
                script.append(f'voicetodo() {{ {call} "$@"; }}')
            for number, block in enumerate(blocks):
                script += [f"printf '\\n{_BEGIN}{number}\\n'", self.here(block.text)]
            ran = subprocess.run(
                ["bash", "-c", "\n".join(script)],
                cwd=self.folder, env=env, stdin=subprocess.DEVNULL, stdout=told,
                stderr=subprocess.STDOUT, check=False, timeout=timeout,
            )  # fmt: skip
            told.seek(0)
            parts = re.split(f"^{_BEGIN}\\d+\n", told.read(), flags=re.MULTILINE)[1:]
        last = len(parts) - 1
        return {
            block: Told(part, failed=number == last and ran.returncode != 0)
            for number, (block, part) in enumerate(zip(blocks, parts, strict=False))
        }

    @contextmanager
    def _counter(self, name: str) -> Iterator[str]:
        """How a shell calls `tests.docs.counter`, which is there until the block ends."""
        path = self.folder.parent / f"counter-{name}"
        command = [sys.executable, "-m", "tests.docs.counter", str(path), self.database_url]
        process = subprocess.Popen(command, cwd=ROOT, env=self.env)
        try:
            while not Path(f"{path}.ready").exists():
                assert process.poll() is None, "the counter does not open"
                time.sleep(0.02)
            yield shlex.join([sys.executable, "-IS", "-c", CALL, str(path)])
        finally:
            process.kill()
            process.wait()

    def here(self, text: str) -> str:
        """The same text with the ports that this installation has."""
        for name, usual in PORTS.items():
            text = text.replace(f"127.0.0.1:{usual}", f"127.0.0.1:{self.env[f'VOICETODO_{name}']}")
        return text

    def query(self, text: str) -> None:
        """Run SQL as whoever looks into the database does."""
        with psycopg.connect(self.database_url) as connection:
            connection.execute(text.encode())


@contextmanager
def newcomer() -> Iterator[Newcomer]:
    """All servers run, by `make run`, until the block ends."""
    # Not below pytest's own folders: they are private, and PostgreSQL is another user for root.
    home = Path(tempfile.mkdtemp(prefix="vt-")).resolve()
    home.chmod(0o755)
    folder = home / "voice-todo"
    folder.mkdir()
    for entry in ROOT.iterdir():
        if not entry.name.startswith("."):
            (folder / entry.name).symlink_to(entry)
    (folder / ".venv").symlink_to(sys.prefix)
    env = environment(folder / ".voicetodo")
    del env["VOICETODO_DATA_DIR"]  # it is where it is when nobody says anything
    env["VOICETODO_RATE_LIMIT_API"] = "10000"  # nobody reads that fast
    log = home / "make-run.log"
    command = ["make", "-o", INSTALLED, "run"]
    with log.open("w") as sink:
        running = subprocess.Popen(
            command, cwd=folder, env=env, stdin=subprocess.DEVNULL, stdout=sink,
            stderr=subprocess.STDOUT, process_group=0,
        )  # fmt: skip
    try:
        ends = time.monotonic() + START_S
        while "Voice Todo is ready" not in log.read_text(encoding="utf-8"):
            if running.poll() is not None or time.monotonic() > ends:
                raise RuntimeError(log.read_text(encoding="utf-8"))
            time.sleep(0.1)
        yield Newcomer(folder, env)
    finally:
        if running.poll() is None:
            os.killpg(running.pid, signal.SIGINT)  # as a terminal does
            running.wait(STOP_S)
        shutil.rmtree(home)
