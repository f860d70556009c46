"""`voicetodo voice …`: what was said and recorded, how well it is understood, and agreeing."""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any, Final

import typer
from rich import box
from rich.table import Table
from rich.text import Text

from api.commands import moments
from api.commands.client import Client
from api.commands.options import Api, Json, answer, connect
from api.commands.words import parsed, short, when
from core.errors import NotFound
from core.rules.preferences import AUDIO_DAYS, MOST_AUDIO_DAYS

app = typer.Typer(help="What you said, and how well it is understood.", no_args_is_help=True)

SAID, WORDS = "said", "words"  # columns that may take several lines
CONSENTS: Final = "/me/consents"
_OUTCOMES: Final = {
    "done": "green",
    "confirmed": "green",
    "asked": "yellow",
    "failed": "red",
}
Limit = Annotated[int, typer.Option(min=1, max=100, help="How many.")]


@app.command()
def history(*, limit: Limit = 20, api: Api = None, as_json: Json = False) -> None:
    """List what you said, newest first, and what became of it."""
    with connect(api) as client:
        page = client.get("/voice/commands", limit=limit)
        now, zone = datetime.now(UTC), moments.zone_of(client)
    table = _table("id", "when", SAID, "intent", "became", "sure", "by")
    for each in page["data"]:
        outcome = each["outcome"]
        if outcome == "asked" and each["expires_at"] and parsed(each["expires_at"]) <= now:
            outcome = "expired"
        words = each["transcript"]
        table.add_row(
            Text(short(each["id"]), "cyan"),
            when(parsed(each["created_at"]), now=now, zone=zone),
            Text("forgotten", "dim") if words is None else Text(words),
            each["intent"] or "",
            Text(outcome, _OUTCOMES.get(outcome, "dim")),
            _percent(each["confidence"]),
            each["transcriber"] or "text",
        )
    answer(page, table if page["data"] else "Nothing was said yet.", as_json=as_json)


@app.command()
def recordings(*, limit: Limit = 20, api: Api = None, as_json: Json = False) -> None:
    """List your recordings, newest first, and until when their audio is kept."""
    with connect(api) as client:
        page = client.get("/voice/memos", limit=limit)
        now, zone = datetime.now(UTC), moments.zone_of(client)
    table = _table("id", "when", "length", "status", WORDS, "audio kept")
    for each in page["data"]:
        until = each["audio_until"] and when(parsed(each["audio_until"]), now=now, zone=zone)
        seconds = each["duration_s"]
        table.add_row(
            Text(short(each["id"]), "cyan"),
            when(parsed(each["created_at"]), now=now, zone=zone),
            "" if seconds is None else f"{seconds:.1f} s",
            each["stage"] or each["status"],
            Text(each["transcript"] or each["problem"] or "", "" if each["transcript"] else "dim"),
            f"until {until}" if until else ("yes" if each["has_audio"] else "no"),
        )
    answer(page, table if page["data"] else "Nothing was recorded yet.", as_json=as_json)


@app.command()
def sessions(*, limit: Limit = 20, api: Api = None, as_json: Json = False) -> None:
    """List talks: "that", "the second one" and "undo" are about what was said in one."""
    with connect(api) as client:
        page = client.get("/voice/sessions", limit=limit)
        now, zone = datetime.now(UTC), moments.zone_of(client)
    table = _table("id", "last", "said", "done", "asked", "failed")
    for each in page["data"]:
        table.add_row(
            Text(each["id"], "cyan"),
            when(parsed(each["last_at"]), now=now, zone=zone),
            str(each["total_commands"]),
            str(each["successful_commands"]),
            str(each["asked_commands"]),
            str(each["failed_commands"]),
        )
    answer(page, table if page["data"] else "Nothing was said yet.", as_json=as_json)


@app.command()
def languages(*, api: Api = None, as_json: Json = False) -> None:
    """List the languages that are understood; tier 1 is measured."""
    with connect(api) as client:
        found = client.get("/voice/languages")
    table = _table("tag", "language", "", "tier")
    for each in found["data"]:
        table.add_row(each["code"], each["name"], each["english_name"], str(each["tier"]))
    answer(found, table, as_json=as_json)


@app.command()
def stats(
    *,
    since: Annotated[
        str | None,
        typer.Option("--from", help="First day; else 30 days ago.", metavar="YYYY-MM-DD"),
    ] = None,
    to: Annotated[
        str | None, typer.Option(help="Last day; else today.", metavar="YYYY-MM-DD")
    ] = None,
    api: Api = None,
    as_json: Json = False,
) -> None:
    """Count how well you are understood."""
    with connect(api) as client:
        params = {"from": since, "to": to}
        found = client.get("/voice/analytics", **params)
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="dim")
    table.add_column()
    rows: list[tuple[str, str | Text]] = [
        ("commands", str(found["commands"])),
        ("carried out", _percent(found["success_rate"])),
        ("asked back", _percent(found["ask_back_rate"])),
        ("how sure, on average", _percent(found["mean_confidence"])),
        ("time, median", _ms(found["latency_p50_ms"])),
        ("time, 95 of 100", _ms(found["latency_p95_ms"])),
        *((name, _tally(found[f"by_{name}"])) for name in
          ("intent", "language", "outcome", "transcriber")),
        *((day["day"], _bar(day)) for day in found["days"] if day["commands"]),
    ]  # fmt: skip
    for name, value in rows:
        if value:
            table.add_row(name, value)
    answer(found, table, as_json=as_json)


