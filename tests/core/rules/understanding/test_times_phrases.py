"""165 phrases in eight languages, each within a sentence: what is due, and what is left of it."""

import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import pytest

from core.rules import rrule
from core.rules.understanding import lexicon, times
from core.rules.understanding.commands import Said
from core.rules.understanding.text import normalise

_TABLE: Final = json.loads((Path(__file__).parent / "phrases.json").read_text("utf-8"))
_CLOCK: Final = times.Clock(datetime.fromisoformat(_TABLE["now"]), _TABLE["timezone"])
_OURS: Final = ("RSCALE", "SKIP")


def _spelled(said: Said, row: Mapping[str, Any]) -> set[str]:
    """As the table may write it; a time is right where it has a date only."""
    due = said.due
    assert due is not None
    if said.recurrence is None:
        at = due.at.strftime("T%H:%M") if due.at else ""
        return {f"{due.on}{at}"} | ({str(due.on)} if row["kind"] == "date" else set())
    parts = {
        part for part in rrule.text(said.recurrence.rule).split(";") if not part.startswith(_OURS)
    }
    timed = parts | {f"BYHOUR={due.at.hour}"} if due.at else parts
    return {";".join(sorted(parts)), ";".join(sorted(timed))}


@pytest.mark.parametrize("row", _TABLE["rows"], ids=lambda row: f"{row['lang']}: {row['phrase']}")
def test_a_phrase_is_found_and_the_rest_stays(row: Mapping[str, Any]) -> None:
    sentence = row["carrier"].format(row["phrase"])
    found = times.find(normalise(sentence), lexicon.load(row["lang"]), _CLOCK)
    assert len(found) == 1
    wanted = {";".join(sorted(each.split(";"))) for each in row["any_of"]}
    assert _spelled(found[0], row) & wanted
    left = sentence
    for start, end in reversed(found[0].spans):
        left = left[:start] + left[end:]
    assert left.split() == row["carrier"].format("").split()
