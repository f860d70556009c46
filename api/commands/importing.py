"""`voicetodo import`: todos of another app, of a calendar, of a browser, of our own export."""

import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.markup import escape
from rich.table import Table

from api.commands import jobs
from api.commands.client import Client
from api.commands.options import Api, Json, answer, connect
from core.errors import Rejected

FORMATS: Final = ("localstorage", "todoist-csv", "ics", "json")
MOST: Final = 64 * 1024 * 1024  # bytes: what the server takes
PIECE: Final = 64 * 1024
SHOWN: Final = 10  # rejected rows; all of them are in `--json`


def bring(
    file: Annotated[
        Path | None, typer.Argument(help="The file.", exists=True, dir_okay=False)
    ] = None,
    *,
    format_name: Annotated[
        str | None,
        typer.Option("--format", help="Found out when left out.", metavar="|".join(FORMATS)),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would come of it; make nothing.")
    ] = False,
    undo: Annotated[
        str | None, typer.Option(help="Take back the import with this id.", metavar="ID")
    ] = None,
    keep_changed: Annotated[
        bool, typer.Option("--keep-changed", help="With --undo: keep what was changed since.")
    ] = False,
    api: Api = None,
    as_json: Json = False,
) -> None:
    """Bring todos from elsewhere. The same file twice makes nothing new.

    A row that cannot be read is told with its line, and loses no other.
    """
    if (file is None) is (undo is None):
        raise typer.BadParameter("name a file, or an import with --undo")
    if format_name is not None and format_name not in FORMATS:
        raise typer.BadParameter(f"formats are {', '.join(FORMATS)}")
    with connect(api) as client:
        if undo is not None:
            _take_back(client, undo, keep_changed=keep_changed, as_json=as_json)
        elif file is not None:
            _bring(client, file, format_name, dry_run=dry_run, as_json=as_json)


def _bring(
    client: Client, file: Path, format_name: str | None, *, dry_run: bool, as_json: bool
) -> None:
    if file.stat().st_size > MOST:
        raise typer.BadParameter(f"{file} is larger than {MOST // 1024 // 1024} MiB")
    fields = {"dry_run": "true" if dry_run else "false"}
    if format_name is not None:
        fields["format"] = format_name
    boundary = secrets.token_hex(16)
    headers = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
    form = _form(file, fields, boundary)
    sent = client.send("POST", "/imports", form, headers=headers, undoable=False).body
    jobs.watch(client, sent, "trying" if dry_run else "importing", _news)
    told = client.get(f"/imports/{sent['id']}")
    if told["status"] != "succeeded":
        raise Rejected(told["error"] or f"the import was {told['status']}")
    answer(told, *_report(told), as_json=as_json)


def _take_back(client: Client, import_id: str, *, keep_changed: bool, as_json: bool) -> None:
    body = {"keep_changed": keep_changed}
    sent = client.send("POST", f"/imports/{import_id}/undo", body, undoable=False).body
    undo = sent["undo"]
    job = {"id": undo["job_id"], "status": undo["status"]}
    jobs.watch(client, job, "taking back", lambda _: "")
    told = client.get(f"/imports/{import_id}")
    undo = told["undo"]
    if undo["status"] != "succeeded":
        raise Rejected(undo["error"] or f"the undoing was {undo['status']}")
    kept = f" {undo['kept']} were changed since and stay." if undo["kept"] else ""
    answer(told, f"Taken back: {undo['taken_back']} todos.{kept}", as_json=as_json)


def _form(file: Path, fields: dict[str, str], boundary: str) -> Callable[[], Iterator[bytes]]:
    """multipart/form-data, read from the disk as it is sent."""
    name = "".join(each for each in file.name if each.isprintable() and each not in '"\\')

    def pieces() -> Iterator[bytes]:
        for field, value in fields.items():
            head = f'--{boundary}\r\nContent-Disposition: form-data; name="{field}"\r\n\r\n'
            yield f"{head}{value}\r\n".encode()
        said = f'form-data; name="file"; filename="{name}"'
        yield f"--{boundary}\r\nContent-Disposition: {said}\r\n\r\n".encode()
        with file.open("rb") as opened:
            while piece := opened.read(PIECE):
                yield piece
        yield f"\r\n--{boundary}--\r\n".encode()

    return pieces


def _news(job: dict[str, Any]) -> str:
    counts = (job.get("result") or {}).get("counts") or {}
    return f"{sum(counts.values())} rows" if counts else ""


def _report(told: dict[str, Any]) -> Iterator[Any]:
    result, counts = told["result"], told["result"]["counts"]
    would = "Would create" if told["dry_run"] else "Created"
    parts = [f"{would} {counts['created']} todos"]
    parts += [f"{counts['existed']} were here already"] if counts["existed"] else []
    parts += [f"{counts['skipped']} rows are no todos"] if counts["skipped"] else []
    parts += [f"{counts['rejected']} rows cannot be read"] if counts["rejected"] else []
    yield f"{'; '.join(parts)}. ({told['format']})"
    if result["lists"]:
        yield f"New lists: {escape(', '.join(result['lists']))}."
    if result["rejected"]:
        table = Table("line", "why", "row", box=None, pad_edge=False)
        for each in result["rejected"][:SHOWN]:
            table.add_row(str(each["line"]), escape(each["reason"]), escape(each["excerpt"]))
        yield table
    for sentence in result["lost"]:
        yield f"Not as it was: {escape(sentence)}"
    if not told["dry_run"] and counts["created"]:
        yield f"[dim]Take it back within 30 days: voicetodo import --undo {told['id']}[/]"
