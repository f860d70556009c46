"""`voicetodo demo`: todos that repeat and that were said, a reminder that outlives its worker."""

import fcntl
import os
import secrets
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import httpx2
import typer

from api.commands import moments, rules, words
from api.commands.client import Client, Unreachable
from api.commands.options import Api, Json, answer, load_settings
from api.commands.reminders import story_lines
from api.commands.story import Story
from core.errors import Misconfigured

if TYPE_CHECKING:
    from core.settings import Settings

PATIENCE_S: Final = 120.0  # after the due time, of a machine that is busy with other things
RESTART_S: Final = 60.0  # it takes 3, but not on a machine that is busy with other things
SETTLE_S: Final = 2.0  # a second copy would show in this time
POLL_S: Final = 0.1
SAID: Final = "erinnere mich morgen um 17 Uhr daran, die Blumen zu gießen"
Tell = Callable[[str], None]


def demo(
    *,
    seconds: Annotated[int, typer.Option(min=5, max=3600, help="Until it is due.")] = 60,
    kill: Annotated[bool, typer.Option(help="Kill the worker in between.")] = True,
    api: Api = None,
    as_json: Json = False,
) -> int:
    """Play the main story against a running stack: add, kill the worker, get the e-mail."""
    settings = load_settings()
    if not settings.dev:
        raise Misconfigured("the demo reads the vendor sandbox, which only the dev profile runs")
    told: dict[str, Any] = {
        "recurring": None,
        "said": None,
        "worker": None,
        "mail": None,
        "why": None,
    }
    with Client(api or settings.api_url) as client, httpx2.Client(trust_env=False) as plain:
        with Story(quiet=as_json) as story:
            with story.step("Looking for a running stack") as tell:
                seen = _last_seq(plain, settings)
                tell(client.api)
            with story.step("Registering a fresh person") as tell:
                told["email"] = _register(client)
                tell(told["email"])
            with story.step("Completing a todo that repeats") as tell:
                told["recurring"] = _recurring(client, tell)
            with story.step("Saying what to do, and taking it back") as tell:
                told["said"] = _said(client, tell)
            with story.step("Adding a todo with an e-mail reminder") as tell:
                todo = _add(client, seconds)
                due_at = words.parsed(todo["due_at"])
                told |= {"todo_id": todo["id"], "due_at": due_at.isoformat()}
                tell(f"“{todo['title']}”, due in {seconds} s")
            if kill:
                with story.step("Killing the worker (SIGKILL)") as tell:
                    told["worker"] = _kill_worker(plain, settings, tell)
            with story.step("Waiting for the due time") as tell:
                _wait(due_at, tell)
            with story.step("Looking into the mailbox") as tell:
                told["mail"] = _mail(plain, settings, seen, todo["title"], due_at, tell)
            with story.step("Asking why it came") as tell:
                reminder = todo["reminders"][0]["id"]
                told["why"] = client.get(f"/reminders/{reminder}/why")
                tell(f"GET /reminders/{reminder}/why")
        arrived = told["mail"] is not None
        verdict = "[green]It arrived." if arrived else "[red]No e-mail arrived."
        shown = [*story_lines(told["why"], zone="UTC"), f"{verdict}[/] {settings.sandbox_url}"]
        answer(told, *shown, as_json=as_json)
    return 0 if arrived else 1


def _register(client: Client) -> str:
    email = f"demo-{secrets.token_hex(4)}@example.com"
    body = {"email": email, "password": secrets.token_urlsafe(24), "timezone": "UTC"}
    client.sign_in("/auth/register", {**body, "name": "Demo"})
    return email


def _recurring(client: Client, tell: Tell) -> dict[str, Any]:
    found = rules.read(client, words="every weekday at 9", rrule=None, zone=None)
    body = {"title": "Water the plants", "recurrence": found["recurrence"], "due": found["due"]}
    todo = client.send("POST", "/todos", body).body
    following = client.send("POST", f"/todos/{todo['id']}/complete").body["next"]
    comes = words.comes(following, now=datetime.now(UTC), zone="UTC")
    tell(f"“{todo['title']}” {found['explained']}; next: {comes}")
    return {
        "explained": found["explained"],
        "completed_due_at": todo["due_at"],
        "next_due_at": following["due_at"],
    }


