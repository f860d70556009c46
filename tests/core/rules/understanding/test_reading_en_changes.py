"""What people say in English of todos that are there: change, finish, delete, ask."""

from typing import Final

import pytest

from tests.core.rules.understanding.readings import told

SAID: Final = [
    ("mark call mom as done", ["complete <call mom>"]),
    ("I called mom", ["complete <call mom>"]),
    ("done with the laundry", ["complete <laundry>"]),
    ("delete the milk", ["delete <milk>"]),
    ("delete everything", ["delete every"]),
    (
        "delete everything due today",
        ["delete every due_from:2026-03-02 due_to:2026-03-02 status:pending"],
    ),
    ("what's due today", ["list due_from:2026-03-02 due_to:2026-03-02 status:pending"]),
    ("what do I have this week", ["list due_from:2026-03-02 due_to:2026-03-08 status:pending"]),
    ("show my overdue tasks", ["list due_to:2026-03-01 status:pending"]),
    (
        "what did I complete yesterday",
        ["list due_from:2026-03-01 due_to:2026-03-01 status:completed"],
    ),
    ("how many tasks do I have", ["list status:pending"]),
    ("what's on my shopping list", ["list list:shopping status:pending"]),
    ("move the dentist to friday", ["update due=2026-03-06 due_part=day <dentist>"]),
    ("change call mom to high priority", ["update priority=high <call mom>"]),
    ("rename milk to oat milk", ["update title=oat milk <milk>"]),
    ("make that friday", ["update due=2026-03-06 due_part=day <0>"]),
    ("the second one", ["unknown? <1>"]),
    ("snooze it for an hour", ["snooze due=2026-03-02T11:00 <0>"]),
    ("snooze the dentist until tomorrow", ["snooze due=2026-03-03 <dentist>"]),
    ("undo", ["undo"]),
    ("take that back", ["undo"]),
    ("complete buy milk and delete the dentist", ["complete <buy milk>", "delete <dentist>"]),
    ("reopen call mom", ["reopen <call mom>"]),
    ("set priority of the report to low", ["update priority=low <report>"]),
    ("add tag work to the report", ["update tags=work <report>"]),
    ("move milk to the work list", ["update list=Work <milk>"]),
    ("snooze for 10 minutes", ["snooze due=2026-03-02T10:10"]),
    ("check off buy groceries", ["complete <buy groceries>"]),
    ("cross buy milk off my list", ["complete <buy milk>"]),
    ("I finished the report", ["complete <report>"]),
    ("I've already paid the rent", ["complete <pay rent>"]),
    ("just bought the milk", ["complete <buy milk>"]),
    ("the laundry is done", ["complete <laundry>"]),
    ("the dentist is done", ["complete <dentist>"]),
    ("mark the second one as done", ["complete <1>"]),
    ("complete all of them", ["complete every"]),
    (
        "complete everything due today",
        ["complete every due_from:2026-03-02 due_to:2026-03-02 status:pending"],
    ),
    ("delete the last one", ["delete <-1>"]),
    ("delete it", ["delete <0>"]),
    ("remove milk from my shopping list", ["delete <milk>"]),
    ("cancel the dentist appointment", ["delete <dentist appointment>"]),
    ("get rid of the gym task", ["delete <gym>"]),
    ("forget about the gym", ["delete <gym>"]),
    ("clear everything", ["delete every"]),
    ("push the meeting back an hour", ["snooze due=2026-03-02T11:00 <meeting>"]),
    ("push the dentist to next week", ["update due=2026-03-09 due_part=day <dentist>"]),
    ("postpone call mom until monday", ["snooze due=2026-03-09 <call mom>"]),
    ("snooze that for 30 minutes", ["snooze due=2026-03-02T10:30 <0>"]),
    ("remind me again in 10 minutes", ["snooze due=2026-03-02T10:10"]),
    ("not now", ["snooze?"]),
    ("later", ["snooze?"]),
    ("reschedule the meeting to tomorrow at 3pm", ["update due=2026-03-03T15:00 <meeting>"]),
    ("move it to friday", ["update due=2026-03-06 due_part=day <0>"]),
    (
        "change the due date of the report to next monday",
        ["update due=2026-03-09 due_part=day <report>"],
    ),
    ("change the report to tomorrow", ["update due=2026-03-03 due_part=day <report>"]),
    ("make it urgent", ["update priority=high <0>"]),
    ("make call mom high priority", ["update priority=high <call mom>"]),
    ("set the report to low priority", ["update priority=low <report>"]),
    ("mark call mom as important", ["update priority=high <call mom>"]),
    ("the report is urgent", ["update priority=high <report>"]),
    ("rename call mom to call dad", ["update title=call dad <call mom>"]),
    ("change buy milk to buy oat milk", ["update title=buy oat milk <buy milk>"]),
    ("tag call mom with family", ["update tags=family <call mom>"]),
    ("move call mom to my personal list", ["update list=personal <call mom>"]),
    ("remove the due date from call mom", ["update due=None <call mom>"]),
    ("what do I have to do today", ["list due_from:2026-03-02 due_to:2026-03-02 status:pending"]),
    (
        "what's on my agenda for tomorrow",
        ["list due_from:2026-03-03 due_to:2026-03-03 status:pending"],
    ),
    (
        "do I have anything due this week",
        ["list due_from:2026-03-02 due_to:2026-03-08 status:pending"],
    ),
    ("show me all high priority tasks", ["list priority:high status:pending"]),
    ("show tasks tagged work", ["list status:pending tag:work"]),
    ("list my completed tasks", ["list status:completed"]),
    (
        "what did I finish last week",
        ["list due_from:2026-02-23 due_to:2026-03-01 status:completed"],
    ),
    ("how many tasks are overdue", ["list due_to:2026-03-01 status:pending"]),
    ("find tasks about taxes", ["list status:pending text:taxes"]),
    ("when is the report due", ["list status:pending text:report"]),
    ("anything due tomorrow", ["list due_from:2026-03-03 due_to:2026-03-03 status:pending"]),
    ("read me my tasks for today", ["list due_from:2026-03-02 due_to:2026-03-02 status:pending"]),
    ("undo that", ["undo"]),
    ("revert the last change", ["undo"]),
    ("I didn't mean that", ["undo"]),
    ("put it back", ["undo"]),
    ("uncheck buy milk", ["reopen <buy milk>"]),
    ("mark buy milk as not done", ["reopen <buy milk>"]),
    ("reopen the report task", ["reopen <report>"]),
    (
        "delete milk and add bread to groceries",
        ["delete <milk>", "create list=Groceries title=bread"],
    ),
    (
        "can you show me what's due tomorrow",
        ["list due_from:2026-03-03 due_to:2026-03-03 status:pending"],
    ),
    ("move the friday meeting to monday", ["update due=2026-03-09 due_part=day <friday meeting>"]),
    ("change that to 5pm", ["update due=2026-03-02T17:00 due_part=time <0>"]),
    ("finish reading the book", ["complete <reading the book>"]),
    ("set call mom to friday", ["update due=2026-03-06 due_part=day <call mom>"]),
    (
        "move call mom from monday to friday",
        ["update? due=2026-03-02 recurrence=FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR <call mom>"],
    ),
    ("make the dentist due friday", ["update due=2026-03-06 due_part=day <dentist>"]),
    ("delete everything and add milk", ["delete every", "create title=milk"]),
    ("mark everything as done", ["complete every"]),
    ("mark all my tasks as complete", ["complete every"]),
    (
        "complete all tasks due today",
        ["complete every due_from:2026-03-02 due_to:2026-03-02 status:pending"],
    ),
    ("delete all completed tasks", ["delete every status:completed"]),
    ("delete all my work tasks", ["delete every list:Work status:pending"]),
    ("show me my work tasks", ["list list:Work status:pending"]),
    ("show shopping list", ["list list:shopping status:pending"]),
    ("what's overdue", ["list due_to:2026-03-01 status:pending"]),
    ("what are my tasks", ["list status:pending"]),
    (
        "what are my high priority tasks for tomorrow",
        ["list due_from:2026-03-03 due_to:2026-03-03 priority:high status:pending"],
    ),
    (
        "are there any tasks due on friday",
        ["list due_from:2026-03-06 due_to:2026-03-06 status:pending"],
    ),
    ("is there anything due today", ["list due_from:2026-03-02 due_to:2026-03-02 status:pending"]),
    ("add a tag urgent to call mom", ["update tags=urgent <call mom>"]),
    ("tag that work", ["update tags=work <0>"]),
    ("change the priority of call mom to low", ["update priority=low <call mom>"]),
    ("call mom is done", ["complete <call mom>"]),
    ("the second one is done", ["complete <1>"]),
    ("it's done", ["complete <0>"]),
    ("done", ["complete <0>"]),
    ("I'm done with that", ["complete <0>"]),
    ("finished", ["complete <0>"]),
    ("check that off", ["complete <0>"]),
    ("delete the second one", ["delete <1>"]),
]


@pytest.mark.parametrize(("text", "understood"), SAID)
def test_said(text: str, understood: list[str]) -> None:
    assert told(text) == understood


@pytest.mark.parametrize(("text", "understood"), [case for case in SAID if "“" not in case[0]])
def test_case_and_signs_at_the_end_change_no_more_than_case(
    text: str, understood: list[str]
) -> None:
    loud = [line.casefold() for line in told(text.upper() + " ", "en")]
    assert loud == [line.casefold() for line in understood]
