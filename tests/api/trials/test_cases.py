from pathlib import Path

import pytest

from api.trials import cases
from api.trials.cases import InvalidCases, Kind
from core.rules.understanding import lexicon
from core.rules.understanding.commands import Intent

HEAD = 'language = "xx"\n[has]\ntodos = [{ title = "Buy milk" }]\n[cases]\n'


def written(folder: Path, *lines: str) -> Path:
    (folder / "xx.toml").write_text(HEAD + "plain = [\n" + ",\n".join(lines) + "\n]\n", "utf-8")
    return folder


def test_every_measured_language_has_cases_in_all_categories() -> None:
    english = {case.category for case in cases.load("en")}
    for code in cases.languages():
        found = cases.load(code)
        measured = lexicon.load(code).tier == 1
        assert len(found) >= (90 if measured else 40), code
        categories = {case.category for case in found}
        assert categories == english if measured else categories <= english, code
        assert len({case.id for case in found}) == len(found)
    assert len(cases.load("en")) >= 220
    assert set(lexicon.codes()) == set(cases.languages())


def test_about_half_of_each_language_is_kept_aside() -> None:
    for code in cases.languages():
        found = cases.load(code)
        assert 0.35 <= sum(case.kept for case in found) / len(found) <= 0.65, code


def test_a_new_todo_has_only_what_is_expected_of_it(tmp_path: Path) -> None:
    line = '{ say = "add tea", expect = { create = ["tea", "Tea"], due = "Fri 2026-03-06 17:00" } }'
    (case,) = cases.load("xx", written(tmp_path, line))
    (outcome,) = case.outcomes
    assert outcome.commands is not None
    (command,) = outcome.commands
    assert command.intents == (Intent.CREATE,)
    assert command.fields["title"] == ("tea", "Tea")
    assert command.fields["due"] == ("2026-03-06 17:00",)
    assert command.fields["list"] == command.fields["priority"] == ("none",)
    assert command.fields["tags"] == ((),)


def test_to_delete_has_to_be_asked_about(tmp_path: Path) -> None:
    line = '{ say = "rm it", asks = ["Buy milk"], expect = { delete = "Buy milk" } }'
    (case,) = cases.load("xx", written(tmp_path, line))
    assert case.outcomes[0].kind is Kind.ASKS
    assert case.outcomes[0].offered == ("Buy milk",)


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ('{ say = "a", expect = { create = "a", due = "Sat 2026-03-06" } }', "is a Fri"),
        ('{ say = "a", expect = { create = "a", due = "tomorrow" } }', "is not written as"),
        ('{ say = "a", expect = { create = "a", due = "2026-02-30" } }', "day"),
        ('{ say = "a", expect = { create = "a", repeat = "FREQ=SOMETIMES" } }', "FREQ"),
        ('{ say = "a", expect = { create = "a", priority = "urgent" } }', "priority"),
        ('{ say = "a", expect = { create = "a", colour = "red" } }', "is no command"),
        ('{ say = "a", expect = { make = "a" } }', "is no command"),
        ('{ say = "a", expect = { query = { form = "2026-03-02" } } }', "no query has form"),
        ('{ say = "a", expect = { complete = "Buy bread" } }', "no todo 'Buy bread'"),
        ('{ say = "a", asks = ["Buy bread"] }', "no todo 'Buy bread'"),
        ('{ say = "a" }', "say what is expected"),
        ('{ say = "a", nothing = true, harmless = true }', "say what is expected"),
        ('{ say = "a", nothing = true, because = "b" }', "no case has because"),
        ('{ say = "a", nothing = true }, { say = "a", nothing = true }', "is there twice"),
    ],
)
def test_what_is_wrong_in_a_case_is_said(tmp_path: Path, line: str, says: str) -> None:
    with pytest.raises(InvalidCases, match=says) as refused:
        cases.load("xx", written(tmp_path, '{ say = "b", nothing = true }', line))
    assert len(refused.value.wrong) == 1


def test_a_file_names_its_language(tmp_path: Path) -> None:
    (tmp_path / "yy.toml").write_text(HEAD, "utf-8")
    with pytest.raises(InvalidCases, match='language = "yy"'):
        cases.load("yy", tmp_path)
