"""Files as products write them, after their documentation: what comes of each, and what is told."""

import json
import zipfile
from io import BytesIO
from typing import Any, Final

import pytest

from core.rules import rrule
from core.rules.importing import detect
from core.rules.importing.records import Format, Item, ListRecord, Record
from tests.core.rules.importing.files import bytes_of, document, items, rejected

BACKUP_HEAD: Final = "TYPE,CONTENT,DESCRIPTION,PRIORITY,INDENT,AUTHOR,RESPONSIBLE,DATE,DATE_LANG\n"


def told(found: list[Item]) -> list[str]:
    """A line for each todo: what a person would look at first."""
    titles = {each.ref: each.title for each in found if isinstance(each, Record)}
    return [_told(each, titles) for each in found if isinstance(each, Record)]


def _told(record: Record, titles: dict[str, str]) -> str:
    parts = [("[x] " if record.done else "[ ] ") + record.title]
    if record.due:
        at = f" {record.due.at:%H:%M}" if record.due.at else ""
        parts.append(f"due {record.due.on}{at}{f' {record.due.zone}' if record.due.zone else ''}")
    if record.repeats:
        recurrence = record.repeats.recurrence
        after = " after completion" if recurrence.anchor == "completion" else ""
        left = f" without {len(recurrence.exdates)}" if recurrence.exdates else ""
        parts.append(rrule.text(recurrence.rule) + after + left)
    parts += [f"!{record.priority}"] if record.priority != "none" else []
    parts += [f"in {record.list_name}"] if record.list_name else []
    parts += [f"below {titles[record.parent_ref]}"] if record.parent_ref else []
    parts += [" ".join(f"#{tag}" for tag in record.tags)] if record.tags else []
    for each in record.reminders:
        wish = each.wish
        rings = f"{wish.before} before" if wish.before is not None else f"{wish.on} {wish.at}"
        parts.append(f"reminds {rings}{f' {wish.zone}' if wish.zone else ''}")
    return "; ".join(parts)


PRODUCTS: Final[dict[str, tuple[Format, list[str], list[str]]]] = {
    "outlook.ics": (
        Format.ICS,
        [
            (
                "[ ] Angebot schreiben; due 2026-03-05 17:00 Europe/Berlin; !high; in Aufgaben; "
                "reminds 8:15:00 before"
            ),
            "[ ] Call New York; due 2026-03-06 12:00 America/New_York; in Aufgaben",
            (
                "[ ] Zeiterfassung; due 2026-03-06; "
                "FREQ=WEEKLY;INTERVAL=2;UNTIL=20260401T220000Z;BYDAY=FR; in Aufgaben"
            ),
        ],
        [
            "its start, 2026-03-05 09:00: a todo has a due time only",
            "that 25 % of it are done",
            (
                "the time zone '(UTC-05:00) Eastern Time (US & Canada), as it is in March' is read "
                "as America/New_York: its offsets are"
            ),
        ],
    ),
    "evolution.ics": (
        Format.ICS,
        [
            (
                "[ ] Buy paint; due 2026-03-05 18:00 Europe/Vienna; !low; #Home #Paint, walls "
                "#Shop; reminds 2026-03-05 07:00:00 UTC; reminds 1 day, 0:00:00 before"
            ),
            (
                "[ ] Ring the painter; due 2026-03-06 09:00 America/Argentina/Buenos_Aires; "
                "below Buy paint"
            ),
            "[ ] Due on a day; due 2026-03-07",
        ],
        [
            "a place on the map: 48.2;16.37",
            "an attached file",
            "that it is related (sibling) to another todo",
            "its start, 2026-03-05: a todo has a due time only",
        ],
    ),
    "radicale.ics": (
        Format.ICS,
        [
            (
                "[ ] Sow beans; due 2026-03-05 10:00 Europe/Berlin; FREQ=DAILY;INTERVAL=10 "
                "without 2; in Garden"
            ),
            "[ ] In no list; due 2026-03-05 10:00",
            "[x] In small letters; due 2026-03-05 10:00 Etc/GMT-2",
        ],
        ["its start, 2026-03-01: a todo has a due time only"],
    ),
    "google-calendar.ics": (
        Format.ICS,
        [],
        ["there are no tasks in it: appointments become no todos"],
    ),
    "phone.vcs": (Format.ICS, [], []),
    "todoist-2026.csv": (
        Format.TODOIST_CSV,
        [
            (
                "[ ] Water the ferns; due 2026-03-04; FREQ=DAILY;INTERVAL=3 after completion; "
                "!medium; #home"
            ),
            "[ ] [Read this](https://example.com); due 2026-03-07 09:00 Africa/Cairo",
            "[ ] Below it; due 2026-02-27; !low; below [Read this](https://example.com)",
            "[ ] Gießen; due 2026-03-07; in Ideas",
            "[ ] Plan; due 2026-04-13; FREQ=MONTHLY;BYDAY=2MO; in Ideas",
            "[ ] Quarterly tax; !high; in Ideas",
        ],
        [
            "how long it takes: 2 days",
            "it repeats (every 14 jan, 14 apr, 15 jun, 15 sep): different days in different months",
        ],
    ),
    "todoist-2016.csv": (
        Format.TODOIST_CSV,
        [
            "[ ] Task1",
            "[ ] Task2; due 2026-03-04; FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR; !high; below Task1",
        ],
        ["given to Other: here nobody has it yet"],
    ),
    "browser-dump.json": (
        Format.LOCALSTORAGE,
        [
            "[ ] Milk; !high",
            "[x] Call; !medium; in Work",
            "[ ] Only a text",
            "[ ] On a day; due 2026-03-07",
        ],
        [],
    ),
    "google-tasks.json": (
        Format.LOCALSTORAGE,
        [
            "[ ] Post office; due 2026-03-05; in Errands",
            "[x] Parcel; in Errands; below Post office",
        ],
        [],
    ),
}


