"""Signing in and out, and the sign-in that is renewed behind a command's back."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from api.commands.client import Client
from api.commands.credentials import Credentials
from tests.commanding import ROOT, Run
from tests.people import PASSWORD, address


def test_signs_in_and_out(run: Run, tmp_path: Path) -> None:
    email = address("alice")
    assert run("register", "--email", email, "--name", "Alice").code == 0
    user = run("whoami", "--json").document
    assert (user["email"], user["timezone"]) == (email, "Europe/Berlin")
    assert run("logout").code == 0
    assert run("whoami").code == 1
    assert run("login", "--email", email).code == 0
    assert email in run("whoami").out
    assert PASSWORD not in (tmp_path / "voicetodo" / "credentials.json").read_text()


def test_reads_the_password_from_stdin(
    run: Run, api: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    email = address("alice")
    assert run("register", "--email", email).code == 0
    monkeypatch.delenv("VOICETODO_PASSWORD")
    env = {**os.environ, "XDG_CONFIG_HOME": str(tmp_path)}
    command = [sys.executable, "-m", "api.cli", "login", "--email", email, "--api", api]
    for password, code in ((PASSWORD, 0), ("something else entirely", 1)):
        done = subprocess.run(
            command, env=env, cwd=ROOT, input=f"{password}\n", capture_output=True, text=True,
            check=False,
        )  # fmt: skip
        assert done.returncode == code, done.stderr


def test_renews_the_sign_in(alice: Run, tmp_path: Path, api: str) -> None:
    credentials = Credentials(tmp_path / "voicetodo" / "credentials.json")
    before = spoil(credentials, api)
    assert alice("whoami").code == 0
    after = credentials.read(api)
    assert after is not None
    assert after.refresh_token != before


def test_renews_once_for_commands_at_the_same_moment(
    alice: Run, tmp_path: Path, api: str, database_url: str
) -> None:
    credentials = Credentials(tmp_path / "voicetodo" / "credentials.json")
    me = alice("whoami", "--json").document["id"]
    spoil(credentials, api)
    with ExitStack() as stack:
        clients = [stack.enter_context(Client(api, credentials)) for _ in range(8)]
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda client: client.get("/me")["id"], clients))
    assert answers == [me] * 8
    spoil(credentials, api)
    assert alice("whoami").code == 0  # the family lives on
    issued = "SELECT count(*) FROM refresh_tokens JOIN sessions ON id = session_id"
    with psycopg.connect(database_url) as connection:
        found = connection.execute(f"{issued} WHERE user_id = %s", [me]).fetchone()
    assert found == (3,)  # the first one, one for all eight, and the last


def test_forgets_a_sign_in_that_has_ended(alice: Run, tmp_path: Path, api: str) -> None:
    credentials = Credentials(tmp_path / "voicetodo" / "credentials.json")
    with credentials.changing() as accounts:
        accounts[api] = replace(accounts[api], access_token="x.y.z", refresh_token="nonsense")
    ran = alice("whoami")
    assert (ran.code, "voicetodo login" in ran.err) == (1, True)
    assert credentials.read(api) is None


def spoil(credentials: Credentials, api: str) -> str:
    """Make the access token worthless; answers the refresh token."""
    with credentials.changing() as accounts:
        accounts[api] = replace(accounts[api], access_token="x.y.z")
        return accounts[api].refresh_token
