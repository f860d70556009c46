import asyncio
import errno
import os
import signal
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from core.errors import Unavailable
from integrations.audio.child import Refused
from integrations.audio.pool import Pool
from tests.integrations.audio import greedy
from tests.patience import PATIENCE_S

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits memory by process")


@pytest.fixture
async def pool() -> AsyncIterator[Pool]:
    async with Pool(greedy.MODULE, size=2) as made:
        yield made


async def run(
    pool: Pool, task: str, data: bytes = b"", **asked: Any
) -> tuple[dict[str, Any], bytes]:
    return await pool.run(task, data, **{"cpu_s": 10, "wall_s": PATIENCE_S, **asked})


async def test_answers_come_back_with_their_bytes(pool: Pool) -> None:
    data = os.urandom(3_000_000)
    said, echoed = await run(pool, "echo", data, said="ü\0")
    assert (said["said"], echoed) == ("ü\0", data)
    assert said["pid"] != os.getpid()


async def test_processes_are_used_again_and_no_more_than_so_many(pool: Pool) -> None:
    answers = await asyncio.gather(*(run(pool, "echo", said=at) for at in range(20)))
    assert [said["said"] for said, _ in answers] == list(range(20))
    assert len({said["pid"] for said, _ in answers}) <= 2


async def test_they_are_replaced_after_so_many_tasks() -> None:
    async with Pool(greedy.MODULE, size=1, tasks_each=2) as pool:
        pids = [(await run(pool, "echo", said=0))[0]["pid"] for _ in range(4)]
    assert pids[0] == pids[1] != pids[2] == pids[3]


async def test_a_refusal_leaves_the_process_as_it_is(pool: Pool) -> None:
    before, _ = await run(pool, "echo", said=0)
    with pytest.raises(Refused) as caught:
        await run(pool, "refuse")
    assert caught.value.code == "undecodable"
    assert (await run(pool, "echo", said=0))[0]["pid"] == before["pid"]


async def test_one_that_was_killed_while_idle_is_replaced(pool: Pool) -> None:
    before, _ = await run(pool, "echo", said=0)
    os.kill(before["pid"], signal.SIGKILL)
    after, _ = await run(pool, "echo", said=1)
    assert after["said"] == 1
    assert after["pid"] != before["pid"]


async def test_one_that_is_killed_at_work_has_its_work_done_by_another() -> None:
    async with Pool(greedy.MODULE, size=1) as pool:
        before, _ = await run(pool, "echo", said=0)
        working = asyncio.create_task(run(pool, "sleep", wall_s=3))
        await asyncio.sleep(0.5)
        os.kill(before["pid"], signal.SIGKILL)
        with pytest.raises(Unavailable):  # the second one sleeps as well: it was asked again
            await working
        assert (await run(pool, "echo", said=1))[0]["said"] == 1


async def test_what_kills_two_in_turn_is_refused(pool: Pool) -> None:
    with pytest.raises(Refused) as caught:
        await run(pool, "die")
    assert caught.value.code == "too_hard"
    assert (await run(pool, "echo", said=1))[0]["said"] == 1


async def test_one_that_hangs_is_ended(pool: Pool) -> None:
    before, _ = await run(pool, "echo", said=0)
    began = time.perf_counter()
    with pytest.raises(Unavailable):
        await run(pool, "sleep", wall_s=0.5)
    assert time.perf_counter() - began < 30  # it would sleep for a minute
    with pytest.raises(ProcessLookupError):
        os.kill(before["pid"], 0)
    assert (await run(pool, "echo", said=1))[0]["said"] == 1


async def test_a_caller_that_gives_up_ends_its_process(pool: Pool) -> None:
    before, _ = await run(pool, "echo", said=0)
    working = asyncio.create_task(run(pool, "sleep"))
    await asyncio.sleep(0.2)
    working.cancel()
    with pytest.raises(asyncio.CancelledError):
        await working
    with pytest.raises(ProcessLookupError):
        os.kill(before["pid"], 0)


async def test_processor_time_is_limited_for_each_task(pool: Pool) -> None:
    with pytest.raises(Refused) as caught:
        await run(pool, "burn", cpu_s=1)
    assert caught.value.code == "too_hard"
    assert (await run(pool, "echo", said=1))[0]["said"] == 1


@LINUX
async def test_memory_is_limited(pool: Pool) -> None:
    with pytest.raises(Refused):
        await run(pool, "memory")


@pytest.mark.parametrize("task", ["read", "connect", "spawn"])
async def test_nothing_can_be_opened(pool: Pool, task: str) -> None:
    said, _ = await run(pool, task)
    assert said["errno"] == errno.EMFILE


async def test_no_secret_of_ours_is_in_there(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VOICETODO_ENCRYPTION_KEY", "canary")
    monkeypatch.setenv("DATABASE_URL", "canary")
    said, _ = await run(pool, "environment")
    assert said
    assert "canary" not in said.values()


async def test_none_is_left_behind() -> None:
    async with Pool(greedy.MODULE, size=2) as pool:
        answers = await asyncio.gather(*(run(pool, "echo", said=at) for at in range(4)))
    for said, _ in answers:
        with pytest.raises(ProcessLookupError):
            os.kill(said["pid"], 0)


async def test_one_that_takes_too_long_to_start_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = tmp_path / "pid"
    slow = f"import os, pathlib, time; pathlib.Path({str(told)!r}).write_text(str(os.getpid()))"
    (tmp_path / "never_ready.py").write_text(f"{slow}; time.sleep(60)")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    async with Pool("never_ready", size=1, start_s=3) as pool:
        with pytest.raises(Unavailable):
            await run(pool, "echo", said=0)
    with pytest.raises(ProcessLookupError):
        os.kill(int(told.read_text()), 0)


async def test_one_that_cannot_be_started_is_said_so() -> None:
    async with Pool("tests.no_such_module", size=1) as pool:
        with pytest.raises(Unavailable):
            await run(pool, "echo", said=0)
