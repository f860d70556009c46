"""`voicetodo webhooks listen` in the dev profile: an endpoint for as long as it runs."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests import plain
from tests.hooking import Hooking, hooking
from tests.patience import PATIENCE_S
from tests.people import PASSWORD, address
from tests.serving import serve

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def place(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hooking]:
    with hooking(database_url, tmp_path_factory.mktemp("hooking")) as found:
        yield found


class Ada:
    """A person at a terminal of this installation."""

    def __init__(self, place: Hooking, home: Path) -> None:
        self.env = {
            **os.environ,
            "XDG_CONFIG_HOME": str(home),
            "VOICETODO_API_URL": place.api,
            "VOICETODO_SANDBOX_PORT": str(place.settings.sandbox_port),
            "VOICETODO_PASSWORD": PASSWORD,
        }
        self.run("register", "--email", address("ada"))

    def run(self, *arguments: str) -> Any:
        """One command; its document."""
        return json.loads(self.text(*arguments, "--json"))

    def text(self, *arguments: str) -> str:
        """What one command says to a person."""
        return subprocess.run(
            [sys.executable, "-m", "api.cli", *arguments],
            env=self.env, cwd=ROOT, capture_output=True, text=True, check=True,
        ).stdout  # fmt: skip

    @contextmanager
    def listening(self, *arguments: str) -> Iterator["subprocess.Popen[str]"]:
        """Once it listens; it has ended when the block has."""
        process = subprocess.Popen(
            [sys.executable, "-m", "api.cli", "webhooks", "listen", *arguments],
            env=self.env, cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        assert process.stdout is not None
        assert process.stderr is not None
        # A test that hangs on a line that does not come ends here instead.
        watch = threading.Timer(PATIENCE_S, process.kill)
        watch.start()
        try:
            assert process.stderr.readline().startswith("Listening")
            yield process
        finally:
            watch.cancel()
            process.kill()
            process.wait()
            process.stdout.close()
            process.stderr.close()


@pytest.fixture
def ada(place: Hooking, tmp_path: Path) -> Ada:
    return Ada(place, tmp_path)


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_prints_what_arrives_and_leaves_nothing_behind(ada: Ada, ending: signal.Signals) -> None:
    with ada.listening("--events", "todo.*", "--json") as process:
        [endpoint] = ada.run("webhooks", "list")
        assert endpoint["events"] == ["todo.*"]
        assert endpoint["description"] == "voicetodo webhooks listen"
        ada.run("add", "Water the plants", "--list", "Home")
        line = json.loads(process.stdout.readline()) if process.stdout else {}
        assert (line["verified"], line["fault"]) == (True, None)
        assert line["payload"]["type"] == "todo.created"
        assert line["payload"]["data"]["object"]["title"] == "Water the plants"
        process.send_signal(ending)
        assert process.wait(PATIENCE_S) == 0
    assert ada.run("webhooks", "list") == []


def test_hands_on_and_ends_after_so_many(ada: Ada) -> None:
    taken: list[dict[str, str]] = []

    async def receiver(scope: Any, receive: Any, send: Any) -> None:
        taken.append({name.decode(): value.decode() for name, value in scope["headers"]})
        await receive()
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body"})

    with (
        serve(receiver, lifespan="off") as url,
        ada.listening("--payload", "thin", "--forward", url, "--count", "1") as process,
    ):
        ada.run("add", "Water the plants")
        assert process.wait(PATIENCE_S) == 0
        shown = process.stdout.read() if process.stdout else ""
    assert "todo.created  verified  msg_" in shown
    assert "forwarded: 204" in shown
    assert "plants" not in shown
    [headers] = taken
    assert headers["webhook-id"].startswith("msg_")
    assert ada.run("webhooks", "list") == []


def test_a_message_of_somebody_else_is_told_from_ours(ada: Ada) -> None:
    with ada.listening("--json", "--count", "1") as process:
        [endpoint] = ada.run("webhooks", "list")
        forged = plain.post(endpoint["url"], json={"type": "todo.created"})
        assert forged.status_code == 400  # the receiver has no secret, but looks at the headers
        assert process.wait(PATIENCE_S) == 1
        line = json.loads(process.stdout.read()) if process.stdout else {}
    assert (line["verified"], line["payload"]) == (False, {"type": "todo.created"})


def test_what_became_of_a_delivery_is_shown(ada: Ada, place: Hooking) -> None:
    place.fault("shown", status=400, body="no, thanks")
    made = ada.run("webhooks", "create", place.url("shown"), "--events", "todo.*")
    ada.run("add", "K\u00e4se kaufen")
    ends = time.monotonic() + PATIENCE_S
    while not (found := ada.run("webhooks", "deliveries", made["id"], "--status", "delivered"))[
        "data"
    ]:
        assert time.monotonic() < ends, ada.text("webhooks", "deliveries", made["id"])
    [delivery] = found["data"]
    shown = ada.text("webhooks", "deliveries", made["id"][-8:], delivery["id"][-8:])
    assert f"todo.created  {delivery['message_id']}" in shown
    assert re.search(r"^ 1 +.* +400 +\d+ ms", shown, re.MULTILINE)
    assert re.search(r"^ 2 +.* +200 +\d+ ms", shown, re.MULTILINE)
    assert '"title": "K\u00e4se kaufen"' in shown
    again = ada.text("webhooks", "redeliver", made["id"], "--since", "2026-01-01T00:00:00Z",
                     "--status", "delivered")  # fmt: skip
    assert again == "1 delivery is on the way again.\n"
