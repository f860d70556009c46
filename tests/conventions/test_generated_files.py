"""What is generated and committed is what the code says today; each test names the command."""

import re
import shlex
from pathlib import Path

import pytest
from prometheus_client import REGISTRY

from api.commands import described
from api.commands.admin import OPENAPI, openapi_document, openapi_text
from api.up import parts
from core import metrics
from core.rules import data_map, privacy
from core.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
SETTINGS = re.compile(
    r"<!-- settings: made by `voicetodo admin settings` -->\n(.*)<!-- end of settings -->",
    re.DOTALL,
)


def test_openapi_json_is_the_apps() -> None:
    """`voicetodo admin openapi --write`."""
    assert OPENAPI.read_text(encoding="utf-8") == openapi_text(openapi_document())


def test_privacy_md_is_the_data_maps() -> None:
    """`voicetodo admin privacy --write`."""
    found = (ROOT / "docs" / "privacy.md").read_text(encoding="utf-8")
    assert found == privacy.markdown(data_map.read())


def test_privacy_md_names_doors_that_there_are() -> None:
    doors = re.findall(r"`(GET|POST|PUT) /api/v1(/[\w/-]+)`", str(privacy.RIGHTS))
    assert len(doors) > 4
    paths = openapi_document()["paths"]
    assert [door for door in doors if door[0].lower() not in paths[f"/api/v1{door[1]}"]] == []


def test_env_example_names_every_setting() -> None:
    """`voicetodo admin settings --env > .env.example`."""
    found = (ROOT / ".env.example").read_text(encoding="utf-8")
    assert found == described.env_example(described.settings())


def test_the_readme_names_every_setting() -> None:
    """`voicetodo admin settings`, between the two marks."""
    found = SETTINGS.search((ROOT / "README.md").read_text(encoding="utf-8"))
    assert found
    assert found[1] == described.markdown(described.settings())


def test_operations_start_the_api_as_make_run_does() -> None:
    """But for the address, and for how much it tells."""
    text = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    found = re.search(
        r"^uvicorn api\.main:app (.*?)^python worker\.py", text, re.MULTILINE | re.DOTALL
    )
    assert found
    told = shlex.split(found[1].replace("\\\n", " "))
    [api] = [part for part in parts(Settings(_env_file=None)) if part.name == "api"]
    _, app, ours = " ".join(api.command).partition("api.main:app --host ")
    assert app
    assert [each for each in ours.split()[3:] if each not in {"--log-level", "warning"}] == told[4:]


def test_operations_name_every_metric_and_its_labels() -> None:
    """docs/operations.md, by hand: it also says when to look."""
    text = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    told = dict(re.findall(r"^\| `(voicetodo_\w+)` \| ([\w, ]*?) *\|", text, re.MULTILINE))
    ours = [each for each in vars(metrics).values() if getattr(each, "_name", None)]
    registered = {
        name: ", ".join(each._labelnames)  # noqa: SLF001 - the library has no public way
        for each in ours
        for name in [_exposed(each._name, each._type)]  # noqa: SLF001 - as above
    }
    assert len(registered) > 5
    assert told == registered
    assert set(re.findall(r"`(voicetodo_\w+)[`{]", text)) <= registered.keys()


def _exposed(name: str, kind: str) -> str:
    return f"{name}_total" if kind == "counter" else name


def test_every_metric_is_declared_in_one_place() -> None:
    ours = {each._name for each in vars(metrics).values() if getattr(each, "_name", None)}  # noqa: SLF001 - as above
    found = {family.name for family in REGISTRY.collect() if family.name.startswith("voicetodo")}
    assert found == ours


@pytest.mark.parametrize(
    "target", ["install", "test", "lint", "types", "contracts", "generated", "openapi"]
)
def test_ci_runs_what_a_person_runs(target: str) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert re.search(rf"^{target}:", makefile, re.MULTILINE)
    assert target in (ROOT / ".ci" / "run").read_text(encoding="utf-8")
