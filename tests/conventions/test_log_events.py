"""An event is a name that one can search for and count, never a sentence with something in it."""

import ast
import re
from pathlib import Path

import pytest

from core.logs import FIELDS

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("api", "workflows", "activities", "integrations", "core")
LEVELS = {"debug", "info", "warning", "error"}
EVENT = re.compile(r"[a-z_]+\.[a-z_]+")


def wrong(source: str) -> list[str]:
    """Calls of `log.<level>` whose event is no constant, or with a field that is not allowed."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
            continue
        if node.func.attr not in LEVELS or ast.unparse(node.func.value) != "log":
            continue
        event = node.args[0] if len(node.args) == 1 else None
        is_constant = isinstance(event, ast.Constant) and EVENT.fullmatch(str(event.value))
        if not is_constant or {word.arg for word in node.keywords} - FIELDS:
            found.append(f"{node.lineno}: {ast.unparse(node)}")
    return found


def test_events_are_constants_and_fields_are_allowed() -> None:
    paths = [ROOT / "worker.py", *(path for one in FOLDERS for path in (ROOT / one).rglob("*.py"))]
    found = {path.name: wrong(path.read_text()) for path in paths}
    assert {name: lines for name, lines in found.items() if lines} == {}


@pytest.mark.parametrize(
    "call",
    [
        'log.info(f"made {todo}")',
        'log.info("Todo made")',
        'log.info("todo.made", title=title)',
        'log.info("todo.made", **fields)',
        'log.error("todo.made", error)',
    ],
)
def test_the_walk_finds_what_it_looks_for(call: str) -> None:
    assert len(wrong(call)) == 1
