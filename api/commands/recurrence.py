"""`voicetodo preview`: when a rule would make a todo due, before there is one."""

from datetime import datetime
from typing import Annotated, Any

import typer
from rich import box
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from api.commands import moments, rules
from api.commands.client import Client
from api.commands.options import Api, Json, Zone, answer, connect
from core.rules import cli_times

_MOST = 100
_NOTES = {
    "gap": "clocks are set forward over it",
    "fold": "comes twice that night: the first",
    "skip": "the month has no such day",
    "shift": "moved off a day off",
}


def preview(
    words: Annotated[
        str | None,
        typer.Argument(help="Such as `every weekday at 9`, or an RRULE.", metavar="WORDS"),
    ] = None,
    *,
    rrule: rules.Rrule = None,
    due: Annotated[
        str | None, typer.Option(help=f"The first one: {cli_times.UNDERSTOOD}.", metavar="TIME")
    ] = None,
    count: Annotated[int, typer.Option(min=1, max=_MOST, help="How many.")] = 10,
    language: Annotated[
        str | None, typer.Option(help="Of the words: en, de, es, fr; else yours.", metavar="LANG")
    ] = None,
    zone: Zone = None,
    api: Api = None,
    as_json: Json = False,
) -> None:
    """Show when a rule would make a todo due; nothing is made."""
    with connect(api) as client:
        read = rules.read(client, words=words, rrule=rrule, zone=zone, language=language)
        if due:
            first = rules.beginning(read, moments.wall(client, due, zone))
            read = _from_then(client, read, first, language)
        body = {name: read[name] for name in ("recurrence", "due")}
        found = client.send("POST", "/recurrence/preview", {**body, "count": count}).body
    told = {**read, **found}
    answer(told, Text(told["explained"], style="bold"), _table(told), as_json=as_json)


def _from_then(
    client: Client, read: dict[str, Any], due: dict[str, Any], language: str | None
) -> dict[str, Any]:
    """Beginning at another time, which also tells what the rule leaves to it."""
    body = {"recurrence": read["recurrence"], "due": due, "locale": language}
    told = client.send("POST", "/recurrence/explain", body).body
    return {**read, "due": due, "explained": told["text"]}


def _table(told: dict[str, Any]) -> Table:
    table = Table(box=box.SIMPLE, pad_edge=False)
    for name in ("", "weekday", "due", "note"):
        table.add_column(name)
    for number, each in enumerate(told["occurrences"], 1):
        local = datetime.fromisoformat(each["local"])
        note = escape(_NOTES.get(each["note"] or "", ""))
        shown = each["local"].replace("T", " ")
        table.add_row(str(number), f"{local:%A}", shown, note, style="dim" if note else None)
    if told["more"]:
        table.add_row("…")
    return table
