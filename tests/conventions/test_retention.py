"""core/data_map.yaml promises when something goes; core/services/retention_rules.py does it."""

from datetime import timedelta
from typing import Final

import psycopg
import pytest

from core.db import Database
from core.models import Table
from core.rules import data_map
from core.services import retention
from core.services.retention_rules import RULES
from core.services.retention_statements import Rule, count, take
from core.settings import Settings

MAP: Final = data_map.read()
TABLES: Final = Table.metadata.tables
# Whoever keeps these forgets them: Temporal its histories, and who runs this its logs.
ELSEWHERE: Final = {"histories", "logs"}
DAY: Final = timedelta(days=1)


def days(rule: Rule) -> int | str:
    """Until a row goes; or the setting that says it. A margin for clocks is less than a day."""
    if isinstance(rule.given, str) or rule.setting is not None:
        return str(rule.setting or rule.given)
    return (rule.age + rule.given).days


def emptied(rule: Rule) -> set[str]:
    return {each.split(" = ")[0] for each in rule.forgets}


@pytest.mark.parametrize(
    "name", [name for name, each in MAP.retention.items() if each.days and name not in ELSEWHERE]
)
def test_each_class_goes_when_it_is_promised(name: str) -> None:
    promised = MAP.retention[name]
    found = {days(rule) for rule in RULES if rule.kind == name}
    if promised.setting is not None:
        assert found == {promised.setting}
        assert Settings.model_fields[promised.setting].default == promised.days
        return
    expected = {each for each in (promised.days, promised.sooner) if each is not None}
    # "Some hours, a day at most."
    assert (found - {0} if name == "hours" else found) == expected


def test_each_rule_is_of_a_class_and_named_once() -> None:
    assert {rule.kind for rule in RULES} - set(MAP.retention) == set()
    assert len({rule.name for rule in RULES}) == len(RULES)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_a_rule_takes_what_is_of_its_class(rule: Rule) -> None:
    columns = MAP.tables[rule.table].columns
    if rule.forgets:
        ours = {name for name, answers in columns.items() if answers.retention == rule.kind}
        assert emptied(rule) - {"updated_at", "audio_gone_at"} == ours
    elif rule.kind != "unfinished":  # of what was to be gone by itself
        assert rule.kind in {answers.retention for answers in columns.values()}


def test_whatever_has_an_age_is_taken_by_a_rule() -> None:
    """Itself, or with the row that it hangs on."""
    taken = {(rule.table, rule.kind) for rule in RULES}
    for name, table in MAP.tables.items():
        above = {name} | {
            key.column.table.name for key in TABLES[name].foreign_keys if key.ondelete == "CASCADE"
        }
        for kind in {answers.retention for answers in table.columns.values()}:
            if MAP.retention[kind].days is not None:
                assert above & {of for of, its in taken if its == kind}, f"{name}: {kind}"
    for folder in MAP.blobs.values():
        kind = folder.answers.retention
        if MAP.retention[kind].days is not None:
            assert (folder.table, kind) in taken


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_a_rule_reads_an_index(database_url: str, rule: Rule) -> None:
    """Where it looks for rows, and where it looks up those that it asks again."""
    values = {"now": "2030-01-01", "until": "2030-01-01", "age": "1 day"}
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("SET ROLE vt_retention")
        connection.execute("SET enable_seqscan = off")
        for statement in (take(rule), count(rule)):
            plan = connection.execute(b"EXPLAIN " + statement.sql, values).fetchall()
            text = "\n".join(line for (line,) in plan)
            assert "Seq Scan" not in text, text
            assert b"ctid" not in statement.sql or "Tid Scan" in text, text


async def test_a_rule_may_do_what_it_does_and_nothing_else(database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        deletes = connection.execute(
            "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace"
            " AND relkind = 'r' AND has_table_privilege('vt_retention', oid, 'DELETE')"
        ).fetchall()
        updates = connection.execute(
            "SELECT c.relname, a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid"
            " WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND a.attnum > 0"
            " AND has_column_privilege('vt_retention', c.oid, a.attnum, 'UPDATE')"
        ).fetchall()
    assert {name for (name,) in deletes} == {each.table for each in RULES if not each.forgets}
    expected = {(rule.table, column) for rule in RULES for column in emptied(rule)}
    assert {each for each in updates if each[0] != "retention_runs"} == expected
    database = Database(database_url, role="vt_retention", size=1)
    await database.open()
    async with database.transaction(read_only=True) as tx:
        counted = [await retention.over(tx, rule, now=tx.began_at) for rule in RULES]
    await database.close()
    assert len(counted) == len(RULES)
