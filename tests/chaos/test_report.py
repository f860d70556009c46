from pathlib import Path

import pytest

from bench import results
from bench.chaos.report import TITLE, Report, kept, tabulate


def test_a_run_of_some_trials_keeps_the_rows_of_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "RESULTS.md"
    monkeypatch.setattr(results, "RESULTS", file)
    results.keep("Something else", "a command", tabulate([], seed=0))
    for report in (
        Report("F2", operations=1000, figure="first"),
        Report("F1", figure="other", violations=["one", "two"]),
        Report("F2", operations=2000, figure="second"),
    ):
        results.keep(TITLE, "a command", tabulate([report], seed=7, earlier=kept(file)))
    assert kept(file) == [
        ("F1", "0", "0", "0", "0", "0", "other", "7", "one; two"),
        ("F2", "2,000", "0", "0", "0", "0", "second", "7", "holds"),
    ]
