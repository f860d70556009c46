"""Utterances with what must come of each, as `tests/data/utterances/<language>.toml` has them.

The format is told in docs/adding-a-language.md.
"""

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from enum import StrEnum
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from api.trials.seen import NONE, Value, moment
from core.rules import rrule
from core.rules.understanding.commands import Intent

FOLDER: Final = Path(__file__).resolve().parents[2] / "tests" / "data" / "utterances"
NOW: Final = "2026-03-02T10:00:00+01:00"
ZONE: Final = "Europe/Berlin"
ANY: Final = "any"
WEEKDAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
INTENTS: Final = {
    **{str(intent): (intent,) for intent in Intent if intent not in {"list", "unknown"}},
    "query": (Intent.LIST,),
    "move": (Intent.UPDATE, Intent.SNOOZE),  # people do not tell one from the other
}
FIELDS: Final = ("title", "due", "repeat", "priority", "tags", "list")
QUERY: Final = ("from", "to", "list", "tag", "priority", "status", "text")
_MOMENT: Final = re.compile(r"(?:([A-Z][a-z]{2}) )?(\d{4}-\d\d-\d\d)(?: (\d\d:\d\d))?", re.ASCII)
_CASE: Final = {"say", "expect", "asks", "nothing", "harmless", "any_of", "may_ask"}
_SETTING: Final = {"todos", "lists", "now", "timezone", "quick"}
_OUTCOME: Final = {"expect", "asks", "nothing", "harmless"}


class InvalidCases(ValueError):
    """What is wrong in a file, one sentence each."""

    def __init__(self, name: str, wrong: Sequence[str]) -> None:
        super().__init__(f"{name}: " + "; ".join(wrong))
        self.wrong = tuple(wrong)


@dataclass(frozen=True, slots=True)
class Todo:
    """One that is there before anything is said."""

    title: str
    due: str | None = None
    list: str | None = None
    tags: tuple[str, ...] = ()
    priority: str = NONE
    done: bool = False


@dataclass(frozen=True, slots=True)
class Expected:
    """One command: an intent, the titles its todo may have, and the values each field may have."""

    intents: tuple[Intent, ...]
    todo: tuple[str, ...]
    fields: Mapping[str, tuple[Value, ...]]
    query: Mapping[str, tuple[Value, ...]]


class Kind(StrEnum):
    ACTS = "acts"
    ASKS = "asks"
    NOTHING = "nothing"
    HARMLESS = "harmless"


@dataclass(frozen=True, slots=True)
class Outcome:
    """`commands` are done, or, where it has to ask, proposed; null: whatever it proposes."""

    kind: Kind
    commands: tuple[Expected, ...] | None = None
    offered: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Case:
    """`say` is a conversation, and `outcomes` are what may come of its last utterance."""

    id: str
    language: str
    category: str
    say: tuple[str, ...]
    outcomes: tuple[Outcome, ...]
    todos: tuple[Todo, ...]
    lists: tuple[str, ...]
    tags: tuple[str, ...]
    now: datetime
    zone: str
    quick: bool

    @property
    def kept(self) -> bool:
        """Of the half that nobody looks at while mending, so that nothing is fitted to it."""
        return int(self.id[0], 16) % 2 == 1


def languages() -> list[str]:
    """Those with a file of cases, in a checkout; none where only the program is installed."""
    return sorted(
        (path.stem for path in FOLDER.glob("*.toml")), key=lambda code: (code != "en", code)
    )


