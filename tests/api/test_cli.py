import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest
from pydantic import SecretStr

from api.cli import main
from api.commands.client import Client
from api.commands.credentials import Credentials
from api.main import create_app
from core.ids import uuid7
from core.settings import Settings
from tests.people import PASSWORD, address
from tests.serving import serve

ROOT = Path(__file__).resolve().parents[2]


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
        settings = Settings(
            _env_file=None,
            data_dir=Path(folder),
            DATABASE_URL=SecretStr(database_url),
            password_memory_mib=8,
            rate_limit_api=1_000_000,
            rate_limit_auth=1_000_000,
        )
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


def test_adds_a_todo_due_in_an_hour_with_a_reminder(alice: Run) -> None:
    options = ("--list", "Family", "--tag", "phone", "--priority", "high", "--note", "her birthday")
    asked = datetime.now(UTC)
    ran = alice("add", "Call mum", "--due", "in 1h", "--remind", "email", *options, "--json")
    todo = ran.document
    due_at = datetime.fromisoformat(todo["due_at"])
    assert timedelta(0) <= due_at - asked - timedelta(hours=1) < timedelta(minutes=1)
    assert todo["due"]["timezone"] == "Europe/Berlin"
    assert (todo["priority"], todo["tags"]) == ("high", ["phone"])
    assert todo["description"] == "her birthday"
    (reminder,) = todo["reminders"]
    assert reminder["channels"] == ["email"]
    assert datetime.fromisoformat(reminder["next_fire_at"]) == due_at
    listed = alice("list").out
    for part in (todo["id"].replace("-", "")[-8:], "Call mum", "high", "Family", "#phone"):
        assert part in listed
    shown = alice("show", todo["id"]).out
    assert "her birthday" in shown


def test_adds_a_reminder_to_a_todo_that_asks_nothing_else(alice: Run) -> None:
    ran = alice("add", "Call mum", "--due", "in 1 minute", "--remind", "email", "--json")
    assert ran.code == 0, ran.err
    assert ran.document["reminders"][0]["next_fire_at"] == ran.document["due_at"]


def test_lets_wall_times_float_unless_a_zone_is_named(alice: Run) -> None:
    floating = alice("add", "a", "--due", "tomorrow 9:00", "--json").document["due"]
    assert (floating["time"], floating["timezone"]) == ("09:00", None)
    fixed = alice("add", "b", "--due", "tomorrow 9:00", "--zone", "Asia/Tokyo", "--json").document
    assert fixed["due"]["timezone"] == "Asia/Tokyo"
    assert alice("add", "c", "--due", "tomorrow", "--json").document["due"]["time"] is None


def test_changes_a_todo_and_takes_it_back_step_by_step(alice: Run) -> None:
    todo = alice("add", "Water the plants", "--tag", "home", "--json").document["id"]
    short = todo[-8:]
    edited = alice("edit", short, "--title", "Water all plants", "--tag", "none", "--json").document
    assert (edited["title"], edited["tags"]) == ("Water all plants", [])
    assert alice("done", short, "--json").document["completed"]["status"] == "completed"
    assert "Nothing to do" in alice("list").out
    assert alice("rm", short, "--json").document["deleted"] == todo
    assert alice("show", todo).code == 1
    expected = [("completed", "Water all plants"), ("pending", "Water all plants")]
    expected.append(("pending", "Water the plants"))
    for status, title in expected:
        assert alice("undo").code == 0
        found = alice("show", todo, "--json").document
        assert (found["status"], found["title"]) == (status, title)


def test_takes_back_what_was_added_and_then_nothing_more(alice: Run) -> None:
    todo = alice("add", "Call mum", "--json").document["id"]
    assert alice("undo", "--json").document["changed"] == 1
    assert alice("show", todo).code == 1
    nothing_left = alice("undo")
    assert (nothing_left.code, "nothing was changed" in nothing_left.err) == (2, True)


