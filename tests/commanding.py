"""`voicetodo` as a person on this machine types it, against an API that listens."""

import json
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from api.cli import main
from api.main import create_app
from tests.people import PASSWORD, address
from tests.serving import serve
from tests.settings import unlimited

ROOT = Path(__file__).resolve().parents[1]  # of the project


@dataclass(frozen=True, slots=True)
class Ran:
    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        return json.loads(self.out)


Run = Callable[..., Ran]


@pytest.fixture(scope="module")
def api(database_url: str) -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="vt-") as folder:
        settings = unlimited(database_url, Path(folder))
        with serve(create_app(settings)) as url:
            yield url


@pytest.fixture
def run(
    api: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Run:
    """Runs one command as a person on this machine would, with a home of its own."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("VOICETODO_API_URL", api)
    monkeypatch.setenv("VOICETODO_PASSWORD", PASSWORD)
    monkeypatch.setenv("TZ", "Europe/Berlin")

    def run(*arguments: str) -> Ran:
        code = main(arguments)
        said = capsys.readouterr()
        return Ran(code, said.out, said.err)

    return run


@pytest.fixture
def alice(run: Run) -> Run:
    ran = run("register", "--email", address("alice"), "--name", "Alice", "--json")
    assert ran.code == 0, ran.err
    return run
