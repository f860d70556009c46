"""The bench of digests, small: both changes of clocks of a year in a few zones."""

import tempfile
from pathlib import Path

from bench import digests
from core import embedded, migrate

PLACES = ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Africa/Casablanca", "UTC")


async def test_each_once_at_the_right_local_time() -> None:
    with (
        tempfile.TemporaryDirectory(prefix="vt-") as folder,
        embedded.postgres(Path(folder), fast=True) as url,
    ):
        migrate.run(url)
        report = await digests.run(url, 30, PLACES)
    assert report.is_right, report
    assert (report.told, report.changes) == (30 * 3 * 2, 8)
