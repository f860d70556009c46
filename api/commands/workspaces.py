"""`voicetodo workspaces | sandbox | clock`: where one works, and places to try things in time."""

from datetime import datetime
from typing import Annotated, Any

import typer
from rich import box
from rich.markup import escape
from rich.table import Table

from api.commands import jobs, moments
from api.commands.client import Client
from api.commands.options import Api, Json, answer, connect
from api.commands.words import counted, short
from core.errors import NotFound, Rejected
from core.rules import cli_times

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
        path = f"/workspaces/{id_of(client, workspace)}/clock"
        if advance is not None:
            iso = advance.upper().startswith("P")
            body = {"advance": advance.upper() if iso else moments.duration(advance)}
        else:
            body = {"to": _instant(client, to or "")}
        begun = client.send("POST", path, body).body
        job = jobs.watch(client, begun, "moving the clock", _handled)
    if job["status"] != "succeeded":
        raise Rejected(job["error"] or f"the move was {job['status']}")
    result = job["result"]
    rows = f"{result['handled']} due at {counted(result['instants'], 'instant', 'instants')}"
    answer(job, f"It is {_told(result['to'])}: {rows}", as_json=as_json)


def id_of(client: Client, given: str) -> str:
    """Of its id, the end of that, or its name."""
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


def _handled(job: dict[str, Any]) -> str:
    return f"{job['result']['handled']} handled"


def _told(instant: str) -> str:
    return f"{datetime.fromisoformat(instant):%Y-%m-%d %H:%M:%S} UTC"
