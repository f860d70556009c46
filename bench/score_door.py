"""Asks a running server what it makes of a case: `POST /voice/commands` with `dry_run`.

Every set of todos gets a person of its own. What a conversation says before its last utterance is
carried out, without `now` (which only a dry run takes), and taken back at the end.
"""

from collections.abc import Mapping
from datetime import date, time
from typing import Any, Final, Self
from uuid import uuid4

from api.commands.client import Client
from api.trials.cases import Case, Todo
from api.trials.seen import NONE, Act, Seen, Value, moment
from core.rules.understanding.commands import Intent

_QUERY: Final = {"due_from": "from", "due_to": "to"}
_FIELDS: Final = {"recurrence": "repeat"}


class Door:
    """`hint` tells the server which language it is."""

    def __init__(self, url: str, *, hint: bool = True) -> None:
        self._url = url
        self._hint = hint
        self._people: dict[tuple[object, ...], Client] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for client in self._people.values():
            client.__exit__()

    def hear(self, case: Case) -> Seen:
        client = self._person(case)
        if case.quick:
            body = self._body(case, case.say[0])
            return _typed(client.send("POST", "/todos/quick", body).body)
        session = client.send("POST", "/voice/sessions", {}).body["id"]
        done: list[str] = []
        try:
            for text in case.say[:-1]:
                body = {"text": text, "session_id": session, "timezone": case.zone}
                if self._hint:
                    body["language"] = case.language
                result = client.send("POST", "/voice/commands", body).body
                done += [result["undo_token"]] if result["undo_token"] else []
            body = {**self._body(case, case.say[-1]), "session_id": session}
            return _spoken(client.send("POST", "/voice/commands", body).body)
        finally:
            for change_set in reversed(done):
                client.send("POST", "/undo", {"change_set": change_set})

    def _body(self, case: Case, text: str) -> dict[str, Any]:
        told = {"language": case.language} if self._hint else {}
        return {"text": text, "dry_run": True, "now": case.now.isoformat(), **told}

    def _person(self, case: Case) -> Client:
        key = (case.zone, case.todos, case.lists, case.tags)
        if key not in self._people:
            client = Client(self._url)
            email = f"score-{uuid4()}@voicetodo.example"
            account = {"email": email, "password": f"{uuid4()}-{uuid4()}", "timezone": case.zone}
            client.sign_in("/auth/register", account)
            lists = {
                name: client.send("POST", "/lists", {"name": name}).body["id"]
                for name in case.lists
            }
            for todo in case.todos:
                _add(client, todo, lists)
            self._people[key] = client
        return self._people[key]


def _add(client: Client, todo: Todo, lists: Mapping[str, str]) -> None:
    body: dict[str, Any] = {"title": todo.title, "priority": todo.priority, "tags": [*todo.tags]}
    if todo.list:
        body["list_id"] = lists[todo.list]
    if todo.due:
        day, _, clock = todo.due.partition(" ")
        body["due"] = {"date": day, **({"time": clock} if clock else {})}
    made = client.send("POST", "/todos", body).body
    if todo.done:
        client.send("POST", f"/todos/{made['id']}/complete")


def _spoken(result: Mapping[str, Any]) -> Seen:
    acts = [_act(each) for each in result["commands"]]
    proposed = [_act(each) for each in result["proposed"]]
    offered = [each["title"] for each in result["candidates"]]
    offered += [act.todo for act in proposed if act.todo]
    asks = result["needs_confirmation"] or bool(result["question"])
    return Seen(acts, proposed, asks, offered)


def _typed(result: Mapping[str, Any]) -> Seen:
    return Seen([_act(each) for each in result["understood"]])


def _act(command: Mapping[str, Any]) -> Act:
    asked = command["filter"] or {}
    query = {_QUERY.get(name, name): str(said) for name, said in asked.items() if said is not None}
    todo = command["todo"]
    fields = _fields(command["fields"])
    return Act(Intent(command["intent"]), todo and todo["title"], fields, query)


def _fields(said: Mapping[str, Any]) -> dict[str, Value]:
    fields: dict[str, Value] = {}
    for name in ("title", "due", "recurrence", "priority", "tags", "list"):
        if name not in said:
            continue
        value = said[name]
        if name == "tags":
            fields[name] = tuple(value)
        else:
            fields[_FIELDS.get(name, name)] = NONE if value is None else _one(name, value)
    return fields


def _one(name: str, value: Any) -> str:
    if name == "due":
        at = time.fromisoformat(value["time"]) if value["time"] else None
        return moment(date.fromisoformat(value["date"]), at)
    return str(value["rrule"] if name == "recurrence" else value)
