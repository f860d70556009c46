"""How much of what people say is understood: every case of tests/data/utterances.

python -m bench.score [--door URL] [--lang de] [--show] [--write]

Half of the cases are kept aside: their failures are told in numbers only, so that nothing is
fitted to them, unless one asks with --show. --door asks a running server over HTTP instead of the
rules (start it with VOICETODO_RATE_LIMIT_API=1000000 and VOICETODO_RATE_LIMIT_AUTH=1000000).
"""

import argparse
import re
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.progress import track

from api.trials import cases, rules, scores
from api.trials.cases import Case
from api.trials.verdicts import Verdict, tried
from bench.results import markdown
from bench.score_door import Door

README = Path(__file__).resolve().parents[1] / "README.md"
BEGIN, END = "<!-- score: made by `make score` -->\n", "<!-- end of score -->\n"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.score")
    parser.add_argument("--door", help="address of a running server", metavar="URL")
    parser.add_argument("--lang", action="append", help="only this one; may be repeated")
    parser.add_argument("--show", action="store_true", help="tell failures kept aside, too")
    parser.add_argument("--failing", action="store_true", help="tell the failures of the open half")
    parser.add_argument("--write", action="store_true", help="put the table into README.md")
    given = parser.parse_args()
    asked = [case for code in given.lang or cases.languages() for case in cases.load(code)]
    hinted = judge(asked, hint=True, door=given.door)
    bare = [] if given.door else judge(asked, hint=False, door=None)
    console = Console(soft_wrap=True, highlight=False)
    for each in hinted:
        if not each.passed and (given.show or (given.failing and not each.case.kept)):
            for line in scores.told(each):
                console.print(line, markup=False)
    table = scores.by_language(hinted, unhinted=bare)
    console.print(scores.by_category(hinted))
    console.print(table)
    if given.write:
        write(markdown(table))


def judge(asked: list[Case], *, hint: bool, door: str | None) -> list[Verdict]:
    told = f"{len(asked)} utterances" + ("" if hint else ", languages untold")
    progress = track(asked, told, console=Console(stderr=True), transient=True)
    if door is None:
        return [tried(case, partial(rules.hear, hint=hint)) for case in progress]
    with Door(door, hint=hint) as server:
        return [tried(case, server.hear) for case in progress]


def write(table: str, readme: Path = README) -> None:
    """Between the markers; a README without them is left alone."""
    text = readme.read_text("utf-8")
    made = f"{BEGIN}{table}\n{END}"
    new = re.sub(f"{re.escape(BEGIN)}.*?{re.escape(END)}", lambda _: made, text, flags=re.DOTALL)
    if made not in new:
        raise SystemExit(f"README.md has no {BEGIN.strip()}")
    readme.write_text(new, "utf-8")


if __name__ == "__main__":
    main()
