"""What became of words, as a person reads it."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, time
from typing import Any, Final

from rich.console import RenderableType
from rich.text import Text

from api.commands import find, moments, rules, words
from api.commands.client import Client, Refused
from core.rules import zones

_DONE: Final = {
    "create": "Added",
    "complete": "Done:",
    "reopen": "Open again:",
    "update": "Changed",
    "delete": "Deleted",
    "snooze": "Put off",
    "undo": "Undone",
}
_WOULD: Final = {
    "create": "Would add",
    "complete": "Would complete",
    "reopen": "Would open again",
    "update": "Would change",
    "delete": "Would delete",
    "snooze": "Would put off",
    "undo": "Would undo the last thing that was said",
    "list": "Would list todos",
}
_LOOKED_UP: Final = 10  # commands of one utterance whose todos are fetched to tell more of them


def lines(
    client: Client, result: dict[str, Any], *, tried: bool = False
) -> Iterable[RenderableType]:
    """What was done, and the question with its candidates."""
    yield from told(client, result, result["commands"], tried=tried)
    proposed = result["proposed"]
    details = [_after(_details(client, each["fields"])) for each in proposed]
    if len(proposed) > 1:
        for each, after in zip(proposed, details, strict=True):
            verb = _WOULD.get(each["intent"], each["intent"])
            yield Text(f"? {verb}", "yellow").append(f" {_about(each)}{after}", "default")
    if result["question"]:
        more = details[0].removeprefix(": ") if len(details) == 1 else ""
        yield Text(result["question"], "bold").append(f"  {more}" if more else "", "not bold")
    titles = [each["title"] for each in result["candidates"]]
    if len(titles) > 1 or not all(title in (result["question"] or "") for title in titles):
        for number, title in enumerate(titles, 1):
            yield Text(f"  {number}  ", "cyan").append(title, "default")
    if not result["commands"] and not result["question"]:
        yield Text("There is nothing to do in that.", "dim")


def told(
    client: Client,
    result: dict[str, Any],
    commands: list[dict[str, Any]],
    *,
    tried: bool = False,
) -> Iterable[RenderableType]:
    for number, each in enumerate(commands):
        if each["intent"] == "list" and not tried:
            yield _listed(client, result["todos"])
            continue
        todo = None
        if each["todo"] and each["intent"] in {"create", "complete"} and number < _LOOKED_UP:
            todo = None if tried else _todo(client, each["todo"]["id"])
        yield _one(client, each, todo, tried=tried)


def _one(
    client: Client, each: dict[str, Any], todo: dict[str, Any] | None, *, tried: bool
) -> RenderableType:
    verb = (_WOULD if tried else _DONE).get(each["intent"], each["intent"])
    line = Text("~ " if tried else "✔ ", "yellow" if tried else "green").append(verb, "default")
    if each["intent"] == "undo":
        return line
    if each["intent"] == "list":
        asked = {name: value for name, value in (each["filter"] or {}).items() if value}
        told = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in asked.items())
        return line.append(f": {told}" if told else "")
    details = _details(client, each["fields"])
    if each["intent"] == "update" and each["fields"].get("title"):
        details = [f"called “{each['fields']['title']}”" if tried else "renamed", *details]
    line.append(f" {_about(each)}").append(_after(details))
    if todo and any(reminder["next_fire_at"] for reminder in todo["reminders"]):
        line.append(" ⏰")
    return line


def _about(each: dict[str, Any]) -> str:
    title = each["todo"]["title"] if each["todo"] else each["fields"].get("title")
    return f"“{title}”" if title else "what is meant"


def _details(client: Client, fields: dict[str, Any]) -> list[str]:
    """Everything that was understood but the title, in words."""
    told = []
    due, recurrence = fields.get("due"), fields.get("recurrence")
    if due:
        told.append(f"due {_due(due, moments.zone_of(client))}")
        if recurrence:
            told.append(rules.explained(client, recurrence, due))
    told += [f"{fields['priority']} priority"] if fields.get("priority", "none") != "none" else []
    told += [f"in {fields['list']}"] if fields.get("list") else []
    told += [f"#{tag}" for tag in fields.get("tags") or ()]
    return told


def _after(details: list[str]) -> str:
    return f": {', '.join(details)}" if details else ""


def _due(due: dict[str, Any], zone: str) -> str:
    """In the person's own zone, whatever zone was said."""
    on = date.fromisoformat(due["date"])
    at = time.fromisoformat(due["time"]) if due["time"] else None
    instant = zones.instant(on, at or zones.ALL_DAY, due["timezone"] or zone)
    return words.when(instant, now=datetime.now(UTC), zone=zone, all_day=at is None)


def _listed(client: Client, todos: list[dict[str, Any]]) -> RenderableType:
    if not todos:
        return Text("No todo is like that.", "dim")
    lists = find.list_names(client) if any(todo["list_id"] for todo in todos) else {}
    return words.table(todos, lists=lists, zone=moments.zone_of(client))


def _todo(client: Client, todo_id: str) -> dict[str, Any] | None:
    """Null when somebody was faster and deleted it."""
    try:
        found: dict[str, Any] = client.get(f"/todos/{todo_id}")
    except Refused:
        return None
    return found
