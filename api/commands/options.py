"""What every command has in common: which server, for whom, and how it answers."""

import json
import sys
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from rich.console import Console, RenderableType

from api.commands.client import Client
from api.commands.credentials import Credentials

if TYPE_CHECKING:
    from core.settings import Settings

WAITS: Final = 4  # exit code: not done yet, for it waits for an answer or for somebody outside

Api = Annotated[
    str | None,
    typer.Option("--api", envvar="VOICETODO_API_URL", help="Address of the server.", metavar="URL"),
]
Json = Annotated[bool, typer.Option("--json", help="Answer with one JSON document.")]
Zone = Annotated[
    str | None,
    typer.Option(help="IANA zone of the times given; without it they go where you go."),
]


def load_settings() -> "Settings":
    """The settings; Misconfigured names the variables that are wrong."""
    from core.settings import settings  # noqa: PLC0415 - `--help` need not wait for pydantic

    return settings()


def connect(api: str | None) -> Client:
    """The server asked for, else that of the settings, as the person who is signed in there."""
    return Client(api or load_settings().api_url, Credentials())


def answer(document: Any, *shown: RenderableType, as_json: bool) -> None:
    """Print `document` for a script, or `shown` for a person."""
    if as_json:
        sys.stdout.write(json.dumps(document, ensure_ascii=False, default=_spelled) + "\n")
        return
    console = Console(highlight=False, soft_wrap=True)
    for each in shown:
        console.print(each)


def _spelled(value: object) -> str:
    """Instants as the API writes them."""
    return value.isoformat().replace("+00:00", "Z") if isinstance(value, datetime) else str(value)
