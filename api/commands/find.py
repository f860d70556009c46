"""From the titles and short ids that people see to the ids that the API knows."""

from typing import Any
from uuid import UUID

import typer

from api.commands.client import Client
from api.commands.words import short
from core.errors import NotFound

MIN_CHARS = 4
MOST_SEARCHED = 5000  # 50 requests; beyond that a full id is asked for


def todo_id(client: Client, given: str) -> str:
    """Raises `BadParameter` where more than one is meant, `NotFound` where none is."""
    return _full(given) or _only(given, "todo", _matching(client, given)[0])


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


def _matching(client: Client, given: str) -> tuple[dict[str, str], dict[str, str]]:
    """Titles by id: of todos that are called so or whose id ends so, and of their reminders."""
    digits = given.lower().replace("-", "")
    named = given.casefold().strip()
    if not named:
        raise typer.BadParameter("name a todo: by its title, or by the id that `list` shows")
    is_id = len(digits) >= MIN_CHARS and all(char in "0123456789abcdef" for char in digits)
    todos: dict[str, str] = {}
    reminders: dict[str, str] = {}
    everything = client.pages("/todos", limit=100, fields="id,title,reminders")
    for number, todo in enumerate(everything):
        if number >= MOST_SEARCHED:
            raise typer.BadParameter("there are too many todos for a short id: give the whole one")
        if todo["title"].casefold().startswith(named) or (is_id and _ends(todo, digits)):
            todos[todo["id"]] = todo["title"]
        if is_id:
            own = [each["id"] for each in todo["reminders"] if _ends(each, digits)]
            reminders |= dict.fromkeys(own, todo["title"])
    return todos, reminders


def _ends(row: dict[str, Any], end: str) -> bool:
    return str(row["id"]).replace("-", "").endswith(end)


def _only(given: str, noun: str, found: dict[str, str]) -> str:
    if not found:
        raise NotFound(f"no {noun} of yours begins with {given!r} or has an id that ends so")
    if len(found) > 1:
        names = ", ".join(f"{key} (“{title}”)" for key, title in sorted(found.items())[:5])
        raise typer.BadParameter(f"{given!r} is ambiguous, give more of it: {names}")
    return next(iter(found))