def _said(client: Client, tell: Tell) -> dict[str, Any]:
    """What was understood, and how many things the undo changed."""
    result = client.send("POST", "/voice/commands", {"text": SAID}).body
    [command] = result["commands"]
    title, due = command["todo"]["title"], command["fields"]["due"]
    undone = client.undo(result["undo_token"])["changed"]
    tell(f"“{SAID}” ({result['language']}): “{title}”, {due['date']} {due['time']}; undone")
    return {"language": result["language"], "title": title, "due": due, "undone": undone}


def _add(client: Client, seconds: int) -> Any:
    body = {
        "title": f"Call mum ({secrets.token_hex(3)})",
        "due": moments.wall(client, f"in {seconds}s", None),
        "reminders": [{"before": "PT0S", "channels": ["email"]}],
    }
    return client.send("POST", "/todos", body).body


def _kill_worker(plain: httpx2.Client, settings: "Settings", tell: Tell) -> dict[str, Any]:
    """Kill it, and see that `voicetodo up` started another one that is ready."""
    pid_file = settings.data_dir / "run" / "worker.pid"
    before = _pid(pid_file) if _runs(settings.data_dir) else None
    if before is None:
        raise Misconfigured(
            f"no worker is known in {settings.data_dir}: is `voicetodo up` running with this "
            "VOICETODO_DATA_DIR? `--no-kill` leaves the worker alone"
        )
    os.kill(before, signal.SIGKILL)
    began = time.monotonic()
    ready = f"http://{settings.host}:{settings.worker_metrics_port}/ready"
    while time.monotonic() - began < RESTART_S:
        time.sleep(POLL_S)
        tell(f"process {before} is dead for {time.monotonic() - began:.1f} s")
        after = _pid(pid_file)
        if after not in {None, before}:
            with suppress(httpx2.TransportError):
                if plain.get(ready).is_success:
                    took = round(time.monotonic() - began, 1)
                    tell(f"process {before} died, {after} was ready {took} s later")
                    return {"killed": before, "restarted": after, "ready_after_s": took}
    raise Unreachable(f"the worker was not ready again within {RESTART_S:.0f} s")


def _wait(due_at: datetime, tell: Tell) -> None:
    while (left := (due_at - datetime.now(UTC)).total_seconds()) > 0:
        tell(f"{left:.0f} s")
        time.sleep(min(left, POLL_S))
    tell(f"{due_at:%H:%M:%S} UTC")


def _mail(
    plain: httpx2.Client,
    settings: "Settings",
    seen: int,
    title: str,
    due_at: datetime,
    tell: Tell,
) -> dict[str, Any] | None:
    """The first e-mail that names the todo, and how many copies came; null after `PATIENCE_S`."""
    until = due_at + timedelta(seconds=PATIENCE_S)
    while not (found := _mails(plain, settings, seen, title)) and datetime.now(UTC) < until:
        tell(f"{(datetime.now(UTC) - due_at).total_seconds():.0f} s late")
        time.sleep(POLL_S)
    if not found:
        tell(f"nothing within {PATIENCE_S:.0f} s")
        return None
    time.sleep(SETTLE_S)
    copies = len(_mails(plain, settings, seen, title))
    late = (words.parsed(found[0]["at"]) - due_at).total_seconds()
    tell(f"{copies} e-mail, {late:.2f} s after the due time")
    return {"at": found[0]["at"], "late_s": round(late, 3), "copies": copies}


def _mails(plain: httpx2.Client, settings: "Settings", seen: int, title: str) -> list[Any]:
    return [
        row
        for row in _ledger(plain, settings, seen)
        if row["response_status"] == httpx2.codes.ACCEPTED and title in row["request"]["body"]
    ]


def _last_seq(plain: httpx2.Client, settings: "Settings") -> int:
    return max((row["seq"] for row in _ledger(plain, settings, 0)), default=0)


def _ledger(plain: httpx2.Client, settings: "Settings", since: int) -> list[Any]:
    address = f"{settings.sandbox_url}/ledger.json"
    try:
        answered = plain.get(address, params={"vendor": "sendgrid", "since": since})
        return list(answered.raise_for_status().json())
    except (httpx2.TransportError, httpx2.HTTPStatusError) as error:
        raise Unreachable(
            f"no answer from the sandbox at {address}: is `voicetodo up` running?"
        ) from error


def _runs(data_dir: Path) -> bool:
    """Whether `voicetodo up` holds this directory: else a number left there names a stranger."""
    with suppress(FileNotFoundError), (data_dir / "lock").open() as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def _pid(file: Path) -> int | None:
    with suppress(FileNotFoundError, ValueError):
        return int(file.read_text())
    return None
