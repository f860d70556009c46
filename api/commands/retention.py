"""`voicetodo admin retention`: what is forgotten when, and what the last runs came to.

Beside the API, as the other commands for operators.
"""
# ruff: noqa: PLC0415 - imports inside commands: SQLAlchemy costs `--help` half a second

import asyncio
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich import box
from rich.progress import Progress
from rich.table import Table
from rich.text import Text

from api.commands import database
from api.commands.options import Json, answer

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import timedelta

    from core.services.retention_statements import Rule


def retention(
    *,
    run: Annotated[
        str | None, typer.Option(help="Forget what is over of this class, now.", metavar="CLASS")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Count what is over; with --run, of this class alone.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Show what is forgotten when, and when that was done last."""
    from core.services import retention as service
    from core.services.retention_rules import RULES

    if run is not None and not service.of(run):
        names = ", ".join(dict.fromkeys(rule.kind for rule in RULES))
        raise typer.BadParameter(f"there is no class {run!r}; there are {names}")
    rules = RULES if run is None else service.of(run)
    rows = asyncio.run(_looked(rules, run=run is not None and not dry_run, dry_run=dry_run))
    answer(rows, _view(rows, dry_run=dry_run), as_json=as_json)


async def _looked(rules: "Sequence[Rule]", *, run: bool, dry_run: bool) -> list[dict[str, Any]]:
    from core import clock
    from core.services import retention as service

    async with database.opened("vt_retention") as opened:
        if run:
            with Progress(transient=True) as progress:
                for rule in rules:
                    task = progress.add_task(f"{rule.kind}: {rule.table}", total=None)
                    await service.run(
                        opened,
                        rule,
                        now=clock.now,
                        progress=lambda gone, task=task: progress.advance(task, gone),  # type: ignore[misc]  # a default is how a lambda keeps it
                    )
        async with opened.transaction(read_only=True) as tx:
            last = await service.runs(tx)
        over: dict[str, int] = {}
        for rule in rules if dry_run else ():
            async with opened.transaction(read_only=True) as tx:
                over[rule.name] = await service.over(tx, rule, now=clock.now())
    return [
        {
            "class": rule.kind,
            "rule": rule.name,
            "table": rule.table,
            "age": _age(rule),
            "action": rule.action,
            "last": asdict(last[rule.name]) if rule.name in last else None,
            **({"over": over[rule.name]} if dry_run else {}),
        }
        for rule in rules
    ]


def _age(rule: "Rule") -> str:
    from core.settings import settings

    if isinstance(rule.given, str):  # its rows say it: as their person chose, else as set up
        days = getattr(settings(), rule.given)
        return "for ever, or as chosen" if days is None else f"{days} d, or as chosen"
    return _span(rule.lasts + rule.given)


def _span(lasts: "timedelta") -> str:
    return f"{lasts.days} d" if lasts.days else f"{lasts.total_seconds() / 3600:.0f} h"


def _view(rows: list[dict[str, Any]], *, dry_run: bool) -> Table:
    view = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    view.add_column("rule", no_wrap=True)
    view.add_column("class", overflow="fold")
    view.add_column("age", overflow="fold")
    view.add_column("last run, UTC", no_wrap=True)
    for title in ("rows", "took", *(["over now"] if dry_run else [])):
        view.add_column(title, justify="right")
    for each in rows:
        kind = "" if each["class"] == each["rule"] else each["class"]
        over = [f"{each['over']:,}"] if dry_run else []
        view.add_row(each["rule"], kind, each["age"], *_last(each["last"]), *over)
    return view


def _last(run: dict[str, Any] | None) -> tuple[Text, str, str]:
    if run is None:
        return Text("never", "dim"), "", ""
    at = f"{run['began_at']:%m-%d %H:%M}"
    told = Text(at, "green")
    if run["error"]:
        told = Text(f"{at} {run['error']}", "red")
    elif run["unfinished"]:
        told = Text(f"{at}, goes on", "yellow")
    return told, f"{run['rows']:,}", f"{run['took_ms']} ms"
