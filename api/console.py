"""What `voicetodo up` shows: a prefixed line per line of a part, progress, and the way on."""

import itertools
import shutil
import sys
from collections.abc import Iterable
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn
from rich.text import Text

from core.settings import Settings

_COLOURS = ("blue", "magenta", "cyan", "yellow", "green", "bright_blue", "bright_magenta")


class Screen:
    """Writes to stdout; without a terminal the same lines appear plain and without the bar."""

    def __init__(self, names: Iterable[str], console: Console | None = None) -> None:
        names = list(names)
        self._console = console or Console(highlight=False, soft_wrap=True)
        self._style = dict(zip(names, itertools.cycle(_COLOURS), strict=False))
        self._width = max(len(name) for name in names)
        self._waiting = names
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("starting"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TextColumn("[dim]{task.description}"),
            console=self._console,
            transient=True,
            disable=not self._console.is_terminal,
        )
        self._task = self._progress.add_task(", ".join(names), total=len(names))

    def start(self) -> None:
        self._progress.start()

    def finish(self) -> None:
        self._progress.stop()

    def log(self, name: str, line: str) -> None:
        """Show one line of a part as it came: its own colours would confuse the terminal."""
        self._line(name, Text(line.replace("\x1b", "")))

    def note(self, name: str, news: str) -> None:
        """Show what happened to a part."""
        if news.startswith("ready") and name in self._waiting:
            self._waiting.remove(name)
            self._progress.update(self._task, advance=1, description=", ".join(self._waiting))
        self._line(name, Text(news, style="bold green" if news.startswith("ready") else "bold"))

    def banner(self, settings: Settings, seconds: float, *, temporal: bool) -> None:
        """Show where everything is, and commands that can be copied as they stand."""
        self.finish()
        shown = Text()
        rows = [("API", f"{settings.api_url}/docs")]
        if temporal:
            rows.append(("Temporal UI", f"http://127.0.0.1:{settings.temporal_ui_port}"))
        if settings.dev:
            rows.append(("Mailbox", f"{settings.sandbox_url}/"))
        shown.append(f"\nVoice Todo is ready ({seconds:.1f} s).\n\n", style="bold green")
        for label, address in rows:
            shown.append(f"  {label:<12}").append(f"{address}\n", style="underline")
        shown.append("\nTry it in another terminal:\n\n")
        shown.append(f"  {_command()} demo\n\n", style="bold")
        shown.append(
            f"  curl -s {settings.api_url}/api/v1/auth/register -H 'Content-Type: application/json'"
            """ -d '{"email": "you@example.com", "password": "a sentence only you would say"}'\n""",
            style="bold",
        )
        shown.append("\nCtrl-C stops everything.\n", style="dim")
        self._print(shown)

    def _line(self, name: str, line: Text) -> None:
        prefix = Text(f"{name:<{self._width}} │ ", style=self._style[name])
        self._print(prefix.append_text(line))

    def _print(self, text: Text) -> None:
        try:
            self._console.print(text)
        except OSError:  # nobody reads any more (`up | head`): the servers go on
            self._console.file = sys.stderr


def _command() -> str:
    """How the person who reads it can call us: not everybody has activated the environment."""
    beside = Path(sys.executable).with_name("voicetodo")
    if shutil.which("voicetodo") or not beside.exists():
        return "voicetodo"
    here = Path.cwd()
    return str(beside.relative_to(here) if beside.is_relative_to(here) else beside)


def complain(sentences: str) -> None:
    """Tell on stderr what a person must mend, one sentence a line."""
    Console(stderr=True, highlight=False, soft_wrap=True).print(Text(sentences, style="bold red"))
