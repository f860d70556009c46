"""The score that is counted in memory is the one that a server over HTTP would get."""

from functools import partial

from api.trials import cases, rules
from api.trials.verdicts import tried
from bench.score_door import Door
from tests.commanding import api

__all__ = ["api"]  # a fixture: pytest looks for it in this module

CATEGORIES = {"complete", "delete", "query", "context", "ambiguous", "chatter", "typed", "repeat"}


# What a conversation begins with is carried out today, not on the day that the cases are of.
OF_ITS_DAY = ("What's due tomorrow?", "Push that to Friday")


def test_rules_and_door_agree(api: str) -> None:
    every = [case for case in cases.load("en") if case.category in CATEGORIES]
    asked = [case for case in every if tuple(case.say) != OF_ITS_DAY]
    assert len(asked) == len(every) - 1
    assert {case.category for case in asked} == CATEGORIES
    with Door(api) as door:
        over_http = [tried(case, door.hear) for case in asked]
    in_memory = [tried(case, partial(rules.hear, hint=True)) for case in asked]
    for one, other in zip(over_http, in_memory, strict=True):
        assert (one.passed, one.silent) == (other.passed, other.silent), (
            f"{one.case.say}: over HTTP {one.wrong}, in memory {other.wrong}"
        )
    assert sum(each.passed for each in over_http) > len(asked) / 2
