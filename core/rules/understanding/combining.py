"""Commands of one utterance that are about the same todo."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from core.rules.understanding.commands import Command, Intent


def combined(before: Sequence[Command], found: Sequence[Command]) -> list[Command]:
    """What is told of "it" belongs to the new todo: "call the vet, and tag it pets"."""
    commands = list(before)
    for command in found:
        last = commands[-1] if commands else None
        if last is not None and _of_it(last, command):
            commands[-1] = replace(
                last,
                confidence=min(last.confidence, command.confidence),
                fields={**last.fields, **_changes(command), **_tags(last, command)},
                spans={**command.spans, **last.spans},
            )
        else:
            commands.append(command)
    return commands


def _of_it(last: Command, command: Command) -> bool:
    if last.intent is not Intent.CREATE or command.intent is not Intent.UPDATE:
        return False
    target = command.target
    it = target is not None and target.position == 0 and not target.every
    told = last.question is None and command.question is None
    # A due time that was said before is changed by the rules for that.
    again = "due" in command.fields and "due" in last.fields
    return it and told and bool(command.fields) and "title" not in command.fields and not again


def _tags(last: Command, command: Command) -> dict[str, list[str]]:
    tags = [*last.fields.get("tags", ()), *command.fields.get("tags", ())]
    return {"tags": list(dict.fromkeys(tags))} if tags else {}


def _changes(command: Command) -> dict[str, Any]:
    return {name: value for name, value in command.fields.items() if name != "due_part"}
