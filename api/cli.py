"""`voicetodo`: the command line. For people by default, for scripts with `--json`.

Exit codes: 0 done, 1 refused by the server (4xx), 2 asked for wrongly or set up wrongly,
3 the server does not answer, 4 it waits for an answer (or a transcriber), 130 interrupted.
"""

import json
import logging
import sys
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, Final

import typer
from rich.console import Console
from rich.markup import escape
from typer.exceptions import TyperException
from typer.main import get_command

from api.commands import (
    accounts,
    admin,
    demo,
    erasures,
    exporting,
    importing,
    integrations,
    lexicon,
    notifications,
    record,
    recurrence,
    reminders,
    repeat,
    say,
    todos,
    undo,
    voice,
    webhooks,
    workspaces,
)
from api.commands.client import Refused, Unreachable
from api.commands.options import load_settings
from core.errors import Error, Misconfigured, Rejected, Unavailable

REFUSED: Final = 1
WRONG: Final = 2
UNREACHABLE: Final = 3
INTERRUPTED: Final = 130


class Misused(Misconfigured):
    """The command was not given as it is meant."""


app = typer.Typer(
    name="voicetodo",
    help="Todos, and reminders that never miss.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@app.command()
def up() -> int:
    """Run everything: PostgreSQL, Temporal, worker, sandbox and API, until Ctrl-C."""
    from api.up import up as run  # noqa: PLC0415 - asyncio and the servers: not for `--help`

    return run(load_settings())


COMMANDS: Final[dict[str, Callable[..., object]]] = {
    "register": accounts.register,
    "login": accounts.login,
    "logout": accounts.logout,
    "whoami": accounts.whoami,
    "add": todos.add,
    "list": todos.list_todos,
    "show": todos.show,
    "done": todos.done,
    "reopen": todos.reopen,
    "edit": todos.edit,
    "rm": todos.remove,
    "repeat": repeat.repeat,
    "skip": repeat.skip,
    "move": repeat.move,
    "say": say.say,
    "answer": say.reply,
    "record": record.record,
    "transcribe": record.transcribe,
    "remind": reminders.remind,
    "snooze": reminders.snooze,
    "why": reminders.why,
    "notifications": notifications.notifications,
    "digest": notifications.digest,
    "quiet": notifications.quiet,
    "preview": recurrence.preview,
    "workspaces": workspaces.workspaces,
    "sandbox": workspaces.sandbox,
    "clock": workspaces.clock,
    "undo": undo.undo,
    "export": exporting.export,
    "import": importing.bring,
    "demo": demo.demo,
    "erase": erasures.erase,
    "verify-receipt": erasures.verify_receipt,
}
for name, command in COMMANDS.items():
    app.command(name)(command)
app.add_typer(admin.app, name="admin")
app.add_typer(integrations.app, name="integrations")
app.add_typer(lexicon.app, name="lexicon")
app.add_typer(voice.app, name="voice")
app.add_typer(webhooks.app, name="webhooks")


@cache
def _commands() -> Any:
    """Built from the signatures of 80 functions, which takes a tenth of a second each time."""
    return get_command(app)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code. Errors are one sentence on stderr, or a problem."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    as_json = "--json" in given
    logging.getLogger("psycopg.pool").setLevel(logging.CRITICAL)  # said below, once
    try:
        result = _commands()(given, prog_name="voicetodo", standalone_mode=False)
    except Error as error:
        return _fail(error, as_json=as_json)
    except TyperException as error:
        # Our own sentences stand alone; typer's need the name of their option.
        ours = isinstance(error, typer.BadParameter) and error.param is None
        message = error.message if ours else error.format_message()
        return _fail(Misused(message), as_json=as_json) if message else WRONG
    except typer.Abort:
        return INTERRUPTED
    return result if isinstance(result, int) else 0


def _fail(error: Error, *, as_json: bool) -> int:
    code = UNREACHABLE
    if type(error) is Unavailable and error.detail == Unavailable.__doc__:
        # Of a command that works beside the API: what it asks, and gets no word from, is this.
        error = Unavailable("PostgreSQL does not answer: is `voicetodo up` running?")
    if isinstance(error, (Rejected, Misconfigured)):
        code = REFUSED if isinstance(error, Rejected) else WRONG
    problem = error.problem if isinstance(error, (Refused, Unreachable)) else None
    if as_json:
        kind = type(error).__name__.lower()
        told = problem or {
            "type": f"urn:voicetodo:problem:{kind}",
            "title": (type(error).__doc__ or kind).strip(),
            "detail": error.detail,
        }
        sys.stderr.write(json.dumps(told, ensure_ascii=False) + "\n")
    else:
        console = Console(stderr=True, highlight=False, soft_wrap=True)
        console.print(f"[red]{escape(error.detail)}")
    return code


if __name__ == "__main__":
    sys.exit(main())
