"""docs/walks: what is named there exists, so that a page does not outlive the way it describes."""

import ast
import re
from pathlib import Path

import pytest

from tests.docs.pages import ROOT

WALKS = ROOT / "docs" / "walks"
FOLDERS = "api|workflows|activities|integrations|core|migrations|tests|bench|docs"
NAMED = re.compile(rf"`((?:{FOLDERS})/[\w/.-]+)(?:::([\w.]+))?`")
LONGEST = 120


def names(path: Path) -> set[str]:
    """What a module defines: functions, classes, constants, and `Class.method`."""
    found = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                found.add(node.name)
            case ast.ClassDef():
                within = (each for each in node.body if hasattr(each, "name"))
                found |= {node.name, *(f"{node.name}.{each.name}" for each in within)}
            case ast.Assign(targets=targets):
                found |= {each.id for each in targets if isinstance(each, ast.Name)}
            case ast.AnnAssign(target=ast.Name(id=name)):
                found.add(name)
    return found


def missing(text: str) -> list[str]:
    """The paths and names of this text that are not there."""
    wrong = []
    for path, name in NAMED.findall(text):
        if not (ROOT / path).exists() or (name and name not in names(ROOT / path)):
            wrong.append(f"{path}::{name}" if name else path)
    return wrong


@pytest.mark.parametrize("page", sorted(WALKS.glob("*.md")), ids=lambda page: page.name)
def test_every_hop_exists(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert missing(text) == []
    assert len(text.splitlines()) <= LONGEST


def test_every_walk_is_in_the_index() -> None:
    index = (WALKS / "README.md").read_text(encoding="utf-8")
    assert {page.name for page in WALKS.glob("*.md")} - {"README.md"} == set(
        re.findall(r"\]\(([\w-]+\.md)\)", index)
    )


def test_what_is_gone_is_missed() -> None:
    assert missing("`core/nothing.py` `core/db.py::Transaction.commit`") == ["core/nothing.py"]
    assert missing("`core/db.py::Transaction.nothing`") == ["core/db.py::Transaction.nothing"]
