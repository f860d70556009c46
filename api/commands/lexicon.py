"""`voicetodo lexicon check | list`: for those who write the words of a language."""

from functools import partial
from typing import Annotated, Any

import typer
from rich import box
from rich.markup import escape
from rich.table import Table

from api.commands.options import Json, answer
from api.commands.words import counted
from core.errors import Misconfigured
from core.rules.understanding import lexicon
from core.rules.understanding.lexicon import InvalidLexicon

app = typer.Typer(help="The words of each language.", no_args_is_help=True)
Code = Annotated[str, typer.Argument(help="Such as `de`.", metavar="LANGUAGE")]


@app.command("list")
def list_lexicons(*, as_json: Json = False) -> None:
    """Show which languages are understood by rules, and how well that is known."""
    from api.trials import cases  # noqa: PLC0415 - rules of dates and titles: not for `--help`

    found: list[dict[str, Any]] = []
    for code in lexicon.codes():
        words = _load(code)
        cased = len(cases.load(code)) if code in cases.languages() else 0
        tier = {"code": code, "name": words.name, "tier": words.tier, "utterances": cased}
        found.append({**tier, "english_name": words.english_name})
    view = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for title in ("language", "name", "", "tier", "utterances"):
        view.add_column(title)
    for each in found:
        cells = (each["code"], each["name"], each["english_name"], each["tier"], each["utterances"])
        view.add_row(*map(str, cells))
    answer(found, view, as_json=as_json)


@app.command()
def check(
    code: Code,
    *,
    show: Annotated[
        bool, typer.Option(help="Tell failures of the half that is kept aside, too.")
    ] = False,
    as_json: Json = False,
) -> int:
    """Check the lexicon of a language, and how much of its utterances is understood.

    The utterances are those of tests/data/utterances in a checkout. Exit code 1: not all are.
    """
    from api.trials import cases, rules, scores  # noqa: PLC0415 - as above
    from api.trials.verdicts import tried  # noqa: PLC0415 - as above

    _compiled(code)
    if code not in cases.languages():
        sentence = f"The lexicon is well-formed. {cases.FOLDER / code}.toml has no utterances yet."
        answer({"code": code, "utterances": 0}, escape(sentence), as_json=as_json)
        return 0
    try:
        asked = cases.load(code)
    except cases.InvalidCases as error:
        raise Misconfigured(str(error)) from error
    verdicts = [tried(case, partial(rules.hear, hint=True)) for case in asked]
    total = scores.score(verdicts)
    failing = [each for each in verdicts if not each.passed]
    told = [each for each in failing if show or not each.case.kept]
    document = {
        "code": code,
        "utterances": total.cases,
        "right": total.passed,
        "silent_errors": total.silent,
        "failing": [
            {"id": each.case.id, "say": each.case.say, "wrong": each.wrong} for each in told
        ],
    }
    summary = f"{total.passed} of {total.cases} are right in every field ({total.share:.1f} %); "
    summary += f"{total.silent} would change something wrongly without asking."
    if aside := len(failing) - len(told):
        failures = counted(aside, "failure is", "failures are")
        summary += f" {failures} of the half that is kept aside (--show)."
    lines = [escape(line) for each in told for line in scores.told(each)]
    answer(document, *lines, scores.by_category(verdicts), summary, as_json=as_json)
    return 1 if failing else 0


def _load(code: str) -> lexicon.Lexicon:
    try:
        return lexicon.load(code)
    except KeyError as error:
        known = ", ".join(lexicon.codes())
        raise Misconfigured(f"there is no lexicon of {code!r}, only of {known}") from error
    except InvalidLexicon as error:
        raise Misconfigured(str(error)) from error


def _compiled(code: str) -> None:
    """Read every table and every phrase, as the first utterance would."""
    from core.rules.understanding import time_words, words  # noqa: PLC0415 - as above
    from core.rules.understanding.pattern_parts import BadPatternError  # noqa: PLC0415 - as above

    try:
        time_words.compiled(_load(code))
        words.of(code)
    except InvalidLexicon as error:
        raise Misconfigured(str(error)) from error
    except BadPatternError as error:
        raise Misconfigured(
            f"{code}.toml: the phrase “{error}” cannot be read: every bracket has to be closed, and"
            " a {place} is one of those that en.toml has, once in a phrase"
        ) from error
