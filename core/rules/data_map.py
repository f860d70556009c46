"""What is kept of people and why, as `core/data_map.yaml` says it; the file explains its words.

    data_map.read().tables["todos"].columns["title"].export  # "todos.json"

Every answer is one that was given: what is missing, unknown or said twice raises `Misconfigured`
with its place. Whether it is all that there is, is for a convention test to say.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import Any, Final, NoReturn

import yaml

from core.errors import Misconfigured

try:
    from yaml import CSafeLoader as SafeLoader  # a tenth of a second less
except ImportError:  # built without libyaml
    from yaml import SafeLoader  # type: ignore[assignment]  # the same, in Python

NOBODY: Final = "nobody"


class Erase(StrEnum):
    DELETE = "delete"  # it goes with its person, or with their workspace
    ANONYMISE = "anonymise"  # its row may stay with others and leads to nobody any more
    KEEP = "keep"


class Risk(StrEnum):
    """What follows when others read it."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


class ThirdErase(StrEnum):
    """How what a third party has of somebody ends."""

    REQUEST = "request"  # asked for
    REVOKE = "revoke"  # our access ends; what is there belongs to the person
    EXPIRE = "expire"  # nothing more goes there


@dataclass(frozen=True, slots=True)
class Answers:
    """Of one column, folder, payload or log field. Words are keys of the map's own lists.

    `export` names the archive's member, or is null and `export_reason` says why; `kept_because` is
    null unless `erase` is `keep`. `sealed`: who has the database alone does not read it.
    """

    category: str
    purpose: str
    basis: str
    retention: str
    export: str | None
    export_reason: str | None
    erase: Erase
    kept_because: str | None
    sealed: bool


@dataclass(frozen=True, slots=True)
class Whose:
    """`column` holds a person's id; or, with `table`, the id of the row there that leads on."""

    column: str
    table: str | None


@dataclass(frozen=True, slots=True)
class Table:
    """`whose` is null where rows lead to nobody."""

    name: str
    says: str
    whose: Whose | None
    columns: Mapping[str, Answers]


@dataclass(frozen=True, slots=True)
class Folder:
    """Of the blob store; its blobs are as much a person's as the rows of `table`."""

    name: str
    says: str
    table: str
    answers: Answers


@dataclass(frozen=True, slots=True)
class Told:
    """Names that something is told under: fields by type for payloads, `""` for logs."""

    says: str
    fields: Mapping[str, Mapping[str, Answers]]


@dataclass(frozen=True, slots=True)
class ThirdParty:
    """`settings` point to it, `hosts` are its own; `consent` is the kind that it takes, if any."""

    name: str
    says: str
    settings: tuple[str, ...]
    hosts: tuple[str, ...]
    categories: tuple[str, ...]
    purpose: str
    basis: str
    consent: str | None
    when: str
    ends: str
    erase: ThirdErase


@dataclass(frozen=True, slots=True)
class Category:
    risk: Risk
    says: str


@dataclass(frozen=True, slots=True)
class Basis:
    article: str
    says: str


@dataclass(frozen=True, slots=True)
class Retention:
    """`days` is null where nothing but its end ends it; `setting` says another number.

    Some of its rows go after `sooner` days.
    """

    days: int | None
    sooner: int | None
    setting: str | None
    says: str


@dataclass(frozen=True, slots=True)
class DataMap:
    categories: Mapping[str, Category]
    purposes: Mapping[str, str]
    bases: Mapping[str, Basis]
    reasons: Mapping[str, str]
    retention: Mapping[str, Retention]
    tables: Mapping[str, Table]
    blobs: Mapping[str, Folder]
    payloads: Told
    logs: Told
    third_parties: Mapping[str, ThirdParty]

    def exported(self) -> Iterator[tuple[str, str, str]]:
        """(member, table, column) of all that belongs into a person's archive."""
        for table in self.tables.values():
            for column, answers in table.columns.items():
                if answers.export is not None:
                    yield answers.export, table.name, column


@cache
def read() -> DataMap:
    """The map of this installation's code; read once."""
    return parse(files("core").joinpath("data_map.yaml").read_text(encoding="utf-8"))


def parse(text: str) -> DataMap:
    """Raises `Misconfigured`."""
    raw = yaml.load(text, Loader=_Strict)  # noqa: S506 - a SafeLoader
    try:
        return _Reader(raw).data_map()
    except (KeyError, ValueError) as error:
        raise Misconfigured(f"core/data_map.yaml: {error}") from error


