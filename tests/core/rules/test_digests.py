"""When digests go out: by the person's clock, whatever their zone's clocks do, once a period."""

import itertools
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from core.rules import zones
from core.rules.digests import Frequency, Plan, Weekday, delivery_id, jitter, offsets
from core.rules.preferences import Preferences

ADA = UUID("01890a5d-ac96-774b-bcce-b302099a8057")
DAILY = Plan(Frequency.DAILY, time(2, 30))


def year(plan: Plan, zone: str, begin: datetime) -> list[tuple[str, datetime]]:
    """Every slot of a year, each looked for at the instant of the one before."""
    found, now = [], begin
    while now < begin + timedelta(days=365):
        slot = plan.next(now, zone, ADA)
        assert slot is not None
        found.append((slot.period, slot.at))
        now = slot.at
    return found


@pytest.mark.parametrize(
    "zone", ["Europe/Berlin", "America/St_Johns", "Australia/Lord_Howe", "Asia/Kathmandu"]
)
def test_a_year_of_days_and_weeks_each_once(zone: str) -> None:
    begin = datetime(2026, 1, 1, tzinfo=UTC)
    days = year(DAILY, zone, begin)
    assert len(days) == len({period for period, _ in days}) in range(365, 368)
    for period, at in days:
        wall = (at - jitter(ADA)).astimezone(ZoneInfo(zone))
        assert wall.date().isoformat() == period
        # In the gap of spring it is as late as the gap is wide, and never early.
        assert wall.time() in {time(2, 30), time(3, 30), time(3, 0)}
    weeks = year(Plan(Frequency.WEEKLY, time(8), Weekday.SUNDAY), zone, begin)
    assert len(weeks) == len({period for period, _ in weeks}) in range(52, 54)
    assert {at.astimezone(ZoneInfo(zone)).weekday() for _, at in weeks} == {6}


def test_a_day_that_a_zone_left_out_makes_no_second_one() -> None:
    """Samoa went from the 29th to the 31st of December 2011."""
    begin = datetime(2011, 12, 29, tzinfo=UTC)
    instants = [at for _, at in year(DAILY, "Pacific/Apia", begin)[:5]]
    assert len(set(instants)) == 5
    assert min(b - a for a, b in itertools.pairwise(instants)) >= timedelta(hours=23)


def test_its_jitter_may_lead_past_midnight() -> None:
    plan = Plan(Frequency.DAILY, time(23, 59))
    slot = plan.slot(date(2026, 5, 4), "UTC", ADA)
    assert slot.at.date() == date(2026, 5, 5)
    assert plan.next(slot.at - timedelta(seconds=1), "UTC", ADA) == slot
    assert jitter(ADA) < timedelta(minutes=10)
    assert jitter(UUID(int=1)) != jitter(ADA) == jitter(UUID(str(ADA)))


def test_no_digest_is_the_default_and_what_cannot_be_read_is_the_default() -> None:
    assert Plan().next(datetime(2026, 1, 1, tzinfo=UTC), "UTC", ADA) is None
    hostile: tuple[object, ...] = (None, 7, {"frequency": "hourly"}, {"at": 7}, {"weekday": []})
    for stored in hostile:
        assert Plan.of(stored) == Plan()
    assert Plan.of({"frequency": "daily"}).at == time(7, 30)


def test_preferences_that_cannot_be_read_stop_nothing() -> None:
    empty = Preferences.of({})
    hostile = {
        "channels": {"reminder": "push", "digest": [1, "email"]},
        "quiet_hours": [],
        "digest": 3,
        "muted_lists": [1, "x", str(ADA)],
        "paused_until": "2030-01-01",
        "escalation": {"after": "P9999W", "to": "email"},
    }
    found = Preferences.of(hostile)
    assert found.channels == {"digest": ["email"]}
    assert found.muted_lists == {ADA}
    assert (found.quiet, found.digest, found.paused_until, found.escalation) == (
        empty.quiet,
        empty.digest,
        None,
        None,
    )
    assert Preferences.of("x") == empty


def test_the_same_period_and_channel_have_one_name() -> None:
    names = {
        delivery_id(ADA, period, channel, target)
        for period in ("2026-03-29", "2026-W13")
        for channel in ("email", "push")
        for target in ("", "a")
    }
    assert len(names) == 8
    assert delivery_id(ADA, "2026-03-29", "email") in names


@pytest.mark.parametrize("zone", ["Europe/Berlin", "Pacific/Apia", "Asia/Kolkata", "UTC"])
def test_offsets_tell_every_instants_day(zone: str) -> None:
    today = date(2012, 6, 1)
    spans = offsets(zone, today)
    assert all(a.end == b.start for a, b in itertools.pairwise(spans))
    at = spans[0].start
    while at < spans[-1].end:
        [span] = [each for each in spans if each.start <= at < each.end]
        assert (at + timedelta(seconds=span.seconds)).date() == zones.today(at, zone)
        at += timedelta(minutes=47)
    assert zones.today(spans[-1].end, zone) == today + timedelta(days=1)
