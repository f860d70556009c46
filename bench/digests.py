"""Digests of one local hour in fifty zones, through both changes of clocks of a year.

python -m bench.digests     PEOPLE by environment

Everybody wants theirs between 02:00 and 03:00, the hour that changes of clocks leave out and
repeat, on the day before their zone's change, on that day and on the one after. The clock of the
worker is virtual: it jumps to the next quarter of an hour in which something is due. Judged is
that each digest came once, for the instant that an oracle of its own finds for the wall time.
"""

import asyncio
import os
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from datetime import time as wall_time
from pathlib import Path
from statistics import quantiles
from typing import Final
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import orjson
import psycopg
from rich.console import Console
from rich.progress import track
from rich.table import Table

from activities.channels import Channels
from activities.digests import Digests
from activities.shift import BATCH, Hand
from bench.results import keep
from core import due, embedded, migrate
from core.db import Database
from core.ids import uuid7
from core.models.deliveries import Channel
from core.rules import zones
from core.rules.digests import Frequency, Plan, jitter
from core.services.deliveries import Send
from core.services.due_digests import SOURCE
from integrations.email_links import Links
from integrations.emails import Emails

PEOPLE: Final = int(os.environ.get("PEOPLE", "10000"))
YEAR: Final = 2026
DAY: Final = timedelta(days=1)
STEP: Final = timedelta(minutes=15)
CLAIM: Final = 1000
ZONES: Final = (
    *("Europe/Berlin", "Europe/London", "Europe/Lisbon", "Europe/Athens", "Europe/Dublin"),
    *("Europe/Chisinau", "Europe/Kyiv", "Europe/Istanbul", "Europe/Moscow", "Atlantic/Azores"),
    *("America/New_York", "America/Chicago", "America/Denver", "America/Los_Angeles"),
    *("America/Anchorage", "America/Adak", "America/St_Johns", "America/Halifax"),
    *("America/Havana", "America/Santiago", "America/Asuncion", "America/Sao_Paulo"),
    *("America/Bogota", "America/Caracas", "America/Nuuk", "America/Phoenix"),
    *("America/Mexico_City", "America/Port-au-Prince", "America/Scoresbysund"),
    *("Australia/Sydney", "Australia/Adelaide", "Australia/Lord_Howe", "Australia/Brisbane"),
    *("Pacific/Auckland", "Pacific/Chatham", "Pacific/Easter", "Pacific/Norfolk"),
    *("Pacific/Kiritimati", "Pacific/Apia", "Pacific/Marquesas", "Asia/Tokyo", "Asia/Kolkata"),
    *("Asia/Kathmandu", "Asia/Tehran", "Asia/Jerusalem", "Asia/Beirut", "Asia/Shanghai"),
    *("Africa/Cairo", "Africa/Casablanca", "UTC"),
)


@dataclass(frozen=True, slots=True)
class Reader:
    id: UUID
    zone: str
    at: wall_time


@dataclass(slots=True)
class Mail:
    """Renders each e-mail as it would be sent, and keeps who was told of which day, when."""

    emails: Emails
    got: list[tuple[UUID, date, datetime]] = field(default_factory=list)
    characters: int = 0

    async def deliver(self, send: Send) -> str:
        assert send.digest is not None  # noqa: S101 - it is of one
        self.characters += len(self.emails.digest(send, send.digest).html)
        self.got.append((send.person.id, send.digest.on, send.due_at))
        return "x"


@dataclass(frozen=True, slots=True)
class Report:
    """`wrong`: told at another instant than the oracle's; `batches` in seconds."""

    told: int
    lost: int
    twice: int
    wrong: int
    seconds: float
    batches: tuple[float, ...]
    changes: int  # of clocks, zone by zone

    @property
    def is_right(self) -> bool:
        return not (self.lost or self.twice or self.wrong)


def change(zone: str, *, autumn: bool) -> date | None:
    """The day on which this zone's clocks go forward, or back."""
    place = ZoneInfo(zone)
    at = datetime(YEAR, 1, 1, tzinfo=UTC)
    while at.year == YEAR:
        before, after = ahead(at, place), ahead(at + DAY, place)
        if before != after and (after < before) is autumn:
            # The change is in these 24 hours; its day is the later one that they touch, if it is
            # after midnight there.
            hours = (at + nth * timedelta(hours=1) for nth in range(25))
            changed = next(hour for hour in hours if ahead(hour, place) == after)
            return changed.astimezone(place).date()
        at += DAY
    return None