@pytest.mark.parametrize("name", PRODUCTS)
def test_what_comes_of_a_file_of_a_product(name: str) -> None:
    content = bytes_of(name)
    kind, todos, lost = PRODUCTS[name]
    assert detect.detect(BytesIO(content)) is kind
    found = items(content, kind)
    assert told(found) == todos
    sentences = [each for item in found if isinstance(item, Record) for each in item.lost]
    assert list(dict.fromkeys([*sentences, *document(found).lost])) == lost


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("google-calendar.ics", "an appointment (VEVENT), and no task"),
        ("phone.vcs", "it is in vCalendar 1.0, which is not read: export it as iCalendar (2.0)"),
    ],
)
def test_what_is_not_read_is_told_in_words(name: str, reason: str) -> None:
    assert [each.reason for each in rejected(items(bytes_of(name), Format.ICS))] == [reason]


def backup(**projects: str) -> bytes:
    packed = BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, rows in projects.items():
            archive.writestr(f"{name} [220330].csv", "\ufeff" + BACKUP_HEAD + rows if rows else "")
        archive.writestr("__MACOSX/._Work.csv", b"\0\1")
    return packed.getvalue()


def test_a_backup_of_todoist_is_read_as_it_is() -> None:
    same = "task,Pack,,4,1,,,,\ntask,Socks,,4,2,,,,\n"
    content = backup(
        Work='section,Later,,,,,,,\ntask,Plan,,1,1,,,every day,en\n"task,open\n',
        Home="section,Later,,,,,,,\ntask,Paint,,4,1,,,,\n",
        Inbox="task,Ask,,4,1,,,,\n",
        Nothing="",
        Oslo=same,
        Rome=same,
    )
    assert detect.detect(BytesIO(content)) is Format.TODOIST_CSV
    found = items(content, Format.TODOIST_CSV)
    assert told(found) == [
        "[ ] Plan; due 2026-03-04; FREQ=DAILY; !high; in Work / Later",
        "[ ] Paint; in Home / Later",
        "[ ] Ask",
        "[ ] Pack; in Oslo",
        "[ ] Socks; in Oslo; below Pack",
        "[ ] Pack; in Rome",
        "[ ] Socks; in Rome; below Pack",
    ]
    lists = [each.name for each in found if isinstance(each, ListRecord)]
    assert lists == ["Work / Later", "Home / Later"]
    assert [(each.line, each.reason) for each in rejected(found)] == [
        (4, "Work [220330].csv: its quotes are not closed")
    ]


def test_a_project_of_a_backup_comes_once_by_itself_too() -> None:
    rows = "task,Plan,,1,1,,,,\n"
    (alone,) = [
        each for each in items(BACKUP_HEAD + rows, Format.TODOIST_CSV) if isinstance(each, Record)
    ]
    found = items(backup(Work=rows), Format.TODOIST_CSV)
    assert [each.ref for each in found if isinstance(each, Record)] == [alone.ref]


