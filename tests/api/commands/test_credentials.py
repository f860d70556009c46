import json
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from api.commands.credentials import Account, Credentials, default_path
from core.errors import Misconfigured
from tests.patience import PATIENCE_S

API = "http://127.0.0.1:1"
ALICE = Account("alice@example.com", "access", "refresh")
ADD_CHANGES = """
import sys
from pathlib import Path
from api.commands.credentials import Credentials
kept = Credentials(Path(sys.argv[1]))
for number in range(10):
    kept.remember_change(sys.argv[2], f"{sys.argv[3]}-{number}")
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "credentials.json"


def sign_in(file: Path, api: str = API) -> Credentials:
    kept = Credentials(file)
    with kept.changing() as accounts:
        accounts[api] = ALICE
    return kept


def test_are_their_owners_alone(file: Path) -> None:
    kept = sign_in(file)
    file.chmod(0o644)
    kept.remember_change(API, "1")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


def test_are_kept_by_server(file: Path) -> None:
    sign_in(file)
    sign_in(file, "http://127.0.0.1:2")
    with Credentials(file).changing() as accounts:
        del accounts["http://127.0.0.1:2"]
    assert Credentials(file).read(API) == ALICE
    assert Credentials(file).read("http://127.0.0.1:2") is None


def test_keep_what_was_changed_before_a_failure(file: Path) -> None:
    kept = Credentials(file)

    def fail_after_a_change() -> None:
        with kept.changing() as accounts:
            accounts[API] = ALICE
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_after_a_change()
    assert kept.read(API) == ALICE


def test_lose_nothing_when_commands_run_at_once(file: Path) -> None:
    sign_in(file)
    command = [sys.executable, "-c", ADD_CHANGES, str(file), API]
    running = [subprocess.Popen([*command, name]) for name in "abcd"]
    assert [process.wait(PATIENCE_S) for process in running] == [0, 0, 0, 0]
    account = Credentials(file).read(API)
    assert account is not None
    assert sorted(account.change_sets) == sorted(f"{n}-{i}" for n in "abcd" for i in range(10))
    assert {path.name for path in file.parent.iterdir()} == {
        "credentials.json",
        "credentials.lock",
    }


def test_remember_the_last_changes_only(file: Path) -> None:
    kept = sign_in(file)
    for number in range(60):
        kept.remember_change(API, str(number))
    account = kept.read(API)
    assert account is not None
    assert account.change_sets == tuple(str(number) for number in range(10, 60))


@pytest.mark.parametrize("text", ["", "[]", "{", json.dumps({API: {"email": "a"}})])
def test_say_when_they_are_damaged(file: Path, text: str) -> None:
    sign_in(file)
    file.write_text(text)
    with pytest.raises(Misconfigured, match="sign in again"):
        Credentials(file).read(API)


def test_live_where_the_person_keeps_such_files(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert default_path() == tmp_path / "voicetodo" / "credentials.json"
    monkeypatch.setenv("XDG_CONFIG_HOME", "relative")  # the specification: to be ignored
    assert default_path() == Path.home() / ".config" / "voicetodo" / "credentials.json"