class _Strict(SafeLoader):
    """Refuses a key said twice, of which YAML would silently take the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:  # noqa: FBT001, FBT002 - as it is called
        names = [self.construct_object(key, deep=True) for key, _ in node.value]
        for name in names:
            if names.count(name) > 1:
                _refuse(f"line {node.start_mark.line + 1}", f"{name!r} is said twice")
        return super().construct_mapping(node, deep)


COMMON: Final = ("category", "purpose", "basis", "retention", "export", "erase")


class _Reader:
    def __init__(self, raw: Mapping[str, Any]) -> None:
        self._raw = raw

    def data_map(self) -> DataMap:
        raw = self._raw
        return DataMap(
            {
                name: Category(Risk(it["risk"]), it["says"])
                for name, it in raw["categories"].items()
            },
            raw["purposes"],
            {name: Basis(it["article"], it["says"]) for name, it in raw["bases"].items()},
            raw["reasons"],
            {
                name: Retention(it.get("days"), it.get("sooner"), it.get("setting"), it["says"])
                for name, it in raw["retention"].items()
            },
            {name: self._table(name, it) for name, it in raw["tables"].items()},
            {name: self._folder(name, it) for name, it in raw["blobs"].items()},
            self._told("payloads", raw["payloads"], raw["payloads"]["types"]),
            self._told("logs", raw["logs"], {"": raw["logs"]["fields"]}),
            {name: self._third(name, it) for name, it in raw["third_parties"].items()},
        )

    def _table(self, name: str, it: Mapping[str, Any]) -> Table:
        return Table(name, it["says"], self._whose(name, it["whose"]), self._columns(name, it))

    def _whose(self, table: str, said: str | Mapping[str, str]) -> Whose | None:
        if said == NOBODY:
            return None
        if isinstance(said, str):
            return Whose(said, None)
        ((column, through),) = said.items()
        if through not in self._raw["tables"]:
            _refuse(table, f"{through!r} is no table")
        return Whose(column, through)

    def _columns(self, place: str, it: Mapping[str, Any]) -> dict[str, Answers]:
        return self._named(place, it, it["columns"])

    def _named(self, place: str, it: Mapping[str, Any], groups: list[Any]) -> dict[str, Answers]:
        found: dict[str, Answers] = {}
        for group in groups:
            answers = self._answers(place, {**it, **group})
            for name in group["names"]:
                if name in found:
                    _refuse(place, f"{name!r} is said twice")
                found[name] = answers
        return found

    def _answers(self, place: str, it: Mapping[str, Any]) -> Answers:
        missing = [name for name in COMMON if name not in it]
        if missing:
            _refuse(place, f"nothing is said of {', '.join(missing)}")
        for name, words in (
            ("category", "categories"),
            ("purpose", "purposes"),
            ("basis", "bases"),
            ("retention", "retention"),
        ):
            self._known(place, words, it[name])
        export, erase = it["export"], it["erase"]
        none = self._reason(place, export, "none")
        keep = self._reason(place, erase, "keep")
        return Answers(
            it["category"],
            it["purpose"],
            it["basis"],
            it["retention"],
            None if none else export,
            none,
            Erase.KEEP if keep else Erase(erase),
            keep,
            it.get("sealed", False),
        )

    def _reason(self, place: str, said: object, word: str) -> str | None:
        """Of `{word: reason}`; null when something else was said."""
        if isinstance(said, str):
            if said in {word, ""}:
                _refuse(place, f"`{word}` needs a reason")
            return None
        if not isinstance(said, Mapping) or set(said) != {word}:
            _refuse(place, f"{said!r} is neither a word nor {{{word}: reason}}")
        self._known(place, "reasons", said[word])
        return str(said[word])

    def _folder(self, name: str, it: Mapping[str, Any]) -> Folder:
        self._known(name, "tables", it["whose"])
        return Folder(name, it["says"], it["whose"], self._answers(name, it))

    def _told(self, place: str, it: Mapping[str, Any], fields: Mapping[str, Any]) -> Told:
        named = {
            name: self._named(
                f"{place} {name}",
                it,
                said if said and isinstance(said[0], Mapping) else [{"names": said}],
            )
            for name, said in fields.items()
        }
        return Told(it["says"], named)

    def _third(self, name: str, it: Mapping[str, Any]) -> ThirdParty:
        for category in it["categories"]:
            self._known(name, "categories", category)
        self._known(name, "purposes", it["purpose"])
        self._known(name, "bases", it["basis"])
        return ThirdParty(
            name,
            it["says"],
            tuple(it["settings"]),
            tuple(it["hosts"]),
            tuple(it["categories"]),
            it["purpose"],
            it["basis"],
            it.get("consent"),
            it["when"],
            it["ends"],
            ThirdErase(it["erase"]),
        )

    def _known(self, place: str, words: str, word: str) -> None:
        if word not in self._raw[words]:
            _refuse(place, f"{word!r} is none of `{words}`")


def _refuse(place: str, what: str) -> NoReturn:
    raise Misconfigured(f"core/data_map.yaml, {place}: {what}")
