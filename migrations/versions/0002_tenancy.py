"""Row-level security, the roles it speaks of, and the one door to it.

`vt_app` does the work of people, row by row. `vt_worker` finds what is due across tenants.
Neither owns a table nor bypasses row-level security; it is forced, so the owner does not either.
"""

from alembic import op

revision = "0002"
down_revision = "0001"

ROLES = """
DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'vt_app') THEN CREATE ROLE vt_app NOLOGIN; END IF;
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'vt_worker') THEN CREATE ROLE vt_worker NOLOGIN; END IF;
    EXECUTE format('GRANT vt_app, vt_worker TO %I', current_user);
END $$
"""

# An unset setting reads as '' once a transaction has set it locally: both mean nobody.
FUNCTIONS = """
CREATE FUNCTION vt_user() RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE AS
$$ SELECT nullif(current_setting('vt.user', true), '')::uuid $$;

CREATE FUNCTION vt_readable() RETURNS uuid[] LANGUAGE sql STABLE PARALLEL SAFE AS
$$ SELECT coalesce(nullif(current_setting('vt.readable', true), '')::uuid[], '{}') $$;

CREATE FUNCTION vt_writable() RETURNS uuid[] LANGUAGE sql STABLE PARALLEL SAFE AS
$$ SELECT coalesce(nullif(current_setting('vt.writable', true), '')::uuid[], '{}') $$;

CREATE FUNCTION vt_hit(p_key text, p_limit int, p_seconds int)
RETURNS TABLE (hits int, resets_at timestamptz) LANGUAGE plpgsql AS $$
BEGIN
    RETURN QUERY
    INSERT INTO rate_limits AS r (key, hits, resets_at)
    VALUES (p_key, 1, now() + make_interval(secs => p_seconds))
    ON CONFLICT (key) DO UPDATE SET
        hits = CASE WHEN r.resets_at <= now() THEN 1 ELSE r.hits + 1 END,
        resets_at = CASE WHEN r.resets_at <= now() THEN excluded.resets_at ELSE r.resets_at END
    WHERE r.resets_at <= now() OR r.hits < p_limit
    RETURNING r.hits, r.resets_at;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'too many requests' USING ERRCODE = 'VT429', HINT = p_limit::text, DETAIL =
            (SELECT extract(epoch FROM r.resets_at - now())::text FROM rate_limits r WHERE r.key = p_key);
    END IF;
END $$;

CREATE FUNCTION vt_enter(
    p_session uuid, p_user uuid, p_key text, p_limit int, p_seconds int, p_claim bytea
)
RETURNS TABLE (
    timezone text, all_day_time time, email_verified boolean,
    workspaces uuid[], roles text[], clocks timestamptz[], hits int, resets_at timestamptz
) LANGUAGE plpgsql AS $$
DECLARE
    v_writable uuid[];
BEGIN
    IF p_claim IS NOT NULL THEN
        PERFORM vt_claim_key(p_claim);
    END IF;
    SELECT u.timezone, u.all_day_time, u.email_verified_at IS NOT NULL
    INTO timezone, all_day_time, email_verified
    FROM sessions s JOIN users u ON u.id = s.user_id
    WHERE s.id = p_session AND s.user_id = p_user AND s.revoked_at IS NULL
      AND s.expires_at > now() AND u.status = 'active';
    IF NOT FOUND THEN
        RAISE EXCEPTION 'session ended' USING ERRCODE = 'VT401';
    END IF;
    SELECT h.hits, h.resets_at INTO hits, resets_at FROM vt_hit(p_key, p_limit, p_seconds) h;
    PERFORM set_config('vt.user', p_user::text, true);
    SELECT array_agg(m.workspace_id), array_agg(m.role),
           array_agg(m.workspace_id) FILTER (WHERE m.role <> 'viewer')
    INTO workspaces, roles, v_writable
    FROM memberships m WHERE m.user_id = p_user;
    PERFORM set_config('vt.readable', coalesce(workspaces::text, ''), true),
            set_config('vt.writable', coalesce(v_writable::text, ''), true);
    IF workspaces = ARRAY[p_user] THEN
        clocks := ARRAY[NULL::timestamptz]; -- a personal workspace has no clock of its own
    ELSE
        SELECT array_agg(w.clock_at ORDER BY n) INTO clocks
        FROM unnest(workspaces) WITH ORDINALITY AS a(id, n) JOIN workspaces w ON w.id = a.id;
    END IF;
    RETURN NEXT;
END $$;

-- Locks the key for this transaction; tells by its error that another holds it, or that it was used.
CREATE FUNCTION vt_claim_key(p_key bytea) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF NOT pg_try_advisory_xact_lock(('x' || encode(substr(p_key, 1, 8), 'hex'))::bit(64)::bigint) THEN
        RAISE EXCEPTION 'key in flight' USING ERRCODE = 'VT409';
    END IF;
    IF EXISTS (SELECT FROM idempotency_keys k WHERE k.key_hash = p_key) THEN
        RAISE EXCEPTION 'key used' USING ERRCODE = 'VT208';
    END IF;
END $$;

-- The last statement of a change. Feeds are locked in the order of their ids, so that two batches
-- cannot wait for each other; each gives its numbers out in the order of the commits.
CREATE FUNCTION vt_leave(
    p_events jsonb, p_actor uuid, p_change_set uuid,
    p_key bytea, p_request bytea, p_status int, p_answer bytea
) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF p_key IS NOT NULL THEN
        INSERT INTO idempotency_keys (key_hash, request_hash, status, answer)
        VALUES (p_key, p_request, p_status, p_answer);
    END IF;
    IF jsonb_array_length(p_events) > 1 THEN
        PERFORM FROM feeds WHERE workspace_id IN (
            SELECT (e ->> 'workspace_id')::uuid FROM jsonb_array_elements(p_events) e
        ) ORDER BY workspace_id FOR UPDATE;
    END IF;
    IF p_events IS NOT NULL THEN
        WITH e AS (
            SELECT *, row_number() OVER (PARTITION BY workspace_id ORDER BY nth) AS step
            FROM ROWS FROM (jsonb_to_recordset(p_events) AS (
                workspace_id uuid, type text, subject_id uuid, changed text[], before jsonb
            )) WITH ORDINALITY AS e(workspace_id, type, subject_id, changed, before, nth)
        ), numbered AS (
            UPDATE feeds SET seq = feeds.seq + c.n
            FROM (SELECT workspace_id, count(*) AS n FROM e GROUP BY workspace_id) c
            WHERE feeds.workspace_id = c.workspace_id
            RETURNING feeds.workspace_id, feeds.seq - c.n AS base
        )
        INSERT INTO events
            (workspace_id, seq, type, subject_id, actor_id, change_set_id, changed, before)
        SELECT workspace_id, base + step, type, subject_id, p_actor, p_change_set, changed, before
        FROM e JOIN numbered USING (workspace_id);
    END IF;
END $$;

-- Ends an implicit transaction without trace: a pipeline has no ROLLBACK that spares prepared statements.
CREATE FUNCTION vt_abort() RETURNS void LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'rolled back' USING ERRCODE = 'VT000'; END $$;

CREATE FUNCTION vt_refuse_change() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME; END $$;

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON audit_log
FOR EACH ROW EXECUTE FUNCTION vt_refuse_change();
"""