def test_calendars_in_an_archive_are_read_one_after_the_other() -> None:
    packed = BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name in ("evolution.ics", "google-calendar.ics"):
            archive.writestr(f"Takeout/Calendar/{name}", bytes_of(name))
    assert detect.detect(packed) is Format.ICS
    found = items(packed.getvalue(), Format.ICS)
    assert len(told(found)) == 3
    assert document(found).lost == (
        "google-calendar.ics: there are no tasks in it: appointments become no todos",
    )


FOLDED: Final = "SUMMARY:" + "ü€🏠" * 9


@pytest.mark.parametrize("at", range(9, 40))
@pytest.mark.parametrize("fold", [b"\r\n ", b"\n\t"])
def test_a_fold_in_the_midst_of_a_character_breaks_nothing(at: int, fold: bytes) -> None:
    line = FOLDED.encode()
    content = b"BEGIN:VTODO\r\nUID:1\r\n" + line[:at] + fold + line[at:] + b"\r\nEND:VTODO\r\n"
    found = items(content, Format.ICS)
    assert told(found) == [f"[ ] {FOLDED.removeprefix('SUMMARY:')}"]
    assert document(found).lost == ()


TODOS: Final = [{"id": "a1", "text": "Milk", "completed": False}]
DUMPS: Final[dict[str, Any]] = {
    "as it is": {"todos": TODOS, "preferences": {}},
    "a string": json.dumps({"todos": TODOS}),
    "a string of a string": json.dumps(json.dumps(TODOS)),
    "values that are strings": {"todos": json.dumps(TODOS), "n": "3", "token": "abc"},
    "values that are strings of strings": {"todos": json.dumps(json.dumps(TODOS))},
    "entries": [["todos", json.dumps(TODOS)], ["theme", "dark"]],
    "keys and values": [{"key": "todos", "value": json.dumps(TODOS)}],
    "redux-persist": {"persist:root": json.dumps({"todos": json.dumps(TODOS), "_persist": "{}"})},
    "one of them": TODOS[0],
    "by id": {"todos": {"a1": TODOS[0]}},
    "Backbone": {"todos-backbone": "a1", "todos-backbone-a1": json.dumps(TODOS[0])},
    "Vue": {"todos-vuejs": json.dumps([{"id": 1, "title": "Milk", "completed": False}])},
    "Elm": {
        "elm-todo-save": json.dumps({"entries": [{"description": "Milk", "completed": False}]})
    },
}


@pytest.mark.parametrize("name", DUMPS)
def test_a_browser_is_read_however_it_was_written_down(name: str) -> None:
    content = json.dumps(DUMPS[name])
    assert detect.detect(BytesIO(content.encode())) is Format.LOCALSTORAGE
    assert told(items(content, Format.LOCALSTORAGE)) == ["[ ] Milk"]


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ({"priority": "HIGH"}, "!high"),
        ({"priority": "High Priority"}, "!high"),
        ({"priority": "urgent!"}, "!high"),
        ({"priority": "mittel"}, "!medium"),
        ({"priority": 3}, "!low"),
        ({"priority": {"name": "low"}}, "!low"),
        ({"starred": True}, "!high"),
        ({"dueDate": "2026-03-07T00:00:00.000Z"}, "due 2026-03-07"),
        ({"dueDate": "2026-03-06T23:00:00.000Z"}, "due 2026-03-07"),
        ({"dueDate": "2026-03-07T08:30:00.000Z"}, "due 2026-03-07 09:30 Europe/Berlin"),
        ({"dueDate": "2026-03-07", "dueTime": "9:30"}, "due 2026-03-07 09:30"),
        ({"due": {"dateTime": "2026-03-07T00:00:00", "timeZone": "UTC"}}, "due 2026-03-07"),
        ({"dueDate": 1772870400000}, "due 2026-03-07 09:00 Europe/Berlin"),
    ],
)
def test_values_in_the_spellings_of_many_apps(entry: dict[str, Any], expected: str) -> None:
    content = json.dumps([{"text": "T", **entry}])
    found = items(content, Format.LOCALSTORAGE)
    assert told(found) == [f"[ ] T; {expected}"]
    assert [each.lost for each in found if isinstance(each, Record)] == [()]


