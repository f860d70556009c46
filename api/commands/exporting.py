"""`voicetodo export`: all of one's data in one archive."""

import hashlib
import os
from base64 import b64encode
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from api.commands import jobs
from api.commands.accounts import ask_password
from api.commands.client import Client, Refused, Unreachable
from api.commands.options import Api, Json, answer, connect
from core.errors import Rejected

FORMATS: Final = ("json", "csv", "ics", "audio")
STEP_UP: Final = ":insufficient-user-authentication"
PRIVATE: Final = 0o600
CONFLICT: Final = 409
LISTED: Final = 10
ABOUT: Final = "README.html in it says what is what."


def export(
    *,
    out: Annotated[
        Path | None, typer.Option("--out", help="Where to; default: voicetodo-<date>.zip here.")
    ] = None,
    formats: Annotated[
        str, typer.Option(help="What of it, between commas.", metavar=",".join(FORMATS))
    ] = ",".join(FORMATS),
    api: Api = None,
    as_json: Json = False,
) -> None:
    """Take everything that is kept of you with you: todos, recordings, settings and what was sent.

    One that is being made already is waited for. It asks for your password, unless you signed in
    just now, and leaves a file that only you can read.
    """
    wished = [each.strip() for each in formats.split(",") if each.strip()]
    if not wished or set(wished) - set(FORMATS):
        raise typer.BadParameter(f"formats are {', '.join(FORMATS)}")
    path = out or Path(f"voicetodo-{datetime.now(UTC):%Y-%m-%d}.zip")
    if path.exists():
        raise typer.BadParameter(f"{path} is there already: name another one with --out")
    with connect(api) as client:
        job = jobs.watch(client, _asked(client, wished), "writing", lambda _: "")
        if job["status"] != "succeeded":
            raise Rejected(job["error"] or f"the export has {job['status']}")
        location = _link(client, job["id"])
        size = _download(client, location, path)
        told = client.get(f"/exports/{job['id']}") | {"file": str(path)}
        answer(told, f"{path}: {size:,} bytes. {ABOUT}", as_json=as_json)


def _asked(client: Client, formats: list[str]) -> dict[str, Any]:
    """The job of a new one, or of the one that is being made."""
    try:
        made: dict[str, Any] = client.send("POST", "/exports", {"formats": formats}).body
    except Refused as error:
        if error.problem["status"] != CONFLICT:
            raise
        running = [
            each
            for each in client.get("/exports", limit=LISTED)["data"]
            if each["status"] not in jobs.OVER
        ]
        if not running:
            raise
        return dict(running[0])
    return made


def _link(client: Client, export_id: str) -> str:
    """A link that works once; for a sign-in of long ago the password is asked for first."""
    path = f"/exports/{export_id}/download"
    try:
        return client.led_to(path)
    except Refused as error:
        account = client.account
        stepping_up = str(error.problem.get("type", "")).endswith(STEP_UP)
        if not stepping_up or account is None or account.email is None:
            raise
        body = {"email": account.email, "password": ask_password(again=False)}
    client.sign_in("/auth/login", body)
    return client.led_to(path)


def _download(client: Client, location: str, path: Path) -> int:
    """Its size. The file is there with all of its content, or not at all."""
    draft = path.with_name(f".{path.name}.part")
    hashed, size = hashlib.sha256(), 0
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, PRIVATE)
    try:
        with os.fdopen(descriptor, "wb") as file, client.streamed(location) as response:
            expected = int(response.headers["Content-Length"])
            digest = response.headers.get("Repr-Digest", "")
            with _bar(expected) as progress:
                for piece in response.iter_bytes():
                    file.write(piece)
                    hashed.update(piece)
                    size += len(piece)
                    progress.update(progress.task_ids[0], completed=size)
        if size != expected or b64encode(hashed.digest()).decode() not in digest:
            raise Unreachable("the archive did not arrive whole: the same command fetches it again")
        draft.rename(path)
    finally:
        draft.unlink(missing_ok=True)
    return size


def _bar(total: int) -> Progress:
    console = Console(stderr=True)
    progress = Progress(
        TextColumn("fetching"),
        BarColumn(bar_width=24),
        DownloadColumn(),
        TransferSpeedColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
    progress.add_task("", total=total)
    return progress
