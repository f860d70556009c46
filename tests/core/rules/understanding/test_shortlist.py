"""The first look loses nothing that the careful one would find."""

from uuid import UUID

import pytest

from core.rules.understanding import shortlist, targets
from core.rules.understanding.commands import Candidate

FILLER = [
    f"{verb} {thing} {number}"
    for verb in ("buy", "call", "fix", "send", "plan")
    for thing in ("the report", "Anna", "bicycle parts", "an invoice", "水果")
    for number in range(60)
]
MEANT = [
    "Buy oat milk",
    "Zahnarzt anrufen",
    "买牛奶",
    "ادائیگی کرو",
    "Call the dentist about Tuesday",
]


@pytest.mark.parametrize(
    ("said", "title"),
    [
        ("oat milk", MEANT[0]),
        ("the milk buying", MEANT[0]),
        ("zahnarzt", MEANT[1]),
        ("牛奶", MEANT[2]),
        ("ادائیگی", MEANT[3]),
        ("dentist", MEANT[4]),
        ("call dentist tuesday", MEANT[4]),
        ("call the dentits about tuesday", MEANT[4]),
    ],
)
def test_what_is_meant_is_among_the_few(said: str, title: str) -> None:
    titles = [*FILLER, *MEANT]
    near = [titles[index] for index in shortlist.likely(said, titles)]
    assert len(near) <= 3 * 40
    assert title in near
    every = [Candidate(UUID(int=nth), each) for nth, each in enumerate(titles)]
    few = [each for each in every if each.title in near]
    assert targets.choose(said, few) == targets.choose(said, every)


def test_a_few_are_all_compared() -> None:
    assert shortlist.likely("x", ["a", "b"]) == [0, 1]
    assert shortlist.likely("x", []) == []
