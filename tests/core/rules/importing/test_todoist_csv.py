from dataclasses import replace
from datetime import date, time

import pytest

from core.rules import rrule
from core.rules.importing.records import Code, Format, ListRecord, Record
from core.rules.recurrence import Anchor, PileUp
from core.rules.reminders import Due
from tests.core.rules.importing.files import SCENE, bytes_of, items, records, rejected

CSV = Format.TODOIST_CSV
HEAD = "TYPE,CONTENT,DESCRIPTION,PRIORITY,INDENT,AUTHOR,RESPONSIBLE,DATE,DATE_LANG,TIMEZONE\n"


def dated(words: str, language: str = "en", zone: str = "") -> Record:
    return records(f'{HEAD}task,T,,4,1,,,"{words}",{language},{zone}\n', CSV)[0]


def test_an_export_of_a_project() -> None:
    found = items(bytes_of("todoist-work.csv"), CSV)
    assert not rejected(found)
    tasks = {each.title: each for each in found if isinstance(each, Record)}
    assert [each.name for each in found if isinstance(each, ListRecord)] == ["Später"]
    draft = tasks["Draft the roadmap"]
    assert (draft.line, draft.priority, draft.tags) == (4, "high", ("work", "q3"))
    assert draft.description.splitlines() == [
        'Outline the "big rocks",',
        "then the small ones",
        "",
        "[2026-02-10] Remember the hiring plan",
        "",
        "[2026-02-11] Two lines",
        "of a comment plan.pdf https://files.example/plan.pdf",
    ]
    assert draft.due == Due(date(2026, 3, 6), time(17), "Europe/Berlin")
    assert draft.repeats
    assert draft.repeats.rrule == "FREQ=WEEKLY;BYDAY=FR"
    assert draft.lost == (
        "how long it takes: 45 minutes",
        "the deadline 2026-08-01: it is due at its date",
    )
    assert tasks["Reference material"].parent_ref == draft.ref
    assert tasks["Reference material"].lost == ("that it cannot be completed",)
    assert tasks["Book flights"].due == Due(date(2026, 7, 22), None, None)
    assert tasks["Book flights"].list_name is None
    assert tasks["Zahnarzt"].due == Due(date(2026, 3, 14), time(17), "Europe/Berlin")
    assert tasks["Zahnarzt"].list_name == "Später"
    rent = tasks["Miete"]
    assert (rent.parent_ref, tasks["Prüfen"].parent_ref) == (tasks["Zahnarzt"].ref, rent.ref)
    assert tasks["Prüfen"].due == Due(date(2026, 3, 5), time(9), None)
    assert tasks["Steuer"].due == Due(date(2026, 5, 31), None, None)
    plants = tasks["Pflanzen gießen"].repeats
    assert plants
    assert plants.recurrence.anchor is Anchor.COMPLETION
    assert plants.recurrence.pile_up is PileUp.KEEP


@pytest.mark.parametrize(
    ("words", "language", "rule"),
    [
        ("every day at 9am", "en", "FREQ=DAILY"),
        ("ev 3rd friday", "en", "FREQ=MONTHLY;BYDAY=3FR"),
        ("every! 2 weeks", "en", "FREQ=WEEKLY;INTERVAL=2"),
        ("cada lunes a las 9:00", "es", "FREQ=WEEKLY;BYDAY=MO"),
        ("chaque lundi", "fr", "FREQ=WEEKLY;BYDAY=MO"),
        ("jeden Mo, Fr", "de", "FREQ=WEEKLY;BYDAY=MO,FR"),
        ("toda segunda-feira", "pt_BR", "FREQ=WEEKLY;BYDAY=MO"),
        ("每天", "zh_CN", "FREQ=DAILY"),
        ("FREQ=DAILY;INTERVAL=2", "en", "FREQ=DAILY;INTERVAL=2"),
    ],
)
def test_recurring_dates_in_the_languages_of_todoist(words: str, language: str, rule: str) -> None:
    task = dated(words, language)
    assert task.repeats
    assert rrule.text(task.repeats.recurrence.rule) == rule
    assert task.due
    assert not task.lost


@pytest.mark.parametrize(
    ("words", "language", "due"),
    [
        ("2026-03-14", "en", Due(date(2026, 3, 14), None, None)),
        ("2026-03-14T16:00:00Z", "en", Due(date(2026, 3, 14), time(16), "UTC")),
        ("tomorrow at 5pm", "en", Due(date(2026, 3, 5), time(17), None)),
        ("15 nov", "en", Due(date(2026, 11, 15), None, None)),
        ("nächsten Montag", "de", Due(date(2026, 3, 9), None, None)),
        ("demain à 18h", "fr", Due(date(2026, 3, 5), time(18), None)),
        ("明天", "zh_TW", Due(date(2026, 3, 5), None, None)),
        ("завтра", "ru", Due(date(2026, 3, 5), None, None)),
    ],
)
def test_dates_in_words(words: str, language: str, due: Due) -> None:
    task = dated(words, language)
    assert (task.due, task.repeats, task.lost) == (due, None, ())


