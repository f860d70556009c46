"""An endpoint as it stands in its table, as it is answered, and the statements of endpoints."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Self
from uuid import UUID

from core.crypto import Keyring
from core.services import webhook_secrets
from core.statements import Query, row


@dataclass(frozen=True, slots=True)
class Endpoint:
    """`disabled_reason` is null while it is active. `public_key` verifies `v1a` signatures.

    `failing_since`: of the failures that no success has ended. `previous_secret_until`: until then
    deliveries are signed with the secret before this one, too.
    """

    id: UUID
    workspace_id: UUID
    url: str
    description: str
    events: list[str]
    payload: str
    status: str
    disabled_reason: str | None
    public_key: str
    previous_secret_until: datetime | None
    failing_since: datetime | None
    last_success_at: datetime | None
    last_failure_at: datetime | None
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Row:
    id: UUID
    workspace_id: UUID
    url: str
    description: str
    events: list[str]
    payload: str
    status: str
    disabled_reason: str | None
    signing_key: bytes = field(repr=False)
    previous_until: datetime | None
    failing_since: datetime | None
    last_success_at: datetime | None
    last_failure_at: datetime | None
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of_row(cls, *values: Any) -> Self:
        return cls(*values)

    def answer(self, ring: Keyring) -> Endpoint:
        seed = webhook_secrets.unseal(
            ring, "signing_key", self.id, self.workspace_id, self.signing_key
        )
        return Endpoint(
            self.id,
            self.workspace_id,
            self.url,
            self.description,
            self.events,
            self.payload,
            self.status,
            self.disabled_reason,
            webhook_secrets.public_key(seed),
            self.previous_until,
            self.failing_since,
            self.last_success_at,
            self.last_failure_at,
            self.created_at,
            self.updated_at,
        )


_COLUMNS: Final = b"""
    id, workspace_id, url, description, events, payload, status, disabled_reason, signing_key,
    previous_until, failing_since, last_success_at, last_failure_at, created_at, updated_at
"""
# Only in one's own workspaces, by the key; `place` asks for the right to write.
_MINE: Final = (
    b"FROM webhook_endpoints WHERE id = %(id)s"
    b" AND workspace_id = ANY ((SELECT vt_readable())::uuid[])"
)
GET: Final = Query(
    b"SELECT" + _COLUMNS + _MINE,
    Row.of_row,
    {},
    writes=False,
)
LOCK: Final = Query(
    b"SELECT" + _COLUMNS + _MINE + b" FOR NO KEY UPDATE",
    Row.of_row,
    {},
    writes=False,
)
PAGE: Final = Query(
    b"SELECT"
    + _COLUMNS
    + b"FROM webhook_endpoints WHERE workspace_id = %(workspace_id)s AND id > %(after)s"
    b" ORDER BY id LIMIT %(limit)s",
    Row.of_row,
    {},
    writes=False,
)
COUNT: Final = Query(
    b"SELECT count(*) FROM webhook_endpoints WHERE workspace_id = %(workspace_id)s",
    row,
    {},
    writes=False,
)
ADD: Final = Query(
    b"""
    INSERT INTO webhook_endpoints (workspace_id, id, user_id, url, description, events, payload,
        secret, signing_key, lane, seq, created_at, updated_at)
    VALUES (%(workspace_id)s, %(id)s, %(user_id)s, %(url)s, %(description)s, %(events)s,
        %(payload)s, %(secret)s, %(signing_key)s, %(lane)s, %(seq)s, %(now)s, %(now)s)
    RETURNING """
    + _COLUMNS,
    Row.of_row,
    {},
    writes=True,
)
# What another address did, or asked for, says nothing of the new one.
CHANGE: Final = Query(
    b"""
    UPDATE webhook_endpoints SET
        url = %(url)s, description = %(description)s, events = %(events)s, payload = %(payload)s,
        hold_until = CASE WHEN url = %(url)s THEN hold_until END,
        failures = CASE WHEN url = %(url)s THEN failures ELSE 0 END,
        failing_since = CASE WHEN url = %(url)s THEN failing_since END,
        next_at = CASE WHEN url = %(url)s OR status <> 'active' THEN next_at ELSE %(now)s END,
        updated_at = %(now)s
    WHERE workspace_id = %(workspace_id)s AND id = %(id)s
    RETURNING """
    + _COLUMNS,
    Row.of_row,
    {},
    writes=True,
)
# Who switches it on answers for it from then on, and it begins with what happens from then on.
ENABLE: Final = Query(
    b"""
    UPDATE webhook_endpoints SET
        status = 'active', disabled_reason = NULL, user_id = %(user_id)s, seq = %(seq)s,
        hold_until = NULL, failures = 0, failing_since = NULL, next_at = NULL
    WHERE workspace_id = %(workspace_id)s AND id = %(id)s
    """,
    row,
    {},
    writes=True,
)
DISABLE: Final = Query(
    b"""
    UPDATE webhook_endpoints SET
        status = 'disabled', disabled_reason = %(reason)s, next_at = NULL,
        updated_at = %(now)s
    WHERE workspace_id = %(workspace_id)s AND id = %(id)s AND status = 'active'
    RETURNING id
    """,
    row,
    {},
    writes=True,
)
GIVE_UP: Final = Query(
    b"""
    UPDATE webhook_deliveries SET status = 'failed', next_at = NULL,
        error = 'the endpoint was disabled'
    WHERE workspace_id = %(workspace_id)s AND endpoint_id = %(id)s AND status = 'pending'
    """,
    row,
    {},
    writes=True,
)
ROTATE: Final = Query(
    b"""
    UPDATE webhook_endpoints SET secret = %(secret)s, secret_previous = %(previous)s,
        previous_until = %(previous_until)s, updated_at = %(now)s
    WHERE workspace_id = %(workspace_id)s AND id = %(id)s
    RETURNING """
    + _COLUMNS,
    Row.of_row,
    {},
    writes=True,
)
SECRET: Final = Query(
    b"SELECT secret FROM webhook_endpoints WHERE workspace_id = %(workspace_id)s AND id = %(id)s",
    row,
    {},
    writes=False,
)
REMOVE: Final = Query(
    b"DELETE FROM webhook_endpoints WHERE workspace_id = %(workspace_id)s AND id = %(id)s",
    row,
    {},
    writes=True,
)
