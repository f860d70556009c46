"""`voicetodo admin outbox | dump | emails | openapi | migrate | reseal | …`: for operators.

They are beside the API and read the settings and PostgreSQL themselves; what one of them needs is
imported when it runs.
"""
# ruff: noqa: PLC0415 - imports inside commands: SQLAlchemy and FastAPI cost `--help` half a second

import json
import tempfile
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import typer
from rich import box
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from api.commands import blobs, database, described, emails, epochs, erasures, privacy, retention
from api.commands.options import Json, answer, load_settings
from core.errors import Misconfigured

if TYPE_CHECKING:
    from core.db import Transaction

app = typer.Typer(help="For operators.", no_args_is_help=True)
app.command()(emails.emails)
app.command()(privacy.privacy)
app.command()(privacy.breach_report)
app.command()(retention.retention)
app.add_typer(privacy.requests, name="requests")
app.add_typer(erasures.admin, name="erasures")
app.add_typer(blobs.admin, name="blobs")
app.add_typer(epochs.admin, name="keys")
OPENAPI = Path(__file__).resolve().parents[2] / "openapi.json"


@app.command()
def outbox(
    *,
    requeue: Annotated[
        UUID | None, typer.Option(help="Try this dead letter again.", metavar="ID")
    ] = None,
    as_json: Json = False,
) -> None:
    """Show what waits for Temporal, and what was given up."""
    document = database.in_transaction(lambda tx: _outbox(tx, requeue))
    if requeue:
        answer(document, f"{document['workflow_id']} will be tried again.", as_json=as_json)
        return
    depth = document["depth"]
    view = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for title in ("id", "workflow", "age", "attempts", "error"):
        view.add_column(title, overflow="fold", no_wrap=title == "id")  # `--requeue` takes it
    now = datetime.now(UTC)
    for entry in document["entries"]:
        age = f"{(now - entry['created_at']).total_seconds():.0f} s"
        error = f"[red]{entry['error'] or ''}" if entry["dead_at"] else entry["error"] or ""
        name = f"{entry['workflow_type']} {entry['workflow_id']}"
        view.add_row(str(entry["id"]), name, age, str(entry["attempts"]), error)
    line = f"{depth['waiting']} waiting, the oldest for {depth['oldest_s']:.0f} s; "
    line += f"[{'red' if depth['dead'] else 'green'}]{depth['dead']} given up"
    answer(document, line, *([view] if document["entries"] else []), as_json=as_json)


async def _outbox(tx: "Transaction", requeue: UUID | None) -> dict[str, Any]:
    from core.services import outbox as service

    if requeue is not None:
        return {"workflow_id": await service.requeue(tx, requeue)}
    depth = await service.depth(tx)
    entries = await service.entries(tx)
    return {"depth": asdict(depth), "entries": [asdict(entry) for entry in entries]}


@app.command()
def dump(
    *,
    user: Annotated[
        str | None, typer.Option(help="All rows of one person.", metavar="EMAIL")
    ] = None,
    as_json: Json = False,
) -> None:
    """Print how many rows each table has, or one person's rows as JSON."""
    from core import embedded
    from core.services import support

    url = embedded.database_url(load_settings())
    if user:
        rows = support.person(url, user)
        answer(rows, json.dumps(rows, indent=2, ensure_ascii=False), as_json=as_json)
        return
    counts = support.counts(url)
    view = Table("table", "rows", box=box.SIMPLE_HEAD, pad_edge=False)
    for name, count in counts.items():
        view.add_row(name, f"{count:,}")
    answer(counts, view, as_json=as_json)


@app.command()
def openapi(
    *,
    check: Annotated[bool, typer.Option("--check", help="Compare with openapi.json.")] = False,
    write: Annotated[bool, typer.Option("--write", help="Write openapi.json.")] = False,
    as_json: Json = False,
) -> None:
    """Print, write or check the API's description; the same order every time."""
    document = openapi_document()
    text = openapi_text(document)
    if write:
        OPENAPI.write_text(text, encoding="utf-8")
    elif check:
        if not OPENAPI.exists() or OPENAPI.read_text(encoding="utf-8") != text:
            raise Misconfigured("openapi.json is not the app's: `voicetodo admin openapi --write`")
    else:
        typer.echo(json.dumps(document, sort_keys=True) if as_json else text, nl=as_json)
        return
    answer({"current": True}, "openapi.json is current.", as_json=as_json)


def openapi_text(document: dict[str, Any]) -> str:
    """As it is committed: the same bytes for the same document."""
    return json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def openapi_document() -> dict[str, Any]:
    """What the app says of itself, whatever this machine's settings are."""
    from api.main import create_app
    from core.settings import Profile, Settings

    with tempfile.TemporaryDirectory() as folder:
        chosen = Settings(_env_file=None, profile=Profile.DEV, data_dir=Path(folder))
        return create_app(chosen).openapi()


@app.command()
def migrate(*, as_json: Json = False) -> None:
    """Bring the database to the newest revision."""
    from core import embedded, schema
    from core import migrate as migration

    migration.run(embedded.database_url(load_settings()))
    revision = schema.head()
    answer({"revision": revision}, f"The database is at {revision}.", as_json=as_json)


@app.command()
def reseal(*, as_json: Json = False) -> None:
    """Seal with the key of today what earlier keys sealed, so that those may go."""
    from core import embedded, keys
    from core.services import reseals

    chosen = load_settings()
    ring = keys.load(chosen).ring
    with Progress(console=Console(stderr=True), transient=True) as progress:
        told = [
            asdict(each)
            for each in progress.track(
                reseals.run(embedded.database_url(chosen), ring),
                total=len(reseals.KEPT),
                description="sealing anew",
            )
        ]
    view = Table("column", "sealed anew", "not opened", box=box.SIMPLE_HEAD, pad_edge=False)
    for each in told:
        name = f"{each['table']}.{each['column']}"
        view.add_row(name, f"{each['resealed']:,}", f"{each['unopened']:,}")
    answer(told, view, as_json=as_json)


@app.command()
def settings(
    *,
    env: Annotated[bool, typer.Option("--env", help="As .env.example.")] = False,
    as_json: Json = False,
) -> None:
    """Print every setting as a Markdown table, or as .env.example."""
    every = described.settings()
    if as_json:
        answer([asdict(each) for each in every], as_json=True)
        return
    typer.echo(described.env_example(every) if env else described.markdown(every), nl=False)
