"""What is asked back, and how it is answered: on a terminal at once, else by another command."""

import sys
from collections.abc import Iterable
from typing import Any, Final

import httpx2
import typer
from rich.console import Console, RenderableType
from rich.text import Text

from api.commands import find, spoken, words
from api.commands.client import Client, Refused
from api.commands.options import WAITS, answer
from core.errors import NotFound

YES, NO = "yes", "no"
UNDO: Final = "[dim]`voicetodo undo{}` takes it back."
# What a person types in the languages that are asked in.
_MEANT: Final = {
    **dict.fromkeys(("y", "yes", "j", "ja", "s", "si", "sí", "sim", "o", "oui", "ok"), YES),
    **dict.fromkeys(("n", "no", "nein", "não", "nao", "non"), NO),
}


def conclude(
    client: Client,
    result: dict[str, Any],
    *,
    yes: bool,
    as_json: bool,
    tried: bool = False,
    again: bool = False,
) -> int:
    """Show what was done, ask what is asked, and tell how to undo it. The exit code.

    `tried`: nothing was done, it was only understood. `again`: it was done by an earlier command.
    """
    if not again and not tried:
        client.remember(result["undo_token"])
    if not as_json:
        answer(None, *spoken.lines(client, result, tried=tried), as_json=False)
    after = result
    if result["needs_confirmation"] and not tried:
        after = _answered(client, result, yes=yes, ask=not as_json)
    waits = after["needs_confirmation"] and not tried
    if as_json:
        answer(after, as_json=True)
    elif waits:
        answer(None, _how_to_answer(result), as_json=False)
    elif after is not result:
        answer(None, *news(client, result, after), as_json=False)
    elif result["undo_token"] and not tried:
        token = f" {result['undo_token']}" if again else ""
        answer(None, UNDO.format(token), as_json=False)
    return WAITS if waits else 0


def confirm(client: Client, command_id: str, choice: str) -> dict[str, Any]:
    """Answer a question; what that did is the next thing to undo."""
    path = f"/voice/commands/{command_id}/confirm"
    sent = client.send("POST", path, {"choice": choice}, undoable=False)
    result: dict[str, Any] = sent.body
    if result["undo_token"] == sent.change_set:
        client.remember(sent.change_set)
    return result


def choice_of(client: Client, given: str) -> str:
    """What the API takes, of what a person says: yes, no, a number, a title or an id."""
    said = given.strip().casefold()
    if said in _MEANT:
        return _MEANT[said]
    if said.isdecimal() and len(said) < find.MIN_CHARS:
        return said  # the number of a candidate: the server knows whether there is such a one
    return find.todo_id(client, given)


def news(client: Client, before: dict[str, Any], after: dict[str, Any]) -> Iterable[RenderableType]:
    """What the answer led to, and how to undo it."""
    new = after["commands"][len(before["commands"]) :]
    if new:
        yield from spoken.told(client, after, new)
    else:
        yield Text("Left as it is.", "dim")
    if after["undo_token"]:
        yield UNDO.format("")


def _answered(client: Client, result: dict[str, Any], *, yes: bool, ask: bool) -> dict[str, Any]:
    """The result after the answer; the same where nobody gives one, or a yes does not say which."""
    if yes:
        after = _offered(client, result, YES)
        return result if isinstance(after, str) else after
    if not (ask and sys.stdin.isatty() and sys.stdout.isatty()):
        return result
    console = Console(highlight=False)
    while True:
        try:
            given = console.input(f"[dim]{_choices(result)}:[/] ")
        except EOFError:
            console.print()
            return result
        if given.strip():
            after = _offered(client, result, given)
            if not isinstance(after, str):
                return after
            console.print(Text(after, "yellow"))


def _offered(client: Client, result: dict[str, Any], given: str) -> dict[str, Any] | str:
    """The result after this answer, or a sentence that says why it is none."""
    try:
        return confirm(client, result["id"], choice_of(client, given))
    except Refused as error:
        if error.problem["status"] != httpx2.codes.UNPROCESSABLE_CONTENT:
            raise
        return error.problem["errors"][0]["detail"] if error.problem.get("errors") else error.detail
    except (NotFound, typer.BadParameter) as error:
        return str(error)


def _choices(result: dict[str, Any]) -> str:
    if len(result["candidates"]) > 1:
        return "number, yes or no"
    create = result["proposed"][0]["intent"] in {"create", "list", "undo"}
    whole = create or result["candidates"] or result["proposed"][0]["todo"]
    return "yes or no" if whole else "its title, or no"


def _how_to_answer(result: dict[str, Any]) -> str:
    choice = {"number, yes or no": "NUMBER|yes|no", "yes or no": "yes|no"}.get(
        _choices(result), "TITLE|no"
    )
    told = f"voicetodo answer {words.short(result['id'])} {choice}"
    within = "a week" if result["memo_id"] else "ten minutes"
    return f"[dim]Nothing of that is done before you answer: `{told}`, within {within}."
