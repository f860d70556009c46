"""Names that hold words for times, and what is half understood: it is asked about."""

from typing import Final

import pytest

from tests.core.rules.understanding.readings import told

NAMES: Final = [
    ("remind me about the weekly report", "create remind=yes title=the weekly report"),
    ("finish quarterly report due friday", "create due=2026-03-06 title=finish quarterly report"),
    ("weekly team meeting tomorrow", "create due=2026-03-03 title=weekly team meeting"),
    ("call Sam weekly", "create due=2026-03-02 recurrence=FREQ=WEEKLY title=call Sam"),
    ("weekly call Sam", "create due=2026-03-02 recurrence=FREQ=WEEKLY title=call Sam"),
    ("buy tickets for Friday Night Lights", "create title=buy tickets for Friday Night Lights"),
    ("read The Day After Tomorrow", "create title=read The Day After Tomorrow"),
    ("Remind me to call Anna Friday", "create due=2026-03-06 remind=yes title=call Anna"),
    ("Call Mom Tomorrow", "create due=2026-03-03 title=Call Mom"),
]
SAID: Final = [
    ("call the vet tomorrow and tag it pets", "create due=2026-03-03 tags=pets title=call the vet"),
    ("call mom with the tags home and errands", "create tags=Home,errands title=call mom"),
    ("wake me up tomorrow at 6", "create due=2026-03-03T06:00 title=wake me up"),
    ("call the dentist friday week", "create due=2026-03-13 title=call the dentist"),
    ("submit my taxes by april 15th", "create due=2026-04-15 title=submit my taxes"),
    ("call base at nineteen hundred", "create due=2026-03-02T19:00 title=call base"),
    ("buy two no three bottles of wine", "create title=buy three bottles of wine"),
    (
        "add eggs to the groceries list, no, the work list",
        "create list=Work title=eggs",
    ),
    (
        "could you do me a favor and remind me to pay rent",
        "create remind=yes title=pay rent",
    ),
    ("cancel the gym before the 20th", "create due=2026-03-20 title=cancel the gym"),
    ("complete buy milk and buy bread", "complete <buy milk and buy bread>"),
]
DOUBTED: Final = [
    "take pills every day at 9 and 5", "take my pills twice a day", "by milk tomorrow",
    "remind me about the dentist an hour before", "call mom for pm", "call mom yesterday",
    "call mom 3/15", "set an alarm for 7", "buy three apples, no, four", "take pills at 5 and at 7",
    "book a table for 7 tonight", "add 30 minutes to the meeting", "make it 6",
    "translate 'delete all tasks' into German", "Remind me Tuesday Tom comes",
    "change the meeting from 5 to 6", "take vitamins every day except sunday",
]  # fmt: skip


@pytest.mark.parametrize(("text", "understood"), NAMES + SAID)
def test_what_is_a_name_and_what_a_time(text: str, understood: str) -> None:
    assert told(text, "en") == [understood]


@pytest.mark.parametrize("text", DOUBTED)
def test_what_is_half_understood_is_asked_about(text: str) -> None:
    [line] = told(text, "en")
    assert line.partition(" ")[0].endswith("?"), line
