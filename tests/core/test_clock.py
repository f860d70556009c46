"""One clock for all: PostgreSQL's. A machine's own may say what it likes."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from core.clock import ANY_AFTER_S, CLOSE_S, Clock
from core.db import Database
from core.services import clocks

NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)
HOUR_S = 3600


@dataclass
class Machine:
    wall: float = NOON.timestamp()
    steady: float = 5.0

    def clock(self) -> Clock:
        return Clock(lambda: self.wall, lambda: self.steady)

    def pass_by(self, seconds: float) -> None:
        self.wall += seconds
        self.steady += seconds


def test_until_postgresql_was_heard_the_machine_is_believed() -> None:
    machine = Machine()
    clock = machine.clock()
    machine.wall += HOUR_S
    assert clock.now() == NOON + timedelta(hours=1)


def test_then_setting_the_machine_changes_nothing() -> None:
    machine = Machine(wall=NOON.timestamp() + HOUR_S)
    clock = machine.clock()
    clock.hear(NOON, asked_at=machine.steady)
    machine.pass_by(2)
    machine.wall -= 3 * HOUR_S
    assert clock.now() == NOON + timedelta(seconds=2)


def test_a_slow_answer_is_never_ahead_and_is_replaced_by_a_quick_one() -> None:
    machine = Machine()
    clock = machine.clock()
    asked_at = machine.steady
    machine.pass_by(3)
    clock.hear(NOON, asked_at=asked_at)  # read some time in these three seconds
    assert clock.now() == NOON
    clock.hear(NOON + timedelta(seconds=3), asked_at=machine.steady)
    assert clock.now() == NOON + timedelta(seconds=3)


def test_a_slow_answer_replaces_a_quick_one_only_when_that_is_old() -> None:
    machine = Machine()
    clock = machine.clock()
    clock.hear(NOON, asked_at=machine.steady)
    machine.pass_by(ANY_AFTER_S - 1)
    clock.hear(NOON, asked_at=machine.steady - 2 * CLOSE_S)
    assert clock.now() == NOON + timedelta(seconds=ANY_AFTER_S - 1)
    machine.pass_by(2)
    clock.hear(NOON, asked_at=machine.steady - 2 * CLOSE_S)
    assert clock.now() == NOON


def test_time_runs_back_only_when_it_did_for_postgresql() -> None:
    machine = Machine()
    clock = machine.clock()
    clock.hear(NOON, asked_at=machine.steady)
    asked_at = machine.steady
    machine.pass_by(CLOSE_S / 2)
    clock.hear(NOON, asked_at=asked_at)  # no less quick than is believed, but less exact
    assert clock.now() == NOON + timedelta(seconds=CLOSE_S / 2)
    clock.hear(NOON - timedelta(hours=1), asked_at=machine.steady)
    assert clock.now() == NOON - timedelta(hours=1)


async def test_it_is_postgresql_that_is_heard(app_db: Database) -> None:
    clock = Clock(machine=lambda: 0.0)
    await clocks.hear(app_db, clock)
    assert abs(clock.now() - datetime.now(UTC)) < timedelta(seconds=5)
