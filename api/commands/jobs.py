"""Long work of the server, watched from a terminal."""

import time
from collections.abc import Callable
from typing import Any, Final

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from api.commands.client import Client

OVER: Final = frozenset({"succeeded", "failed", "cancelled"})
WAITING: Final = "waiting"
FIRST_LOOK_S: Final = 0.2
LONGEST_LOOK_S: Final = 2.0  # 30 a minute: a person may ask 100 times


def watch(
    client: Client,
    job: dict[str, Any],
    what: str,
    news: Callable[[dict[str, Any]], str],
    *,
    also: frozenset[str] = frozenset(),
) -> dict[str, Any]:
    """Until it is over, or is one of `also`. The bar is on stderr, apart from what is answered."""
    console = Console(stderr=True)
    look = FIRST_LOOK_S
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        TaskProgressColumn(),
        TimeElapsedColumn(),
        TextColumn("[dim]{task.fields[news]}"),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    ) as progress:
        task = progress.add_task(what, total=1.0, news="")
        while job["status"] not in OVER | also:
            time.sleep(look)
            look = min(look * 1.2, LONGEST_LOOK_S)
            job = client.get(f"/jobs/{job['id']}")
            progress.update(task, completed=job["progress"], news=news(job))
    return job
