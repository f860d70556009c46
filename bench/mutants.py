"""How many changes of the rules nobody's test notices: mutmut, on mutants drawn at random.

make mutants FILES="core/rules/snooze.py" SECONDS=300 [DRAWN=60] [SEED=8] [TESTS="tests/core/rules"]

In a copy of the checkout, which stays where mutmut keeps what it found: mutants are written into
the code they are of. TESTS are the folders that mirror those of FILES, without what is slow or
draws its cases itself: a run over all tests for each mutant that lives would be hours.
"""

import collections
import json
import os
import random
import shutil
import signal
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table

ROOT: Final = Path(__file__).resolve().parents[1]
HOME: Final = ROOT / ".venv/mutants"
COPY: Final = HOME / "checkout"
MUTMUT: Final = HOME / "bin/mutmut"
LEFT_OUT: Final = (
    *("hostile", "simulator", "oracle", "fuzz", "properties", "round_trips"),  # slow
    "test_times_phrases",  # mutmut asks for some of its cases by names that pytest does not know
)
NO_TEST: Final = 33
NONE: Final = "no.such.mutant*"
NICE: Final = ("nice", "-n", "15")


def main() -> None:
    files = os.environ.get("FILES") or "core/rules/**/*.py"
    tests = os.environ.get("TESTS") or " ".join(sorted({mirrored(each) for each in files.split()}))
    seconds, drawn = int(os.environ.get("SECONDS", "600")), int(os.environ.get("DRAWN", "60"))
    copied(files.split(), tests.split())
    made = subprocess.run([*NICE, MUTMUT, "run", NONE], cwd=COPY, check=False, capture_output=True)
    rng = random.Random(int(os.environ.get("SEED", "8")))  # noqa: S311 (which mutants, no secret)
    sample = [
        name for names in found().values() for name in rng.sample([*names], min(drawn, len(names)))
    ]
    if not sample:
        raise SystemExit(f"No mutants of {files}:\n{made.stderr.decode()}")
    rng.shuffle(sample)  # when time is up, of every file some were tried
    tried(sample, seconds)
    told(found())


def mirrored(path: str) -> str:
    return f"tests/{path.partition('*')[0]}".rpartition("/")[0]


def copied(files: list[str], tests: list[str]) -> None:
    """What git knows or would add, as it is now."""
    listing = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listing, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    shutil.rmtree(COPY, ignore_errors=True)
    paths = [name for name in names.split("\0") if name and (ROOT / name).is_file()]
    for name in paths:
        (COPY / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, COPY / name)
    arguments = ["-p", "no:cacheprovider", *(f"--ignore-glob=*{each}*" for each in LEFT_OUT)]
    settings = {
        "source_paths": ["core/rules"],
        "only_mutate": files,
        "also_copy": sorted({name.partition("/")[0] for name in paths}),
        "pytest_add_cli_args_test_selection": tests,
        "pytest_add_cli_args": arguments,
    }
    lines = "".join(f"{name} = {json.dumps(value)}\n" for name, value in settings.items())
    with (COPY / "pyproject.toml").open("a", encoding="utf-8") as file:
        file.write(f"\n[tool.mutmut]\n{lines}")


def tried(sample: list[str], seconds: int) -> None:
    """As many as the time allows; each keeps its verdict as soon as it has one."""
    command = [*NICE, str(MUTMUT), "run", "--max-children", str(os.cpu_count() or 1), *sample]
    running = subprocess.Popen(command, cwd=COPY, start_new_session=True)
    try:
        running.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        with suppress(ProcessLookupError):
            os.killpg(running.pid, signal.SIGTERM)
        running.wait()


def found() -> dict[str, dict[str, int | None]]:
    """By file, how the tests of each mutant ended; null for one not tried."""
    return {
        str(path.relative_to(COPY / "mutants").with_suffix("")): json.loads(path.read_text())[
            "exit_code_by_key"
        ]
        for path in sorted(COPY.glob("mutants/core/rules/**/*.meta"))
    }


def told(by_file: dict[str, dict[str, int | None]]) -> None:
    table = Table("file", "mutants", "tried", "live", "no test")
    live = []
    for path, ends in by_file.items():
        count = collections.Counter(ends.values())
        done = {name for name, end in ends.items() if end is not None}
        if done:
            table.add_row(
                path.removeprefix("core/rules/"),
                *map(str, (len(ends), len(done), count[0], count[NO_TEST])),
            )
        live += [name for name, end in ends.items() if end in {0, NO_TEST}]
    console = Console(soft_wrap=True, highlight=False)
    for name in live:
        console.print(name, markup=False)
    console.print(table)
    console.print(f"To read one: cd {COPY.relative_to(ROOT)} && ../bin/mutmut show NAME")


if __name__ == "__main__":
    main()
