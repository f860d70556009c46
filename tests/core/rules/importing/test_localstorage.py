import json
from datetime import UTC, date, datetime, time

import pytest

from core.rules import rrule
from core.rules.importing.records import Code, Format, Record
from core.rules.reminders import Due
from tests.core.rules.importing.files import bytes_of, document, items, records, rejected

LOCAL = Format.LOCALSTORAGE


def test_the_document_of_our_app_is_read_whole() -> None:
    found = items(bytes_of("pwa.json"), LOCAL)
    milk, ana, formula = [each for each in found if isinstance(each, Record)]
    assert (milk.line, milk.ref, milk.source_id) == (3, "1767600000000", "1767600000000")
    assert (milk.title, milk.description) == ("Buy milk", "Oat, two litres")
    assert (milk.priority, milk.list_name, milk.done) == ("high", "Shopping", False)
    assert milk.created_at == datetime(2026, 1, 5, 8, tzinfo=UTC)
    assert (ana.title, ana.done, ana.source_id) == ("Call Ana ☎️", True, "2")
    assert ana.completed_at == datetime(2026, 1, 7, 10, tzinfo=UTC)
    assert formula.title == '=HYPERLINK("http://x")'
    assert formula.created_at == datetime(2026, 1, 7, 8, tzinfo=UTC)
    assert formula.lost == ("not kept: color",)
    (blank,) = rejected(found)
    assert (blank.line, blank.code) == (23, Code.TITLE_MISSING)
    assert document(found).preferences == {"theme": "dark", "language": "de"}


def test_a_recurrence_in_words_is_one() -> None:
    todo = records(json.dumps([{"title": "Rent", "recurrence": "every friday at 9am"}]), LOCAL)[0]
    assert todo.repeats
    assert rrule.text(todo.repeats.recurrence.rule) == "FREQ=WEEKLY;BYDAY=FR"
    assert todo.due == Due(date(2026, 3, 6), time(9), None)


def test_a_recurrence_that_is_not_understood_is_told() -> None:
    todo = records(json.dumps([{"title": "Rent", "repeat": {"every": "blue moon"}}]), LOCAL)[0]
    assert todo.repeats is None
    assert todo.lost == ("it repeats: {'every': 'blue moon'}",)


TODOMVC = [
    {"id": "a81bc81b-dead-4e5d-abff-90865d1e13b1", "title": "Taste JavaScript", "completed": True},
    {"id": "0e1a9bd4-65a5-4b2e-a5b4-9a6b6a9b0e6f", "title": "Buy a unicorn", "completed": False},
]


@pytest.mark.parametrize(
    "content",
    [
        json.dumps(TODOMVC),
        json.dumps({"todos": TODOMVC}),
        json.dumps({"todos-vanillajs": json.dumps(TODOMVC), "theme": "dark", "n": 3}),
        json.dumps({"todo-storage": json.dumps({"state": {"todos": TODOMVC}, "version": 0})}),
        json.dumps({f"todos-backbone-{e['id']}": json.dumps(e) for e in TODOMVC}),
    ],
    ids=["array", "object", "localStorage", "zustand", "backbone"],
)
def test_todomvc_in_every_place_that_browsers_keep_it(content: str) -> None:
    found = records(content, LOCAL)
    assert [(e.ref, e.title, e.done) for e in found] == [
        (e["id"], e["title"], e["completed"]) for e in TODOMVC
    ]


def test_short_ids_of_two_browsers_are_two_todos() -> None:
    here = {"id": 1, "text": "One", "completed": False, "createdAt": "2026-01-01T08:00:00Z"}
    there = here | {"text": "Other", "createdAt": "2026-01-02T08:00:00Z"}
    edited = here | {"text": "One, edited", "completed": True}
    refs = [records(json.dumps([each]), LOCAL)[0].ref for each in (here, there, edited)]
    assert refs[0] != refs[1]
    assert refs[0] == refs[2]


def test_todos_without_ids_that_are_alike_are_all_kept_and_named_alike_again() -> None:
    content = json.dumps([{"title": "Water", "completed": False}] * 3)
    refs = [each.ref for each in records(content, LOCAL)]
    assert len(set(refs)) == 3
    assert refs == [each.ref for each in records(content, LOCAL)]


def test_subtasks_come_with_their_parent() -> None:
    content = json.dumps([{"title": "Trip", "subtasks": [{"text": "Visa"}, "Tickets"]}])
    trip, visa, tickets = records(content, LOCAL)
    assert [visa.parent_ref, tickets.parent_ref] == [trip.ref] * 2


@pytest.mark.parametrize(
    ("bad", "line"),
    [
        ('{"id":2,"text":"b",completed:true}', 3),
        ('{"id":2,"text":"b, "completed":true}', 3),
        ('{"id":2,"text":"b","completed":true', 3),
        ("7", 3),
        ("", 3),
    ],
)
def test_a_bad_entry_has_its_line(bad: str, line: int) -> None:
    content = f'[\n{{"id":1,"text":"a"}},\n{bad},\n{{"id":3,"text":"c"}}\n]'
    found = items(content, LOCAL)
    assert rejected(found)[0].line == line
    assert next(e.title for e in found if isinstance(e, Record)) == "a"


@pytest.mark.parametrize(
    "bad",
    [
        '{"id":2,"text":"b",completed:true}',
        '{"id":2,"text":"b, "completed":true}',
        '{"id":2,"text":"b","completed":true',
        "7",
    ],
)
def test_a_bad_entry_loses_no_other(bad: str) -> None:
    found = items(f'[\n{{"id":1,"text":"a"}},\n{bad},\n{{"id":3,"text":"c"}}\n]', LOCAL)
    assert [e.title for e in found if isinstance(e, Record)] == ["a", "c"]
    assert [e.code for e in rejected(found)] == [Code.MALFORMED]


def test_what_a_todo_cannot_hold_is_told() -> None:
    long = "x" * 600
    (todo,) = records(json.dumps([{"id": "z", "title": long, "tags": ["t" * 80], "p": 1}]), LOCAL)
    assert len(todo.title) == 500
    assert todo.description == long
    assert len(todo.tags[0]) == 50
    assert len(todo.lost) == 3


@pytest.mark.parametrize("content", ["", "   ", "3", "{}", '{"a": [1, 2]}', "<html>"])
def test_what_holds_no_todos_is_refused(content: str) -> None:
    assert [e.code for e in rejected(items(content, LOCAL))] == [Code.FORMAT]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"])
def test_any_encoding_is_read(encoding: str) -> None:
    content = json.dumps([{"title": "Käse für Zoë"}], ensure_ascii=False)
    found = items(content.encode(encoding), LOCAL)
    assert [e.title for e in found if isinstance(e, Record)] == ["Käse für Zoë"]
    assert bool(document(found).lost) == (encoding in {"cp1252", "utf-16-le", "utf-16-be"})
