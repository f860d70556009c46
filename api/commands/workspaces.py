"""`voicetodo workspaces | sandbox | clock`: where one works, and places to try things in time."""

import time
from datetime import datetime
from typing import Annotated, Any, Final

import typer
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from api.commands import moments
from api.commands.client import Client
from api.commands.options import Api, Json, answer, connect
from api.commands.words import short
from core.errors import NotFound, Rejected
from core.rules import cli_times

LOOK_EVERY_S: Final = 0.3
_OVER: Final = {"succeeded", "failed", "cancelled"}

Moment = Annotated[
    str | None,
    typer.Option(help=f"An instant of RFC 3339, or {cli_times.UNDERSTOOD}.", metavar="TIME"),
]


def workspaces(*, api: Api = None, as_json: Json = False) -> None:
    """List where you are a member, and what time it is in sandboxes."""
    with connect(api) as client:
        found = list(client.pages("/workspaces"))
    table = Table(box=box.SIMPLE_HEAD)
    for name in ("id", "kind", "name", "role", "its clock"):
        table.add_column(name)
    for each in found:
        clock = _told(each["clock_at"]) if each["clock_at"] else "runs"
        row = (short(each["id"]), each["kind"], escape(each["name"]), each["role"], clock)
        table.add_row(*row)
    answer(found, table, as_json=as_json)


def sandbox(
    name: Annotated[str, typer.Argument(help="What to call it.")] = "Sandbox",
    *,
    now: Moment = None,
    api: Api = None,
    as_json: Json = False,
) -> None:
    """Make a workspace whose time stands still until you move it; nothing leaves it."""
    with connect(api) as client:
        body: dict[str, Any] = {"kind": "sandbox", "name": name}
        if now:
            body["now"] = _instant(client, now)
        made = client.send("POST", "/workspaces", body).body
    shown = f"{escape(made['name'])} stands at {_told(made['clock_at'])}: [dim]{made['id']}"
    answer(made, shown, as_json=as_json)


def clock(
    workspace: Annotated[str, typer.Argument(help="Its name or id.", metavar="WORKSPACE")],
    *,
    advance: Annotated[
        str | None,
        typer.Option(
            help=f"By so much: `P1D`, {cli_times.UNDERSTOOD_DURATIONS}.", metavar="DURATION"
        ),
    ] = None,
    to: Moment = None,
    api: Api = None,
    as_json: Json = False,
) -> None:
    """Move a sandbox's time forward, and watch what falls due on the way."""
    if (advance is None) == (to is None):
        raise typer.BadParameter("give one of --advance and --to")
    with connect(api) as client:
        path = f"/workspaces/{_id(client, workspace)}/clock"
        if advance is not None:
            iso = advance.upper().startswith("P")
            body = {"advance": advance.upper() if iso else moments.duration(advance)}
        else:
            body = {"to": _instant(client, to or "")}
        job = _watch(client, client.send("POST", path, body).body)
    if job["status"] != "succeeded":
        raise Rejected(job["error"] or f"the move was {job['status']}")
    result = job["result"]
    rows = f"{result['handled']} due at {result['instants']} instants"
    answer(job, f"It is {_told(result['to'])}: {rows}", as_json=as_json)


def _watch(client: Client, job: dict[str, Any]) -> dict[str, Any]:
    """Until it is over. The bar is on stderr: what is answered stays apart from it."""
    console = Console(stderr=True)
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        TaskProgressColumn(),
        TimeElapsedColumn(),
        TextColumn("[dim]{task.fields[rows]}"),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    ) as progress:
        task = progress.add_task("moving the clock", total=1.0, rows="")
        while job["status"] not in _OVER:
            time.sleep(LOOK_EVERY_S)
            job = client.get(f"/jobs/{job['id']}")
            rows = f"{job['result']['handled']} handled"
            progress.update(task, completed=job["progress"], rows=rows)
    return job


def _id(client: Client, given: str) -> str:
    """Of its id, the beginning of that, or its name."""
    found = [
        each
        for each in client.pages("/workspaces")
        if given in {each["id"], short(each["id"])} or each["name"].lower() == given.lower()
    ]
    if len(found) > 1:
        ids = ", ".join(short(each["id"]) for each in found)
        raise typer.BadParameter(f"several are called {given!r}, name one: {ids}")
    if not found:
        raise NotFound(f"there is no workspace {given!r} that you can see")
    return str(found[0]["id"])


def _instant(client: Client, text: str) -> str:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        at = moments.instant(client, text)
    return at.isoformat()


def _told(instant: str) -> str:
    return f"{datetime.fromisoformat(instant):%Y-%m-%d %H:%M:%S} UTC"
