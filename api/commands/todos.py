"""`voicetodo add | list | show | done | reopen | edit | rm`. Repeating is repeat.py's."""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any

import typer
from rich.text import Text

from api.commands import find, moments, rules, words
from api.commands.client import Client
from api.commands.options import Api, Json, Zone, answer, connect
from core.rules import cli_times

Todo = Annotated[
    str, typer.Argument(help="The beginning of its title, or the id that `list` shows.")
]
Due = Annotated[str | None, typer.Option(help=f"{cli_times.UNDERSTOOD}.", metavar="TIME")]
List = Annotated[str | None, typer.Option("--list", help="A list; made when new.", metavar="NAME")]
Tags = Annotated[list[str] | None, typer.Option("--tag", help="Repeatable.", metavar="NAME")]
Note = Annotated[str | None, typer.Option(help="A longer text.")]
Remind = Annotated[
    str | None, typer.Option(help="Channels: email, in_app.", metavar="CHANNEL[,CHANNEL]")
]
Before = Annotated[
    str | None, typer.Option(help="Remind so long before it is due.", metavar="DURATION")
]


class Priority(StrEnum):
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"
    NONE = "none"


class Status(StrEnum):
    PENDING = "pending"
    COMPLETED = "completed"
    ALL = "all"


class Sort(StrEnum):
    DUE = "due"
    PRIORITY = "priority"
    CREATED = "created"
    POSITION = "position"


class Scope(StrEnum):
    THIS = "this"
    FOLLOWING = "following"
    ALL = "all"


class RemoveScope(StrEnum):
    THIS = "this"
    ALL = "all"


PriorityOption = Annotated[Priority | None, typer.Option(help="How much it matters.")]


def add(
    title: Annotated[str, typer.Argument(help="What is to be done.")],
    *,
    due: Due = None,
    zone: Zone = None,
    list_name: List = None,
    tag: Tags = None,
    priority: PriorityOption = None,
    note: Note = None,
    remind: Remind = None,
    before: Before = None,
    repeat: Annotated[
        str | None,
        typer.Option(help="`every weekday at 9`; also says when it is due.", metavar="WORDS"),
    ] = None,
    rrule: rules.Rrule = None,
    api: Api = None,
    as_json: Json = False,
) -> None:
    """Add a todo, and with it a reminder, and how it repeats."""
    body: dict[str, Any] = {"title": title}
    repeats = repeat is not None or rrule is not None
    if (remind or before) and not due and not repeats:
        raise typer.BadParameter("a reminder needs --due; or add it later with `voicetodo remind`")
    if remind or before:
        body["reminders"] = [
            {
                "before": moments.duration(before) if before else "PT0S",
                "channels": moments.channels(remind),
            }
        ]
    with connect(api) as client:
        _fill(client, body, due, zone, list_name, tag, priority, note)
        if repeats:
            found = rules.read(client, words=repeat, rrule=rrule, zone=zone)
            body["recurrence"] = found["recurrence"]
            body["due"] = rules.beginning(found, body.get("due"))
        todo = client.send("POST", "/todos", body).body
        _show(client, todo, as_json=as_json)


def list_todos(
    *,
    status: Annotated[Status, typer.Option(help="Which ones.")] = Status.PENDING,
    tag: Annotated[str | None, typer.Option(help="With this tag.", metavar="NAME")] = None,
    list_name: Annotated[
        str | None, typer.Option("--list", help="In this list.", metavar="NAME")
    ] = None,
    priority: PriorityOption = None,
    due_before: Annotated[
        str | None, typer.Option(help="Due before this time.", metavar="TIME")
    ] = None,
    sort: Annotated[Sort, typer.Option(help="Order.")] = Sort.DUE,
    limit: Annotated[int, typer.Option(min=1, max=100, help="How many.")] = 50,
    everything: Annotated[bool, typer.Option("--all", help="All pages.")] = False,
    api: Api = None,
    as_json: Json = False,
) -> None:
    """List todos."""
    with connect(api) as client:
        filters: dict[str, Any] = {"tag": tag, "sort": sort.value, "limit": limit}
        filters["priority"] = priority.value if priority else None
        filters["status"] = None if status is Status.ALL else status.value
        filters["list_id"] = find.list_id(client, list_name) if list_name else None
        if due_before:
            filters["due_before"] = moments.instant(client, due_before).isoformat()
        page: dict[str, Any]
        if everything:
            found = list(client.pages("/todos", **filters | {"limit": 100}))
            page = {"data": found, "next_cursor": None, "has_more": False}
        else:
            page = client.get("/todos", **filters)
            found = page["data"]
        if as_json:
            answer(page, as_json=True)
            return
        lists = find.list_names(client) if any(todo["list_id"] for todo in found) else {}
        shown = (
            words.table(found, lists=lists, zone=moments.zone_of(client))
            if found
            else "Nothing to do."
        )
        answer(page, shown, as_json=False)
        if page["has_more"]:
            answer(None, f"[dim]The first {len(found)}; `--all` shows the rest.", as_json=False)


