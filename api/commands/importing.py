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
from api.commands.words import counted
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
    again: Annotated[
        bool, typer.Option("--again", help="Make again what was deleted since it came before.")
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
            fields = {"dry_run": dry_run, "again": again}
            said = {name: "true" for name, is_set in fields.items() if is_set}
            said |= {"format": format_name} if format_name is not None else {}
            _bring(client, file, said, as_json=as_json)


def _bring(client: Client, file: Path, fields: dict[str, str], *, as_json: bool) -> None:
    if file.stat().st_size > MOST:
        raise typer.BadParameter(f"{file} is larger than {MOST // 1024 // 1024} MiB")
    boundary = secrets.token_hex(16)
    headers = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
    form = _form(file, fields, boundary)
    sent = client.send("POST", "/imports", form, headers=headers, undoable=False).body
    jobs.watch(client, sent, "trying" if "dry_run" in fields else "importing", _news)
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
    kept = undo["kept"]
    changed = counted(kept, "was changed since and stays", "were changed since and stay")
    stay = f" {changed}." if kept else ""
    answer(told, f"Taken back: {_todos(undo['taken_back'])}.{stay}", as_json=as_json)


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
    return counted(sum(counts.values()), "row", "rows") if counts else ""


def _report(told: dict[str, Any]) -> Iterator[Any]:
    result, counts = told["result"], told["result"]["counts"]
    yield _headline(told)
    if result["lists"]:
        yield f"New lists: {escape(', '.join(result['lists']))}."
    if result["rejected"]:
        yield "\nCannot be read:"
        table = Table("line", "why", "row", box=None, padding=(0, 2, 0, 0))
        for each in result["rejected"][:SHOWN]:
            line = str(each["line"] or "")
            table.add_row(line, escape(each["reason"]), escape(each["excerpt"]))
        yield table
        if counts["rejected"] > SHOWN:
            yield f"and {counts['rejected'] - SHOWN} more: GET /imports/{told['id']}/rows"
    if result["lost"]:
        yield "\nNot as it was in the file:"
        yield from (f"- {escape(sentence)}" for sentence in result["lost"])
    if counts["created"]:
        yield ""
        back = f"Take it back within 30 days: voicetodo import --undo {told['id']}"
        said = "Nothing was made: leave --dry-run out to bring it." if told["dry_run"] else back
        yield f"[dim]{said}[/]"


def _headline(told: dict[str, Any]) -> str:
    counts = told["result"]["counts"]
    here, out, bad = counts["existed"], counts["skipped"], counts["rejected"]
    would = "Would create" if told["dry_run"] else "Created"
    parts = [f"{would} {_todos(counts['created'])}"]
    parts += [f"{counted(here, 'was', 'were')} here already"] if here else []
    parts += [f"{counted(out, 'row is', 'rows are')} left out"] if out else []
    parts += [f"{counted(bad, 'row', 'rows')} cannot be read"] if bad else []
    return f"{'; '.join(parts)}. ({told['format']})"


def _todos(count: int) -> str:
    return counted(count, "todo", "todos")
