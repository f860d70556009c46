"""`voicetodo admin keys list | rotate-epoch | destroy-epoch`: what wraps people's keys."""
# ruff: noqa: PLC0415 - imports inside commands: SQLAlchemy and psycopg cost `--help` half a second

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer
from rich import box
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from api.commands.options import Json, answer, load_settings
from api.commands.words import counted

if TYPE_CHECKING:
    from core.epochs import Epochs
    from core.services.key_epochs import Epoch

admin = typer.Typer(help="What wraps people's keys.", no_args_is_help=True)

DOES = """Destroying epoch {epoch} cannot be taken back.
- Every older copy of the database opens nothing any more that was sealed for a person while this
  epoch wrapped their keys: recordings, what was said, archives, imported files, tokens.
- People lose nothing that is in the database now: their keys are wrapped by a later epoch.
- It removes the file on this machine. Other copies of it (hosts that have a folder of their own,
  backups of that folder) are yours to remove; processes forget it within a minute.
- What is not sealed, such as titles, stays readable in old copies, and so does what an installation
  key sealed: `voicetodo admin reseal` tells whether there is any left."""
GIVES_UP = """Epoch {epoch} has no file here any more. Letting it go gives up what it sealed for
{people}: recordings, what was said, archives, imported files and tokens stay closed for
good, and connected accounts have to be connected again. New things get new keys."""


@admin.command("list")
def list_epochs(*, as_json: Json = False) -> None:
    """Show the epochs, whom they wrap keys for, and whether their files are here."""
    url, epochs = _opened()
    found = _standing(url, epochs)
    view = Table("epoch", "begun", "people", "", box=box.SIMPLE_HEAD, pad_edge=False)
    for each in found:
        state = f"destroyed {each.destroyed_at:%Y-%m-%d}" if each.destroyed_at else "older"
        says = f"[red]{each.problem}" if each.problem else "current" if each.current else state
        view.add_row(str(each.epoch), f"{each.created_at:%Y-%m-%d %H:%M}", f"{each.people:,}", says)
    told = [asdict(each) for each in found]
    answer(told, view if found else "There is none yet.", str(epochs.folder), as_json=as_json)
    if any(each.problem for each in found):
        raise typer.Exit(1)


@admin.command("rotate-epoch")
def rotate_epoch(*, as_json: Json = False) -> None:
    """Begin a new epoch and wrap everybody's key by it; go on with that, where it was stopped.

    Works beside everything else. Nothing that is sealed is touched.
    """
    from core.services import key_epochs

    url, epochs = _opened()
    told = None
    with Progress(console=Console(stderr=True), transient=True) as progress:
        bar = progress.add_task("wrapping keys anew", total=None)
        for told in key_epochs.rotate(url, epochs):
            progress.update(bar, total=told.total, completed=told.done + told.left)
    assert told is not None  # noqa: S101 (a rotation tells at least how it begins)
    line = f"Epoch {told.epoch} wraps the keys of {counted(told.done, 'person', 'people')} more."
    left = f"[red]{told.left:,} did not open: `voicetodo admin keys list` says why."
    answer(asdict(told), line, *([left] if told.left else []), as_json=as_json)
    if told.left:
        raise typer.Exit(1)


@admin.command("destroy-epoch")
def destroy_epoch(
    epoch: Annotated[int, typer.Argument(help="Its number, as `list` shows it.", min=1)],
    *,
    lost: Annotated[
        bool, typer.Option("--lost", help="Its file is nowhere any more: give up what it sealed.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: Json = False,
) -> None:
    """Make older copies of the database unreadable. Refused while it wraps anybody's key."""
    from core.services import key_epochs

    url, epochs = _opened()
    people = sum(each.people for each in _standing(url, epochs) if each.epoch == epoch)
    if not yes:
        says = DOES if epochs.here(epoch) else GIVES_UP
        named = counted(people, "person", "people")
        typer.echo(says.format(epoch=epoch, people=named), err=True)
        typer.confirm("Destroy it?", abort=True, err=True)
    given_up = key_epochs.destroy(url, epochs, epoch, lost=lost)
    line = f"Epoch {epoch} is destroyed."
    if given_up:
        who = counted(given_up, "person gets new keys", "people get new keys")
        line += f" {who}; what the old ones had sealed stays closed."
    answer({"epoch": epoch, "given_up": given_up}, line, as_json=as_json)


def _opened() -> "tuple[str, Epochs]":
    from core import embedded, keys

    chosen = load_settings()
    return embedded.database_url(chosen), keys.load(chosen).ring.epochs


def _standing(url: str, epochs: "Epochs") -> "list[Epoch]":
    from core.services import key_epochs

    return key_epochs.standing(url, epochs)
