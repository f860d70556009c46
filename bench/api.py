"""Requests per second of the API beside its floor, on one machine and in one run.

    make bench            all of it
    python -m bench.api   this one; ROUNDS, SECONDS and ROWS by environment

`bench/floor.py` does the same SQL with nothing around it; beside it, the least SQL that would do
without accounts. Rounds alternate, so that all meet the same weather; figures are medians, ratios
medians of each round's. Latencies are taken at 70 % of the throughput.
"""

import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
from pydantic import SecretStr
from rich.console import Console
from rich.table import Table

from bench.results import keep
from core import clock, embedded, keys, migrate
from core.ids import uuid7
from core.settings import Settings
from core.tokens import Tokens

ROUNDS = int(os.environ.get("ROUNDS", "5"))
SECONDS = float(os.environ.get("SECONDS", "4"))
ROWS = int(os.environ.get("ROWS", "1000000"))
TODOS_PER_USER = 100
USERS_IN_USE = 64
CONNECTIONS = 16
WRITERS = 32

SEED = """
INSERT INTO users (id, timezone)
SELECT uuidv7(), 'Europe/Berlin' FROM generate_series(1, %(users)s);
INSERT INTO workspaces (id, kind, name) SELECT id, 'personal', '' FROM users;
INSERT INTO memberships (user_id, workspace_id, role) SELECT id, id, 'owner' FROM users;
INSERT INTO feeds (workspace_id) SELECT id FROM users;
INSERT INTO todos (workspace_id, id, title, description, priority, tags, position, due_on,
                   due_at, created_by)
SELECT u.id, uuidv7(), 'Todo number ' || n, 'With a line of description, as people write them',
       (ARRAY['high', 'medium', 'low', 'none'])[1 + n %% 4],
       CASE n %% 3 WHEN 0 THEN ARRAY['home', 'errand'] ELSE '{}' END, n,
       CASE n %% 2 WHEN 0 THEN current_date + n END,
       CASE n %% 2 WHEN 0 THEN date_trunc('day', now()) + n * interval '1 day' END, u.id
FROM users u, generate_series(1, %(todos)s) AS n;
INSERT INTO sessions (id, user_id, expires_at)
SELECT uuidv7(), id, now() + interval '1 day' FROM users ORDER BY id LIMIT %(in_use)s;
"""


