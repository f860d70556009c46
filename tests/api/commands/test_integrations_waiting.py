"""`voicetodo integrations …` where it waits: for a person at a page, and for what comes next."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import psycopg
import pytest

from api.main import create_app
from core.ids import uuid7
from tests import plain
from tests.commanding import Run
from tests.connecting import world_settings
from tests.patience import PATIENCE_S
from tests.ports import free_port
from tests.serving import serve

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def api(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder, port = Path(tmp_path_factory.mktemp("waiting")), free_port()
    with (
        world_settings(database_url, folder, api_port=port) as (settings, _),
        serve(create_app(settings), port=port) as url,
    ):
        yield url


@contextmanager
def begun(*arguments: str) -> Iterator["subprocess.Popen[str]"]:
    """Runs beside us, with the environment of `alice`; it has ended when the block has."""
    with subprocess.Popen(
        [sys.executable, "-m", "api.cli", "integrations", *arguments],
        env=os.environ, cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as process:  # fmt: skip
        watch = threading.Timer(PATIENCE_S, process.kill)
        watch.start()
        try:
            yield process
        finally:
            watch.cancel()
            process.kill()


def test_connect_waits_until_somebody_allowed_it(alice: Run) -> None:
    with begun("connect", "google-calendar") as waiting:
        assert waiting.stderr is not None
        assert "this command waits" in waiting.stderr.readline()
        url = waiting.stderr.readline().strip()
        assert alice("integrations", "--json").document == []
        assert waiting.poll() is None
        allowed = {"approve": "1", "account": "waits@sandbox.test"}
        with plain.client("", follow_redirects=True) as browser:
            page = browser.get(httpx2.URL(url).copy_merge_params(allowed))
        assert page.status_code == 200, page.text
        out, _ = waiting.communicate()
        assert out == "Google Calendar is connected: waits@sandbox.test\n"
        assert waiting.returncode == 0


def test_what_comes_is_told_while_somebody_follows(alice: Run, database_url: str) -> None:
    account = "followed@sandbox.test"
    alice("integrations", "connect", "google-calendar", "--approve", "--account", account)
    [made] = alice("integrations", "--json").document

    def happened(action: str) -> None:
        with psycopg.connect(database_url) as connection:
            connection.execute(
                "INSERT INTO connection_activity"
                " (workspace_id, id, connection_id, at, direction, action, count)"
                " VALUES (%s, %s, %s, now(), 'wrote', %s, 1)",
                (made["workspace_id"], uuid7(), made["id"], action),
            )

    happened("event.created")
    with begun("activity", "google-calendar", "--follow", "--json") as following:
        assert following.stdout is not None
        assert json.loads(following.stdout.readline())["action"] == "event.created"
        happened("event.changed")
        assert json.loads(following.stdout.readline())["action"] == "event.changed"
    assert "wrote    event changed" in alice("integrations", "activity", "google-calendar").out


def test_who_decides_about_deletions_is_told_when_it_is_done(alice: Run) -> None:
    alice("integrations", "connect", "google-calendar", "--approve", "--account", "q@sandbox.test")
    assert alice("integrations", "quarantine").out == "Nothing waits.\n"
    for decision in ("--keep", "--apply"):
        decided = alice("integrations", "quarantine", decision)
        assert (decided.code, decided.out) == (0, "Done with the next sync.\n"), decided.err
