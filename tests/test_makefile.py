"""What `make` says where it cannot go on, before there is anything of ours to say it."""

import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.mark.parametrize(
    ("refuses", "said"),
    [
        ("version_info", "{python} is older than Python 3.11: name a newer one with"),
        ("ensurepip", "{python} cannot make virtual environments: install its venv package"),
        ("", "{python} does not start: name a Python 3.11 or newer with"),
    ],
)
def test_a_python_that_does_not_do_is_a_sentence(tmp_path: Path, refuses: str, said: str) -> None:
    script = tmp_path / "python"
    script.write_text(f'case "$2" in *{refuses}*) exit 1;; esac\n', encoding="utf-8")
    python = f"sh {script}"  # a folder for what passes may forbid to start anything of it
    for name in ("Makefile", "pyproject.toml", "requirements.lock"):
        (tmp_path / name).symlink_to(ROOT / name)
    done = subprocess.run(
        ["make", f"PYTHON={python}", "install"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr.startswith(said.format(python=python))
    assert not (tmp_path / ".venv").exists()


def test_no_python_at_all_is_a_sentence(tmp_path: Path) -> None:
    for name in ("Makefile", "pyproject.toml", "requirements.lock"):
        (tmp_path / name).symlink_to(ROOT / name)
    done = subprocess.run(
        ["make", "PYTHON=", "install"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.stderr.startswith("Voice Todo needs Python 3.11 or newer: install one, or name it")