def ahead(at: datetime, place: ZoneInfo) -> timedelta:
    return at.astimezone(place).utcoffset() or timedelta(0)


def instant(on: date, at: wall_time, zone: str) -> datetime:
    """The oracle: the first instant whose wall time this is, else by the offset before the gap."""
    place = ZoneInfo(zone)
    wall = datetime.combine(on, at)
    noon = datetime.combine(on, wall_time(12), UTC)
    offsets = [ahead(noon + n * DAY, place) for n in (-2, 2)]
    told = [(wall - offset).replace(tzinfo=UTC) for offset in offsets]
    real = [each for each in told if each.astimezone(place).replace(tzinfo=None) == wall]
    return min(real) if real else told[0]


def write(url: str, count: int, places: Sequence[str]) -> list[Reader]:
    """People with some todos of each section."""
    readers = []
    for nth in range(count):
        at = wall_time(2, nth * 7 % 60)
        readers.append(Reader(uuid7(), places[nth % len(places)], at))
    with psycopg.connect(url) as connection, connection.cursor() as cursor:
        with cursor.copy(
            "COPY users (id, email, email_verified_at, name, timezone, preferences) FROM STDIN"
        ) as copy:
            for each in readers:
                wish = {"frequency": "daily", "at": each.at.isoformat("minutes")}
                stored = orjson.dumps({"digest": wish}).decode()
                address = f"{each.id.hex}@example.com"
                copy.write_row((each.id, address, datetime.now(UTC), "Ada", each.zone, stored))
        with cursor.copy("COPY workspaces (id, kind, name) FROM STDIN") as copy:
            for each in readers:
                copy.write_row((each.id, "personal", ""))
        with cursor.copy("COPY memberships (user_id, workspace_id, role) FROM STDIN") as copy:
            for each in readers:
                copy.write_row((each.id, each.id, "owner"))
        with cursor.copy("COPY feeds (workspace_id) FROM STDIN") as copy:
            for each in readers:
                copy.write_row((each.id,))
        with cursor.copy(
            "COPY todos (workspace_id, id, title, position, due_on, due_at, created_by, status,"
            " completed_at) FROM STDIN"
        ) as copy:
            for each in readers:
                for nth, on in enumerate((date(YEAR, 1, 1), date(YEAR, 2, 1), None)):
                    due_at = on and datetime.combine(on, wall_time(0), UTC)
                    done = None if on else datetime(YEAR, 3, 1, tzinfo=UTC)
                    status = "completed" if done else "pending"
                    copy.write_row(
                        (each.id, uuid4(), f"Todo {nth}", nth, on, due_at, each.id, status, done)
                    )
        cursor.execute("ANALYZE")
    return readers


def arm(url: str, readers: Sequence[Reader], first: dict[str, date]) -> None:
    """As if it were right before each one's first day."""
    rows = []
    for each in readers:
        slot = Plan(Frequency.DAILY, each.at).slot(first[each.zone], each.zone, each.id)
        rows.append((each.id, slot.at, slot.on, slot.period, each.zone))
    with psycopg.connect(url) as connection, connection.cursor() as cursor:
        cursor.execute("TRUNCATE digests")
        with cursor.copy(
            "COPY digests (workspace_id, id, lane, next_at, due_on, period, armed_zone,"
            " armed_tzdata) FROM STDIN"
        ) as copy:
            for key, at, on, period, zone in rows:
                copy.write_row((key, key, 0, at, on, period, zone, zones.tzdata_version()))


