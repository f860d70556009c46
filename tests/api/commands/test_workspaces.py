"""`voicetodo workspaces | sandbox | clock`, with a worker beside it that knows clocks alone."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest
from temporalio.testing import ActivityEnvironment

from core.db import Database
from core.messages import JobMessage
from tests.beside import CarryOut, working
from tests.commanding import Run
from tests.sandboxes import clocks

START = "2027-03-26T08:00:00+00:00"


@pytest.fixture
def worker(database_url: str) -> Iterator[None]:
    """Moves every clock that somebody asks to have moved."""

    @asynccontextmanager
    async def part(database: Database) -> AsyncIterator[CarryOut]:
        async def move(_: str, message: JobMessage) -> None:
            await ActivityEnvironment().run(clocks(database).advance, message)

        yield move

    with working(database_url, ["clock"], part):
        yield


@pytest.mark.usefixtures("worker")
def test_a_clock_is_moved_and_told(alice: Run) -> None:
    made = alice("sandbox", "Try", "--now", START)
    assert made.code == 0, made.err
    assert made.out.startswith("Try stands at 2027-03-26 08:00:00 UTC: ")
    moved = alice("clock", "try", "--advance", "P1D")
    assert moved.code == 0, moved.err
    assert moved.out == "It is 2027-03-27 08:00:00 UTC: 0 due at 0 instants\n"
    assert moved.err == ""  # no bar without a terminal
    by_id = alice("clock", made.out.split()[-1], "--to", "2027-03-28T10:00:00+02:00", "--json")
    assert by_id.document["status"] == "succeeded"
    assert by_id.document["result"]["to"] == "2027-03-28T08:00:00+00:00"
    short = alice("clock", "Try", "--advance", "1h30m", "--json")
    assert short.document["result"]["to"] == "2027-03-28T09:30:00+00:00"
    listed = alice("workspaces")
    rows = [line.split() for line in listed.out.splitlines()]
    assert any(row[1:4] == ["sandbox", "Try", "owner"] for row in rows)
    assert "2027-03-28 09:30:00 UTC" in listed.out
    assert any(row[1:2] == ["personal"] and row[-1] == "runs" for row in rows)
    kinds = [each["kind"] for each in alice("workspaces", "--json").document]
    assert sorted(kinds) == ["personal", "sandbox"]


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (("clock", "Try"), 2, "one of --advance and --to"),
        (("clock", "Try", "--advance", "1h", "--to", START), 2, "one of --advance and --to"),
        (("clock", "Nowhere", "--advance", "1h"), 1, "no workspace 'Nowhere'"),
        (("clock", "Twin", "--advance", "1h"), 2, "several are called"),
        (("clock", "Try", "--advance", "soon"), 2, "not a duration"),
        (("clock", "Try", "--to", "someday"), 2, "not a time"),
        (("clock", "Try", "--to", "2027-03-26T07:59:59Z"), 1, "forward only"),
        (("clock", "Personal", "--advance", "1h"), 1, "only a sandbox"),
    ],
)
def test_refusals(alice: Run, arguments: tuple[str, ...], code: int, told: str) -> None:
    for name in ("Try", "Twin", "Twin"):
        assert alice("sandbox", name, "--now", START).code == 0
    ran = alice(*arguments)
    assert (ran.code, ran.out) == (code, "")
    assert told in " ".join(ran.err.split())
