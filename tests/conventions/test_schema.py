"""The migrations make what the models describe, all the way up, down and up again."""

import ast
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.pool import NullPool

from core import migrate, schema
from core.models import Table

VERSIONS = schema.SCRIPTS / "versions"
OURS = {"api", "workflows", "activities", "integrations", "core", "worker", "tests"}


def differences(url: str) -> list[object]:
    engine = create_engine(migrate.sqlalchemy_url(url), poolclass=NullPool)
    with engine.connect() as connection:
        options = {"compare_type": True, "compare_server_default": True}
        context = MigrationContext.configure(connection, opts=options)
        return list(compare_metadata(context, Table.metadata))


def test_the_models_describe_what_is_migrated(database_url: str) -> None:
    assert differences(database_url) == []


def test_alembic_finds_the_revisions_that_their_names_tell() -> None:
    found = ScriptDirectory(str(schema.SCRIPTS))
    assert schema.known() == [each.revision for each in found.walk_revisions()][::-1]
    assert schema.head() == found.get_current_head()


def test_up_down_and_up_again(database_url: str) -> None:
    url = make_url(migrate.sqlalchemy_url(database_url))
    admin = create_engine(url, poolclass=NullPool, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text("CREATE DATABASE scratch"))
    scratch = url.set(database="scratch", drivername="postgresql")
    address = scratch.render_as_string(hide_password=False)
    try:
        migrate.run(address)
        migrate.run(address, "base")
        engine = create_engine(migrate.sqlalchemy_url(address), poolclass=NullPool)
        with engine.connect() as connection:
            left = connection.execute(
                text(
                    "SELECT relname FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace"
                    " WHERE nspname = 'public' AND relkind IN ('r', 'S', 'v')"
                    " UNION SELECT proname FROM pg_proc JOIN pg_namespace n ON n.oid = pronamespace"
                    " WHERE nspname = 'public'"
                )
            ).scalars()
            assert set(left) == {"alembic_version"}
        migrate.run(address)
        migrate.run(address)  # harmless when it is there already
        assert differences(address) == []
    finally:
        with admin.connect() as connection:
            connection.execute(text("DROP DATABASE scratch WITH (FORCE)"))


@pytest.mark.parametrize("path", sorted(VERSIONS.glob("*.py")), ids=lambda path: path.name)
def test_migrations_import_no_project_code(path: Path) -> None:
    imported = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            imported |= {name.name.partition(".")[0] for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0
            imported.add((node.module or "").partition(".")[0])
    assert not imported & OURS
