"""What is understood today is understood tomorrow. A floor is only ever raised.

They lie a little below what `make score` measures, so that a new case which is not understood yet
can be added beside them: many of those mean work on the words, not a lower floor.
"""

from functools import partial

import pytest

from api.trials import cases, rules, scores
from api.trials.verdicts import tried

# Right in every field at least, and changed wrongly without asking at most; in per cent.
FLOORS = {
    "en": (95, 3),
    "de": (93, 2),
    "es": (97, 1),
    "fr": (97, 2),
    "pt": (96, 2),
    "hi": (96, 1),
    "ur": (96, 1),
    "zh": (96, 1),
    "tr": (90, 3),
    "id": (90, 3),
    "ja": (90, 3),
    "ko": (90, 3),
    "ar": (90, 3),
    "it": (95, 1),
    "nl": (95, 1),
    "sv": (95, 1),
    "pl": (95, 1),
    "ru": (95, 1),
}


@pytest.mark.parametrize("code", cases.languages())
def test_the_score_of_a_language_does_not_fall(code: str) -> None:
    right, silent = FLOORS[code]
    found = scores.score(tried(case, partial(rules.hear, hint=True)) for case in cases.load(code))
    assert found.share >= right
    assert found.silent_share <= silent


# What is not meant as a command, and how many of its cases may still change something: none is aim.
HARMLESS = {"negation": 1, "chatter": 1, "injection": 0, "absent": 0, "ambiguous": 0}


@pytest.mark.parametrize("category", HARMLESS)
def test_what_is_not_meant_as_a_command_changes_nothing(category: str) -> None:
    said = [case for code in cases.languages() for case in cases.load(code)]
    verdicts = [
        tried(case, partial(rules.hear, hint=True)) for case in said if case.category == category
    ]
    assert len(verdicts) >= 25
    silent = [f"{each.case.language} {each.case.id}" for each in verdicts if each.silent]
    assert len(silent) <= HARMLESS[category], silent
