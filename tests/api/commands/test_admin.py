"""What operators ask, each time in a process of its own: settings are read once per process."""

import json
import os
import subprocess
import sys
import tempfile

from core import schema
from core.ids import uuid7
from core.services import reseals
from tests.api.commands.conftest import Run as Administer
from tests.commanding import ROOT, Run
from tests.people import address


def test_a_database_that_is_away_is_one_sentence() -> None:
    ran = voicetodo("postgresql://nobody@127.0.0.1:1/x", "admin", "outbox")
    assert ran.returncode == 3
    assert ran.stderr == "PostgreSQL does not answer: is `voicetodo up` running?\n"


def voicetodo(database_url: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """In a process of its own: settings are read once per process."""
    with tempfile.TemporaryDirectory(prefix="vt-") as folder:
        env = {**os.environ, "VOICETODO_DATA_DIR": folder, "DATABASE_URL": database_url}
        command = [sys.executable, "-m", "api.cli", *arguments]
        return subprocess.run(
            command, env=env, cwd=ROOT, capture_output=True, text=True, check=False
        )


def test_shows_operators_the_outbox(database_url: str) -> None:
    done = voicetodo(database_url, "admin", "outbox", "--json")
    document = json.loads(done.stdout)
    assert document["depth"]["waiting"] >= 0
    missing = voicetodo(database_url, "admin", "outbox", "--requeue", str(uuid7()))
    assert (missing.returncode, missing.stdout) == (1, "")
    assert "Traceback" not in missing.stderr


def test_dumps_counts_and_one_persons_rows(run: Run, database_url: str) -> None:
    email = address("alice")
    run("register", "--email", email)
    run("add", "Call mum")
    counts = json.loads(voicetodo(database_url, "admin", "dump", "--json").stdout)
    assert counts["users"] >= 1
    done = voicetodo(database_url, "admin", "dump", "--user", email.upper(), "--json")
    rows = json.loads(done.stdout)
    assert [user["email"] for user in rows["users"]] == [email]
    assert [todo["title"] for todo in rows["todos"]] == ["Call mum"]
    assert "hash" not in done.stdout
    stranger = voicetodo(database_url, "admin", "dump", "--user", "nobody@example.com")
    assert stranger.returncode == 1


def test_describes_the_api_the_same_way_every_time(database_url: str) -> None:
    """Whichever process does: the one that wrote openapi.json was another."""
    told = voicetodo(database_url, "admin", "openapi").stdout
    assert told == (ROOT / "openapi.json").read_text()
    assert "/api/v1/todos" in json.loads(told)["paths"]


def test_names_every_setting(run: Run) -> None:
    for arguments in ((), ("--env",), ("--json",)):
        told = run("admin", "settings", *arguments).out
        for variable in ("DATABASE_URL", "VOICETODO_API_PORT", "VOICETODO_SIGNING_KEY"):
            assert variable in told


def test_says_which_setting_is_wrong() -> None:
    env = {**os.environ, "VOICETODO_API_PORT": "many"}
    command = [sys.executable, "-m", "api.cli", "admin", "migrate"]
    done = subprocess.run(command, env=env, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "VOICETODO_API_PORT" in done.stderr
    assert done.stderr.count("\n") == 1


def test_help_waits_for_nothing_heavy() -> None:
    heavy = ("sqlalchemy", "fastapi", "uvicorn", "psycopg", "pydantic", "alembic")
    script = f"import sys, api.cli; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True,
                          check=True)  # fmt: skip
    assert done.stdout == "[]\n"


async def test_brings_the_database_to_the_newest_revision(administer: Administer) -> None:
    code, out, err = await administer("migrate", "--json")
    assert (code, json.loads(out)) == (0, {"revision": schema.head()}), err


async def test_seals_anew_whatever_is_kept(administer: Administer) -> None:
    code, out, err = await administer("reseal", "--json")
    assert code == 0, err
    told = {(each["table"], each["column"]) for each in json.loads(out)}
    assert told == {(kept.table, kept.column) for kept in reseals.KEPT} | {reseals.FILES}
