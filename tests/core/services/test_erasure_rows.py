"""Every table says how its rows go with their person."""

from sqlalchemy import Table as SqlTable
from sqlalchemy import UniqueConstraint

from core.models import Table
from core.rules import data_map
from core.services import erasure_rows
from core.services.erasure_rows import PLAN, STAYS, UNKNOWN
from tests.teams import sql


def test_every_table_goes_or_stays_for_a_reason() -> None:
    assert frozenset() == UNKNOWN, "say in core/services/erasure_rows.py how its rows go"
    assert STAYS.keys() <= Table.metadata.tables.keys()
    assert not STAYS.keys() & {each.table for each in PLAN}


def test_whatever_names_a_person_is_found_by_them() -> None:
    """Without an index, each erasure reads the whole table, twice."""
    unfound = {
        f"{table.name}.{key.parent.name}"
        for table in Table.metadata.sorted_tables
        for key in table.foreign_keys
        if key.target_fullname == "users.id" and key.parent.name not in _leading(table)
    }
    assert unfound == {"oauth_states.user_id"}  # rows of ten minutes


def _leading(table: SqlTable) -> set[str]:
    """The columns that an index of all rows begins with."""
    keys = [table.primary_key, *(c for c in table.constraints if isinstance(c, UniqueConstraint))]
    whole = [each for each in table.indexes if each.dialect_options["postgresql"]["where"] is None]
    columns = (*(each.columns for each in keys), *(each.columns for each in whole))
    return {column.name for each in columns for column in list(each)[:1]}


def test_a_blob_is_named_by_one_of_the_known_columns() -> None:
    found = {
        table.name
        for table in Table.metadata.sorted_tables
        if {"blob", "parts"} & set(table.columns.keys())
    }
    assert found == erasure_rows.BLOBS.keys()


def test_what_stays_is_what_the_data_map_says() -> None:
    # They go, in a step of their own.
    last = {"users", "workspaces", "memberships", "executions", "subject_keys"}
    kept = {
        name
        for name, table in data_map.read().tables.items()
        if all(column.erase is data_map.Erase.KEEP for column in table.columns.values())
    }
    assert kept == STAYS.keys() - last


async def test_the_eraser_may_delete_what_goes_and_nothing_that_proves(database_url: str) -> None:
    may = dict(
        await sql(
            database_url,
            "SELECT relname, has_table_privilege('vt_eraser', oid, 'SELECT, DELETE')"
            " AND (NOT relrowsecurity OR EXISTS (SELECT FROM pg_policy WHERE polrelid = c.oid"
            " AND 'vt_eraser'::regrole = ANY (polroles)))"
            " FROM pg_class c WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'",
        )
    )
    assert [each.table for each in PLAN if not may[each.table]] == []
    proof = ("audit_log", "erasures", "erasure_ledger", "erasure_receipts", "data_requests")
    rights = await sql(
        database_url,
        "SELECT t FROM unnest(%s::text[]) t WHERE has_table_privilege('vt_eraser', t, 'DELETE')",
        list(proof),
    )
    assert rights == []
