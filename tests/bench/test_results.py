"""What a bench keeps: its own section, where it was."""

from pathlib import Path

import pytest
from rich.table import Table

from bench import results


def table(figure: str) -> Table:
    made = Table("figure")
    made.add_row(figure)
    return made


def test_a_section_is_replaced_where_it_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(results, "RESULTS", tmp_path / "RESULTS.md")
    results.keep("One", "make one", table("1"))
    results.keep("Two", "make two", table("2"), note="quiet")
    results.keep("One", "make one", table("3"))
    text = results.RESULTS.read_text()
    assert text.startswith(results.INTRODUCTION)
    assert [line for line in text.splitlines() if line.startswith("## ")] == ["## One", "## Two"]
    assert "| 1 |" not in text
    assert text.index("| 3 |") < text.index("## Two") < text.index("quiet") < text.index("| 2 |")
    assert "\n\n\n" not in text
    assert text.endswith("|\n")
