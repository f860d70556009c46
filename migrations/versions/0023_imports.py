"""Files that people bring, what became of each row of them, and what came before."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0023"
down_revision = "0022"

NOW = sa.text("now()")
JOBS = ("clock", "zone_change", "voice_memo", "calendar_sync", "export", "import")
READS = "workspace_id = ANY ((SELECT vt_readable())::uuid[])"
WRITES = "workspace_id = ANY ((SELECT vt_writable())::uuid[])"
POLICIES = (
    f"CREATE POLICY reads ON {{table}} FOR SELECT TO vt_app USING ({READS})",
    f"CREATE POLICY adds ON {{table}} FOR INSERT TO vt_app WITH CHECK ({WRITES})",
    f"CREATE POLICY changes ON {{table}} FOR UPDATE TO vt_app USING ({WRITES}) WITH CHECK ({WRITES})",
    f"CREATE POLICY removes ON {{table}} FOR DELETE TO vt_app USING ({WRITES})",
)
TABLES = ("imports", "import_rows", "import_refs")


def upgrade() -> None:
    _allow_jobs(*JOBS, "import_undo")  # first: what it commits can be done again
    _imports()
    _rows()
    _refs()
    for table in TABLES:
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO vt_app")
        for policy in POLICIES:
            op.execute(policy.format(table=table))
    # What nobody undoes any more, and files whose end was lost, are found across all tenants.
    op.execute("GRANT SELECT, UPDATE (blob, blob_key, updated_at), DELETE ON imports TO vt_worker")
    op.execute("CREATE POLICY finds ON imports TO vt_worker USING (true) WITH CHECK (true)")


def _imports() -> None:
    op.create_table(
        "imports",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("format", sa.Text(), nullable=True),
        sa.Column("dry_run", sa.Boolean(), nullable=False),
        sa.Column("file_name", sa.Text(), nullable=True),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.LargeBinary(), nullable=False),
        sa.Column("blob", sa.Text(), nullable=True),
        sa.Column("blob_key", sa.LargeBinary(), nullable=True),
        sa.Column("change_set_id", sa.Uuid(), nullable=False),
        sa.Column("done", sa.Integer(), server_default="0", nullable=False),
        sa.Column("report", postgresql.JSONB(), server_default="{}", nullable=False),
        sa.Column("list_ids", postgresql.ARRAY(sa.Uuid()), server_default="{}", nullable=False),
        sa.Column("undo_id", sa.Uuid(), nullable=True),
        sa.Column("undone_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=NOW, nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=NOW, nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        _one_of("imports", "format", "localstorage", "todoist-csv", "ics", "json"),
        sa.CheckConstraint(
            "(blob IS NULL) = (blob_key IS NULL)", name=op.f("ck_imports_blob_has_its_key")
        ),
        _of_person("imports"),
        *_of_workspace("imports"),
    )
    op.create_index(
        op.f("ix_imports_user_id_created_at_id"), "imports", ["user_id", "created_at", "id"]
    )
    op.create_index(op.f("ix_imports_blob"), "imports", ["blob"], unique=True)
    op.create_index(op.f("ix_imports_expires_at"), "imports", ["expires_at"])


def _rows() -> None:
    op.create_table(
        "import_rows",
        sa.Column("import_id", sa.Uuid(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("ref", sa.Text(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("todo_id", sa.Uuid(), nullable=True),
        sa.Column("code", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("excerpt", sa.Text(), nullable=False),
        sa.Column("lost", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False),
        sa.Column("taken", sa.Text(), nullable=True),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        _one_of("import_rows", "outcome", "created", "existed", "rejected", "skipped"),
        _one_of("import_rows", "taken", "back", "kept"),
        sa.ForeignKeyConstraint(
            ["workspace_id", "import_id"],
            ["imports.workspace_id", "imports.id"],
            name="fk_import_rows_import_id",
            ondelete="CASCADE",
        ),
        *_of_workspace("import_rows"),
        sa.UniqueConstraint(
            "workspace_id",
            "import_id",
            "n",
            name=op.f("uq_import_rows_workspace_id_import_id_n"),
        ),
    )


def _refs() -> None:
    op.create_table(
        "import_refs",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("todo_id", sa.Uuid(), nullable=True),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id", "todo_id"],
            ["todos.workspace_id", "todos.id"],
            name="fk_import_refs_todo_id",
            ondelete="SET NULL (todo_id)",
        ),
        _of_person("import_refs"),
        *_of_workspace("import_refs"),
    )
    op.create_index(
        op.f("ix_import_refs_workspace_id_todo_id"),
        "import_refs",
        ["workspace_id", "todo_id"],
        postgresql_where=sa.text("todo_id IS NOT NULL"),
    )
    op.create_index(op.f("ix_import_refs_user_id"), "import_refs", ["user_id"])


def _one_of(table: str, column: str, *values: str) -> sa.CheckConstraint:
    allowed = ", ".join(f"'{value}'" for value in values)
    return sa.CheckConstraint(f"{column} IN ({allowed})", name=op.f(f"ck_{table}_{column}"))


def _of_person(table: str) -> sa.Constraint:
    return sa.ForeignKeyConstraint(
        ["user_id"], ["users.id"], name=op.f(f"fk_{table}_user_id"), ondelete="CASCADE"
    )


def _of_workspace(table: str) -> list[sa.Constraint]:
    return [
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["workspaces.id"],
            name=op.f(f"fk_{table}_workspace_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f(f"pk_{table}")),
    ]


def _allow_jobs(*kinds: str) -> None:
    """Checked without a lock that anybody waits for."""
    allowed = ", ".join(f"'{kind}'" for kind in kinds)
    op.execute("ALTER TABLE jobs DROP CONSTRAINT IF EXISTS ck_jobs_kind")
    op.execute(
        f"ALTER TABLE jobs ADD CONSTRAINT ck_jobs_kind CHECK (kind IN ({allowed})) NOT VALID"
    )
    with op.get_context().autocommit_block():
        op.execute("ALTER TABLE jobs VALIDATE CONSTRAINT ck_jobs_kind")


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table)
    op.execute("DELETE FROM jobs WHERE kind = 'import_undo'")
    _allow_jobs(*JOBS)