# table -> what vt_app may do to the rows of its workspaces
TENANT_TABLES = {
    "lists": "SELECT, INSERT, UPDATE, DELETE",
    "todos": "SELECT, INSERT, UPDATE, DELETE",
    "reminders": "SELECT, INSERT, UPDATE, DELETE",
    "leases": "SELECT, INSERT, UPDATE, DELETE",
    "deliveries": "SELECT, INSERT, UPDATE",
    "notifications": "SELECT, INSERT, UPDATE, DELETE",
    "feeds": "SELECT, INSERT, UPDATE",
    "events": "SELECT, INSERT",
}
IDENTITY_TABLES = {
    "users": "SELECT, INSERT, UPDATE",
    "sessions": "SELECT, INSERT, UPDATE",
    "refresh_tokens": "SELECT, INSERT, UPDATE",
    "rate_limits": "SELECT, INSERT, UPDATE, DELETE",
    "idempotency_keys": "SELECT, INSERT",
    "audit_log": "SELECT, INSERT",
    "outbox": "INSERT",
    "executions": "UPDATE, SELECT",
    "alembic_version": "SELECT",
}
WORKER = {
    # One harmless column may be written: without it a row could not be locked while it is claimed.
    "reminders": "SELECT, UPDATE (lane)",
    "leases": "SELECT, INSERT, UPDATE, DELETE",
    "deliveries": "SELECT",
    "users": "SELECT",
    "workspaces": "SELECT",
    "outbox": "SELECT, INSERT, UPDATE, DELETE",
    "executions": "SELECT, INSERT, UPDATE, DELETE",
    "idempotency_keys": "SELECT, DELETE",
    "rate_limits": "SELECT, DELETE",
}
GUARDED = (*TENANT_TABLES, "memberships", "workspaces")


