"""What our code writes into feeds, read from the code itself, is what we say can be in them."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from core.models.jobs import JobStatus
from core.rules.event_types import EVENT_TYPES
from core.services import memo_rows

ROOT: Final = Path(__file__).resolve().parents[2]
# What a part that is only known when the code runs can be.
PARTS: Final[dict[str, set[str]]] = {
    "job.{status}": {JobStatus.SUCCEEDED, JobStatus.FAILED, JobStatus.CANCELLED},
    "voice_memo.{status}": {str(status) for status in memo_rows.OVER},
    "recurrence.{what}": {"updated", "generated"},
    "{moved.noun}.created": {"todo", "list", "reminder"},
}


def strings(node: ast.AST) -> set[str]:
    return {
        each.value
        for each in ast.walk(node)
        if isinstance(each, ast.Constant) and isinstance(each.value, str) and "." in each.value
    }


def assigned(name: str, function: ast.AST) -> set[str]:
    """Every string that this name can hold in the function."""
    found: set[str] = set()
    for node in ast.walk(function):
        if isinstance(node, ast.Assign) and any(
            isinstance(target, ast.Name) and target.id == name for target in node.targets
        ):
            found |= strings(node.value)
    return found


def told(value: ast.expr, function: ast.AST, module: ast.Module) -> set[str]:
    """The types that this expression can be; a way of writing that is unknown here is an error."""
    if isinstance(value, ast.JoinedStr):
        template = ast.unparse(value)[2:-1]
        return {
            template[: template.index("{")] + part + template[template.index("}") + 1 :]
            for part in PARTS[template]
        }
    if isinstance(value, ast.Name):
        return assigned(value.id, function)
    if isinstance(value, ast.Call) and isinstance(value.func, ast.Name):
        name = value.func.id
        defined = [n for n in module.body if isinstance(n, ast.FunctionDef) and n.name == name]
        return strings(defined[0])
    return strings(value)


def emitted() -> Iterator[tuple[str, str]]:
    """(where, type) of every `Event(…)` in our code."""
    for package in ("core", "activities", "api", "integrations", "workflows"):
        for path in sorted((ROOT / package).rglob("*.py")):
            text = path.read_text()
            if "Event(" not in text:
                continue
            module = ast.parse(text)
            for function in ast.walk(module):
                if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
                    continue
                for node in ast.walk(function):
                    if not (isinstance(node, ast.Call) and ast.unparse(node.func) == "Event"):
                        continue
                    found = told(node.args[1], function, module)
                    where = f"{path.relative_to(ROOT)}:{node.lineno}"
                    assert found, f"{where}: its type cannot be read from the code"
                    yield from ((where, each) for each in found)


def test_every_type_that_is_emitted_is_named() -> None:
    missing = {(where, each) for where, each in emitted() if each not in EVENT_TYPES}
    assert not missing


def test_no_type_is_named_that_is_never_emitted() -> None:
    assert {each for _, each in emitted()} >= set(EVENT_TYPES)
