"""Whatever bytes somebody brings: no exception, and only items that can be stored."""

import random
import re
from importlib.resources import files
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.rules.importing.records import Format, Item, ListRecord, Record, Rejected
from core.rules.recurrence import check
from core.rules.recurrence_expand import LAST_YEAR
from tests.core.rules.importing.files import SCENE, bytes_of, items

_NO_LINE: Final = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
SAMPLES: Final = {
    Format.LOCALSTORAGE: [bytes_of("pwa.json")],
    Format.TODOIST_CSV: [bytes_of("todoist-work.csv")],
    Format.OWN: [(files("core.rules.exporting") / "todos.example.json").read_bytes()],
    Format.ICS: [
        bytes_of(f"{name}.ics")
        for name in ("nextcloud-tasks", "apple-reminders", "thunderbird", "tasks-org", "todoman")
    ],
}
WORDS: Final = (
    *(b"BEGIN:VTODO\r\n", b"END:VTODO\r\n", b"SUMMARY:a\r\n", b"DUE:20260305T090000Z\r\n"),
    *(
        b"RRULE:FREQ=DAILY\r\n",
        b"RRULE:FREQ=MONTHLY;BYDAY=5MO;COUNT=3\r\n",
        b"DTSTART:00010101\r\n",
    ),
    *(b"EXDATE:20260306\r\n", b"RECURRENCE-ID:20260305\r\n", b"RELATED-TO:a\r\n", b"UID:a\r\n"),
    *(b"DURATION:P999999D\r\n", b"BEGIN:VALARM\r\n", b"END:VALARM\r\n", b"TRIGGER:-P9999W\r\n"),
    *(b"TRIGGER;RELATED=END:PT5M\r\n", b"STATUS:COMPLETED\r\n", b"COMPLETED:99991231T235959\r\n"),
    *(b"[", b"]", b"{", b"}", b'"', b"\\", b",", b":", b"\n", b"0", b"1e999", b"null", b'"todos":'),
    *(b'"text":"a"', b'"completed":true', b'"dueDate":"9999-12-31T23:59:59-12:00"', b"\\ud800"),
    *(b'{"format":"voicetodo-export","version":1,', b'"series":[', b'"subtasks":["b"]'),
    *(b"TYPE,CONTENT,INDENT,DATE,DATE_LANG\r\n", b"task,", b"note,", b"section,", b"every day,"),
    *(b"every! 2 months starting 31 jan", b"\xff\xfe", b"\x00", b"\xc3", b"PK\x03\x04", b"99"),
)


def storable(found: list[Item]) -> None:
    refs = [each.ref for each in found if isinstance(each, Record)]
    assert len(refs) == len(set(refs))
    for item in found:
        str(item).encode()  # no lone surrogate anywhere
        if isinstance(item, Rejected):
            assert len(item.excerpt) <= 80
            assert item.reason
        elif isinstance(item, ListRecord):
            assert 1 <= len(item.name) <= 100
        elif isinstance(item, Record):
            _todo(item)
            assert item.parent_ref is None or item.parent_ref in refs
    parent_of = {each.ref: each.parent_ref for each in found if isinstance(each, Record)}
    for ref in refs:
        above, level = parent_of[ref], 1
        while above is not None and level <= 8:
            above, level = parent_of[above], level + 1
        assert above is None
        assert level <= 8


def _todo(todo: Record) -> None:
    assert todo.title.strip() == todo.title != ""
    assert len(todo.title) <= 500
    assert not _NO_LINE.search(todo.title)
    assert len(todo.description) <= 10_000
    assert "\x00" not in todo.description
    assert 1 <= len(todo.ref) <= 200
    assert len(todo.reminders) <= 20
    assert len(todo.tags) <= 50
    assert all(1 <= len(tag) <= 50 and not _NO_LINE.search(tag) for tag in todo.tags)
    assert todo.list_name is None or 1 <= len(todo.list_name) <= 100
    for at in (todo.created_at, todo.updated_at, todo.completed_at):
        assert at is None or at.tzinfo
    if todo.due is not None:
        assert 1970 <= todo.due.on.year <= LAST_YEAR
        assert todo.due.zone is None or todo.due.at is not None
    if todo.repeats is not None:
        start = todo.repeats.start or todo.due
        assert start
        check(todo.repeats.recurrence, start, zone=SCENE.zone)


@pytest.mark.parametrize("kind", Format)
@settings(max_examples=60, deadline=None)
@given(content=st.binary(max_size=400) | st.text(max_size=400).map(lambda t: t.encode("utf-8")))
def test_any_bytes(kind: Format, content: bytes) -> None:
    storable(items(content, kind))


@pytest.mark.parametrize("kind", Format)
@settings(max_examples=100, deadline=None)
@given(pieces=st.lists(st.sampled_from(WORDS), max_size=40))
def test_pieces_of_every_format_in_any_order(kind: Format, pieces: list[bytes]) -> None:
    storable(items(b"".join(pieces), kind))


@pytest.mark.parametrize("kind", Format)
@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_files_in_which_something_was_changed(kind: Format, seed: int) -> None:
    changes = random.Random(seed)  # noqa: S311 (hypothesis shrinks and repeats the seed)
    content = bytearray(changes.choice(SAMPLES[kind]))
    for _ in range(changes.randint(1, 6)):
        at = changes.randrange(len(content))
        length = changes.choice((0, 1, 1, 5, 60))
        content[at : at + length] = changes.choice((b"", changes.choice(WORDS), content[:50]))
    found = items(bytes(content), kind)
    storable(found)
    assert found == items(bytes(content), kind)