def load(language: str, folder: Path = FOLDER) -> list[Case]:
    """Raises `InvalidCases`, which names every case that is wrong."""
    path = folder / f"{language}.toml"
    try:
        told = tomllib.loads(path.read_text("utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise InvalidCases(path.name, [str(error)]) from error
    wrong: list[str] = []
    if told.get("language") != language or not {"language", "has", "cases"} >= set(told):
        wrong.append(f'a file has language = "{language}", [has] and [cases]')
    found: dict[str, Case] = {}
    for category, cases in told.get("cases", {}).items():
        for one in cases:
            try:
                case = _case(language, category, one, told.get("has", {}))
            except (ValueError, KeyError, TypeError) as error:
                wrong.append(f"{category}, {one.get('say')!r}: {error}")
                continue
            if case.id in found:
                wrong.append(f"{category}, {one['say']!r}: is there twice")
            found[case.id] = case
    if wrong:
        raise InvalidCases(path.name, wrong)
    return list(found.values())


def _case(language: str, category: str, one: Mapping[str, Any], has: Mapping[str, Any]) -> Case:
    if strange := set(one) - _CASE - _SETTING:
        raise ValueError(f"no case has {', '.join(sorted(strange))}")
    say = tuple(_many(one["say"]))
    key = "\n".join((language, category, *say))
    todos = tuple(map(_todo, one.get("todos", has.get("todos", []))))
    case = Case(
        id=sha256(key.encode()).hexdigest()[:8],
        language=language,
        category=category,
        say=say,
        outcomes=tuple(_outcomes(one)),
        todos=todos,
        lists=tuple(one.get("lists", has.get("lists", []))),
        tags=tuple(has.get("tags", [])),
        now=datetime.fromisoformat(one.get("now", NOW)),
        zone=one.get("timezone", ZONE),
        quick=one.get("quick", False),
    )
    _check_titles(case)
    return case


def _outcomes(told: Mapping[str, Any]) -> Iterator[Outcome]:
    for one in told.get("any_of", [told]):
        kinds = _OUTCOME & set(one)
        if len(kinds) != 1 and kinds != {"asks", "expect"}:
            raise ValueError(f"say what is expected: one of {', '.join(sorted(_OUTCOME))}")
        commands = tuple(map(expected, _many(one["expect"]))) if "expect" in one else None
        if "asks" in one:
            offered = () if one["asks"] is True else tuple(_many(one["asks"]))
            yield Outcome(Kind.ASKS, commands, offered)
        elif commands is not None:
            yield Outcome(Kind.ACTS, commands)
            if told.get("may_ask", False):
                yield Outcome(Kind.ASKS, None, tuple(each.todo[0] for each in commands))
        else:
            yield Outcome(Kind.NOTHING if "nothing" in one else Kind.HARMLESS)


def _check_titles(case: Case) -> None:
    """A conversation may speak of todos that it makes; one utterance only of those that stand."""
    there = {todo.title for todo in case.todos}
    if len(case.say) > 1:
        return
    named = {title for outcome in case.outcomes for title in outcome.offered}
    named |= {t for outcome in case.outcomes for each in outcome.commands or () for t in each.todo}
    if missing := named - there:
        raise ValueError(f"there is no todo {min(missing)!r}")


def _todo(one: Mapping[str, Any]) -> Todo:
    due = _moment(one["due"]) if "due" in one else None
    return Todo(**{**one, "due": due, "tags": tuple(one.get("tags", ()))})


def expected(one: Mapping[str, Any]) -> Expected:
    """One command as cases spell it: `{ create = "buy milk", due = "Tue 2026-03-03 17:00" }`."""
    names = [name for name in one if name in INTENTS]
    if len(names) != 1 or not set(one) - set(names) <= set(FIELDS):
        raise ValueError(f"{dict(one)!r} is no command: {', '.join(INTENTS)}, and its fields")
    name, subject = names[0], one[names[0]]
    fields = {field: _values(field, said) for field, said in one.items() if field != name}
    query: dict[str, tuple[Value, ...]] = {}
    todo: tuple[str, ...] = ()
    if name == "create":
        nothing: dict[str, tuple[Value, ...]] = {
            "due": (NONE,),
            "repeat": (NONE,),
            "priority": (NONE,),
            "tags": ((),),
        }
        fields = {**nothing, "list": (NONE,), **fields, "title": tuple(_many(subject))}
    elif name == "query":
        if strange := set(subject) - set(QUERY):
            raise ValueError(f"no query has {', '.join(sorted(strange))}")
        query = {part: _values(part, said) for part, said in subject.items()}
    elif name != "undo":
        todo = tuple(_many(subject))
    return Expected(INTENTS[name], todo, fields, query)


def _values(name: str, said: Any) -> tuple[Value, ...]:
    if name == "tags":
        return (tuple(said),)
    values = tuple(_many(said))
    if name in {"due", "from", "to"}:
        return tuple(each if each in {ANY, NONE} else _moment(each) for each in values)
    if name == "repeat":
        for each in values:
            rrule.parse(each)
    if name == "priority" and not set(values) <= {"high", "medium", "low", NONE}:
        raise ValueError("a priority is high, medium, low or none")
    return values


def _moment(text: str) -> str:
    """A day and perhaps a time, whose weekday is compared where one is written before it."""
    match = _MOMENT.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is not written as 2026-03-03, or Tue 2026-03-03 17:00")
    on = date.fromisoformat(match[2])
    if match[1] and match[1] != WEEKDAYS[on.weekday()]:
        raise ValueError(f"{text}: that day is a {WEEKDAYS[on.weekday()]}")
    return moment(on, time.fromisoformat(match[3]) if match[3] else None)


def _many(one: Any) -> Iterable[Any]:
    return one if isinstance(one, list) else [one]
