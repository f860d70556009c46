import asyncio
from datetime import UTC, datetime, timedelta

from core import due
from core.db import Database
from core.due import SOURCES, Claimed
from core.messages import Kind
from tests.patience import PATIENCE_S
from tests.reminding import Scene, scene

SOURCE = SOURCES[Kind.REMINDERS]
NOW = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)
OVER = timedelta(0)  # a lease that has ended when it begins


async def claim(
    db: Database, at: Scene, *, limit: int = 100, lease: timedelta = due.LEASE
) -> list[Claimed]:
    async with db.transaction() as tx:
        return await due.claim(tx, SOURCE, at.lane, now=NOW, limit=limit, lease=lease)


async def renew(db: Database, rows: list[Claimed]) -> int:
    async with db.transaction() as tx:
        return len(await due.renew(tx, SOURCE, rows))


async def test_claims_what_is_due_within_the_horizon_earliest_first(
    worker_db: Database, database_url: str
) -> None:
    seconds = (2, -5, 3, 0)
    at = scene(database_url, [NOW + timedelta(seconds=each) for each in seconds])
    claimed = await claim(worker_db, at)
    assert [each.id for each in claimed] == [at.reminders[nth] for nth in (1, 3, 0)]
    assert {each.taken_over for each in claimed} == {False}


async def test_claims_are_exclusive_under_concurrency(
    worker_db: Database, database_url: str
) -> None:
    at = scene(database_url, [NOW] * 60)
    found = await asyncio.gather(*(claim(worker_db, at, limit=25) for _ in range(12)))
    ids = [each.id for rows in found for each in rows]
    assert len(ids) == len(set(ids)) > 0
    rest = await claim(worker_db, at)
    assert set(ids) | {each.id for each in rest} == set(at.reminders)
    assert await claim(worker_db, at) == []


async def test_an_expired_lease_is_taken_over_and_the_first_is_lost(
    worker_db: Database, database_url: str
) -> None:
    at = scene(database_url, [NOW])
    first = await claim(worker_db, at, lease=OVER)
    second = await claim(worker_db, at)
    assert [each.taken_over for each in second] == [True]
    assert await renew(worker_db, first) == 0
    assert await renew(worker_db, second) == 1
    async with worker_db.transaction() as tx:
        due.release(tx, SOURCE, first)  # not ours any more: no effect
    assert await claim(worker_db, at) == []


async def test_an_expired_lease_that_nobody_took_can_be_renewed(
    worker_db: Database, database_url: str
) -> None:
    at = scene(database_url, [NOW])
    first = await claim(worker_db, at, lease=OVER)
    assert await renew(worker_db, first) == 1
    assert await claim(worker_db, at) == []


async def test_a_released_row_is_free_and_a_resting_one_is_not(
    worker_db: Database, database_url: str
) -> None:
    at = scene(database_url, [NOW, NOW])
    first, second = await claim(worker_db, at)
    async with worker_db.transaction() as tx:
        due.release(tx, SOURCE, [first])
        due.rest(tx, SOURCE, [second], wait=timedelta(minutes=1))
    [again] = await claim(worker_db, at)
    assert (again.id, again.taken_over) == (first.id, False)
    assert await renew(worker_db, [second]) == 0


async def test_another_arming_is_free_at_once(worker_db: Database, database_url: str) -> None:
    at = scene(database_url, [NOW])
    [old] = await claim(worker_db, at)
    at.run("UPDATE reminders SET arm_no = arm_no + 1 WHERE lane = %s", at.lane)
    [new] = await claim(worker_db, at)
    assert new.arm_no == old.arm_no + 1
    assert await renew(worker_db, [old]) == 0


async def test_a_row_that_is_being_changed_waits_for_its_change(
    worker_db: Database, database_url: str
) -> None:
    at = scene(database_url, [NOW, NOW])
    async with worker_db.transaction() as tx:
        # The lock that a person's change holds until it commits.
        [locked] = await due.claim(tx, SOURCE, at.lane, now=NOW, limit=1)
        async with asyncio.timeout(PATIENCE_S):
            found = await claim(worker_db, at)
    assert [each.id for each in found] == [each for each in at.reminders if each != locked.id]


async def test_a_sandbox_with_its_own_clock_is_never_claimed(
    worker_db: Database, database_url: str
) -> None:
    at = scene(database_url, [NOW])
    at.run("UPDATE reminders SET lane = NULL WHERE id = %s", at.reminders[0])
    assert await claim(worker_db, at) == []


async def test_fewer_lanes_lose_no_row(worker_db: Database, database_url: str) -> None:
    at = scene(database_url, [NOW], lane=32_000)
    async with worker_db.transaction() as tx:
        due.adopt(tx, SOURCE, lanes=31_999)
    [row] = at.rows("SELECT lane FROM reminders WHERE id = %s", at.reminders[0])
    assert row["lane"] == 1


async def test_lag_and_sweep(worker_db: Database, database_url: str) -> None:
    at = scene(database_url, [NOW - timedelta(seconds=7), NOW, NOW + timedelta(seconds=1)])
    async with worker_db.transaction() as tx:
        assert await due.lag(tx, SOURCE, at.lane, now=NOW) == (2, timedelta(seconds=7))
    await claim(worker_db, at, lease=timedelta(days=-2))
    async with worker_db.transaction() as tx:
        due.sweep(tx)
    assert at.leases() == 0
