"""`voicetodo repeat | skip | move`: todos that come back."""

from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Annotated, Any, Final

import typer
from rich.table import Table
from rich.text import Text

from api.commands import find, moments, rules, words
from api.commands.client import Client
from api.commands.options import Api, Json, Zone, answer, connect
from api.commands.todos import Due, Scope, Todo, asked, next_one
from core.errors import NotFound
from core.rules import cli_times

COMING: Final = 5
PASSED: Final = 5
_STYLES = {"completed": "green", "missed": "red", "moved": "yellow", "skipped": "dim"}
_LEFT_UNDONE = {
    "roll": "moves on to the next one, and counts what was missed",
    "keep": "stays until it is done",
    "all": "stays, and a further one comes",
}


# The names of core.rules.recurrence and core.rules.rrule, which cost `--help` 0.1 s.
class Anchor(StrEnum):
    SCHEDULE = "schedule"
    COMPLETION = "completion"


class Skip(StrEnum):
    OMIT = "omit"
    BACKWARD = "backward"
    FORWARD = "forward"


class PileUp(StrEnum):
    ROLL = "roll"
    KEEP = "keep"
    ALL = "all"


class Shift(StrEnum):
    NONE = "none"
    BEFORE = "before"
    AFTER = "after"


def repeat(
    todo: Todo,
    rule: Annotated[
        str | None,
        typer.Argument(help="Such as `every 2 weeks on monday at 9`.", metavar="WORDS"),
    ] = None,
    *,
    rrule: rules.Rrule = None,
    due: Due = None,
    anchor: Annotated[
        Anchor | None, typer.Option(help="What the next one counts from: the plan, or its doing.")
    ] = None,
    skip: Annotated[
        Skip | None, typer.Option(help="A day that the month does not have: left out, or where to.")
    ] = None,
    pile_up: Annotated[
        PileUp | None, typer.Option(help="One left undone: moves on, is kept, or all are.")
    ] = None,
    holidays: Annotated[
        str | None, typer.Option(help="DE, US, DE-BE …; `none`. With --shift.", metavar="WHERE")
    ] = None,
    shift: Annotated[Shift | None, typer.Option(help="Where to, from days off.")] = None,
    scope: Annotated[Scope | None, typer.Option(help="Which occurrences are meant.")] = None,
    pause: Annotated[bool, typer.Option("--pause", help="Nothing comes until --resume.")] = False,
    resume: Annotated[bool, typer.Option("--resume", help="On from the next one.")] = False,
    stop: Annotated[bool, typer.Option("--stop", help="This one stays, none comes after.")] = False,
    language: Annotated[
        str | None, typer.Option(help="Of the words: en, de, es, fr; else yours.", metavar="LANG")
    ] = None,
    zone: Zone = None,
    api: Api = None,
    as_json: Json = False,
) -> None:
    """Let a todo come back, change how, or show what becomes of it."""
    named = {"anchor": anchor, "skip": skip, "pile_up": pile_up, "shift": shift}
    policies: dict[str, Any] = {name: each.value for name, each in named.items() if each}
    if holidays is not None:
        policies["holidays"] = None if holidays == "none" else holidays
    said = rule is not None or rrule is not None
    verbs = {"pause": pause, "resume": resume, "stop": stop}
    verb = next((name for name, wanted in verbs.items() if wanted), None)
    if sum(verbs.values()) + (said or bool(policies)) > 1:
        raise typer.BadParameter("one at a time: a rule, --pause, --resume or --stop")
    if (due or zone or language) and not said:
        raise typer.BadParameter("--due, --zone and --language are about a rule: say it, too")
    if scope and not (said or policies):
        raise typer.BadParameter("--scope is about a change: say which")
    with connect(api) as client:
        found = client.get(f"/todos/{find.todo_id(client, todo)}")
        body: dict[str, Any] = {}
        if said:
            body["recurrence"], body["due"] = rules.read_for(
                client, found, words=rule, rrule=rrule, zone=zone, language=language, due=due
            )
            # The words say which days; what else was settled for this todo stays.
            body["recurrence"] |= _settled(found) | policies
        elif policies:
            body["recurrence"] = {**_recurrence(found), **policies}
        if body:
            found = client.send("PATCH", f"/todos/{found['id']}", body, params=asked(scope)).body
        elif verb:
            client.send("POST", f"/series/{_series_id(found)}/{verb}")
        document = _document(client, _series_id(found))
        shown = () if as_json else (_view(document, zone=moments.zone_of(client)),)
        answer(document, *shown, as_json=as_json)


def skip(todo: Todo, *, api: Api = None, as_json: Json = False) -> None:
    """Let this occurrence be, and go on to the next one."""
    with connect(api) as client:
        skipped = client.send("POST", f"/todos/{find.todo_id(client, todo)}/skip").body
        _told(client, "↷", skipped, as_json=as_json)


