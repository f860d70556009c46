"""House rules about the shape of code: what a syntax tree shows and no linter asks."""

import ast
import re
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CODE = ("api", "workflows", "activities", "integrations", "core")
Finding = tuple[int, str]
# Where the environment is read beside `Settings`: what is somebody else's, or a child's to inherit.
ENVIRONMENT = {
    "api/up.py": "children inherit it",
    "api/commands/accounts.py": "TZ of the person at the terminal, and her password",
    "api/commands/credentials.py": "XDG_CONFIG_HOME of the person at the terminal",
    "integrations/audio/pool.py": "children inherit little of it",
}
# Rows, drafts, events and messages do not change; these are not any of it.
MUTABLE = {
    "core/services/breaches.py": "counts while it looks",
    "core/services/import_report.py": "grows with each slice",
    "core/services/import_slice.py": "works through rows",
    "workflows/relay.py": "what became of a batch, while it is under way",
    "core/services/todo_rows.py": "Todo: freezing makes each 8 times dearer",
}
COMMITS = {"core/db.py", "core/migrate.py"}  # one transaction each


@cache
def modules() -> dict[str, ast.Module]:
    paths = [path for folder in CODE for path in sorted((ROOT / folder).rglob("*.py"))]
    paths.append(ROOT / "worker.py")
    return {
        path.relative_to(ROOT).as_posix(): ast.parse(path.read_text(encoding="utf-8"))
        for path in paths
    }


@cache
def nodes(tree: ast.Module) -> tuple[ast.AST, ...]:
    """All of a module's, found once for every rule."""
    return tuple(ast.walk(tree))


def found(
    check: Callable[[ast.Module], Iterator[Finding]], *, within: str = "", but: object = ()
) -> dict[str, list[Finding]]:
    assert isinstance(but, (set, dict, tuple))
    every = {
        name: list(check(tree))
        for name, tree in modules().items()
        if name.startswith(within) and name not in but
    }
    return {name: each for name, each in every.items() if each}


def last(node: ast.expr) -> str:
    """The name that a name or an attribute ends in."""
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case ast.Call(func=called):
            return last(called)
    return ""


def dataclasses(tree: ast.Module) -> Iterator[tuple[ast.ClassDef, set[str]]]:
    """Each with the options that are on."""
    for node in nodes(tree):
        if isinstance(node, ast.ClassDef):
            for decorator in node.decorator_list:
                if last(decorator) == "dataclass":
                    given = decorator.keywords if isinstance(decorator, ast.Call) else []
                    yield node, {each.arg or "" for each in given if _is_true(each.value)}


