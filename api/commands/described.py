"""The settings as documents: the table of the README and `.env.example` are made from these."""

import json
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


@dataclass(frozen=True, slots=True)
class Setting:
    """One variable; `default` as one would write it, null where there is none."""

    name: str
    default: str | None
    description: str


def settings() -> list[Setting]:
    """Every setting, in the order of its declaration."""
    from core.settings import Settings  # noqa: PLC0415 - pydantic costs `--help` 0.1 s

    return [
        Setting(_variable(name, field.validation_alias), _spelled(field.default), _said(field))
        for name, field in Settings.model_fields.items()
    ]


def markdown(every: list[Setting]) -> str:
    rows = [
        f"| `{each.name}` | {'' if each.default is None else f'`{each.default}`'} | "
        f"{each.description.replace('|', chr(92) + '|')} |"
        for each in every
    ]
    return "\n".join(["| variable | default | what |", "|---|---|---|", *rows]) + "\n"


def env_example(every: list[Setting]) -> str:
    head = "# Made by `voicetodo admin settings --env`. Copy to .env and keep what you change.\n"
    rows = [f"# {each.description}\n# {each.name}={each.default or ''}\n" for each in every]
    return "\n".join([head, *rows])


def _variable(name: str, alias: Any) -> str:
    first = getattr(alias, "choices", [alias])[0]
    return str(first or f"VOICETODO_{name.upper()}")


def _spelled(default: Any) -> str | None:
    if default is None:
        return None
    if isinstance(default, list):
        return json.dumps(default)  # as the environment has it
    return default.value if isinstance(default, StrEnum) else str(default)


def _said(field: Any) -> str:
    return str(field.description or "")
