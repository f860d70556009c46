"""Whether what came of an utterance is right: in every field, or it is wrong."""

import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from itertools import islice
from typing import Final

from api.trials.cases import ANY, Case, Expected, Kind, Outcome
from api.trials.seen import NONE, Act, Seen, Value
from core.rules import recurrence, rrule
from core.rules.recurrence import Recurrence
from core.rules.reminders import Due
from core.rules.understanding.commands import Intent

_COMPARED: Final = 8  # occurrences of two rules
_LOOSE: Final = frozenset({"title", "text"})


@dataclass(frozen=True, slots=True)
class Verdict:
    """`wrong` says what; it is empty where all is right. `silent`: it changed something wrongly
    without having asked.
    """

    case: Case
    seen: Seen
    wrong: Sequence[str]

    @property
    def passed(self) -> bool:
        return not self.wrong

    @property
    def silent(self) -> bool:
        """Not where all that it did is right, and it only asked something beside it."""
        if self.passed or not self.seen.writes:
            return False
        return not any(
            outcome.kind is Kind.ACTS
            and not _commands(self.case, outcome.commands or (), self.seen.acts)
            for outcome in self.case.outcomes
        )


def verdict(case: Case, seen: Seen) -> Verdict:
    """Of several outcomes that are right, the nearest is what a failure is told against."""
    found = [list(_wrong(case, outcome, seen)) for outcome in case.outcomes]
    return Verdict(case, seen, min(found, key=len))


def tried(case: Case, hear: Callable[[Case], Seen]) -> Verdict:
    """The verdict on what `hear` makes of it. That it breaks is a failure like any other."""
    try:
        seen = hear(case)
    except Exception as error:  # noqa: BLE001 - one utterance that breaks must not hide the others
        return Verdict(case, Seen(), [f"breaks: {error!r}"])
    return verdict(case, seen)


def _wrong(case: Case, outcome: Outcome, seen: Seen) -> Sequence[str]:
    acts = ", ".join(_shown(act) for act in seen.acts)
    match outcome.kind:
        case Kind.NOTHING:
            asked = [f"asks: {_asked(seen)}"] if seen.asks or seen.proposed else []
            return [*([f"does {acts}"] if acts else []), *asked]
        case Kind.HARMLESS:
            return [f"does {acts}"] if seen.writes else []
        case Kind.ASKS:
            missing = set(outcome.offered) - set(seen.offered)
            return [
                *([f"does {acts} without asking"] if acts else []),
                *([] if seen.asks else ["does not ask"]),
                *([f"does not offer {sorted(missing)}"] if missing else []),
                *(_commands(case, outcome.commands, seen.proposed) if outcome.commands else []),
            ]
        case Kind.ACTS:
            asked = [f"asks: {_asked(seen)}"] if seen.asks else []
            return [*asked, *_commands(case, outcome.commands or (), seen.acts)]


def _commands(case: Case, expected: Sequence[Expected], acts: Sequence[Act]) -> list[str]:
    if len(expected) != len(acts):
        return [f"{len(acts)} commands, not {len(expected)}: {', '.join(map(_shown, acts))}"]
    pairs = zip(expected, acts, strict=True)
    return [line for each, act in pairs for line in _command(case, each, act)]


def _command(case: Case, expected: Expected, act: Act) -> list[str]:
    if act.intent not in expected.intents:
        return [f"{act.intent}, not {' or '.join(expected.intents)}: {_shown(act)}"]
    wrong: list[str] = []
    if expected.todo and _plain(act.todo or "") not in {_plain(each) for each in expected.todo}:
        wrong.append(f"is about {act.todo!r}, not {expected.todo[0]!r}")
    names = [*expected.fields, *(name for name in act.fields if name not in expected.fields)]
    for name in names:
        missing: Value = NONE if act.intent is Intent.CREATE and name != "tags" else "not said"
        seen = act.fields.get(name, missing if name != "tags" else ())
        allowed = expected.fields.get(name, ("not said",) if name != "tags" else ((),))
        if not any(_same(case, act, name, each, seen) for each in allowed):
            wrong.append(f"{name} is {seen!r}, not {' or '.join(map(repr, allowed))}")
    if act.intent is Intent.LIST:
        wrong += _query(case, expected, act)
    return wrong


def _query(case: Case, expected: Expected, act: Act) -> list[str]:
    wanted = {"status": ("pending",), **expected.query}
    seen = {"status": "pending", **act.query}
    wrong: list[str] = []
    for name in dict.fromkeys([*wanted, *seen]):
        allowed, value = wanted.get(name, (NONE,)), seen.get(name, NONE)
        if not any(_same(case, act, name, each, value) for each in allowed):
            wrong.append(f"query: {name} is {value!r}, not {' or '.join(map(repr, allowed))}")
    return wrong


def _same(case: Case, act: Act, name: str, allowed: Value, seen: Value) -> bool:
    if allowed == ANY:
        return True
    if isinstance(allowed, tuple) or isinstance(seen, tuple):
        return sorted(map(str.casefold, allowed)) == sorted(map(str.casefold, seen))
    if name == "repeat" and "=" in allowed and "=" in seen:
        return _days(case, act, allowed) == _days(case, act, seen)
    if name in _LOOSE:
        return _plain(allowed) == _plain(seen)
    return allowed.casefold() == seen.casefold()


def _days(case: Case, act: Act, rule: str) -> list[datetime]:
    """What a rule comes to: there are several ways to write the same one."""
    due = act.fields.get("due", NONE)
    start = case.now.replace(tzinfo=None).isoformat() if due in {NONE, ANY} else str(due)
    day, _, clock = start.replace("T", " ").partition(" ")
    at = time.fromisoformat(clock) if clock else None
    said = Recurrence(rrule.parse(rule))
    found = recurrence.occurrences(said, Due(date.fromisoformat(day), at, None), zone=case.zone)
    return [each.wall for each in islice(found, _COMPARED)]


def _plain(title: str) -> str:
    """Without case, and without the blanks and punctuation around it."""
    kept = [n for n, char in enumerate(title) if unicodedata.category(char)[0] not in "PZC"]
    return title[kept[0] : kept[-1] + 1].casefold() if kept else title.casefold()


def _shown(act: Act) -> str:
    said = {**act.fields, **act.query}
    parts = [f"{name}={value!r}" for name, value in said.items() if value not in {NONE, ()}]
    about = [repr(act.todo)] if act.todo else []
    return f"{act.intent}({', '.join([*about, *parts])})"


def _asked(seen: Seen) -> str:
    told = [*map(_shown, seen.proposed), *map(repr, seen.offered)]
    return ", ".join(told) or "what is meant"
