"""The order of tests: modules that take long come first, dealt to all test processes alike.

`--dist worksteal` gives each process an equal share of the list and lets who is done take from the
ends of others. A long test at the end of a share would be begun last and waited for alone.
"""

from collections.abc import Callable, Sequence
from itertools import groupby
from random import Random
from typing import Final, TypeVar

# Whole installations, processes that are killed, loads; the longest first.
LONG: Final = (
    "tests/api/test_schemathesis.py",
    "tests/workflows/test_erasures_whole.py",
    "tests/chaos/",
    "tests/test_worker",
    "tests/api/test_demo.py",
    "tests/bench/",
    "tests/workflows/",
    "tests/api/test_hostile",
    "tests/api/test_webhooks_",
    "tests/api/commands/",
    "tests/activities/webhooks/",
    "tests/api/trials/",
    "tests/integrations/test_blobs_s3.py",
    "tests/conventions/test_every_operation.py",
    "tests/integrations/transcription/test_embedded.py",
)
Test = TypeVar("Test")


def dealt(tests: Sequence[Test], processes: int, module: Callable[[Test], str]) -> list[Test]:
    """All of them; each process's share begins with its part of the long modules."""
    long: list[tuple[int, list[Test]]] = []
    rest: list[Test] = []
    for name, group in groupby(tests, module):
        place = next((nth for nth, each in enumerate(LONG) if name.startswith(each)), None)
        if place is None:
            rest += group
        else:
            long.append((place, list(group)))
    long.sort(key=lambda each: each[0])  # stable: else as they were collected
    order: list[Test] = []
    for nth in range(processes):
        share = [test for _, group in long[nth::processes] for test in group]
        room = (len(tests) - len(order)) // (processes - nth) - len(share)
        order += share + rest[: max(room, 0)]
        del rest[: max(room, 0)]
    return order + rest


def shuffled(tests: Sequence[Test], seed: str, module: Callable[[Test], str]) -> list[Test]:
    """Modules in any order, and the tests of each: what one leaves to the next comes out."""
    chance = Random(seed)  # noqa: S311 - no secret
    groups = [(name, list(group)) for name, group in groupby(tests, module)]
    chance.shuffle(groups)
    for _, group in groups:
        chance.shuffle(group)
    return [test for _, group in groups for test in group]
