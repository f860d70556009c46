"""Push subscriptions, deliveries to one of them, and links in messages that work once."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

NOW = sa.text("now()")
KINDS = ("reminder", "verification")


def upgrade() -> None:
    _allow_kinds(*KINDS, "test")  # first: what it commits can be done again
    op.add_column("deliveries", sa.Column("target_id", sa.Uuid(), nullable=True))
    op.create_table(
        "push_subscriptions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=True),
        sa.Column("endpoint", sa.Text(), nullable=False),
        sa.Column("p256dh", sa.Text(), nullable=False),
        sa.Column("auth", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("failures", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=NOW, nullable=False),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["users.id"],
            name=op.f("fk_push_subscriptions_user_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["session_id"],
            ["sessions.id"],
            name=op.f("fk_push_subscriptions_session_id"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_push_subscriptions")),
        sa.UniqueConstraint(
            "user_id", "endpoint", name=op.f("uq_push_subscriptions_user_id_endpoint")
        ),
    )
    op.create_index(op.f("ix_push_subscriptions_session_id"), "push_subscriptions", ["session_id"])
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON push_subscriptions TO vt_app")
    op.create_table(
        "used_actions",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_used_actions_user_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["workspaces.id"],
            name=op.f("fk_used_actions_workspace_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("pk_used_actions")),
    )
    op.create_index(op.f("ix_used_actions_expires_at"), "used_actions", ["expires_at"])
    op.execute("ALTER TABLE used_actions ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE used_actions FORCE ROW LEVEL SECURITY")
    op.execute("GRANT SELECT, INSERT, UPDATE ON used_actions TO vt_app")
    for policy in POLICIES:
        op.execute(policy)
    op.execute("GRANT SELECT, DELETE ON used_actions TO vt_worker")
    op.execute("CREATE POLICY finds ON used_actions TO vt_worker USING (true) WITH CHECK (true)")
    op.execute(ACT_FOR)


READS = "workspace_id = ANY ((SELECT vt_readable())::uuid[])"
WRITES = "workspace_id = ANY ((SELECT vt_writable())::uuid[])"
POLICIES = (
    f"CREATE POLICY reads ON used_actions FOR SELECT TO vt_app USING ({READS})",
    f"CREATE POLICY adds ON used_actions FOR INSERT TO vt_app WITH CHECK ({WRITES})",
    f"CREATE POLICY changes ON used_actions FOR UPDATE TO vt_app USING ({WRITES}) WITH CHECK ({WRITES})",
)

# As `vt_enter`, for whoever shows a link that was sent to this person instead of a session.
ACT_FOR = """
CREATE FUNCTION vt_act_for(p_user uuid, p_key text, p_limit int, p_seconds int)
RETURNS TABLE (
    timezone text, all_day_time time, email_verified boolean,
    workspaces uuid[], roles text[], clocks timestamptz[], hits int, resets_at timestamptz
) LANGUAGE plpgsql AS $$
DECLARE
    v_writable uuid[];
BEGIN
    SELECT u.timezone, u.all_day_time, u.email_verified_at IS NOT NULL
    INTO timezone, all_day_time, email_verified
    FROM users u WHERE u.id = p_user AND u.status = 'active';
    IF NOT FOUND THEN
        RAISE EXCEPTION 'account closed' USING ERRCODE = 'VT401';
    END IF;
    SELECT h.hits, h.resets_at INTO hits, resets_at FROM vt_hit(p_key, p_limit, p_seconds) h;
    PERFORM set_config('vt.user', p_user::text, true);
    SELECT array_agg(m.workspace_id), array_agg(m.role),
           array_agg(m.workspace_id) FILTER (WHERE m.role <> 'viewer')
    INTO workspaces, roles, v_writable
    FROM memberships m WHERE m.user_id = p_user;
    PERFORM set_config('vt.readable', coalesce(workspaces::text, ''), true),
            set_config('vt.writable', coalesce(v_writable::text, ''), true);
    SELECT array_agg(w.clock_at ORDER BY n) INTO clocks
    FROM unnest(workspaces) WITH ORDINALITY AS a(id, n) JOIN workspaces w ON w.id = a.id;
    RETURN NEXT;
END $$
"""


def _allow_kinds(*kinds: str) -> None:
    """Checked without a lock that anybody waits for."""
    allowed = ", ".join(f"'{kind}'" for kind in kinds)
    op.execute("ALTER TABLE deliveries DROP CONSTRAINT IF EXISTS ck_deliveries_kind")
    op.execute(
        "ALTER TABLE deliveries ADD CONSTRAINT ck_deliveries_kind"
        f" CHECK (kind IN ({allowed})) NOT VALID"
    )
    with op.get_context().autocommit_block():
        op.execute("ALTER TABLE deliveries VALIDATE CONSTRAINT ck_deliveries_kind")


def downgrade() -> None:
    op.execute("DELETE FROM deliveries WHERE kind = 'test'")
    _allow_kinds(*KINDS)
    op.drop_column("deliveries", "target_id")
    op.execute("DROP FUNCTION vt_act_for(uuid, text, int, int)")
    op.drop_table("used_actions")
    op.drop_table("push_subscriptions")
