"""Channels by which a calendar tells of news: opened, kept, renewed, and done without."""

from datetime import timedelta

from activities.calendars import State
from core import clock
from integrations import calendars
from tests.calendars import DUE, Desk
from tests.teams import sql
from tests.todos import make


async def test_a_channel_is_opened_kept_and_renewed_before_it_ends(at: Desk) -> None:
    address = calendars.address(at.world.app.state.settings)
    assert address is not None
    since = at.world.latest()
    await at.sync(address=address)
    await at.pull(address=address)
    assert at.calls(since).count("events.watch") == 1
    url = at.world.database_url
    [(first, renew_at, expires_at)] = await sql(
        url,
        "SELECT channel_id, channel_renew_at, channel_expires_at FROM calendar_syncs WHERE id = %s",
        at.id,
    )
    left = (renew_at - clock.now()) / (expires_at - clock.now())
    assert 0.79 < left < 0.81
    await sql(
        url,
        "UPDATE calendar_syncs SET channel_renew_at = 'yesterday' WHERE id = %s",
        at.id,
    )
    await at.pull(address=address)
    assert at.calls(since).count("events.watch") == 2
    assert at.calls(since).count("channels.stop") == 1
    kept = await sql(
        url, "SELECT channel_id FROM calendar_channels WHERE connection_id = %s", at.id
    )
    assert len(kept) == 1
    assert kept[0][0] != first


async def test_a_calendar_that_cannot_be_watched_is_kept_in_step_all_the_same(at: Desk) -> None:
    await make(at.person, "Water", due=DUE)
    at.fault("events.watch", status=403)
    since = at.world.latest()
    address = calendars.address(at.world.app.state.settings)
    assert (await at.sync(address=address)).state is State.SYNCED
    await at.pull(address=address)
    assert set(await at.events()) == {"Water"}
    assert at.calls(since).count("events.watch") == 1
    kept = await sql(
        at.world.database_url, "SELECT 1 FROM calendar_channels WHERE connection_id = %s", at.id
    )
    assert kept == []


async def test_who_was_not_heard_asking_for_a_channel_asks_again_soon(at: Desk) -> None:
    at.fault("events.watch", status=503)
    since = at.world.latest()
    address = calendars.address(at.world.app.state.settings)
    await at.sync(address=address)
    [(again_at,)] = await sql(
        at.world.database_url, "SELECT channel_renew_at FROM calendar_syncs WHERE id = %s", at.id
    )
    assert timedelta(minutes=1) < again_at - clock.now() < timedelta(minutes=3)
    await at.poke()
    run = await at.begin()
    assert run is not None
    later = clock.now() + timedelta(minutes=3)
    done = await at.slice(run, address=address, now=lambda: later)
    assert done.state is State.SYNCED
    assert at.calls(since).count("events.watch") == 2
