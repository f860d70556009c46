from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from api.trials.cases import Case, Kind, Outcome, expected
from api.trials.scores import score
from api.trials.seen import Act, Seen
from api.trials.verdicts import verdict
from core.rules.understanding.commands import Intent


def case(outcome: Outcome) -> Case:
    now = datetime.fromisoformat("2026-03-02T10:00:00+01:00")
    said: dict[str, Any] = {"id": "0", "language": "en", "category": "x", "say": ("x",)}
    world: dict[str, Any] = {"todos": (), "lists": (), "tags": (), "now": now}
    return Case(**said, **world, outcomes=(outcome,), zone="Europe/Berlin", quick=False)


def acts(*told: dict[str, Any]) -> Outcome:
    return Outcome(Kind.ACTS, tuple(map(expected, told)))


def create(**fields: Any) -> Act:
    return Act(Intent.CREATE, None, {"title": "buy milk", **fields}, {})


MILK = {"create": "Buy milk"}
DUE = {"due": "2026-03-06 17:00"}
WEEKLY = {"repeat": "FREQ=WEEKLY;BYDAY=FR", **DUE}


@pytest.mark.parametrize(
    ("outcome", "seen"),
    [
        (acts(MILK), Seen([create()])),
        (acts(MILK), Seen([create(title=" “BUY milk.” ")])),
        (acts(MILK), Seen([create(due="none", priority="none", tags=(), list="none")])),
        (acts({**MILK, **DUE, "list": "Shopping"}), Seen([create(**DUE, list="shopping")])),
        (acts({**MILK, "tags": ["Work"]}), Seen([create(tags=("work",))])),
        (acts({**MILK, **WEEKLY}), Seen([create(**DUE, repeat="RRULE:FREQ=WEEKLY")])),
        (acts({"move": "A", **DUE}), Seen([Act(Intent.SNOOZE, "a", DUE, {})])),
        (acts({"query": {"list": "A"}}), Seen([Act(Intent.LIST, None, {}, {"list": "a"})])),
        (Outcome(Kind.NOTHING), Seen()),
        (Outcome(Kind.HARMLESS), Seen(asks=True)),
        (Outcome(Kind.HARMLESS), Seen([Act(Intent.LIST, None, {}, {})])),
        (Outcome(Kind.ASKS, None, ("A",)), Seen(asks=True, offered=["B", "A"])),
    ],
)
def test_right_is_right_in_every_field(outcome: Outcome, seen: Seen) -> None:
    found = verdict(case(outcome), seen)
    assert not found.wrong
    assert found.passed
    assert not found.silent


@pytest.mark.parametrize(
    ("outcome", "seen", "silent"),
    [
        (acts(MILK), Seen([create(title="milk")]), True),
        (acts(MILK), Seen([create(title="buy-milk")]), True),
        (acts(MILK), Seen([create(due="2026-03-02")]), True),
        (acts(MILK), Seen([create(priority="high")]), True),
        (acts(MILK), Seen([create(tags=("work",))]), True),
        (acts({**MILK, **DUE}), Seen([create(due="2026-03-06")]), True),
        (acts({**MILK, **DUE}), Seen([create()]), True),
        (acts({**MILK, **WEEKLY}), Seen([create(**DUE, repeat="FREQ=DAILY")]), True),
        (acts({**MILK, **WEEKLY}), Seen([create(**DUE)]), True),
        (acts(MILK), Seen([create(), create()]), True),
        (acts(MILK), Seen(), False),
        (acts(MILK), Seen([create()], asks=True), False),
        (acts(MILK), Seen(proposed=[create()], asks=True), False),
        (acts({"complete": "A"}), Seen([Act(Intent.COMPLETE, "B", {}, {})]), True),
        (acts({"complete": "A"}), Seen([Act(Intent.DELETE, "A", {}, {})]), True),
        (acts({"update": "A", **DUE}), Seen([Act(Intent.UPDATE, "A", {}, {})]), True),
        (acts({"query": {}}), Seen([Act(Intent.LIST, None, {}, {"list": "a"})]), False),
        (Outcome(Kind.NOTHING), Seen([create()]), True),
        (Outcome(Kind.NOTHING), Seen(asks=True), False),
        (Outcome(Kind.HARMLESS), Seen([Act(Intent.DELETE, "A", {}, {})]), True),
        (Outcome(Kind.ASKS), Seen([Act(Intent.DELETE, "A", {}, {})]), True),
        (Outcome(Kind.ASKS), Seen(), False),
        (Outcome(Kind.ASKS, None, ("A",)), Seen(asks=True, offered=["B"]), False),
    ],
)
def test_one_wrong_field_is_wrong(outcome: Outcome, seen: Seen, *, silent: bool) -> None:
    found = verdict(case(outcome), seen)
    assert not found.passed
    assert found.silent is silent


def test_one_of_several_outcomes_is_enough() -> None:
    either = replace(case(acts(MILK)), outcomes=(acts(MILK), Outcome(Kind.ASKS)))
    assert verdict(either, Seen(asks=True)).passed
    assert verdict(either, Seen([create()])).passed
    assert verdict(either, Seen([create(title="x")])).silent


def test_a_score_parts_what_is_wrong_from_what_is_asked_needlessly() -> None:
    one = case(acts(MILK))
    found = score(
        verdict(one, seen) for seen in (Seen([create()]), Seen([create(due="x")]), Seen(asks=True))
    )
    assert (found.cases, found.passed, found.silent, found.asked) == (3, 1, 1, 1)
    assert found.share == pytest.approx(100 / 3)
