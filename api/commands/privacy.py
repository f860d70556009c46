"""`voicetodo admin privacy | requests | breach-report`: what an operator owes to people.

Beside the API, as the other commands for operators: they read the settings and PostgreSQL.
"""
# ruff: noqa: PLC0415 - imports inside commands: SQLAlchemy costs `--help` half a second

from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer
from rich import box
from rich.table import Table

from api.commands.database import in_transaction
from api.commands.options import Json, answer, load_settings
from api.commands.words import counted
from core.errors import Misconfigured
from core.rules.data_requests import RequestKind, RequestOutcome

if TYPE_CHECKING:
    from core.db import Transaction
    from core.services.breaches import Report
    from core.services.data_requests import DataRequest

PAGE = Path(__file__).resolve().parents[2] / "docs" / "privacy.md"
DATES = ["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"]
Moment = Annotated[datetime, typer.Option(formats=DATES, help="UTC.")]
requests = typer.Typer(
    help="What people asked for under the GDPR, and until when.", no_args_is_help=False
)


def privacy(
    *,
    write: Annotated[bool, typer.Option("--write", help="Write docs/privacy.md.")] = False,
    check: Annotated[bool, typer.Option("--check", help="Compare with docs/privacy.md.")] = False,
) -> None:
    """Print, write or check the page that tells people what is kept of them."""
    from core.rules import data_map
    from core.rules import privacy as page

    text = page.markdown(data_map.read())
    if write:
        PAGE.write_text(text, encoding="utf-8")
    elif check:
        if not PAGE.exists() or PAGE.read_text(encoding="utf-8") != text:
            raise Misconfigured(
                "docs/privacy.md is not the map's: `voicetodo admin privacy --write`"
            )
    else:
        typer.echo(text, nl=False)
        return
    typer.echo("docs/privacy.md is current.")


@requests.callback(invoke_without_command=True)
def listed(
    context: typer.Context,
    *,
    every: Annotated[bool, typer.Option("--all", help="Closed ones as well.")] = False,
    as_json: Json = False,
) -> None:
    """Show which requests are open, the most urgent first."""
    if context.invoked_subcommand is not None:
        return
    from core.services import data_requests

    found = in_transaction(lambda tx: data_requests.page(tx, closed=every))
    _answer(found, as_json=as_json)


@requests.command()
def add(
    kind: RequestKind,
    *,
    user: Annotated[str | None, typer.Option(help="Who has an account.", metavar="EMAIL")] = None,
    received: Annotated[datetime | None, typer.Option(formats=DATES, help="UTC; now.")] = None,
    as_json: Json = False,
) -> None:
    """Write in what came by mail or letter; without --user, of somebody without an account."""
    from core import clock
    from core.services import data_requests

    at = received.replace(tzinfo=UTC) if received else clock.now()

    async def begin(tx: "Transaction") -> "list[DataRequest]":
        of = None if user is None else await data_requests.person(tx, user)
        made = data_requests.begin(tx, kind, of, now=at)
        return [each for each in await data_requests.page(tx) if each.id == made]

    _answer(in_transaction(begin), as_json=as_json)


@requests.command()
def close(
    request_id: Annotated[UUID, typer.Argument(metavar="ID")],
    *,
    outcome: RequestOutcome = RequestOutcome.DONE,
    as_json: Json = False,
) -> None:
    """Write down that a request was answered."""
    from core import clock
    from core.services import data_requests

    _answer(
        [
            in_transaction(
                lambda tx: data_requests.close_by_hand(tx, request_id, outcome, now=clock.now())
            )
        ],
        as_json=as_json,
    )


@requests.command()
def extend(
    request_id: Annotated[UUID, typer.Argument(metavar="ID")], *, as_json: Json = False
) -> None:
    """Take two months more, once you told the person why."""
    from core import clock
    from core.services import data_requests

    done = in_transaction(lambda tx: data_requests.extend(tx, request_id, now=clock.now()))
    _answer([done], as_json=as_json)


def breach_report(
    *,
    since: Moment,
    until: Moment,
    workspace: Annotated[
        UUID | None, typer.Option(help="Only what is in it.", metavar="ID")
    ] = None,
    people: Annotated[bool, typer.Option("--people", help="Name them, to be written to.")] = False,
    as_json: Json = False,
) -> None:
    """Tell whose data lay open from SINCE to UNTIL, of which kinds and how much, as Markdown."""
    from core import embedded
    from core.services import breaches

    first, last = since.replace(tzinfo=UTC), until.replace(tzinfo=UTC)
    if last <= first:
        raise typer.BadParameter("--until comes after --since")
    url = embedded.database_url(load_settings())
    found = breaches.report(url, since=first, until=last, workspace_id=workspace)
    if as_json:
        document = asdict(found)
        document["people"] = document["people"] if people else len(found.people)
        answer(document, as_json=True)
    else:
        typer.echo(_markdown(found, people=people), nl=False)


def _markdown(report: "Report", *, people: bool) -> str:
    """For whoever writes to the authority (Art. 33) and to people (Art. 34)."""
    place = f", workspace {report.workspace_id}" if report.workspace_id else ""
    concerned = counted(len(report.people), "person is", "people are")
    lines = [
        f"# What lay open from {report.since:%Y-%m-%d %H:%M} to {report.until:%Y-%m-%d %H:%M} UTC",
        "",
        f"{concerned} concerned{place}. Tell the authority within 72 hours",
        "of knowing, and people without delay where a kind of high risk lay open unsealed.",
        "",
        "| kind | what | risk | sealed | people | records | of these new | where |",
        "| --- | --- | --- | --- | ---: | ---: | ---: | --- |",
        *(
            f"| {each.category} | {each.says} | {each.risk} | {'yes' if each.sealed else 'no'} "
            f"| {each.people:,} | {each.records:,} | {each.new:,} | {', '.join(each.tables)} |"
            for each in report.exposed
        ),
        "",
        "*sealed*: encrypted with keys that are not in the database. *new*: came within the time;",
        "the others had been there before. What was deleted since is not counted.",
    ]
    if people:
        lines += [
            "",
            "| person | e-mail | records | kinds, unsealed |",
            "| --- | --- | ---: | --- |",
        ]
        lines += [
            f"| {each.id} | {each.email or ''} | {each.records:,} | {', '.join(each.categories)} |"
            for each in report.people
        ]
    return "\n".join([*lines, ""])


def _answer(found: "list[DataRequest]", *, as_json: bool) -> None:
    view = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    # The id whole: `close` and `extend` take it. The date on one line: it is looked for.
    for title in ("id", "kind", "of", "received", "due", "closed"):
        view.add_column(title, overflow="fold", no_wrap=title in {"id", "due"})
    now = datetime.now(UTC)
    for each in found:
        due = f"{each.due_at:%Y-%m-%d}"
        view.add_row(
            str(each.id),
            each.kind,
            str(each.user_id or "nobody here"),
            f"{each.received_at:%Y-%m-%d}",
            f"[red]{due}" if each.closed_at is None and each.due_at < now else due,
            f"{each.closed_at:%Y-%m-%d} {each.outcome}" if each.closed_at else "",
        )
    shown = view if found else "Nothing is open."
    answer([asdict(each) for each in found], shown, as_json=as_json)