def move(
    todo: Todo,
    time: Annotated[str, typer.Argument(help=f"{cli_times.UNDERSTOOD}.", metavar="TIME")],
    *,
    zone: Zone = None,
    api: Api = None,
    as_json: Json = False,
) -> None:
    """Only this occurrence is due at another time; those after it stay. A day keeps the time."""
    with connect(api) as client:
        found = client.get(f"/todos/{find.todo_id(client, todo)}")
        own = found["due"] or {"time": None, "timezone": None}
        due = moments.wall(client, time, zone)
        if "time" not in due:
            due = {**own, **due}
        elif own["timezone"] and not due["timezone"]:
            due["timezone"] = moments.zone_of(client)  # fixed before, so it stays fixed
        moved = client.send("POST", f"/todos/{found['id']}/move", {"due": due}).body
        _told(client, "→", moved, as_json=as_json)


def _told(client: Client, mark: str, todo: dict[str, Any], *, as_json: bool) -> None:
    shown = () if as_json else (Text(f"{mark} {todo['title']}{next_one(client, todo)}"),)
    answer(todo, *shown, as_json=as_json)


def _series_id(todo: dict[str, Any]) -> str:
    if todo["series_id"] is None:
        how = f"voicetodo repeat {todo['title']!r} 'every week'"
        raise NotFound(f"“{todo['title']}” does not repeat; this lets it: {how}")
    return str(todo["series_id"])


def _settled(todo: dict[str, Any]) -> dict[str, Any]:
    rule = todo["recurrence"] or {}
    return {name: rule[name] for name in ("pile_up", "holidays", "shift") if name in rule}


def _recurrence(todo: dict[str, Any]) -> dict[str, Any]:
    if todo["recurrence"] is None:
        raise NotFound(f"“{todo['title']}” does not repeat: say the rule, too")
    return dict(todo["recurrence"])


def _document(client: Client, series_id: str) -> dict[str, Any]:
    """The series with its todo as it stands, what comes after that, and what became of the last."""
    series = client.get(f"/series/{series_id}")
    # The current one is the newest; it is told by the todo while it stands open.
    current, *passed = client.get(f"/series/{series_id}/occurrences", limit=PASSED + 1)["data"]
    if current["status"] not in {"open", "moved"}:
        passed.insert(0, current)
    return {
        "todo": client.get(f"/todos/{series['todo_id']}") if series["todo_id"] else None,
        "series": series,
        "explained": rules.explained(client, series["recurrence"], series["start"]),
        "next": _coming(client, series, current["due_at"]),
        "occurrences": passed[:PASSED],
    }


def _coming(client: Client, series: dict[str, Any], due_at: str) -> list[Any]:
    if series["status"] == "ended":
        return []
    recurrence = series["recurrence"]
    body = {"recurrence": recurrence, "due": series["start"], "count": COMING}
    if recurrence["anchor"] == Anchor.SCHEDULE:
        body["after"] = max(due_at, datetime.now(UTC).isoformat(), key=words.parsed)
        return list(client.send("POST", "/recurrence/preview", body).body["occurrences"])
    # From its doing on: as if each one were done on its day, this one the first of them.
    body |= {"due": series["planned"], "count": COMING + 1}
    return list(client.send("POST", "/recurrence/preview", body).body["occurrences"][1:])


def _view(document: dict[str, Any], *, zone: str) -> Table:
    now = datetime.now(UTC)
    todo, series = document["todo"], document["series"]
    view = Table(box=None, show_header=False, pad_edge=False)
    view.add_column(style="dim")
    view.add_column()
    due = words.due(todo, now=now, zone=zone) if todo else Text()
    rows: list[tuple[str, str | Text]] = [
        ("title", Text(todo["title"] if todo else "", "bold")),
        ("repeats", Text(document["explained"])),
        ("status", "" if series["status"] == "active" else series["status"]),
        ("due", due),
        ("undone", _LEFT_UNDONE[series["recurrence"]["pile_up"]]),
        ("missed", Text(str(todo["missed"] or "") if todo else "", "red")),
        ("left out", str(series["left_out"] or "")),
    ]
    coming = [(_when(each, now=now, zone=zone), each["note"] or "") for each in document["next"]]
    rows += [("next", Text(f"{when}  {note}".strip())) for when, note in coming]
    for each in document["occurrences"]:
        at = words.parsed(each["due_at"])
        when = words.moment(at, now=now, zone=zone, all_day="T" not in each["recurrence_id"])
        rows.append(("was", Text(f"{when}  ").append(each["status"], _STYLES.get(each["status"]))))
    shown = ""
    for name, value in rows:
        if value:
            view.add_row("" if name == shown else name, value)
            shown = name
    return view


def _when(occurrence: dict[str, Any], *, now: datetime, zone: str) -> str:
    if occurrence["at"] is None:
        return words.day(date.fromisoformat(occurrence["local"]), now=now)
    return words.moment(words.parsed(occurrence["at"]), now=now, zone=zone)
