"""`voicetodo up`: which parts there are, in which order, and what must hold before they start."""

import asyncio
import os
import re
import signal
import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from api.console import Screen, complain
from api.probes import answers, listens
from api.supervisor import Part, Supervisor
from core import embedded, embedded_cluster, embedded_postgres, keys
from core.errors import KeysMissing, Misconfigured
from core.settings import LogFormat, Settings, settings

_ROOT = Path(__file__).resolve().parent.parent
_PYTHON = (sys.executable, "-P")  # -P: a folder called `core` where a person stands is not ours
EXIT_MISCONFIGURED = 2
# Of idle connections: beyond what clients keep, or a request may meet the end of its own.
KEEP_ALIVE_S = 75
# Said at every start and stop, and of no use to the person who reads along.
_POSTGRES_NOISE = re.compile(
    "LOG:  (starting PostgreSQL|listening on|database system (is|was)|received fast shutdown"
    "|aborting any active|background worker|shutting down|invalid record length|redo)"
    "|FATAL:  the database system is"
)
_TEMPORAL_NOISE = re.compile(
    "^Temporal |Search attribute .* already exists|network dial error|Failed to poll for task"
    "|temporal-sys-per-ns-tq|context canceled|Error closing gRPC connection"
)


def up(settings: Settings) -> int:
    """Run everything until Ctrl-C; the exit code is 0, or 2 after a sentence on stderr."""
    try:
        with embedded.locked(settings.data_dir):
            check_ports(settings)
            check_keys(settings)
            chosen = list(parts(settings))
            began = time.monotonic()
            screen = Screen([part.name for part in chosen])
            supervisor = Supervisor(
                chosen,
                env=environment(settings),
                log=screen.log,
                note=screen.note,
                pids=settings.data_dir / "run",
            )
            temporal = settings.temporal_profile is None
            screen.start()
            try:
                asyncio.run(
                    supervisor.run(
                        lambda: screen.banner(settings, time.monotonic() - began, temporal=temporal)
                    )
                )
            finally:
                screen.finish()
    except Misconfigured as error:
        complain(error.detail)
        return EXIT_MISCONFIGURED
    return 0


def parts(settings: Settings) -> Iterator[Part]:
    """Yield the parts in the order of their start; what a setting replaces is left out."""
    host = _reachable(settings.host)
    servers = []
    if settings.database_url is None:
        servers.append("postgres")
        yield _postgres(settings)
    if settings.temporal_profile is None:
        servers.append("temporal")
        yield _temporal(settings)
    yield Part(
        "migrations",
        (*_PYTHON, "-m", "core.migrate"),
        after=tuple(name for name in servers if name == "postgres"),
        once=True,
        remedy="mend what the line says, then start again",
    )
    last = ["worker"]
    if settings.dev:
        last.append("sandbox")
        yield Part(
            "sandbox",
            _uvicorn(settings, "integrations.sandbox.app:app", settings.sandbox_port),
            ready=lambda: listens(host, settings.sandbox_port),
        )
    yield Part(
        "worker",
        (*_PYTHON, str(_ROOT / "worker.py")),
        after=(*servers, "migrations"),
        ready=lambda: answers(host, settings.worker_metrics_port, "/ready"),
        remedy=_what_it_awaits(settings),
    )
    yield Part(
        "api",
        _uvicorn(settings, "api.main:app", settings.api_port),
        after=(*last, "migrations"),
        ready=lambda: answers(host, settings.api_port, "/ready"),
    )


def _what_it_awaits(settings: Settings) -> str:
    """What the worker may be waiting for, of servers that we did not start."""
    named = [
        name
        for name, given in (
            ("DATABASE_URL", settings.database_url),
            ("VOICETODO_TEMPORAL_PROFILE", settings.temporal_profile),
        )
        if given is not None
    ]
    answers = f"see whether the server that {' or '.join(named)} names answers"
    return answers if named else "its lines above say why"


