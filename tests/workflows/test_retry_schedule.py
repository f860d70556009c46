from datetime import timedelta

import pytest

from tests.workflows.skipping import Script, run, skipping

EARLY = 0.002
LATE = 1.5  # the test server's own steps


@pytest.mark.parametrize("workflow", ["RetryDelivery", "SendVerification", "SendMail"])
async def test_attempts_follow_the_schedule_until_one_is_accepted(workflow: str) -> None:
    script = Script([None] * 9)
    async with skipping() as environment:
        handle = await run(environment, workflow, script)
        assert await handle.result() == 10
    expected = [5, 15, 45, 90, 180, 360, 720, 900, 900]
    for gap, seconds in zip(script.gaps, expected, strict=True):
        assert seconds - EARLY <= gap <= seconds * 1.1 + LATE


async def test_the_vendor_s_wish_is_honoured() -> None:
    script = Script([timedelta(minutes=2), None])
    async with skipping() as environment:
        await run(environment, "RetryDelivery", script)
    asked, own = script.gaps
    assert 120 - EARLY <= asked <= 121 + LATE
    assert 15 - EARLY <= own <= 16.5 + LATE


async def test_a_delivery_whose_time_has_not_come_is_only_looked_at() -> None:
    script = Script([], first_wait=timedelta(seconds=5))
    async with skipping() as environment:
        before = await environment.get_current_time()
        await run(environment, "RetryDelivery", script)
    [attempt] = script.at
    assert (attempt - before).total_seconds() >= 5 - EARLY


async def test_after_a_day_it_ends() -> None:
    script = Script([None] * 1000)
    async with skipping() as environment:
        await run(environment, "RetryDelivery", script)
    day = (script.at[-1] - script.at[0]).total_seconds()
    assert 24 * 3600 <= day <= 24 * 3600 + 5
    assert 95 < len(script.at) < 110
