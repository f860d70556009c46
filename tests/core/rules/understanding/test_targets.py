"""Which todo is meant, over variants of titles as people and transcribers make them."""

import random
from collections import Counter
from collections.abc import Iterator
from typing import Final
from uuid import UUID, uuid4

import pytest

from core.rules.understanding.commands import Candidate
from core.rules.understanding.targets import Thresholds, choose

TITLES: Final = [
    "Call mom", "Buy milk", "Pay the rent", "Dentist appointment", "Finish the quarterly report",
    "Water the plants", "Book flights to Lisbon", "Renew passport", "Pick up dry cleaning",
    "Email Sarah about the contract", "Fix the leaking tap", "Prepare slides for Monday",
    "Walk the dog", "Return library books", "Order printer ink", "Clean the garage",
    "Schedule car service", "Buy birthday present for Tom", "Submit expense claims",
    "Review pull requests", "Call the insurance company", "Cancel gym membership",
    "Bake a chocolate cake", "Plan summer holiday", "Change the light bulb", "Vacuum living room",
    "Send invoice to Acme", "Practice piano", "Study for the chemistry exam", "Mow the lawn",
    "Update the website", "Get a haircut", "Take vitamins", "Buy groceries for dinner",
    "Backup the laptop", "Write thank you cards", "Replace smoke detector batteries",
    "Register for the marathon", "Meet Anna for lunch", "Sign the lease",
]  # fmt: skip
ABSENT: Final = [
    "feed the cat", "learn to sail", "assemble the wardrobe", "visit grandpa", "sell the bike",
    "paint the fence", "download photos", "translate the poem", "tidy the attic",
    "vote in the election", "book a massage", "shovel snow", "apply for the visa", "iron shirts",
]  # fmt: skip
_SOUNDS: Final = [("ph", "f"), ("ee", "ea"), ("ou", "u"), ("c", "k"), ("s", "z"), ("th", "d")]


def _variants(title: str, chance: random.Random) -> Iterator[str]:
    words = title.lower().split()
    yield title
    yield title.lower()
    yield f"the {title.lower()} task"
    yield f"that {title.lower()} thing"
    yield " ".join(word for word in words if word not in {"the", "a", "for", "to"})
    yield " ".join(reversed(words))
    for _ in range(4):
        kept = [word for n, word in enumerate(words) if n != chance.randrange(len(words))]
        yield " ".join(kept or words)
    for _ in range(6):
        n = chance.randrange(len(title))
        yield title[:n] + chance.choice(["", title[n] * 2, chance.choice("aeiou")]) + title[n + 1 :]
    for old, new in _SOUNDS:
        yield title.lower().replace(old, new, 1)
    n = chance.randrange(len(words))
    for ending in ("s", "ing", "ed"):
        yield " ".join([*words[:n], words[n] + ending, *words[n + 1 :]])
    yield f"um {title.lower()}"
    yield f"my {title.lower()} please"
    yield title.upper()
    yield title.replace(" ", "  ")


@pytest.fixture(scope="module")
def candidates() -> list[Candidate]:
    return [Candidate(UUID(int=n + 1), title) for n, title in enumerate(TITLES)]


def test_variants_are_found_or_asked_about_and_hardly_ever_mistaken(
    candidates: list[Candidate],
) -> None:
    chance = random.Random(5)  # noqa: S311 (reproducible variants)
    seen: Counter[str] = Counter()
    for meant in candidates:
        for said in _variants(meant.title, chance):
            choice = choose(said, candidates, language="en")
            if choice.accepted is not None:
                seen["direct" if choice.accepted == meant else "wrong"] += 1
            elif meant in choice.offered:
                seen["asked"] += 1
            else:
                seen["missed"] += 1
    tried = seen.total()
    assert tried >= 1_000
    assert seen["wrong"] == 0, seen
    assert seen["direct"] / tried >= 0.75, seen
    assert (seen["direct"] + seen["asked"]) / tried >= 0.97, seen


@pytest.mark.parametrize("said", ABSENT)
def test_nothing_that_is_not_there_is_accepted(said: str, candidates: list[Candidate]) -> None:
    assert choose(said, candidates, language="en").accepted is None


def test_a_tie_is_asked_about_by_rank_whatever_the_rank() -> None:
    later, sooner = (Candidate(uuid4(), "Call mom", (rank,)) for rank in (2, 1))
    choice = choose("call mom", [later, sooner], language="en")
    assert choice.accepted is None
    assert choice.offered == (sooner, later)


def test_no_more_than_three_are_offered() -> None:
    many = [Candidate(uuid4(), f"Call mom {n}") for n in range(9)]
    assert len(choose("call mom", many).offered) == 3


def test_thresholds_come_from_outside(candidates: list[Candidate]) -> None:
    assert choose("call mum", candidates, language="en").accepted is None
    lenient = Thresholds(accept=70, lead=1)
    accepted = choose("call mum", candidates, lenient, language="en").accepted
    assert accepted is not None
    assert accepted.title == "Call mom"


@pytest.mark.parametrize(
    ("said", "titles", "accepted"),
    [
        ("看牙医", ["看牙医", "买牛奶", "给妈妈打电话"], "看牙医"),
        ("给妈妈打电话", ["给爸爸打电话", "买牛奶"], None),
        ("माँ को फोन", ["माँ को फोन करना", "दूध खरीदना"], "माँ को फोन करना"),
        ("माँ को फोन करना", ["माँ को फोन करना", "दूध खरीदना"], "माँ को फोन करना"),
        ("امی کو فون", ["امی کو فون", "دودھ خریدنا"], "امی کو فون"),
        ("cafe", ["Café"], "Café"),
        ("", ["Café"], None),
        ("!!!", ["Café"], None),
    ],
)
def test_every_script(said: str, titles: list[str], accepted: str | None) -> None:
    choice = choose(said, [Candidate(uuid4(), title) for title in titles])
    assert (choice.accepted and choice.accepted.title) == accepted
