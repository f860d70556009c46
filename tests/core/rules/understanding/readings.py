"""What is understood of a text, as one line for each command: how tables of tests write it."""

from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from core.rules import rrule
from core.rules.recurrence import Recurrence
from core.rules.reminders import Due
from core.rules.understanding import reading
from core.rules.understanding.commands import Command, Intent

ZONE: Final = "Europe/Berlin"
NOW: Final = datetime(2026, 3, 2, 10, 0, tzinfo=ZoneInfo(ZONE))  # a Monday
SURE: Final = 0.85


def told(
    text: str, language: str | None = None, *, typed: bool = False, **names: list[str]
) -> list[str]:
    """`create? title=milk`: the mark tells that it is asked about."""
    read = reading.read(
        text,
        now=NOW,
        zone=ZONE,
        language=language,
        default=Intent.CREATE if typed else None,
        lists=names.get("lists", ["Groceries", "Work"]),
        tags=names.get("tags", ["Home"]),
    )
    return [line(command) for command in read.commands]


def line(command: Command) -> str:
    ask = "" if command.confidence >= SURE and command.question is None else "?"
    parts = [f"{command.intent}{ask}"]
    parts += [f"{name}={_said(value)}" for name, value in sorted(command.fields.items())]
    if command.target is not None:
        where = command.target
        parts.append("every" if where.every else f"<{where.text or where.position}>")
    if command.filter is not None:
        values = {name: getattr(command.filter, name) for name in command.filter.__slots__}
        parts += [f"{name}:{value}" for name, value in sorted(values.items()) if value is not None]
    return " ".join(parts)


def _said(value: Any) -> str:
    if isinstance(value, Due):
        return f"{value.on}" + (f"T{value.at:%H:%M}" if value.at else "")
    if isinstance(value, Recurrence):
        return rrule.text(value.rule)
    if isinstance(value, list):
        return ",".join(value)
    return "yes" if value is True else str(value)
