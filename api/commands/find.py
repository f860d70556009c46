"""From the titles and short ids that people see to the ids that the API knows."""

from operator import itemgetter
from typing import Any
from uuid import UUID

import typer

from api.commands.client import Client
from api.commands.words import short
from core.errors import NotFound

MIN_CHARS = 4  # of an id's end
WHOLE = 32  # without its hyphens
MOST_SEARCHED = 5000  # 50 requests; beyond that a full id is asked for
_ASKED = "id,title,reminders,series_id,completed_at"


def todo_id(client: Client, given: str, *, completed: bool = False) -> str:
    """Raises `BadParameter` where more than one is meant, `NotFound` where none is.

    The occurrences of a recurring todo share its title: the open one is meant, or with `completed`
    the one completed last.
    """
    return _full(given) or _only(given, "todo", _matching(client, given, completed=completed)[0])


def todo_or_reminder(client: Client, given: str) -> tuple[str | None, str]:
    """The id of a todo (or none) and of a reminder: the one meant, or the todo's only one."""
    if full := _full(given):
        given = full
    todos, reminders = _matching(client, given)
    if reminders and not todos:
        return None, _only(given, "reminder", reminders)
    found = _only(given, "todo or reminder", {**todos, **reminders})
    own = client.get(f"/todos/{found}")["reminders"]
    if not own:
        raise NotFound(f"“{todos[found]}” has no reminder")
    if len(own) > 1:
        ids = ", ".join(short(each["id"]) for each in own)
        raise typer.BadParameter(f"“{todos[found]}” has several reminders, name one: {ids}")
    return found, str(own[0]["id"])


def list_id(client: Client, name: str) -> str:
    for each in client.pages("/lists"):
        if each["name"].lower() == name.lower():
            return str(each["id"])
    raise NotFound(f"there is no list called {name!r}")


def list_names(client: Client) -> dict[str, str]:
    return {each["id"]: each["name"] for each in client.pages("/lists")}


def _full(given: str) -> str | None:
    try:
        return str(UUID(given))
    except ValueError:
        return None


def _matching(
    client: Client, given: str, *, completed: bool = False
) -> tuple[dict[str, str], dict[str, str]]:
    """Titles by id: of todos that are called so or whose id ends so, and of their reminders."""
    digits = given.lower().replace("-", "")
    named = given.casefold().strip()
    if not named:
        raise typer.BadParameter("name a todo: by its title, or by the id that `list` shows")
    is_id = len(digits) >= MIN_CHARS and all(char in "0123456789abcdef" for char in digits)
    todos: list[dict[str, Any]] = []
    reminders: dict[str, str] = {}
    everything = client.pages("/todos", limit=100, fields=_ASKED)
    for number, todo in enumerate(everything):
        if number >= MOST_SEARCHED:
            raise typer.BadParameter("there are too many todos for a short id: give the whole one")
        if todo["title"].casefold().startswith(named) or (is_id and _ends(todo, digits)):
            todos.append(todo)
        if is_id:
            own = [each["id"] for each in todo["reminders"] if _ends(each, digits)]
            reminders |= dict.fromkeys(own, todo["title"])
    meant = _of_series(todos, completed=completed)
    return {todo["id"]: todo["title"] for todo in meant}, reminders


def _of_series(todos: list[dict[str, Any]], *, completed: bool) -> list[dict[str, Any]]:
    """Of each series those that stand open, or the one completed last; all others as they are."""
    kept = [todo for todo in todos if todo["series_id"] is None]
    series: dict[str, list[dict[str, Any]]] = {}
    for todo in todos:
        if todo["series_id"] is not None:
            series.setdefault(todo["series_id"], []).append(todo)
    for own in series.values():
        done = sorted((t for t in own if t["completed_at"]), key=itemgetter("completed_at", "id"))
        still_open = [todo for todo in own if not todo["completed_at"]]
        first, second = (done[-1:], still_open) if completed else (still_open, done[-1:])
        kept += first or second
    return kept


def _ends(row: dict[str, Any], end: str) -> bool:
    return str(row["id"]).replace("-", "").endswith(end)


def _only(given: str, noun: str, found: dict[str, str]) -> str:
    if not found:
        raise NotFound(f"no {noun} of yours begins with {given!r} or has an id that ends so")
    if len(found) > 1:
        names = ", ".join(f"{key} (“{title}”)" for key, title in sorted(found.items())[:5])
        raise typer.BadParameter(f"{given!r} is ambiguous, give more of it: {names}")
    return next(iter(found))
