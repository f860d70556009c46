"""The checker of reminders finds each way in which one can go wrong, and none where all is well."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from bench.chaos.promises import Arming, Arrivals, Entry, Judgement, Standing, judge

DUE = datetime(2026, 7, 1, 12, tzinfo=UTC)
A_SECOND = timedelta(seconds=1)
REMINDER = UUID(int=1)
SENT = Entry("d", REMINDER, DUE, "email", "sent", False, 1, ("sending", "sent"))
DOUBTED = replace(
    SENT, ambiguous=True, attempts=2, story=("sending", "ambiguous", "sending", "sent")
)
CANCELLED = replace(SENT, status="cancelled", story=("sending", "cancelled"))
CAME = {"d": [DUE + A_SECOND]}
TWICE = {"d": [DUE + A_SECOND, DUE + 20 * A_SECOND]}


def arming(asked: float | None = None, granted: float | None = None) -> Arming:
    """One moment; both in seconds from when it is due."""
    made = Arming(REMINDER, DUE, ("email",))
    made.asked = None if asked is None else DUE + asked * A_SECOND
    made.granted = None if granted is None else DUE + granted * A_SECOND
    return made


def look(made: Arming, *ledger: Entry, mails: Arrivals = CAME) -> Judgement:
    return judge([made], ledger, {"email": mails})


@pytest.mark.parametrize(
    ("made", "standing"),
    [
        (arming(), Standing.STANDS),
        (arming(-9, -8), Standing.WITHDRAWN),
        (arming(-9, -1), Standing.CONTESTED),  # about when it was due
        (arming(1, 2), Standing.CONTESTED),
        (arming(-9), Standing.CONTESTED),  # never answered
    ],
)
def test_standings(made: Arming, standing: Standing) -> None:
    assert made.standing is standing


@pytest.mark.parametrize(
    ("made", "ledger", "mails"),
    [
        (arming(), [SENT], CAME),
        (arming(), [DOUBTED], CAME),
        (arming(), [DOUBTED], TWICE),
        (arming(-9, -8), [], {}),
        (arming(-9, -1), [], {}),
        (arming(-9, -1), [SENT], CAME),
        (arming(1, 2), [CANCELLED], {}),
        (arming(1, 2), [replace(CANCELLED, ambiguous=True)], CAME),
    ],
)
def test_all_is_well(made: Arming, ledger: list[Entry], mails: Arrivals) -> None:
    assert look(made, *ledger, mails=mails).violations == []


def test_a_lost_one() -> None:
    for ledger in ([], [SENT], [CANCELLED]):
        judged = look(arming(), *ledger, mails={})
        assert judged.lost == 1
        assert "never came" in judged.violations[0]


def test_one_that_says_it_was_sent_is_lost_even_if_contested() -> None:
    assert look(arming(1, 2), SENT, mails={}).lost == 1


def test_an_early_one() -> None:
    judged = look(arming(), SENT, mails={"d": [DUE - A_SECOND / 1000]})
    assert judged.early == 1
    assert "early" in judged.violations[0]


def test_a_doubled_one_that_the_ledger_does_not_own_up_to() -> None:
    judged = look(arming(), SENT, mails=TWICE)
    assert judged.repeated == 1
    assert "came 2 times, 0 times in doubt" in judged.violations[0]
    thrice = {"d": [*TWICE["d"], DUE + 40 * A_SECOND]}
    assert "came 3 times, 1 times in doubt" in look(arming(), DOUBTED, mails=thrice).violations[0]


def test_nothing_comes_twice_in_the_app_whatever_the_ledger_says() -> None:
    made = replace(arming(), channels=("in_app",))
    entry = replace(DOUBTED, channel="in_app")
    assert "came 2 times" in judge([made], [entry], {"in_app": TWICE}).violations[0]


def test_one_that_came_although_withdrawn() -> None:
    assert "although withdrawn" in look(arming(-9, -8), SENT).violations[0]


def test_one_moment_has_one_delivery() -> None:
    other = replace(SENT, id="e")
    said = look(arming(), SENT, other, mails={**CAME, "e": CAME["d"]}).violations
    assert any("2 deliveries of one moment" in each for each in said)
    assert any("came 2 times" in each for each in said)


def test_what_nobody_was_promised() -> None:
    stranger = replace(SENT, id="e", due=DUE + A_SECOND)
    [said] = look(arming(), SENT, stranger).violations
    assert "nobody was promised" in said
    [said] = look(arming(), SENT, mails={**CAME, "x": [DUE]}).violations
    assert "not in the ledger" in said


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        (replace(SENT, status="sending", story=("sending",)), "is still sending"),
        (replace(SENT, ambiguous=True), "flagged otherwise"),
        (replace(DOUBTED, ambiguous=False), "flagged otherwise"),
        (replace(SENT, story=("sending", "sent", "retry")), "a late word counted"),
        (replace(SENT, attempts=2), "counts 2 attempts and tells of 1"),
        (replace(CANCELLED, ambiguous=False), "its delivery stands cancelled"),
    ],
)
def test_what_a_ledger_must_not_say(entry: Entry, said: str) -> None:
    assert any(said in each for each in look(arming(), entry).violations)


def test_lateness_is_measured_of_what_was_promised() -> None:
    assert look(arming(), SENT).lateness == [1.0]
    assert look(arming(1, 2), SENT).lateness == []
