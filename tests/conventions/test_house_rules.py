"""House rules that no linter knows."""

import ast
import io
import re
import tokenize
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CODE = ("api", "workflows", "activities", "integrations", "core", "migrations")
FOLDERS = (*CODE, "bench", "tests")
LONGEST = 400
ODDS_AND_ENDS = {"utils.py", "helpers.py", "common.py", "base.py", "misc.py"}
SECTIONS = ["## Context", "## Decision", "## What it costs", "## When to revisit"]
# Either form of reason will do, after a dash or in brackets; two on one line share one.
SILENCED = re.compile(r"# (?:noqa|type: ignore|ruff: noqa)\b")
REASONED = re.compile(
    r"# (?:ruff: )?noqa: [A-Z]+[0-9]+(?:, [A-Z]+[0-9]+)* (?:- |\()\S"
    r"|# type: ignore\[[\w, -]+\]  # (?!noqa)\w"
)
UNDONE = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")


def sources(*folders: str) -> list[Path]:
    found = [path for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))]
    assert found
    return [*found, ROOT / "worker.py"]


def comments(source: str, sought: re.Pattern[str]) -> list[tuple[int, str]]:
    """Line and text of each comment with it; what only looks like one in a string is none."""
    if not sought.search(source):
        return []  # at once: to take a file apart takes long
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    found = [(each.start[0], each.string) for each in tokens if each.type == tokenize.COMMENT]
    return [(line, text) for line, text in found if sought.search(text)]


def unreasoned(source: str) -> list[str]:
    found = comments(source, SILENCED)
    return [f"{line}: {text}" for line, text in found if not REASONED.search(text)]


def to_do(source: str) -> list[str]:
    return [f"{line}: {text}" for line, text in comments(source, UNDONE)]


def importers(name: str, source: str) -> list[int]:
    return [
        node.lineno
        for node in ast.walk(ast.parse(source if name in source else ""))
        if (isinstance(node, ast.Import) and any(each.name == name for each in node.names))
        or (isinstance(node, ast.ImportFrom) and node.module == name)
    ]


def offenders(check: object, paths: list[Path]) -> dict[str, object]:
    assert callable(check)
    found = {str(path.relative_to(ROOT)): check(path.read_text(encoding="utf-8")) for path in paths}
    return {name: each for name, each in found.items() if each}


def test_package_files_are_empty() -> None:
    packages = [path for path in sources(*FOLDERS) if path.name == "__init__.py"]
    full = {str(path.relative_to(ROOT)) for path in packages if path.read_text(encoding="utf-8")}
    assert full == {"core/models/__init__.py"}


def test_names_say_what_is_in_a_file() -> None:
    assert [path for path in sources(*FOLDERS) if path.name in ODDS_AND_ENDS] == []


def test_files_stay_short() -> None:
    hand_written = [path for path in sources(*CODE) if "versions" not in path.parts]
    assert offenders(lambda text: len(text.splitlines()) > LONGEST, hand_written) == {}


def test_nothing_is_left_to_do_in_a_comment() -> None:
    assert offenders(to_do, sources(*FOLDERS)) == {}


def test_every_silenced_rule_has_its_reason() -> None:
    assert offenders(unreasoned, sources(*FOLDERS)) == {}


def test_nothing_imports_the_worker() -> None:
    code = [path for path in sources(*CODE) if path.name != "worker.py"]
    assert offenders(lambda text: importers("worker", text), code) == {}


@pytest.mark.parametrize(
    "path", sorted((ROOT / "docs" / "decisions").glob("[0-9]*.md")), ids=lambda path: path.stem
)
def test_decisions_have_their_sections_on_one_page(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert re.fullmatch(r"\d{3}-[a-z0-9-]+\.md", path.name)
    assert text.startswith(f"# {path.name[:3]} ")
    assert re.findall(r"^## .*$", text, re.MULTILINE) == SECTIONS
    assert len(text.splitlines()) <= 60


def test_decisions_are_numbered_without_gaps() -> None:
    numbers = sorted(int(path.name[:3]) for path in (ROOT / "docs/decisions").glob("[0-9]*.md"))
    assert numbers == list(range(1, len(numbers) + 1))


@pytest.mark.parametrize(
    "path",
    [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))],
    ids=lambda path: path.relative_to(ROOT).as_posix(),
)
def test_links_lead_somewhere(path: Path) -> None:
    links = re.findall(r"\]\(([^)#]+)(#[^)]*)?\)", path.read_text(encoding="utf-8"))
    local = [link for link, _ in links if not link.startswith("http")]
    assert [link for link in local if not (path.parent / link).exists()] == []


@pytest.mark.parametrize(
    ("check", "source"),
    [
        (unreasoned, "import a  # noqa: F401\n"),
        (unreasoned, "import a  # noqa\n"),
        (unreasoned, "a()  # type: ignore[no-any]\n"),
        (unreasoned, "a()  # type: ignore[no-any]  # noqa: F401\n"),
        (to_do, "a()  # TODO later\n"),
        (lambda text: importers("worker", text), "from worker import main\n"),
        (lambda text: importers("worker", text), "import worker\n"),
    ],
)
def test_the_rules_find_what_they_look_for(check: object, source: str) -> None:
    assert callable(check)
    assert check(source)


@pytest.mark.parametrize(
    "source",
    [
        "import a  # noqa: F401 - the library wants it\n",
        "import a  # noqa: F401, E402 (pytest finds it by name)\n",
        "a()  # type: ignore[no-any]  # the library has no hint\n",
        "a()  # type: ignore[no-any]  # noqa: SLF001 - documented\n",
        "'# noqa'\n",
    ],
)
def test_reasons_are_recognised(source: str) -> None:
    assert unreasoned(source) == []


# Where the clock that people see is read: `core/clock.py`. The rest is not of our processes'
# making of time: ids only sort by it, the sandbox is another company, a terminal is a person's.
CLOCKS = re.compile(r"\b(?:datetime\.(?:now|utcnow|today)|date\.today|time\.time(?:_ns)?)\(")
OTHER_CLOCKS = (
    "core/clock.py",
    "core/faults.py",
    "core/ids.py",
    "integrations/sandbox/",
    "api/commands/",
)


def test_one_place_reads_the_clock() -> None:
    asked = [
        path for path in sources(*CODE) if not str(path.relative_to(ROOT)).startswith(OTHER_CLOCKS)
    ]
    assert offenders(CLOCKS.findall, asked) == {}
    assert CLOCKS.findall("datetime.now(UTC), time.time()")
