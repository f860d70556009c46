import json
import zipfile
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from importlib.resources import files
from io import BytesIO
from typing import Any

import pytest

from core.rules.importing.detect import detect
from core.rules.importing.records import Code, Format, ListRecord, Record
from core.rules.reminders import Due, Wish
from tests.core.rules.importing.files import bytes_of, document, items, rejected

OWN = Format.OWN
EXAMPLE = (files("core.rules.exporting") / "todos.example.json").read_bytes()


def archive(members: Mapping[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    packed = BytesIO()
    with zipfile.ZipFile(packed, "w", method) as writing:
        for name, content in members.items():
            writing.writestr(name, content)
    return packed.getvalue()


def changed(member: str, values: dict[str, Any]) -> bytes:
    """The example, with other values in the first entry of a member."""
    content = json.loads(EXAMPLE)
    content[member][0] |= values
    return json.dumps(content).encode()


ZIP = archive({"manifest.json": b"{}", "todos.json": EXAMPLE, "audio/a.ogg": b"1"})


@pytest.mark.parametrize("content", [EXAMPLE, ZIP], ids=["todos.json", "archive"])
def test_all_of_an_export_is_read(content: bytes) -> None:
    found = items(content, OWN)
    assert not rejected(found)
    assert [(e.name, e.position) for e in found if isinstance(e, ListRecord)] == [("Home", 1024.0)]
    groceries, done, bins, milk = [each for each in found if isinstance(each, Record)]
    assert (groceries.title, groceries.list_name, groceries.tags) == (
        "Groceries",
        "Home",
        ("food",),
    )
    assert groceries.due == Due(date(2026, 3, 5), None, None)
    (reminder,) = groceries.reminders
    assert reminder.wish == Wish(date(2026, 3, 5), time(18, 30), None, None)
    assert (reminder.channels, reminder.urgent) == (("push",), True)
    assert (milk.parent_ref, milk.description) == (groceries.ref, "Oat, two litres")
    assert done.completed_at == datetime(2026, 3, 2, 8, 30, tzinfo=UTC)
    assert (done.series_ref, done.repeats) == (bins.series_ref, None)
    repeats = bins.repeats
    assert repeats
    assert repeats.start == Due(date(2026, 3, 2), time(9), "Europe/Berlin")
    assert (repeats.nth, repeats.recurrence_id) == (2, "2026-03-09T09:00:00")
    assert repeats.recurrence.exdates == (date(2026, 3, 23),)
    assert [(e.status, e.todo_ref) for e in repeats.history] == [
        ("completed", done.ref),
        ("open", bins.ref),
    ]
    assert [each.wish.before for each in bins.reminders] == [timedelta(minutes=15)]
    assert len(document(found).lost) == 2  # one is deleted, one another member's


@pytest.mark.parametrize(
    ("member", "values"),
    [
        ("todos", {"title": None}),
        ("todos", {"title": "  "}),
        ("todos", {"priority": "urgent"}),
        ("todos", {"position": "first"}),
        ("todos", {"due": {"date": "2026-02-30", "time": None, "timezone": None}}),
        ("todos", {"due": {"date": "2026-02-03", "time": "09:00", "timezone": "../etc"}}),
        ("todos", {"created_at": "yesterday"}),
        ("todos", {"reminders": [{"at": None, "before": "P9999D", "channels": None}]}),
        ("todos", {"tags": "food"}),
        ("todos", {"missed": -1}),
        ("lists", {"name": ""}),
        ("lists", {"position": float("inf")}),
        ("series", {"rrule": "FREQ=SECONDLY"}),
        ("series", {"anchor": "nothing"}),
        ("series", {"exdates": ["2026-01-01"] * 3 + ["x"]}),
        ("occurrences", {"status": "odd"}),
        ("occurrences", {"due_at": None}),
    ],
)
def test_an_entry_that_is_not_as_the_schema_says_is_told(
    member: str, values: dict[str, Any]
) -> None:
    found = items(changed(member, values), OWN)
    assert [e.code for e in rejected(found)] == [Code.MALFORMED]
    assert f"an entry of {member}" in rejected(found)[0].reason
    assert len([e for e in found if isinstance(e, Record)]) >= 3


def test_a_series_that_is_not_there_is_told() -> None:
    content = json.loads(EXAMPLE) | {"series": [], "occurrences": []}
    found = [e for e in items(json.dumps(content), OWN) if isinstance(e, Record)]
    assert [e.lost for e in found if e.title == "Bins out"] == [
        ("its series is not in the file: it does not repeat",)
    ] * 2


def test_what_the_next_occurrence_takes_back_is_checked() -> None:
    restores = {"title": "x" * 9000, "priority": "urgent", "tags": ["a"], "status": "completed"}
    found = items(changed("series", {"restores": restores}), OWN)
    (repeats,) = [e.repeats for e in found if isinstance(e, Record) and e.repeats]
    assert repeats.restores == {"title": "x" * 500, "tags": ["a"]}


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"[]", Code.FORMAT),
        (b'{"todos": []}', Code.FORMAT),
        (b'{"format": "voicetodo-export", "version": 2, "todos": []}', Code.FORMAT),
        (b"{", Code.MALFORMED),
        (EXAMPLE[:2000], Code.MALFORMED),
        (archive({"other.csv": b"1"}), Code.FORMAT),
        (archive({"manifest.json": b"", "todos.json": EXAMPLE}, zipfile.ZIP_LZMA), Code.FORMAT),
        (ZIP[:1000], Code.MALFORMED),
        (b"PK\x03\x04" + b"\0" * 200, Code.MALFORMED),
        (b"PK\x03\x04PK\x05\x06" + b"\xff" * 18, Code.MALFORMED),
    ],
)
def test_what_is_no_export_of_ours_is_refused(content: bytes, code: Code) -> None:
    assert code in [e.code for e in rejected(items(content, OWN))]


def test_an_archive_that_is_damaged_is_refused() -> None:
    broken = bytearray(archive({"manifest.json": b"{}", "todos.json": EXAMPLE}))
    begin = broken.index(b"todos.json") + 600
    broken[begin : begin + 50] = bytes(50)
    assert [e.code for e in rejected(items(bytes(broken), OWN))] == [Code.MALFORMED]


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (EXAMPLE, Format.OWN),
        (ZIP, Format.OWN),
        (bytes_of("pwa.json"), Format.LOCALSTORAGE),
        (b"\xef\xbb\xbf [ ]", Format.LOCALSTORAGE),
        (bytes_of("todoist-work.csv"), Format.TODOIST_CSV),
        (bytes_of("todoist-work.csv").decode().encode("utf-16"), Format.TODOIST_CSV),
        (bytes_of("todoman.ics"), Format.ICS),
        (b"", None),
        (b"%PDF-1.7", None),
        (b"\x89PNG\r\n", None),
    ],
)
def test_what_a_file_is_shows_in_it(content: bytes, kind: Format | None) -> None:
    file = BytesIO(content)
    assert detect(file) is kind
    assert file.tell() == 0
