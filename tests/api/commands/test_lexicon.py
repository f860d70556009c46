"""`voicetodo lexicon`, by somebody who writes the words of a language."""

import json

import pytest

from api.cli import main
from api.trials import cases
from core.rules.understanding import lexicon


def test_languages_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["lexicon", "list", "--json"]) == 0
    found = {each["code"]: each for each in json.loads(capsys.readouterr().out)}
    assert set(found) == set(lexicon.codes())
    assert found["de"] == {
        "code": "de",
        "name": "Deutsch",
        "english_name": "German",
        "tier": 1,
        "utterances": len(cases.load("de")),
    }
    assert main(["lexicon", "list"]) == 0
    assert "中文" in capsys.readouterr().out


def test_a_check_tells_failures_but_not_those_that_are_kept_aside(
    capsys: pytest.CaptureFixture[str],
) -> None:
    code = main(["lexicon", "check", "hi", "--json"])
    open_half = json.loads(capsys.readouterr().out)
    main(["lexicon", "check", "hi", "--json", "--show"])
    everything = json.loads(capsys.readouterr().out)
    failing = {each["id"] for each in everything["failing"]}
    aside = {case.id for case in cases.load("hi") if case.kept}
    assert everything["utterances"] == len(cases.load("hi"))
    assert everything["right"] == everything["utterances"] - len(failing)
    assert {each["id"] for each in open_half["failing"]} == failing - aside
    assert code == (1 if failing else 0)
    main(["lexicon", "check", "hi"])
    assert f"{everything['right']} of {everything['utterances']} are right" in (
        capsys.readouterr().out
    )


def test_a_language_without_a_lexicon(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["lexicon", "check", "xx"]) == 2
    told = capsys.readouterr().err
    assert "there is no lexicon of 'xx', only of en" in told