@app.command()
def keep_audio(
    days: Annotated[
        str | None, typer.Argument(help="Days, or `default`. Without it: what you chose.")
    ] = None,
    *,
    api: Api = None,
    as_json: Json = False,
) -> None:
    """Choose how long the audio of recordings is kept once it is text, of all there are."""
    with connect(api) as client:
        if days is None:
            chosen = client.get("/me")["preferences"].get(AUDIO_DAYS)
        else:
            chosen = _days(days)
            client.send("PATCH", "/me", {"preferences": {AUDIO_DAYS: chosen}})
    line = f"Audio is kept for {chosen} days once it is text."
    if chosen is None:
        line = "Audio is kept for as long as whoever runs this service chose."
    elif chosen == 0:
        line = "Audio goes as soon as it is text."
    answer({AUDIO_DAYS: chosen}, line, as_json=as_json)


def _days(said: str) -> int | None:
    if said == "default":
        return None
    if not said.isdecimal() or int(said) > MOST_AUDIO_DAYS:
        raise typer.BadParameter(f"say 0 to {MOST_AUDIO_DAYS} days, or `default`")
    return int(said)


@app.command()
def forget(
    which: Annotated[str, typer.Argument(help="Of `history` or `recordings`.", metavar="ID")],
    *,
    api: Api = None,
    as_json: Json = False,
) -> None:
    """Delete what was said: its words, and of a recording the audio. What it did stays done."""
    with connect(api) as client:
        path, noun = _meant(client, which)
        client.send("DELETE", path, undoable=False)
    answer({"forgotten": path.rpartition("/")[2], "kind": noun}, f"The {noun} is forgotten; "
           "what was done stays done.", as_json=as_json)  # fmt: skip


class To(StrEnum):
    """What an outside service may do."""

    TRANSCRIBE = "transcription"
    UNDERSTAND = "understanding"


@app.command()
def consent(
    *,
    give: Annotated[To | None, typer.Option(help="Agree to it.")] = None,
    withdraw: Annotated[To | None, typer.Option(help="From now on nothing more is sent.")] = None,
    api: Api = None,
    as_json: Json = False,
) -> None:
    """Tell whether outside services may transcribe your recordings, or help to understand words.

    To give one is to agree to its text, which is shown.
    """
    changed: dict[str, Any] = {}
    changed |= {f"third_party_{give}": True} if give else {}
    changed |= {f"third_party_{withdraw}": False} if withdraw else {}
    if give is not None and give is withdraw:
        raise typer.BadParameter("--give and --withdraw are about the same")
    with connect(api) as client:
        found = client.get(CONSENTS)
        if changed:
            versions = {each["kind"]: each["current_version"] for each in found["data"]}
            body = {**changed, "versions": versions}
            found = client.send("PUT", CONSENTS, body, undoable=False).body
        now, zone = datetime.now(UTC), moments.zone_of(client)
    shown = []
    for each in found["data"]:
        state, since = "not given", each["withdrawn_at"]
        if each["granted"]:
            state, since = "given", each["granted_at"]
        at = f", {when(parsed(since), now=now, zone=zone)}" if since else ""
        shown.append(f"{each['kind'].removeprefix('third_party_')}: {state}{at}")
        if changed.get(each["kind"]):
            shown.append(f"  {each['text']}")
    answer(found, *shown, as_json=as_json)


def _meant(client: Client, given: str) -> tuple[str, str]:
    """The address of a command or of a recording, and which of the two it is."""
    ends = given.lower()
    for noun, path in (("command", "/voice/commands"), ("recording", "/voice/memos")):
        for each in client.pages(path, limit=100):
            if ends in {each["id"], short(each["id"])}:
                return f"{path}/{each['id']}", noun
    raise NotFound(f"nothing that you said or recorded has the id {given!r}")


def _table(*names: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in names:
        table.add_column(name, no_wrap=name not in {SAID, WORDS})
    return table


def _percent(share: float | None) -> str:
    return "" if share is None else f"{share:.0%}"


def _ms(value: float | None) -> str:
    return "" if value is None else f"{value:.0f} ms"


def _tally(counts: dict[str, int]) -> str:
    most_first = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    return ", ".join(f"{name} {count}" for name, count in most_first)


def _bar(day: dict[str, Any]) -> Text:
    bar = Text("█" * min(day["successful"], 40), "green")
    bar.append("█" * min(day["commands"] - day["successful"], 40), "yellow")
    return bar.append(f" {day['commands']}", "dim")
