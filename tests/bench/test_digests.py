"""The bench of digests, small: both changes of clocks of a year in a few zones."""

from bench import digests
from tests.databases import migrated

PLACES = ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Africa/Casablanca", "UTC")


async def test_each_once_at_the_right_local_time(database_url: str) -> None:
    report = await digests.run(migrated(database_url, "digests"), 30, PLACES)
    assert report.is_right, report
    assert (report.told, report.changes) == (30 * 3 * 2, 8)