def show(todo: Todo, *, api: Api = None, as_json: Json = False) -> None:
    """Show one todo."""
    with connect(api) as client:
        _show(client, client.get(f"/todos/{find.todo_id(client, todo)}"), as_json=as_json)


def done(todo: Todo, *, api: Api = None, as_json: Json = False) -> None:
    """Complete a todo; one that repeats comes back at its next occurrence."""
    with connect(api) as client:
        result = client.send("POST", f"/todos/{find.todo_id(client, todo)}/complete").body
        shown = Text(f"✔ {result['completed']['title']}", "green")
        if result["next"] and not as_json:
            shown.append(next_one(client, result["next"]), "default")
        answer(result, shown, as_json=as_json)


def next_one(client: Client, todo: dict[str, Any]) -> str:
    """What follows on what became of an occurrence: `; next: Mon 7 Sep 09:00`."""
    comes = words.comes(todo, now=datetime.now(UTC), zone=moments.zone_of(client))
    return f"; next: {comes}"


def reopen(todo: Todo, *, api: Api = None, as_json: Json = False) -> None:
    """Open a completed todo again."""
    with connect(api) as client:
        found = find.todo_id(client, todo, completed=True)
        result = client.send("POST", f"/todos/{found}/reopen").body
        answer(result, Text(f"○ {result['title']}"), as_json=as_json)


def edit(
    todo: Todo,
    *,
    title: Annotated[str | None, typer.Option(help="Another title.")] = None,
    due: Annotated[
        str | None, typer.Option(help="Another time; `none` takes it away.", metavar="TIME")
    ] = None,
    zone: Zone = None,
    list_name: Annotated[
        str | None, typer.Option("--list", help="`none` takes it away.", metavar="NAME")
    ] = None,
    tag: Annotated[
        list[str] | None, typer.Option("--tag", help="All its tags; `none` for none.")
    ] = None,
    priority: PriorityOption = None,
    note: Note = None,
    scope: Annotated[
        Scope | None,
        typer.Option(
            help="Of one that repeats; else a due time is this one's, all else the following's too."
        ),
    ] = None,
    api: Api = None,
    as_json: Json = False,
) -> None:
    """Change a todo; what is not named stays."""
    body: dict[str, Any] = {"title": title} if title is not None else {}
    if due == "none":
        body["due"], due = None, None
    if list_name == "none":
        body["list_id"], list_name = None, None
    if tag == ["none"]:
        body["tags"], tag = [], None
    with connect(api) as client:
        _fill(client, body, due, zone, list_name, tag, priority, note)
        if not body:
            raise typer.BadParameter("nothing to change: name what, for example --due tomorrow")
        path = f"/todos/{find.todo_id(client, todo)}"
        edited = client.send("PATCH", path, body, params=asked(scope)).body
        _show(client, edited, as_json=as_json)


def remove(
    todo: Todo,
    *,
    scope: Annotated[
        RemoveScope | None,
        typer.Option(help="Of one that repeats: `this` goes on to the next; else all end with it."),
    ] = None,
    api: Api = None,
    as_json: Json = False,
) -> None:
    """Delete a todo; `voicetodo undo` brings it back."""
    with connect(api) as client:
        found = find.todo_id(client, todo)
        change_set = client.send("DELETE", f"/todos/{found}", params=asked(scope)).change_set
        result = {"deleted": found, "change_set": change_set}
        shown = f"Deleted {words.short(found)}; `voicetodo undo` brings it back."
        answer(result, shown, as_json=as_json)


def asked(scope: StrEnum | None) -> dict[str, Any]:
    """Which occurrences an edit is about, as a query."""
    return {"scope": scope.value} if scope else {}


def _fill(
    client: Client,
    body: dict[str, Any],
    due: str | None,
    zone: str | None,
    list_name: str | None,
    tags: list[str] | None,
    priority: Priority | None,
    note: str | None,
) -> None:
    if due is not None:
        body["due"] = moments.wall(client, due, zone)
    if list_name is not None:
        body["list"] = list_name
    if tags:
        body["tags"] = tags
    if priority is not None:
        body["priority"] = priority.value
    if note is not None:
        body["description"] = note


def _show(client: Client, todo: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        answer(todo, as_json=True)
        return
    lists = find.list_names(client) if todo["list_id"] else {}
    repeats = rules.of_todo(client, todo)
    zone = moments.zone_of(client)
    answer(todo, words.details(todo, lists=lists, zone=zone, repeats=repeats), as_json=False)