def test_reopens_a_todo(alice: Run) -> None:
    todo = alice("add", "Call mum", "--json").document["id"]
    alice("done", todo)
    assert alice("reopen", todo, "--json").document["status"] == "pending"
    assert "Call mum" in alice("list").out


def test_reminds_snoozes_and_explains(alice: Run) -> None:
    todo = alice("add", "Call mum", "--due", "tomorrow 9:00", "--json").document["id"]
    made = alice("remind", todo[-8:], "--before", "15m", "--channel", "email", "--json").document
    assert (made["before"], made["channels"]) == ("PT15M", ["email"])
    later = alice("snooze", made["id"][-8:], "--until", "2030-01-01 09:00", "--json").document
    assert later["next_fire_at"] == "2030-01-01T08:00:00Z"
    words = alice("snooze", made["id"][-8:], "--until", "2030-01-01T09:00", "--json").document
    assert words["next_fire_at"] == later["next_fire_at"]
    tonight = alice("snooze", made["id"][-8:], "--for", "tonight", "--json").document
    assert datetime.fromisoformat(tonight["next_fire_at"]) > datetime.now(UTC)
    assert alice("snooze", made["id"][-8:], "--for", "soon").code == 2
    assert alice("snooze", made["id"][-8:], "--until", "soon").code == 2
    soon = alice("snooze", todo[-8:], "--for", "10m", "--json").document
    fires = datetime.fromisoformat(soon["next_fire_at"])
    assert abs(fires - datetime.now(UTC) - timedelta(minutes=10)) < timedelta(minutes=1)
    assert "in 1" in alice("remind", todo, "--in", "10m").out
    ambiguous = alice("why", todo)
    assert (ambiguous.code, "several reminders" in ambiguous.err) == (2, True)
    story = alice("why", made["id"][-8:], "--json").document
    assert story["reminder"]["id"] == made["id"]
    assert story["sentences"][0] in alice("why", made["id"]).out


def test_follows_pages(alice: Run) -> None:
    for title in "abc":
        alice("add", title)
    first = alice("list", "--sort", "created", "--limit", "2", "--json").document
    assert (len(first["data"]), first["has_more"]) == (2, True)
    everything = alice("list", "--limit", "2", "--all", "--json").document
    assert {todo["title"] for todo in everything["data"]} == {"a", "b", "c"}
    assert not everything["has_more"]


def test_filters(alice: Run) -> None:
    alice("add", "now", "--due", "today", "--tag", "x", "--list", "One")
    alice("add", "then", "--due", "in 5d", "--priority", "low")
    for option, expected in {
        ("--tag", "x"): ["now"],
        ("--list", "one"): ["now"],
        ("--priority", "low"): ["then"],
        ("--due-before", "tomorrow"): ["now"],
        ("--status", "completed"): [],
        ("--status", "all"): ["now", "then"],
    }.items():
        found = alice("list", *option, "--json").document["data"]
        assert [todo["title"] for todo in found] == expected, option
    assert alice("list", "--list", "Nowhere").code == 1


def test_says_when_a_short_id_is_ambiguous(alice: Run, tmp_path: Path, api: str) -> None:
    credentials = Credentials(tmp_path / "voicetodo" / "credentials.json")
    first = uuid7()
    twin = UUID(int=first.int ^ (1 << 32))  # differs above the characters that are shown
    with Client(api, credentials) as client:
        for key in (first, twin):
            client.send("PUT", f"/todos/{key}", {"title": "twin"})
    ran = alice("done", str(first)[-8:])
    assert (ran.code, "ambiguous" in ran.err) == (2, True)
    assert alice("done", str(first)).code == 0
    assert alice("done", "ffff").code == 1
    assert alice("done", " ").code == 2


