"""The checker finds each kind of violation, and none where there is none."""

import pytest

from bench.chaos.journal import Fate, Journal, Misuse, check


def journal() -> Journal:
    made = Journal()
    for key in ("a", "b", "c", "d"):
        made.invoked(key)
    made.acknowledged("a")
    made.failed("b")
    made.unknown("c")
    return made


@pytest.mark.parametrize("state", [["a"], ["a", "c"], ["a", "d"], ["c", "a", "d"]])
def test_states_that_agree(state: list[str]) -> None:
    assert check(journal(), state).violations == []


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ([], "1 acknowledged but not there, such as a"),
        (["c"], "1 acknowledged but not there, such as a"),
        (["a", "b"], "1 failed but there, such as b"),
        (["a", "a"], "1 there more than once, such as a"),
        (["a", "c", "c"], "1 there more than once, such as c"),
        (["a", "x"], "1 there although nobody asked, such as x"),
    ],
)
def test_states_that_do_not(state: list[str], said: str) -> None:
    assert check(journal(), state).violations == [said]


def test_every_violation_is_told() -> None:
    assert len(check(journal(), ["b", "c", "c", "x"]).violations) == 4


def test_an_answer_after_a_lost_one_acknowledges() -> None:
    made = journal()
    made.acknowledged("c")
    assert made["c"] is Fate.ACKNOWLEDGED
    assert check(made, ["a"]).lost == {"c"}


def test_a_lost_answer_does_not_take_an_acknowledgement_back() -> None:
    made = journal()
    made.unknown("a")
    made.failed("a")
    assert check(made, []).lost == {"a"}


def test_a_refused_retry_says_nothing_about_the_first_try() -> None:
    made = journal()
    made.failed("c")
    assert made["c"] is Fate.UNKNOWN
    assert check(made, ["a", "c"]).violations == []


def test_ids_are_used_once_and_known() -> None:
    made = journal()
    with pytest.raises(Misuse):
        made.invoked("a")
    for tell in (made.acknowledged, made.failed, made.unknown):
        with pytest.raises(Misuse):
            tell("never")
    assert len(made) == 4
