"""Temporal's defaults are to retry for ever without a heartbeat: every call names its policy."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CALLS = ("execute_activity", "start_activity", "execute_local_activity", "start_local_activity")


def unnamed(source: str) -> list[int]:
    """The lines of calls that do not take `**policies.SOMETHING`, or set numbers of their own."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
            continue
        if not node.func.attr.startswith(CALLS):
            continue
        named = any(
            word.arg is None and ast.unparse(word.value).startswith("policies.")
            for word in node.keywords
        )
        own = [word.arg for word in node.keywords if word.arg and "timeout" in word.arg]
        if not named or own or any(word.arg == "retry_policy" for word in node.keywords):
            found.append(node.lineno)
    return found


@pytest.mark.parametrize(
    "path", sorted((ROOT / "workflows").rglob("*.py")), ids=lambda path: path.name
)
def test_every_activity_call_names_a_policy(path: Path) -> None:
    assert unnamed(path.read_text()) == []


@pytest.mark.parametrize(
    "call",
    [
        "workflow.execute_activity(a, m)",
        "workflow.execute_activity_method(A.a, m, start_to_close_timeout=timedelta(seconds=1))",
        "workflow.start_activity(a, m, **policies.TICK, heartbeat_timeout=None)",
    ],
)
def test_the_walk_finds_what_it_looks_for(call: str) -> None:
    assert unnamed(call) == [1]
