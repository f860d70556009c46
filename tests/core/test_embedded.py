import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from core import embedded, embedded_cluster, embedded_postgres
from core.errors import Misconfigured
from core.settings import Settings
from tests.machines import full_disk


@pytest.fixture
def folder() -> Iterator[Path]:
    """A directory without private ancestors, which pytest's own are for root."""
    made = Path(tempfile.mkdtemp(prefix="vt")).resolve()
    yield made
    shutil.rmtree(made)


@pytest.fixture(scope="module")
def made() -> Iterator[Path]:
    """A cluster that was created once and is not running; copy what you break."""
    folder = Path(tempfile.mkdtemp(prefix="vt")).resolve()
    embedded_cluster.prepare(folder, fast=True)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def cluster(made: Path, folder: Path) -> Path:
    """A cluster of one's own, quicker than creating one."""
    owner = (made / "postgres").stat()
    shutil.copytree(made / "postgres", folder / "postgres")
    if os.geteuid() == 0:
        for path in (folder / "postgres", *(folder / "postgres").rglob("*")):
            os.chown(path, owner.st_uid, owner.st_gid)
    return folder


def test_data_outlives_a_stop(folder: Path) -> None:
    with embedded.postgres(folder, fast=True) as url, psycopg.connect(url) as connection:
        assert connection.info.dbname == "voicetodo"
        assert connection.info.user == "postgres"
        assert connection.execute("SHOW fsync").fetchone() == ("off",)
        assert connection.execute("SELECT lower('ÄÖ')").fetchone() == ("äö",)
        connection.execute("CREATE TABLE kept AS SELECT 1 AS one")
    with embedded.postgres(folder) as url, psycopg.connect(url) as connection:
        assert connection.execute("SELECT one FROM kept").fetchone() == (1,)
        assert connection.execute("SHOW fsync").fetchone() == ("on",)
        assert connection.execute("SHOW listen_addresses").fetchone() == ("",)
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(url)


def test_only_the_owner_reaches_the_socket(cluster: Path) -> None:
    with embedded.postgres(cluster, fast=True):
        found = embedded_cluster.socket_dir(cluster).stat()
        assert found.st_mode & 0o077 == 0
        expected = "pgserver" if sys.platform == "linux" else "_postgres"
        owner = pwd.getpwuid(found.st_uid)
        assert owner.pw_name == expected if os.geteuid() == 0 else owner.pw_uid == os.geteuid()


@pytest.mark.parametrize("name", ["x" * 120, "a,b", "with space", "é"])
def test_awkward_paths_get_a_socket_elsewhere(folder: Path, cluster: Path, name: str) -> None:
    folder.chmod(0o711)  # it is an ancestor here
    awkward = folder / name
    awkward.mkdir()
    (cluster / "postgres").rename(awkward / "postgres")
    sockets = embedded_cluster.socket_dir(awkward)
    assert sockets.parent == Path("/tmp")  # noqa: S108 - the place that was agreed
    try:
        with embedded.postgres(awkward, fast=True) as url, psycopg.connect(url) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
            assert sockets.stat().st_mode & 0o077 == 0
    finally:
        shutil.rmtree(sockets, ignore_errors=True)


def test_a_socket_directory_open_to_others_is_refused(folder: Path) -> None:
    folder.chmod(0o711)  # it is an ancestor here
    deep = folder / ("x" * 120)
    sockets = embedded_cluster.socket_dir(deep)
    sockets.mkdir()
    sockets.chmod(0o777)
    try:
        with pytest.raises(Misconfigured, match=f"{sockets}, where PostgreSQL's socket goes"):
            embedded_cluster.prepare(deep, fast=True)
    finally:
        sockets.rmdir()


def test_a_server_left_by_a_killed_parent_is_stopped(cluster: Path) -> None:
    embedded_cluster.prepare(cluster, fast=True)
    with subprocess.Popen(
        embedded_postgres.command(cluster, fast=True),
        stderr=subprocess.DEVNULL,
        **embedded_cluster.run_as(),
    ) as orphan:
        try:
            while not embedded_postgres.ready(cluster):
                time.sleep(0.02)
            with embedded.postgres(cluster, fast=True) as url, psycopg.connect(url) as connection:
                assert connection.info.backend_pid
            assert orphan.poll() == 0
        finally:
            orphan.kill()