@pytest.mark.parametrize(
    ("entry", "lost"),
    [
        ({"time": "9:30"}, "its time of day, '9:30'"),
        ({"category": "Home", "project": "House", "list": "Home"}, "not kept: project"),
        ({"title": "T", "label": "blue"}, "not kept: label"),
        ({"parent": {"id": 1}}, "its parent, {'id': 1}: it stands by itself"),
        ({"reminder": "2026-03-07T09:00"}, "not kept: reminder"),
        ({"dueDate": "7/3/2026"}, "the date '7/3/2026' was not understood"),
        ({"createdAt": "1/5/2026, 8:00"}, "createdAt '1/5/2026, 8:00' was not understood"),
        ({"priority": "purple"}, "the priority 'purple'"),
        ({"status": "in_progress"}, "it is in process: here it is open"),
    ],
)
def test_what_an_entry_says_beside_is_told(entry: dict[str, Any], lost: str) -> None:
    content = json.dumps([{"text": "T", **entry}])
    (record,) = [e for e in items(content, Format.LOCALSTORAGE) if isinstance(e, Record)]
    assert record.lost == (lost,)


@pytest.mark.parametrize(
    ("entry", "done"),
    [
        ({"completed": "true"}, True),
        ({"completed": 1}, True),
        ({"isDone": True}, True),
        ({"status": "done"}, True),
        ({"completedAt": 1767600000000}, True),
        ({"completed": "2026-03-01T10:00:00Z"}, True),
        ({"completed": "false"}, False),
        ({"completed": False, "completedAt": 1767600000000}, False),
        ({"status": "in-progress"}, False),
        ({}, False),
    ],
)
def test_what_is_done_in_the_spellings_of_many_apps(entry: dict[str, Any], done: bool) -> None:  # noqa: FBT001 (a column of the table)
    (record,) = [
        each
        for each in items(json.dumps([{"text": "T", **entry}]), Format.LOCALSTORAGE)
        if isinstance(each, Record)
    ]
    assert record.done is done


@pytest.mark.parametrize(
    "content",
    [
        "sep=;\r\n\r\nCONTENT;TYPE;PRIORITY;DUE_DATE;LABELS;PROJECT\r\nA;task;p1;2026-03-07;a|b;P\r\n",
        "TYPE\tCONTENT\tPRIORITY\tDATE\tLABELS\tPROJECT\rtask\tA\t1\t7 Mar\ta, b\tP\r",
    ],
    ids=["Excel", "tabs and the line ends of old Macs"],
)
def test_what_spreadsheets_make_of_such_a_file(content: str) -> None:
    for encoding in ("utf-8-sig", "utf-16"):
        raw = content.encode(encoding)
        assert detect.detect(BytesIO(raw)) is Format.TODOIST_CSV
        assert told(items(raw, Format.TODOIST_CSV)) == ["[ ] A; due 2026-03-07; !high; in P; #a #b"]


@pytest.mark.parametrize(
    ("words", "language", "expected"),
    [
        ("yesterday", "en", "due 2026-03-03"),
        ("tom at 16:00", "en", "due 2026-03-05 16:00"),
        ("Sat Mar 7 2026", "en", "due 2026-03-07"),
        ("7 mar 2026", "es", "due 2026-03-07"),
        ("7 de mar de 2026 09:30", "pt_BR", "due 2026-03-07 09:30"),
        ("7 mars 2026 à 9h30", "fr", "due 2026-03-07 09:30"),
        ("7 мар 2026", "ru", "due 2026-03-07"),
        ("tomorrow", "da", "due 2026-03-05"),
        ("every day", "fi", "due 2026-03-04; FREQ=DAILY"),
        ("Jan 3", "en", "due 2027-01-03"),
    ],
)
def test_dates_of_todoist_in_words(words: str, language: str, expected: str) -> None:
    content = f"{BACKUP_HEAD}task,T,,4,1,,,{words},{language}\n"
    assert told(items(content, Format.TODOIST_CSV)) == [f"[ ] T; {expected}"]


@pytest.mark.parametrize("words", ["hver 5 jan", "joka 5. tammikuuta", "31 feb", "7/13"])
def test_a_date_that_is_not_understood_is_not_half_of_one(words: str) -> None:
    content = f"{BACKUP_HEAD}task,T,,4,1,,,{words},da\n"
    found = items(content, Format.TODOIST_CSV)
    (record,) = [each for each in found if isinstance(each, Record)]
    assert (record.due, record.repeats, len(record.lost)) == (None, None, 1)
