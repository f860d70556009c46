import os
import subprocess
import sys
from pathlib import Path

from bench.__main__ import PARTS

BENCH = Path(__file__).resolve().parents[2] / "bench"


def test_every_bench_that_keeps_figures_is_run() -> None:
    keeping = {
        path.relative_to(BENCH).parts[0].removesuffix(".py")
        for path in BENCH.rglob("*.py")
        if "    keep(" in path.read_text(encoding="utf-8")
    }
    assert keeping - {"chaos"} == set(PARTS)


def test_one_that_fails_keeps_no_other_from_being_measured() -> None:
    done = _bench("recurrence", "start", environment={"ROUNDS": "many"})
    assert done.returncode == 1
    assert done.stderr.count("invalid literal for int() with base 10: 'many'") == 2
    assert done.stderr.endswith("not as it should be, see above: recurrence, start\n")


def test_a_name_that_is_none_is_told_those_there_are() -> None:
    done = _bench("speed")
    assert done.returncode == 2
    assert done.stderr.startswith("no such bench: speed; there are start, api, plans,")


def _bench(
    *names: str, environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "bench", *names],
        cwd=BENCH.parent,
        env={**os.environ, **(environment or {})},
        capture_output=True,
        text=True,
        check=False,
    )
