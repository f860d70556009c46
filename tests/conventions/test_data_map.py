"""Whatever is kept of people or told to others is in core/data_map.yaml, and nothing else is."""

import ast
import dataclasses
import importlib
import re
import typing
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from core import messages
from core.errors import Misconfigured
from core.logs import FIELDS
from core.models import Table
from core.models.memos import ConsentKind
from core.rules import data_map
from core.rules.data_map import Answers, Erase
from core.services import erasure_rows, reseals
from core.settings import Settings
from tests.conventions.test_workflow_signatures import activities, signature, workflow_runs

ROOT: Final = Path(__file__).resolve().parents[2]
TABLES: Final = Table.metadata.tables
MAP: Final = data_map.read()
# Without a foreign key to `users`: it is the person, has their id, or outlives them.
PEOPLE: Final = {
    ("users", "id"),
    ("workspaces", "id"),
    ("digests", "id"),
    ("audit_log", "actor_id"),
    ("erasures", "user_id"),
    ("data_requests", "user_id"),
    ("idempotency_keys", "user_id"),
}
# Addresses of ours, and of servers that whoever runs this runs as well.
OURS: Final = {"public_url", "database_url"}
# Neither in the plan of an erasure nor left by it: they go when all else has gone.
LAST: Final = {"users", "workspaces", "memberships", "executions", "subject_keys"}
KEY_PARTS: Final = 3  # a folder, a slash, a name
ADDRESS: Final = re.compile(r'(?<!")"https://([a-z0-9.-]+\.[a-z]{2,})[/"]')


def test_every_column_is_in_the_map_and_every_entry_is_a_column() -> None:
    ours = {(name, column.name) for name, table in TABLES.items() for column in table.columns}
    told = {(name, column) for name, table in MAP.tables.items() for column in table.columns}
    assert ours - told == set(), "say it in core/data_map.yaml"
    assert told - ours == set(), "core/data_map.yaml names what is not there"


@pytest.mark.parametrize("name", MAP.tables)
def test_rows_lead_to_a_person(name: str) -> None:
    """Along foreign keys, so that what is counted, taken and erased is theirs."""
    whose, seen = MAP.tables[name].whose, {name}
    while whose is not None and whose.table is not None:
        assert whose.column in TABLES[name].columns
        assert whose.table not in seen
        name, whose = whose.table, MAP.tables[whose.table].whose
        seen.add(name)
    if whose is not None:
        column = TABLES[name].columns[whose.column]
        keys = {key.target_fullname for key in column.foreign_keys}
        is_room = whose.column == "workspace_id"
        assert is_room or "users.id" in keys or (name, whose.column) in PEOPLE


def test_what_names_a_person_is_not_said_to_be_nobodys() -> None:
    named = {
        name
        for name, table in TABLES.items()
        for key in table.foreign_keys
        if key.target_fullname == "users.id"
    }
    assert {name for name in named if MAP.tables[name].whose is None} == set()


def test_only_what_can_be_empty_is_anonymised() -> None:
    found = {
        (name, column): TABLES[name].columns[column].nullable
        for name, table in MAP.tables.items()
        for column, answers in table.columns.items()
        if answers.erase is Erase.ANONYMISE
    }
    assert found
    assert all(found.values()), found


def test_what_an_erasure_leaves_is_what_the_map_keeps() -> None:
    every = {
        name: {answers.erase is Erase.KEEP for answers in table.columns.values()}
        for name, table in MAP.tables.items()
    }
    assert {name for name, kept in every.items() if len(kept) > 1} == set()
    kept = {name for name, each in every.items() if each == {True}}
    assert kept == set(erasure_rows.STAYS) - LAST


def test_what_is_sealed_anew_is_sealed_on_the_map() -> None:
    sealed = {
        (name, column)
        for name, table in MAP.tables.items()
        for column, answers in table.columns.items()
        if answers.sealed
    }
    assert {(each.table, each.column) for each in reseals.KEPT} <= sealed


def folders() -> Iterator[tuple[str, str]]:
    """(file, folder) of each blob's key that code makes: `f"{FOLDER}/{uuid7()}"`."""
    for package in ("api", "activities", "core"):
        for path in (ROOT / package).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if not isinstance(node, ast.JoinedStr) or len(node.values) != KEY_PARTS:
                    continue
                folder, slash, _ = node.values
                if isinstance(folder, ast.FormattedValue) and ast.unparse(slash) == "'/'":
                    name = ast.unparse(folder.value)
                    if name.rpartition(".")[2].isupper():
                        module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
                        yield path.name, eval(name, vars(importlib.import_module(module)))  # noqa: S307 - a name that our own code says