@pytest.mark.parametrize(
    ("words", "language"),
    [
        ("every blue moon", "en"),
        ("every day and every other thing", "en"),
        ("huomenna", "fi"),
        ("1 jan 2500", "en"),
        ("x" * 500, "en"),
        ("every other weekday", "en"),
    ],
)
def test_what_is_not_understood_is_told_and_never_guessed(words: str, language: str) -> None:
    task = dated(words, language)
    assert (task.repeats, task.due) == (None, None)
    assert len(task.lost) == 1


def test_times_keep_their_zone_and_an_unknown_one_is_told() -> None:
    assert dated("2026-03-14 17:00", "en", "America/New_York").due == Due(
        date(2026, 3, 14), time(17), "America/New_York"
    )
    task = dated("2026-03-14 17:00", "en", "Mars/Olympus")
    assert task.due == Due(date(2026, 3, 14), time(17), None)
    assert task.lost == ("the time zone 'Mars/Olympus' is unknown: it has none here",)


def test_the_columns_may_be_fewer_and_in_another_order() -> None:
    (task,) = records("CONTENT;TYPE;PRIORITY\nBuy eggs, six;task;1\n", CSV)
    assert (task.title, task.priority) == ("Buy eggs, six", "high")


def test_the_files_name_is_the_list_of_what_stands_in_no_section() -> None:
    content = f"{HEAD}task,A,,4,1,,,,,\nsection,S,,,,,,,,\ntask,B,,4,1,,,,,\n"
    found = records(content, CSV, replace(SCENE, list_name="Work"))
    assert [each.list_name for each in found] == ["Work", "S"]


def test_the_same_file_saved_by_another_program_has_the_same_references() -> None:
    content = bytes_of("todoist-work.csv").decode()
    saved = content.replace("\n", "\r\n").encode("utf-16")
    assert [e.ref for e in records(content, CSV)] == [e.ref for e in records(saved, CSV)]


def test_like_tasks_of_two_projects_are_two_tasks() -> None:
    one = records(f"{HEAD}task,Milk,,4,1,,,,,\n", CSV)
    other = records(f"{HEAD}task,Milk,,4,1,,,,,\ntask,Bread,,4,1,,,,,\n", CSV)
    assert one[0].ref != other[0].ref


@pytest.mark.parametrize(
    ("bad", "code"),
    [
        ('task,"Broken,,4,1,,,,,', Code.MALFORMED),
        ("task,,,4,1,,,,,", Code.TITLE_MISSING),
        ("section,,,,,,,,,", Code.TITLE_MISSING),
        ("project,Else,,,,,,,,", Code.NOT_A_TODO),
        (f"task,{'x' * 1_100_000},,4,1,,,,,", Code.TOO_LONG),
        (f"task,{'x' * 200_000},,4,1,,,,,", Code.TOO_LONG),
    ],
)
def test_a_bad_row_is_told_with_its_line_and_loses_no_other(bad: str, code: Code) -> None:
    content = f'{HEAD}task,A,,4,1,,,,,\n{bad}\ntask,"B, and C",,4,1,,,,,\ntask,"D",,4,1,,,,,\n'
    found = items(content, CSV)
    assert [e.title for e in found if isinstance(e, Record)] == ["A", "B, and C", "D"]
    assert [(e.line, e.code) for e in rejected(found)] == [(3, code)]


def test_quotes_within_a_cell_are_text() -> None:
    (pipe, next_one) = records(f'{HEAD}task,5" pipe,,4,1,,,,,\ntask,Next,,4,1,,,,,\n', CSV)
    assert (pipe.title, next_one.title) == ('5" pipe', "Next")


def test_formulas_stay_text() -> None:
    (task,) = records(f"{HEAD}task,=1+1,@SUM(A1),4,1,,,,,\n", CSV)
    assert (task.title, task.description) == ("=1+1", "@SUM(A1)")


def test_indents_that_jump_stand_below_the_task_above() -> None:
    rows = "".join(f"task,{n},,4,{n},,,,,\n" for n in (1, 4, 2, 12, 99))
    one, four, two, twelve, last = records(HEAD + rows, CSV)
    assert (four.parent_ref, two.parent_ref, twelve.parent_ref) == (one.ref, one.ref, two.ref)
    assert last.parent_ref == twelve.ref


@pytest.mark.parametrize("content", ["", "a,b\n1,2\n", "\x00\x01"])
def test_what_is_no_such_file_is_refused(content: str) -> None:
    assert [e.code for e in rejected(items(content, CSV))] == [Code.FORMAT]
