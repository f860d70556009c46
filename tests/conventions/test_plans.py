"""Every statement finds its rows by an index, and row-level security does not do the finding.

Which index is taken depends on what is there: `python -m bench.plans` looks at that, with a million
rows in each table. That there is one to take does not.
"""

import gc
import importlib
import pkgutil
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from types import ModuleType
from typing import Any

import psycopg
import pytest

import api
import core
from core.services import jobs, todo_pages, voice_listing
from core.statements import Query
from tests.databases import migrated

ROLES = ("vt_app", "vt_worker", "vt_eraser", "vt_retention")
# What a parameter is where the statement does not say; else PostgreSQL takes `now() - $1` for a
# difference of instants.
TYPES = {"now": "timestamptz", "user": "uuid", "confirmed": "jsonb"}
SMALL = {
    "alembic_version": "one row",
    "data_requests": "few ask for anything",
    "key_epochs": "one for each year",
    "leases": "one for each row in hand",
    "oauth_states": "over in minutes",
    "outbox": "empty but while Temporal is away",
    "rate_limits": "over in an hour",
    "retention_runs": "one for each rule",
    "slack_inbound": "a week of what people say in Slack",
    "voice_uploads": "over in a day",
}
# What leads to somebody who is erased, and to nobody else.
OF_ERASED = {"executions", "voice_applied"}
PAGES = (jobs, todo_pages, voice_listing)


@pytest.fixture(scope="module")
def statements() -> dict[str, Query[Any]]:
    """By the text; all that modules hold, wherever in them."""
    for package in (core, api):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            importlib.import_module(module.name)
    shapes = [each for module in PAGES for each in _by_one(module)]
    assert len(shapes) > 20
    gc.unfreeze()  # an application that was started hid its objects
    gc.collect()
    modules = [held for name, held in sys.modules.items() if name.startswith(("tests.", "bench."))]
    tests_own = {id(each) for module in modules for each in vars(module).values()}
    known = [
        each for each in gc.get_objects() if isinstance(each, Query) and id(each) not in tests_own
    ]
    return {each.sql.decode(): each for each in known if b"set_config(" not in each.sql}


def _by_one(module: ModuleType) -> Iterator[Query[Any]]:
    """What is asked for with one condition each: such statements are written when first wanted."""
    held = vars(module)
    for name in held["_CONDITIONS"]:
        if module is todo_pages:
            yield from (held["statement"](frozenset({name}), sort) for sort in todo_pages.Sort)
        else:
            yield held["_page" if module is jobs else "_statement"](frozenset({name}))


def _explained(statement: Query[Any]) -> str:
    """The statement with PostgreSQL's own parameters."""
    order: list[str] = []
    types = {n: "interval" for n, v in statement.constants.items() if isinstance(v, timedelta)}
    types |= TYPES

    def numbered(found: re.Match[str]) -> str:
        if found[0] == "%%":
            return "%"
        name, cast = found.groups()
        if name not in order:
            order.append(name)
        number = f"${order.index(name) + 1}"
        return f"{number}::{types[name]}" if name in types and not cast else f"{number}{cast or ''}"

    text = re.sub(r"%\((\w+)\)s(::)?|%%", numbered, statement.sql.decode())
    return f"EXPLAIN (GENERIC_PLAN, FORMAT JSON) {text}"


def _plan(connection: psycopg.Connection[Any], statement: Query[Any]) -> dict[str, Any]:
    """In the first role that may."""
    for role in ROLES:
        try:
            with connection.transaction():
                connection.execute(f"SET LOCAL ROLE {role}".encode())
                row = connection.execute(_explained(statement).encode()).fetchone()
        except psycopg.errors.InsufficientPrivilege:
            continue
        assert row is not None
        plan: dict[str, Any] = row[0][0]["Plan"]
        return plan
    raise AssertionError(f"nobody may run {statement.sql!r}")


def _nodes(plan: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield plan
    below: Sequence[Mapping[str, Any]] = plan.get("Plans", ())
    for each in below:
        yield from _nodes(each)


@pytest.fixture
def empty(database_url: str) -> str:
    """A database without rows: how many other tests left would change what is planned."""
    return migrated(database_url, "planned")


def test_every_statement_may_find_its_rows_by_an_index(
    empty: str, statements: Mapping[str, Query[Any]]
) -> None:
    assert len(statements) > 500
    found = {}
    with psycopg.connect(empty, autocommit=True) as connection:
        connection.execute("SET enable_seqscan = off")  # taken then where nothing else is there
        for text, statement in statements.items():
            nodes = list(_nodes(_plan(connection, statement)))
            scanned = {n["Relation Name"] for n in nodes if n["Node Type"] == "Seq Scan"}
            excused = OF_ERASED if "%(user)s" in text else set()
            if scanned - SMALL.keys() - excused:
                found[" ".join(text.split())[:300]] = scanned
    assert found == {}


def test_row_level_security_is_no_condition_of_an_index(database_url: str) -> None:
    """Where it is one, PostgreSQL takes any index that begins with the workspace (0030)."""
    with psycopg.connect(database_url) as connection:
        policies = connection.execute(
            "SELECT tablename, policyname FROM pg_policies"
            " WHERE schemaname = 'public' AND qual LIKE '%= ANY%'"
        ).fetchall()
    assert policies == []
