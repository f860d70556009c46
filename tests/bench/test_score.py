from pathlib import Path

import pytest

from bench import score


def test_a_table_replaces_the_one_between_the_markers(tmp_path: Path) -> None:
    readme = tmp_path / "README.md"
    readme.write_text(f"a\n{score.BEGIN}old\n{score.END}b\n", "utf-8")
    for _ in range(2):
        score.write("| new \\1 |", readme)
        assert readme.read_text("utf-8") == f"a\n{score.BEGIN}| new \\1 |\n{score.END}b\n"
    readme.write_text("no markers\n", "utf-8")
    with pytest.raises(SystemExit):
        score.write("| new |", readme)
    assert readme.read_text("utf-8") == "no markers\n"