def test_a_kill_leaves_nothing_that_hinders_the_next_start(cluster: Path) -> None:
    with embedded.postgres(cluster, fast=True) as url, psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 1 AS one")
        connection.commit()
        pid_file = cluster / "postgres" / "postmaster.pid"
        os.kill(int(pid_file.read_text().split()[0]), signal.SIGKILL)
    assert pid_file.exists()
    # The number now belongs to another program of that user, as it easily does in a container.
    with subprocess.Popen(["sleep", "60"], **embedded_cluster.run_as()) as other:
        try:
            pid_file.write_text(f"{other.pid}\n" + pid_file.read_text().partition("\n")[2])
            with embedded.postgres(cluster, fast=True) as url, psycopg.connect(url) as connection:
                assert connection.execute("SELECT one FROM kept").fetchone() == (1,)
            assert other.poll() is None
        finally:
            other.kill()


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (lambda home: (home / "PG_VERSION").unlink(), "holds no PostgreSQL data"),
        (lambda home: (home / "PG_VERSION").write_text("16\n"), "was written by PostgreSQL 16"),
        (lambda home: (home / "global" / "pg_control").unlink(), "is damaged"),
    ],
)
def test_damage_is_a_sentence(cluster: Path, damage: object, sentence: str) -> None:
    assert callable(damage)
    damage(cluster / "postgres")
    with pytest.raises(Misconfigured, match=sentence) as raised:
        embedded_cluster.prepare(cluster)
    assert "VOICETODO_DATA_DIR" in raised.value.detail


def test_unreadable_files_do_not_start(cluster: Path) -> None:
    (cluster / "postgres" / "global" / "pg_control").write_bytes(b"\0" * 8192)
    with (
        pytest.raises(Misconfigured, match="PostgreSQL does not start"),
        embedded.postgres(cluster, fast=True),
    ):
        pass


def test_a_broken_off_creation_is_begun_again(folder: Path) -> None:
    (folder / "postgres.new").mkdir()
    (folder / "postgres.new" / "PG_VERSION").write_text("18\n")
    embedded_cluster.prepare(folder, fast=True)
    assert not (folder / "postgres.new").exists()
    assert (folder / "postgres" / "global" / "pg_control").exists()


def test_a_full_disk_is_a_sentence(folder: Path) -> None:
    with full_disk(after=100_000), pytest.raises(Misconfigured) as refused:
        embedded_cluster.prepare(folder)
    assert "could not" in refused.value.detail.partition(": ")[2]
    assert refused.value.detail.endswith(
        "(free some space or set VOICETODO_DATA_DIR to another place)"
    )
    assert not (folder / "postgres").exists()


def test_a_file_in_place_of_the_directory_is_a_sentence(folder: Path) -> None:
    (folder / "data").touch()
    with pytest.raises(Misconfigured, match="VOICETODO_DATA_DIR"):
        embedded_cluster.prepare(folder / "data")
    with (
        pytest.raises(Misconfigured, match="VOICETODO_DATA_DIR"),
        embedded.locked(folder / "data"),
    ):
        pass


@pytest.mark.skipif(os.geteuid() != 0, reason="only root hands PostgreSQL to another user")
def test_root_opens_the_directory_but_none_above(folder: Path) -> None:
    data_dir = folder / "data"
    with pytest.raises(Misconfigured, match=f"{folder} is private"):
        embedded_cluster.prepare(data_dir)
    assert folder.stat().st_mode & 0o777 == 0o700
    folder.chmod(0o711)
    embedded_cluster.prepare(data_dir, fast=True)
    assert data_dir.stat().st_mode & 0o777 == 0o710


def test_the_lock_has_one_holder(folder: Path) -> None:
    with (
        embedded.locked(folder),
        pytest.raises(Misconfigured, match=f"process {os.getpid()}"),
        embedded.locked(folder),
    ):
        pass
    with embedded.locked(folder):
        pass


def test_settings_choose_the_servers(folder: Path) -> None:
    ours = Settings(data_dir=folder, temporal_port=7999)
    assert embedded.database_url(ours) == f"postgresql://postgres@/voicetodo?host={folder}/postgres"
    assert embedded.temporal_address(ours) == "127.0.0.1:7999"
    theirs = Settings.model_validate({"DATABASE_URL": "postgresql://db.example/voice"})
    assert embedded.database_url(theirs) == "postgresql://db.example/voice"


@pytest.mark.parametrize(
    "program", [embedded.temporal_binary, embedded.temporal_test_server_binary]
)
def test_the_wheels_bring_their_programs(program: object) -> None:
    assert callable(program)
    assert os.access(program(), os.X_OK)