def test_every_folder_of_blobs() -> None:
    found = [(file, folder) for file, folder in folders() if not folder.startswith("/")]
    assert {folder for _, folder in found} == set(MAP.blobs)
    puts = {
        path.name
        for package in ("api", "activities")
        for path in (ROOT / package).rglob("*.py")
        if re.search(r"blobs\.put\(", path.read_text(encoding="utf-8"))
    }
    assert puts - {file for file, _ in found} == {
        "erasures.py"
    }  # its keys are made in core/services


def test_every_log_field() -> None:
    assert set(MAP.logs.fields[""]) == FIELDS


def told() -> Iterator[type[Any]]:
    """What goes into histories: each message, and what is in a signature, however deep."""
    found: list[Any] = [each for each in vars(messages).values() if isinstance(each, type)]
    for function in [*workflow_runs(), *activities()]:
        found += signature(function).values()
    seen: set[type[Any]] = set()
    while found:
        kind = found.pop()
        found += typing.get_args(kind)
        if isinstance(kind, type) and dataclasses.is_dataclass(kind) and kind not in seen:
            seen.add(kind)
            found += typing.get_type_hints(kind).values()
            yield kind


def test_every_field_of_a_payload() -> None:
    ours = {kind.__name__: {each.name for each in dataclasses.fields(kind)} for kind in told()}
    assert {name: set(fields) for name, fields in MAP.payloads.fields.items()} == ours


def test_every_address_of_others() -> None:
    """Settings that point outside, and addresses in code, belong to a third party of the map."""
    settings = {
        name
        for name in Settings.model_fields
        if name.endswith(("_url", "_endpoint", "_services")) and name not in OURS
    }
    told = Counter(name for each in MAP.third_parties.values() for name in each.settings)
    assert set(told) == settings
    assert set(told.values()) == {1}
    hosts = {host for each in MAP.third_parties.values() for host in each.hosts}
    found = {
        (path.name, host)
        for folder in ("integrations", "activities", "workflows")
        for path in (ROOT / folder).rglob("*.py")
        if "sandbox" not in path.parts
        for host in ADDRESS.findall(path.read_text(encoding="utf-8"))
        if not host.endswith(".example")
    }
    assert found
    assert {each for each in found if each[1] not in hosts} == set()


def test_a_consent_is_for_a_third_party_and_one_that_needs_consent_says_which() -> None:
    kinds = {each.consent for each in MAP.third_parties.values() if each.basis == "consent"}
    assert kinds == set(ConsentKind)
    assert {each.consent for each in MAP.third_parties.values()} - kinds == {None}


def test_every_word_of_the_map_is_used() -> None:
    every: list[Answers] = [
        *(answers for table in MAP.tables.values() for answers in table.columns.values()),
        *(folder.answers for folder in MAP.blobs.values()),
        *(
            one
            for told in (MAP.payloads, MAP.logs)
            for it in told.fields.values()
            for one in it.values()
        ),
    ]
    assert {each.category for each in every} == set(MAP.categories)
    assert {each.purpose for each in every} == set(MAP.purposes)
    bases = {each.basis for each in every} | {each.basis for each in MAP.third_parties.values()}
    assert bases == set(MAP.bases)
    assert {each.retention for each in every} == set(MAP.retention)
    reasons = {each.export_reason for each in every} | {each.kept_because for each in every}
    assert reasons - {None} == set(MAP.reasons)


def test_settings_that_say_how_long_exist() -> None:
    named = {each.setting for each in MAP.retention.values() if each.setting}
    assert named
    assert named <= set(Settings.model_fields)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("    whose: id\n    purpose: account\n", "    whose: id\n"),
        ("purpose: account\n", "purpose: curiosity\n"),
        ("names: [name, timezone,", "names: [name, name, timezone,"),
        ("export: {none: secret}", "export: {none: because}"),
        ("export: {none: secret}", "export: none"),
        ("erase: {keep: proof}", "erase: keep"),
        ("erase: delete", "erase: shred"),
        ("whose: {session_id: sessions}", "whose: {session_id: visits}"),
        ("\n  users:\n", "\n  users: {}\n  users:\n"),
        ("    says: A person.\n", ""),
    ],
)
def test_what_does_not_fit_is_refused(old: str, new: str) -> None:
    text = (ROOT / "core" / "data_map.yaml").read_text(encoding="utf-8")
    assert old in text
    with pytest.raises(Misconfigured):
        data_map.parse(text.replace(old, new, 1))