class Clockwork:
    """A worker whose time is told to it."""

    def __init__(self, app_db: Database, worker_db: Database, mail: Mail) -> None:
        self.batches: list[float] = []
        self._worker_db = worker_db
        self._at = datetime(YEAR, 1, 1, tzinfo=UTC)
        channels = Channels({Channel.EMAIL: mail}, now=self._now)
        self._handler = Digests(app_db, worker_db, channels, dev=False, now=self._now)

    async def work(self, at: datetime) -> None:
        """On all that is due by then."""
        self._at = at
        while True:
            asked_at = asyncio.get_running_loop().time()
            async with self._worker_db.transaction() as tx:
                claimed = await due.claim(tx, SOURCE, 0, now=at, horizon=timedelta(0), limit=CLAIM)
            if not claimed:
                return
            hand = Hand()
            for each in claimed:
                hand.take(each, asked_at=asked_at)
            for nth in range(0, len(claimed), BATCH):
                began = time.perf_counter()
                await self._handler.work(claimed[nth : nth + BATCH], hand)
                self.batches.append(time.perf_counter() - began)

    def _now(self) -> datetime:
        return self._at


async def run(url: str, count: int, places: Sequence[str] = ZONES) -> Report:
    """Both changes of the year; `url` is of an empty, migrated database."""
    readers = write(url, count, places)
    app_db, worker_db = (
        Database(url, role="vt_app", size=6),
        Database(url, role="vt_worker", size=3),
    )
    await app_db.open()
    await worker_db.open()
    mail = Mail(Emails(Links.of("https://todo.example", b"k" * 32)))
    worker = Clockwork(app_db, worker_db, mail)
    expected: dict[tuple[UUID, date], datetime] = {}
    changes = 0
    began = time.perf_counter()
    for autumn in (False, True):
        days = {zone: change(zone, autumn=autumn) for zone in places}
        changes += sum(day is not None for day in days.values())
        first = {
            zone: (day or date(YEAR, 10 if autumn else 3, 15)) - DAY for zone, day in days.items()
        }
        arm(url, readers, first)
        for each in readers:
            for nth in range(3):
                on = first[each.zone] + nth * DAY
                expected[each.id, on] = instant(on, each.at, each.zone) + jitter(each.id)
        moments = sorted(set(expected.values()) - {at for _, _, at in mail.got})
        for moment in track(_stops(moments), "autumn" if autumn else "spring", transient=True):
            await worker.work(moment)
            _leave_out(url, first)
    seconds = time.perf_counter() - began
    await app_db.close()
    await worker_db.close()
    told = Counter((user_id, on) for user_id, on, _ in mail.got)
    return Report(
        told=len(mail.got),
        lost=len(expected.keys() - told.keys()),
        twice=sum(n - 1 for n in told.values()) + len(told.keys() - expected.keys()),
        wrong=sum(expected.get((user_id, on)) != at for user_id, on, at in mail.got),
        seconds=seconds,
        batches=tuple(worker.batches),
        changes=changes,
    )


def _stops(moments: Sequence[datetime]) -> list[datetime]:
    """The last of each quarter of an hour in which something is due."""
    found = {int(at.timestamp() // STEP.total_seconds()): at for at in moments}
    return list(found.values())


def _leave_out(url: str, first: dict[str, date]) -> None:
    """Whose three days are over."""
    with psycopg.connect(url) as connection:
        connection.execute(
            "UPDATE digests d SET next_at = NULL FROM unnest(%s::text[], %s::date[]) x (zone, last)"
            " WHERE d.armed_zone = x.zone AND d.due_on > x.last AND d.next_at IS NOT NULL",
            (list(first), [on + 2 * DAY for on in first.values()]),
        )


def main() -> None:
    with (
        tempfile.TemporaryDirectory(prefix="vt-") as folder,
        embedded.postgres(Path(folder), fast=True) as url,
    ):
        migrate.run(url)
        report = asyncio.run(run(url, PEOPLE))
    cuts = quantiles(report.batches, n=100)
    table = Table("people", "zones", "changes", "digests", "lost", "twice", "at a wrong time")
    for header in ("digests/s", "batch p50", "batch p99"):
        table.add_column(header)
    table.add_row(
        f"{PEOPLE:,}",
        str(len(ZONES)),
        str(report.changes),
        f"{report.told:,}",
        str(report.lost),
        str(report.twice),
        str(report.wrong),
        f"{report.told / sum(report.batches):,.0f}",
        f"{cuts[49] * 1000:.0f} ms",
        f"{cuts[98] * 1000:.0f} ms",
    )
    Console().print(table)
    keep(
        "Digests through both changes of clocks",
        "python -m bench.digests",
        table,
        note=f"virtual clock, batches of at most {BATCH}, e-mails rendered and not sent",
    )
    if not report.is_right:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
