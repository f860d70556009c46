"""How many are understood: tables per language and category."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rich import box
from rich.table import Table

from api.trials.verdicts import Verdict


@dataclass(frozen=True, slots=True)
class Score:
    """`silent`: changed something wrongly without having asked. `asked`: asked where it had not to,
    and so did no harm.
    """

    cases: int
    passed: int
    silent: int
    asked: int

    @property
    def share(self) -> float:
        """In per cent."""
        return 100 * self.passed / self.cases if self.cases else 0.0

    @property
    def silent_share(self) -> float:
        return 100 * self.silent / self.cases if self.cases else 0.0


def score(verdicts: Iterable[Verdict]) -> Score:
    all_of = list(verdicts)
    return Score(
        cases=len(all_of),
        passed=sum(each.passed for each in all_of),
        silent=sum(each.silent for each in all_of),
        asked=sum(not each.passed and not each.silent and each.seen.asks for each in all_of),
    )


def by_category(verdicts: Sequence[Verdict]) -> Table:
    """One row per category, one column per language; per cent."""
    languages = list(dict.fromkeys(each.case.language for each in verdicts))
    table = _table("", *languages, "all")
    for category in dict.fromkeys(each.case.category for each in verdicts):
        of_it = [each for each in verdicts if each.case.category == category]
        rows = [[each for each in of_it if each.case.language == code] for code in languages]
        shares = (f"{score(row).share:.0f}" if row else "" for row in [*rows, of_it])
        table.add_row(category, *shares)
    return table


def by_language(verdicts: Sequence[Verdict], *, unhinted: Sequence[Verdict] = ()) -> Table:
    """What is published. `unhinted` are the same cases, asked without telling the language.

    right: in every field; kept aside: of the half that nobody looks at; untold: as `unhinted`;
    silent: changed something wrongly without asking; in vain: asked where it had not to.
    """
    table = _table("language", "cases", "right", "kept aside", "untold", "silent", "in vain")
    languages = list(dict.fromkeys(each.case.language for each in verdicts))
    for code in [*languages, None]:
        rows = [each for each in verdicts if code in {None, each.case.language}]
        bare = [each for each in unhinted if code in {None, each.case.language}]
        total, aside = score(rows), score(each for each in rows if each.case.kept)
        table.add_row(
            code or "all",
            str(total.cases),
            _share(total),
            _share(aside),
            _share(score(bare)),
            f"{total.silent_share:.1f} %",
            f"{100 * total.asked / total.cases:.1f} %" if total.cases else "",
        )
    return table


def told(verdict: Verdict) -> Sequence[str]:
    """A failure in lines: what was said, and what is wrong."""
    case = verdict.case
    mark = "SILENT " if verdict.silent else ""
    head = f"{mark}{case.language} {case.category} {case.id}: {' / '.join(case.say)}"
    return [head, *(f"    {each}" for each in verdict.wrong)]


def _share(of: Score) -> str:
    return f"{of.share:.1f} %" if of.cases else ""


def _table(*heads: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for head in heads:
        table.add_column(
            head, justify="left" if head in {"", "language"} else "right", no_wrap=True
        )
    return table