@contextmanager
def server(app: str, environment: dict[str, str]) -> Iterator[int]:
    """uvicorn with the flags of `voicetodo up`, one process; yields its port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "uvicorn", app, "--port", str(port), "--no-access-log"]
    command += [
        "--loop",
        "uvloop",
        "--http",
        "httptools",
        "--log-level",
        "warning",
        "--no-proxy-headers",
    ]
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(command, env={**os.environ, **environment}, stdout=log)
        try:
            for _ in range(200):
                time.sleep(0.05)
                try:
                    urllib.request.urlopen(f"http://127.0.0.1:{port}/ready", timeout=2).close()
                    break
                except OSError:
                    continue
            else:
                raise RuntimeError(f"{app} does not start")
            yield port
        finally:
            process.terminate()
            process.wait(10)


def load(folder: Path, port: int, requests: list[str], **plan: Any) -> dict[str, Any]:
    path = folder / "plan.json"
    path.write_text(json.dumps({"port": port, "requests": requests, **plan}))
    command = [sys.executable, "-m", "bench.load", str(path)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    result: dict[str, Any] = json.loads(done.stdout)
    if result["bad"]:
        raise RuntimeError(f"{result['bad']} answers were not 2xx")
    return result


def http(method: str, path: str, token: str = "", body: bytes = b"", key: bool = False) -> str:  # noqa: FBT001, FBT002 (a flag of one caller)
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", f"Content-Length: {len(body)}"]
    lines += [f"Authorization: Bearer {token}"] if token else []
    lines += ["Content-Type: application/json"] if body else []
    lines += ["Idempotency-Key: @KEY@"] if key else []
    return "\r\n".join(lines) + "\r\n\r\n" + body.decode()


@dataclass(frozen=True, slots=True)
class Known:
    user: UUID
    session: UUID
    token: str

    def floor(self, sql: str) -> str:
        return f"/{sql}/{self.user}/{self.session}"


def people(url: str, settings: Settings) -> list[Known]:
    tokens = Tokens(keys.load(settings).signing)
    with psycopg.connect(url) as connection:
        rows = connection.execute("SELECT user_id, id FROM sessions ORDER BY id").fetchall()
    issue = tokens.issue
    return [Known(user, sid, issue(user, sid, uuid7(), now=clock.now())) for user, sid in rows]


def main() -> None:
    console = Console()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="vt-")))
        url = stack.enter_context(embedded.postgres(folder))
        migrate.run(url)
        console.print(f"seeding {ROWS:,} todos …")
        users = max(USERS_IN_USE, ROWS // TODOS_PER_USER)
        values = {"users": users, "todos": TODOS_PER_USER, "in_use": USERS_IN_USE}
        with psycopg.connect(url, autocommit=True) as connection:
            for statement in SEED.split(";\n")[:-1]:
                with psycopg.ClientCursor(connection) as cursor:
                    cursor.execute(statement, values)
            connection.execute("VACUUM ANALYZE")
        environment = {
            "VOICETODO_DATA_DIR": str(folder),
            "DATABASE_URL": url,
            "VOICETODO_RATE_LIMIT_API": "1000000000",
        }
        settings = Settings(_env_file=None, data_dir=folder, DATABASE_URL=SecretStr(url))
        known = people(url, settings)
        api = stack.enter_context(server("api.main:app", environment))
        floor = stack.enter_context(server("bench.floor:app", environment))
        measure(console, folder, known, (api, floor))


def measure(console: Console, folder: Path, known: list[Known], ports: tuple[int, int]) -> None:
    body = json.dumps({"title": "Buy milk"}).encode()
    todos = "/api/v1/todos"
    sqls = ("same", "least")
    cases = {
        "list of 50": (
            [http("GET", f"{todos}?limit=50", each.token) for each in known],
            {sql: [http("GET", each.floor(sql)) for each in known] for sql in sqls},
            CONNECTIONS,
        ),
        "create": (
            [http("POST", todos, each.token, body, key=True) for each in known],
            {sql: [http("POST", each.floor(sql), body=body) for each in known] for sql in sqls},
            CONNECTIONS,
        ),
        "create, one workspace, 32 writers": (
            [http("POST", todos, known[0].token, body, key=True)],
            {sql: [http("POST", known[0].floor(sql), body=body)] for sql in sqls},
            WRITERS,
        ),
    }
    names = ("same SQL /s", "ratio", "least SQL /s", "ratio", "p50", "p95", "p99")
    table = Table("request", "API /s", *names)
    for name, (ours, floors, connections) in cases.items():
        calm: dict[str, Any] = {"connections": connections, "seconds": SECONDS}
        rounds = []
        for _ in range(ROUNDS + 1):  # the first one warms up
            runs = [(ports[0], ours), *((ports[1], floors[sql]) for sql in sqls)]
            rounds.append([load(folder, *run, **calm)["per_second"] for run in runs])
        api, same, least = map(statistics.median, zip(*rounds[1:], strict=True))
        of_same = statistics.median(a / s for a, s, _ in rounds[1:])
        of_least = statistics.median(a / f for a, _, f in rounds[1:])
        at = load(folder, ports[0], ours, rate=api * 0.7, **calm)
        figures = [f"{api:,.0f}", f"{same:,.0f}", f"{of_same:.2f}", f"{least:,.0f}"]
        latencies = [f"{at[p]:.1f} ms" for p in ("p50", "p95", "p99")]
        table.add_row(name, *figures, f"{of_least:.2f}", *latencies)
        console.print(f"{name}: {of_same:.2f}", [f"{a / s:.2f}" for a, s, _ in rounds[1:]])
    console.print(table)
    note = f"{ROWS:,} todos, {ROUNDS} rounds of {SECONDS:g} s"
    keep("API beside its floor", "python -m bench.api", table, note=note)


if __name__ == "__main__":
    main()
