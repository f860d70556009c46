"""`voicetodo undo`."""

from typing import Annotated

import typer

from api.commands.options import Api, Json, answer, connect
from api.commands.words import counted


def undo(
    change_set: Annotated[
        str | None, typer.Argument(help="Default: the last change made from here.")
    ] = None,
    *,
    api: Api = None,
    as_json: Json = False,
) -> None:
    """Take back a change; once more for the one before it."""
    with connect(api) as client:
        if change_set is None:
            known = client.account.change_sets if client.account else ()
            if not known:
                raise typer.BadParameter("nothing was changed from here that could be undone")
            change_set = known[-1]
        result = client.undo(change_set)
        told = f"Undone: {counted(result['changed'], 'thing', 'things')}."
        answer(result, told, as_json=as_json)
