"""The text door over HTTP, of people with 1,000 open todos each; beside it `POST /todos`.

That is its peer: the same account, the same kind of row in the end, but nothing to understand, no
todo to find, nothing to keep of what was said.
"""

import json
import os
import statistics
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx2
import psycopg
from pydantic import SecretStr
from rich.console import Console
from rich.table import Table

from bench.api import SEED, Known, http, load, people
from bench.chaos.stack import Process, running
from bench.processes import cpu_s
from bench.results import keep
from bench.voice.titles import titles
from core.settings import Settings

SECONDS = float(os.environ.get("TEXT_SECONDS", "5"))
ROUNDS = int(os.environ.get("ROUNDS", "5"))
PEOPLE = 16
TODOS = 1000
PER_SECOND = 17  # 1,000 a minute
CONNECTIONS = 16
COMMANDS = "/api/v1/voice/commands"
SAID: Mapping[str, str] = {
    "create": "Remind me to buy milk tomorrow at 5 pm",
    "move": "Move call Anna about the boiler to Friday",
    "list": "What is due today?",
}
PLAIN = "POST /todos"
TOGETHER = "all three in turn"


def measure(console: Console) -> None:
    with tempfile.TemporaryDirectory(prefix="vt-") as folder, running(Path(folder)) as stack:
        _seed(stack.url)
        url = SecretStr(stack.url)
        settings = Settings(_env_file=None, data_dir=stack.folder, DATABASE_URL=url)
        known = people(stack.url, settings)
        api = stack.api()
        _must_act(api, known[0])
        table = _measured(console, stack.folder, api, _requests(known))
    console.print(table)
    note = (
        f"{PEOPLE} people with {TODOS:,} open todos each, one API process, median of {ROUNDS} "
        f"rounds of {SECONDS:g} s; latencies at {PER_SECOND} a second, aim p95 < 50 ms"
    )
    keep("Text door", "python -m bench.voice text", table, note=note)


def _seed(url: str) -> None:
    values = {"users": PEOPLE, "todos": TODOS, "in_use": PEOPLE}
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in SEED.split(";\n")[:-1]:
            with psycopg.ClientCursor(connection) as cursor:
                cursor.execute(statement, values)
        connection.execute("UPDATE todos SET title = (%s::text[])[position::int]", (titles(TODOS),))
        connection.execute("VACUUM ANALYZE")


def _body(text: str) -> dict[str, str]:
    return {"text": text, "language": "en"}


def _requests(known: list[Known]) -> dict[str, list[str]]:
    made = {
        name: [
            http("POST", COMMANDS, each.token, json.dumps(_body(text)).encode(), key=True)
            for each in known
        ]
        for name, text in SAID.items()
    }
    turns = [request for each in zip(*made.values(), strict=True) for request in each]
    todo = json.dumps({"title": "Buy milk"}).encode()
    plain = [http("POST", "/api/v1/todos", each.token, todo, key=True) for each in known]
    return {PLAIN: plain, **made, TOGETHER: turns}


def _must_act(api: Process, one: Known) -> None:
    """Else it would be fast because it only asks back."""
    with httpx2.Client(base_url=api.url, trust_env=False) as client:
        for text in SAID.values():
            headers = {"Authorization": f"Bearer {one.token}"}
            answer = client.post(COMMANDS, json=_body(text), headers=headers).raise_for_status()
            if not answer.json()["commands"]:
                raise RuntimeError(f"{text!r} was not done: {answer.text}")


def _measured(
    console: Console, folder: Path, api: Process, requests: Mapping[str, list[str]]
) -> Table:
    names = ("/s", "a minute", f"beside {PLAIN}", "API's own ms", "p50", "p95", "p99")
    table = Table("said", *names)
    port = int(api.url.rpartition(":")[2])
    rounds: dict[str, list[float]] = {name: [] for name in requests}
    calm: dict[str, Any] = {"connections": CONNECTIONS, "seconds": SECONDS}
    spent: dict[str, list[float]] = {name: [] for name in requests}
    for nth in range(ROUNDS + 1):  # the first one warms up
        for name, each in requests.items():
            before = cpu_s(api.popen.pid)
            rate = load(folder, port, each, **calm)["per_second"]
            if nth:
                rounds[name].append(rate)
                used = cpu_s(api.popen.pid) - before
                spent[name].append(used * 1000 / (rate * SECONDS))
    for name, each in requests.items():
        rate = statistics.median(rounds[name])
        ratios = [mine / peer for mine, peer in zip(rounds[name], rounds[PLAIN], strict=True)]
        at = load(folder, port, each, rate=PER_SECOND, **{**calm, "seconds": 4 * SECONDS})
        latencies = [f"{at[p]:.1f} ms" for p in ("p50", "p95", "p99")]
        beside = f"{statistics.median(ratios):.2f}"
        own = f"{statistics.median(spent[name]):.2f}"
        table.add_row(name, f"{rate:,.0f}", f"{rate * 60:,.0f}", beside, own, *latencies)
        console.print(name, f"{rate:,.0f}/s", *latencies)
    return table
