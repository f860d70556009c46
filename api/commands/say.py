"""`voicetodo say | answer`: words as one speaks them."""

import sys
from datetime import UTC, datetime
from typing import Annotated, Any, Final

import typer

from api.commands import asking, moments
from api.commands.client import Client
from api.commands.options import Api, Json, answer, connect
from api.commands.words import parsed, short
from core.errors import NotFound

LOOKED_AT: Final = 100  # commands of the history, for one that is named by the end of its id
ONE_MORE: Final = 2

Language = Annotated[
    str | None, typer.Option(help="`en`, `de-AT`; else the words tell.", metavar="TAG")
]
Session = Annotated[
    str | None, typer.Option(help="A talk of its own; else the one that goes on.", metavar="ID")
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Say yes to what is asked back.")]


def say(
    words: Annotated[
        list[str], typer.Argument(help="What you would say; `-` reads it from stdin.")
    ],
    *,
    language: Language = None,
    session: Session = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Tell what would be done; do nothing.")
    ] = False,
    now: Annotated[
        str | None,
        typer.Option(help="With --dry-run: as if it were said then.", metavar="TIME"),
    ] = None,
    yes: Yes = False,
    api: Api = None,
    as_json: Json = False,
) -> int:
    """Say what to do: "remind me to call mom tomorrow at 5", "jeden Montag Müll rausbringen".

    What is not sure is asked back; without a terminal `voicetodo answer` answers. "make that
    Friday", "the second one" and "undo" are about what was said in the last minutes.
    """
    if now and not dry_run:
        raise typer.BadParameter("--now goes with --dry-run: nothing is done in another time")
    text = sys.stdin.read() if words == ["-"] else " ".join(words)
    body: dict[str, Any] = {"text": text.strip(), "dry_run": dry_run}
    body |= {"language": language} if language else {}
    body |= {"session_id": session} if session else {}
    with connect(api) as client:
        if now:
            body["now"] = moments.instant(client, now).isoformat()
        result = client.send("POST", "/voice/commands", body, undoable=False).body
        return asking.conclude(client, result, yes=yes, as_json=as_json, tried=dry_run)


def reply(
    words: Annotated[
        list[str],
        typer.Argument(
            help="yes, no, the number of a candidate, or a todo's title or id.",
            metavar="[ID] ANSWER",
        ),
    ],
    *,
    api: Api = None,
    as_json: Json = False,
) -> None:
    """Answer what `say` or `record` asked back: the last question, or the one of this id."""
    if len(words) > ONE_MORE:
        raise typer.BadParameter("quote an answer of several words: voicetodo answer 'call mom'")
    with connect(api) as client:
        command_id = _question(client, words[0] if len(words) == ONE_MORE else None)
        asked = client.get(f"/voice/commands/{command_id}")["result"]
        choice = asking.choice_of(client, words[-1])
        after = asking.confirm(client, command_id, choice)
        shown = () if as_json else asking.news(client, asked, after)
        answer(after, *shown, as_json=as_json)


def _question(client: Client, given: str | None) -> str:
    """The id of the last open question, or of the one whose own or recording's id ends so."""
    page = client.get("/voice/commands", limit=LOOKED_AT)["data"]
    if given is None:
        now = datetime.now(UTC)
        found = [
            each for each in page if each["outcome"] == "asked" and parsed(each["expires_at"]) > now
        ]
        if not found:
            raise NotFound("nothing is asked at the moment")
        return str(found[0]["id"])
    ends = given.lower().replace("-", "")
    for each in page:
        for own in (each["id"], each["memo_id"]):
            if own and (own == given or short(own) == ends):
                return str(each["id"])
    raise NotFound(f"nothing that you said has an id like {given!r}: see `voicetodo voice history`")