def test_takes_a_title_for_an_id(alice: Run) -> None:
    alice("add", "Call mum", "--due", "in 1 hour", "--remind", "email")
    alice("add", "Call dad")
    assert alice("show", "call m", "--json").document["title"] == "Call mum"
    assert "It fires at" in alice("why", "Call mum").out
    assert "ambiguous" in alice("done", "call").err
    assert alice("done", "Call nobody").code == 1


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


def test_refuses_in_one_sentence_or_one_document(alice: Run) -> None:
    for arguments, code in {
        ("add", "x" * 501): 1,
        ("show", str(uuid7())): 1,
        ("show", "00000000"): 1,
        ("add", "a", "--due", "soonish"): 2,
        ("add", "a", "--due", "today", "--zone", "Mars/Olympus"): 2,
        ("add", "a", "--remind", "email"): 2,
        ("add",): 2,
        ("remind", str(uuid7()), "--in", "5m", "--at", "tomorrow 9:00"): 2,
        ("list", "--limit", "0"): 2,
        ("whoami", "--api", "http://127.0.0.1:9"): 1,
        ("login", "--email", "a@example.com", "--api", "nonsense"): 2,
        ("nonsense",): 2,
    }.items():
        ran = alice(*arguments)
        assert (ran.code, ran.out, ran.err.count("\n")) == (code, "", 1), ran
        ran = alice(*arguments, "--json")
        problem = json.loads(ran.err)
        assert (ran.code, ran.out) == (code, "")
        assert {"type", "title", "detail"} <= problem.keys()


def test_says_when_nobody_answers(run: Run) -> None:
    ran = run("login", "--email", "a@example.com", "--api", "http://127.0.0.1:9")
    assert ran.code == 3
    assert "is it running?" in ran.err


class Flaky:
    """Answers 503, or what it is told, before it answers; notes the keys it was shown."""

    def __init__(self, failures: int, status: int = 503, wait_s: int = 0) -> None:
        self.failures = failures
        self.status = status
        self.wait_s = wait_s
        self.keys: list[bytes | None] = []

    async def __call__(self, scope: Any, _receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            return
        self.keys.append(dict(scope["headers"]).get(b"idempotency-key"))
        status = self.status if len(self.keys) <= self.failures else 200
        tokens = {"user": {"email": "a"}, "access_token": "a", "refresh_token": "r"}
        body = tokens if status == 200 else {"title": "Try again shortly", "detail": "Down."}
        headers = [(b"retry-after", b"%d" % self.wait_s)]
        start = {"type": "http.response.start", "status": status, "headers": headers}
        await send(start)
        await send({"type": "http.response.body", "body": json.dumps(body).encode()})


@pytest.mark.parametrize(("failures", "code"), [(0, 0), (2, 0), (3, 3)])
def test_tries_three_times_under_one_key(run: Run, failures: int, code: int) -> None:
    server = Flaky(failures)
    serving: AbstractContextManager[str] = serve(server)
    with serving as url:
        ran = run("login", "--email", "a@example.com", "--api", url)
    assert ran.code == code, ran.err
    assert len(server.keys) == min(failures + 1, 3)
    assert None not in server.keys
    assert len(set(server.keys)) == 1


@pytest.mark.parametrize(("wait_s", "code", "tries"), [(1, 0, 2), (600, 1, 1)])
def test_a_short_wait_is_waited_for_and_a_long_one_told(
    run: Run, wait_s: int, code: int, tries: int
) -> None:
    server = Flaky(1, 429, wait_s)
    serving: AbstractContextManager[str] = serve(server)
    with serving as url:
        ran = run("login", "--email", "a@example.com", "--api", url)
    assert (ran.code, len(server.keys)) == (code, tries), ran.err
    assert ("Try again in 600 s." in ran.err) is (code == 1)


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


def spoil(credentials: Credentials, api: str) -> str:
    """Make the access token worthless; answers the refresh token."""
    with credentials.changing() as accounts:
        accounts[api] = replace(accounts[api], access_token="x.y.z")
        return accounts[api].refresh_token
