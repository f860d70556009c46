"""A story told step by step: live for a person, line by line without a terminal."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.spinner import Spinner
from rich.text import Text

REFRESH_PER_S = 10


@dataclass(slots=True)
class Step:
    """What is happening, and what became of it; `news` may change until it ends."""

    title: str
    began: float
    news: str = ""
    mark: str = ""  # empty while it goes on


class Story:
    """A context: shows its steps as they happen. Silent when `quiet`."""

    def __init__(self, *, quiet: bool = False) -> None:
        self._console = Console(highlight=False, quiet=quiet, soft_wrap=True)
        self._steps: list[Step] = []
        self._began = time.monotonic()
        self._live = Live(
            console=self._console,
            get_renderable=self._render,
            refresh_per_second=REFRESH_PER_S,
            auto_refresh=self._console.is_terminal,
            transient=not self._console.is_terminal,
        )

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._console.is_terminal:
            self._live.stop()

    @contextmanager
    def step(self, title: str) -> Iterator[Callable[[str], None]]:
        """Give a function that tells the news of this step; a step that raises is marked so."""
        step = Step(title, time.monotonic())
        self._steps.append(step)

        def tell(news: str) -> None:
            step.news = news

        try:
            yield tell
        except BaseException:
            self._end(step, "✘")
            raise
        self._end(step, "✔")

    def _end(self, step: Step, mark: str) -> None:
        step.mark = mark
        if not self._console.is_terminal:
            self._console.print(self._line(step))

    def _render(self) -> RenderableType:
        return Group(
            *(
                self._line(step)
                if step.mark
                else Spinner("dots", Text(f" {step.title}  {step.news}"))
                for step in self._steps
            )
        )

    def _line(self, step: Step) -> Text:
        line = Text(f"{step.mark} ", "green" if step.mark == "✔" else "red")
        line.append(f"{step.began - self._began:5.1f} s  ", "dim")
        line.append(step.title, "default")
        line.append(f"  {step.news}", "dim")
        return line