def environment(settings: Settings) -> dict[str, str]:
    """Return what every child sees: ours, and these settings even if they came from elsewhere."""
    # The parts write into pipes, and their lines appear on our terminal.
    on_screen = settings.log_format is LogFormat.AUTO and sys.stdout.isatty()
    path = os.pathsep.join(filter(None, (str(_ROOT), os.environ.get("PYTHONPATH"))))
    return {
        **os.environ,
        "PYTHONPATH": path,
        "PYTHONUNBUFFERED": "1",
        "VOICETODO_PROFILE": settings.profile,
        "VOICETODO_DATA_DIR": str(settings.data_dir.resolve()),
        "VOICETODO_HOST": settings.host,
        "VOICETODO_LOG_FORMAT": LogFormat.TEXT if on_screen else settings.log_format,
        **{f"VOICETODO_{name.upper()}": str(getattr(settings, name)) for name in _ports(settings)},
    }


def check_keys(settings: Settings) -> None:
    """Make those that are missing, by one process, so that none waits for another.

    Raises Misconfigured where an encryption key is not the one that sealed what is here.
    """
    epochs = keys.load(settings).ring.epochs
    try:
        epochs.check()
    except KeysMissing as error:
        raise Misconfigured(
            f"{error.detail}, bring back {settings.data_dir / 'keys' / 'encryption_key'} from a "
            f"backup, or move {settings.data_dir} away to begin anew"
        ) from error


def check_ports(settings: Settings) -> None:
    """Raise Misconfigured with one sentence for each port that is taken or asked for twice."""
    wrong: list[str] = []
    seen: dict[int, str] = {}
    for name, host in _ports(settings).items():
        port = getattr(settings, name)
        variable = f"VOICETODO_{name.upper()}"
        if port in seen:
            wrong.append(f"{variable} and {seen[port]} are both {port}: set one to another port.")
        elif error := _bind_error(host, port):
            wrong.append(
                f"Port {port} on {host} cannot be used ({error}): "
                f"stop what uses it, or set {variable} to another port."
            )
        seen[port] = variable
    if wrong:
        raise Misconfigured("\n".join(wrong))


def _ports(settings: Settings) -> dict[str, str]:
    """Name the settings that are ports of parts which will run, each with its address."""
    found = {"api_port": settings.host, "worker_metrics_port": settings.host}
    if settings.dev:
        found["sandbox_port"] = settings.host
    if settings.temporal_profile is None:
        found |= {"temporal_port": "127.0.0.1", "temporal_ui_port": "127.0.0.1"}
    return found


def _bind_error(host: str, port: int) -> str | None:
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
    except OSError as error:
        return (error.strerror or str(error)).lower()
    return None


def _reachable(host: str) -> str:
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - recognised, not bound


def _postgres(settings: Settings) -> Part:
    data_dir = settings.data_dir
    return Part(
        "postgres",
        embedded_postgres.command(data_dir),
        ready=lambda: asyncio.to_thread(embedded_postgres.ready, data_dir),
        prepare=lambda: embedded_cluster.prepare(data_dir),
        stop_signal=signal.SIGINT,  # SIGTERM would wait for clients to leave
        orphan_signal=signal.SIGINT,
        options=embedded_cluster.run_as(),
        noise=_POSTGRES_NOISE,
        remedy=f"restore {embedded_cluster.pgdata(data_dir)} from a backup, move it away to begin "
        "anew, or set DATABASE_URL to a PostgreSQL of yours",
    )


def _temporal(settings: Settings) -> Part:
    async def ready() -> bool:
        for port in (settings.temporal_port, settings.temporal_ui_port):
            if not await listens("127.0.0.1", port):
                return False
        runs = [
            asyncio.create_subprocess_exec(
                *command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.DEVNULL,
            )
            for command in embedded.temporal_namespace_commands(settings)
        ]
        started = await asyncio.gather(*runs)
        return not any(await asyncio.gather(*(process.wait() for process in started)))

    return Part(
        "temporal",
        embedded.temporal_command(settings),
        ready=ready,
        noise=_TEMPORAL_NOISE,
        remedy=f"if {settings.data_dir.resolve() / 'temporal.db'} is damaged, move it away: what "
        "was in it is built again from PostgreSQL",
    )


def _uvicorn(settings: Settings, app: str, port: int) -> tuple[str, ...]:
    return (
        *(*_PYTHON, "-m", "uvicorn", app, "--host", settings.host, "--port", str(port)),
        *("--loop", "uvloop", "--http", "httptools", "--log-level", "warning"),
        *("--no-access-log", "--no-server-header", "--no-proxy-headers"),
        *("--timeout-graceful-shutdown", "10", "--timeout-keep-alive", str(KEEP_ALIVE_S)),
    )


if __name__ == "__main__":
    sys.exit(up(settings()))
