"""`voicetodo admin blobs copy`: from a directory to S3."""
# ruff: noqa: PLC0415 - imports inside commands: the library that speaks S3 costs two seconds

import asyncio

import typer
from rich.console import Console
from rich.progress import Progress

from api.commands.options import Json, answer, load_settings
from api.commands.words import counted
from core.errors import Misconfigured

admin = typer.Typer(help="Where recordings are kept.", no_args_is_help=True)


@admin.command()
def copy(*, as_json: Json = False) -> None:
    """Copy what is in VOICETODO_BLOB_DIR, and not yet there, to the store of VOICETODO_BLOB_STORE.

    API and workers stand still meanwhile. Nothing is deleted; it goes on where it was stopped.
    """
    if load_settings().blob_store == "directory":
        raise Misconfigured("say where to: VOICETODO_BLOB_STORE=s3, its bucket and its keys")
    copied = asyncio.run(_copy())
    answer({"copied": copied}, f"Copied {counted(copied, 'blob', 'blobs')}.", as_json=as_json)


async def _copy() -> int:
    from core.rules import data_map
    from integrations import blob_stores
    from integrations.blobs import Directory

    settings, copied = load_settings(), 0
    here, there = Directory(settings.blobs), blob_stores.opened(settings)
    try:
        with Progress(console=Console(stderr=True)) as progress:
            for folder in sorted(data_map.read().blobs):
                copied_already = {kept.key async for kept in there.keys(folder)}
                found = [kept.key async for kept in here.keys(folder)]
                keys = [key for key in found if key not in copied_already]
                for key in progress.track(keys, description=folder):
                    await there.put(key, here.open(key))
                    copied += 1
    finally:
        await there.aclose()
    return copied