def _is_true(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is True


def without_slots(tree: ast.Module) -> Iterator[Finding]:
    yield from ((node.lineno, node.name) for node, on in dataclasses(tree) if "slots" not in on)


def thawed(tree: ast.Module) -> Iterator[Finding]:
    yield from ((node.lineno, node.name) for node, on in dataclasses(tree) if "frozen" not in on)


def calls(*names: str) -> Callable[[ast.Module], Iterator[Finding]]:
    def check(tree: ast.Module) -> Iterator[Finding]:
        for node in nodes(tree):
            if isinstance(node, ast.Call) and ast.unparse(node.func).endswith(names):
                yield node.lineno, ast.unparse(node.func)

    return check


def environment(tree: ast.Module) -> Iterator[Finding]:
    for node in nodes(tree):
        if isinstance(node, (ast.Attribute, ast.Name)) and last(node) in {"environ", "getenv"}:
            yield node.lineno, ast.unparse(node)


def imports(package: str) -> Callable[[ast.Module], Iterator[Finding]]:
    def check(tree: ast.Module) -> Iterator[Finding]:
        for node in nodes(tree):
            names = [each.name for each in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            yield from (
                (node.lineno, name)
                for name in names
                if isinstance(node, (ast.Import, ast.ImportFrom)) and name.split(".")[0] == package
            )

    return check


def on_text(tree: ast.Module) -> Iterator[Finding]:
    """Comparisons with what an error says."""
    said = re.compile(r"\bstr\((?:e|err|exc|error)\)|\b(?:err|exc|error)\.(?:args|message)\b")
    for node in nodes(tree):
        if isinstance(node, ast.Compare) and said.search(ast.unparse(node)):
            yield node.lineno, ast.unparse(node)


def names_of_moments(tree: ast.Module) -> Iterator[Finding]:
    """Columns whose type and whose name say something else (rule 6)."""
    endings = {"datetime": ("_at", "_until", "_since"), "date": ("_on",), "time": ("_time",)}
    plain = {"at", "since", "until", "exdates", "rdates"}  # iCalendar's words among them
    for node in nodes(tree):
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            kind = re.search(r"Mapped\[.*\b(datetime|date|time)\b", ast.unparse(node.annotation))
            name = node.target.id
            if kind and name not in plain and not name.endswith(endings[kind[1]]):
                yield node.lineno, f"{name}: {kind[1]}"


def test_dataclasses_have_slots() -> None:
    assert found(without_slots) == {}


def test_rows_answers_and_messages_are_frozen() -> None:
    for within in (
        "core/services/",
        "core/messages.py",
        "core/events.py",
        "api/schemas/",
        "workflows/",
    ):
        assert found(thawed, within=within, but=MUTABLE) == {}
    assert MUTABLE.keys() <= found(thawed).keys()


def test_one_place_commits() -> None:
    assert found(calls(".commit"), but=COMMITS) == {}


def test_one_place_reads_the_environment() -> None:
    assert found(environment, but=ENVIRONMENT) == {}
    assert ENVIRONMENT.keys() <= found(environment).keys()


def test_pydantic_is_for_what_comes_in() -> None:
    """Core has it for its settings and secrets, and to write JSON; a model of it has no place."""
    models = [
        (name, node.name)
        for name, tree in modules().items()
        if name.startswith(("core/", "activities/", "workflows/"))
        for node in nodes(tree)
        if isinstance(node, ast.ClassDef) and "BaseModel" in map(last, node.bases)
    ]
    assert models == []


def test_tables_load_nothing_by_themselves() -> None:
    assert found(calls("relationship", "column_property"), within="core/models/") == {}


def test_columns_of_moments_say_so() -> None:
    assert found(names_of_moments, within="core/models/") == {}


def test_nobody_branches_on_what_an_error_says() -> None:
    assert found(on_text) == {}


def test_workflows_wait_deterministically() -> None:
    assert found(calls("asyncio.wait", "asyncio.as_completed"), within="workflows/") == {}


def test_every_workflow_says_what_it_is_at() -> None:
    """In its own module, or in one of ours that it imports."""
    telling = found(calls("set_current_details"), within="workflows/")
    assert len(telling) > 5
    silent = {
        name
        for name, tree in modules().items()
        if name.startswith("workflows/") and name not in telling
        if any(
            isinstance(node, ast.ClassDef) and any("defn" in last(d) for d in node.decorator_list)
            for node in nodes(tree)
        )
        if not any(
            f"{imported.replace('.', '/')}.py" in telling
            for _, imported in imports("workflows")(tree)
        )
    }
    assert silent == set()


PATCHED = re.compile(r"\bmonkeypatch\.setattr\(\s*([^)]*)")
# A number or a size of ours made small for a test, or the terminal.
MAY_BE_PATCHED = re.compile(r'\w+, "[A-Z][A-Z_]*"|"[\w.]+\.[A-Z][A-Z_]*"|"sys\.stdin"')


def test_tests_replace_nothing_of_ours_but_numbers() -> None:
    sources = {path: path.read_text("utf-8") for path in sorted((ROOT / "tests").rglob("*.py"))}
    del sources[Path(__file__)]
    patched = [each for text in sources.values() for each in PATCHED.findall(text)]
    assert [each for each in patched if not MAY_BE_PATCHED.match(each)] == []
    mocking = [path.name for path, text in sources.items() if "unittest.mock" in text]
    assert mocking == []


@pytest.mark.parametrize(
    ("check", "source"),
    [
        (without_slots, "@dataclass\nclass A: ..."),
        (without_slots, "@dataclass(frozen=True)\nclass A: ..."),
        (thawed, "@dataclasses.dataclass(slots=True)\nclass A: ..."),
        (calls(".commit"), "session.commit()"),
        (calls("asyncio.wait"), "await asyncio.wait(tasks)"),
        (environment, "os.environ['A']"),
        (environment, "from os import getenv\ngetenv('A')"),
        (on_text, "if 'gone' in str(error): ..."),
        (names_of_moments, "class A:\n    due: Mapped[datetime | None]"),
        (names_of_moments, "class A:\n    day: Mapped[date] = mapped_column()"),
        (imports("workflows"), "from workflows.tick import Tick"),
    ],
)
def test_the_walks_find_what_they_look_for(
    check: Callable[[ast.Module], Iterator[Finding]], source: str
) -> None:
    assert list(check(ast.parse(source)))