def upgrade() -> None:
    op.execute(ROLES)
    op.execute(FUNCTIONS)
    for table in GUARDED:
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    for table, rights in TENANT_TABLES.items():
        op.execute(f"GRANT {rights} ON {table} TO vt_app")
        _guard(table, "workspace_id")
    op.execute("GRANT SELECT, INSERT ON workspaces TO vt_app")
    _guard("workspaces", "id")
    # One's own memberships are read before any workspace is known.
    op.execute("GRANT SELECT, INSERT ON memberships TO vt_app")
    op.execute(
        "CREATE POLICY reads ON memberships FOR SELECT TO vt_app USING "
        "(user_id = vt_user() OR workspace_id = ANY ((SELECT vt_readable())::uuid[]))"
    )
    op.execute(
        "CREATE POLICY adds ON memberships FOR INSERT TO vt_app WITH CHECK "
        "(workspace_id = ANY ((SELECT vt_writable())::uuid[]))"
    )
    for table, rights in IDENTITY_TABLES.items():
        op.execute(f"GRANT {rights} ON {table} TO vt_app")
    for table, rights in WORKER.items():
        op.execute(f"GRANT {rights} ON {table} TO vt_worker")
        if table in GUARDED:
            op.execute(
                f"CREATE POLICY finds ON {table} TO vt_worker USING (true) WITH CHECK (true)"
            )


def _guard(table: str, column: str) -> None:
    # The sub-select makes the setting be parsed once a statement, not once a row, and
    # uuid equality is leak-proof, so the primary key serves the policy as an index condition.
    reads = f"{column} = ANY ((SELECT vt_readable())::uuid[])"
    writes = f"{column} = ANY ((SELECT vt_writable())::uuid[])"
    op.execute(f"CREATE POLICY reads ON {table} FOR SELECT TO vt_app USING ({reads})")
    op.execute(f"CREATE POLICY adds ON {table} FOR INSERT TO vt_app WITH CHECK ({writes})")
    op.execute(
        f"CREATE POLICY changes ON {table} FOR UPDATE TO vt_app USING ({writes}) WITH CHECK ({writes})"
    )
    op.execute(f"CREATE POLICY removes ON {table} FOR DELETE TO vt_app USING ({writes})")


def downgrade() -> None:
    for table in GUARDED:
        for policy in ("reads", "adds", "changes", "removes", "finds"):
            op.execute(f"DROP POLICY IF EXISTS {policy} ON {table}")
        op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY")
    for table in {*TENANT_TABLES, *IDENTITY_TABLES, *WORKER, "memberships", "workspaces"}:
        op.execute(f"REVOKE ALL ON {table} FROM vt_app, vt_worker")
    op.execute("DROP TRIGGER append_only ON audit_log")
    op.execute("DROP FUNCTION vt_refuse_change(), vt_abort(), vt_claim_key(bytea)")
    op.execute("DROP FUNCTION vt_leave(jsonb, uuid, uuid, bytea, bytea, int, bytea)")
    op.execute("DROP FUNCTION vt_enter(uuid, uuid, text, int, int, bytea)")
    op.execute("DROP FUNCTION vt_hit(text, int, int), vt_writable(), vt_readable(), vt_user()")
    # The roles stay: they belong to the cluster, and another database of it may use them.
