"""Endpoints as people manage them: what is refused, what is sealed, how secrets change."""

from base64 import b64decode
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from core.actor import Actor
from core.crypto import Keyring
from core.db import Database
from core.errors import Conflict, Invalid, NotFound
from core.models.webhooks import DisabledReason, WebhookStatus
from core.services import webhook_deliveries, webhook_endpoints
from core.services.webhook_endpoints import Created, Draft
from tests.reminding import Scene, scene

NOW = datetime(2026, 5, 1, 9, 0, tzinfo=UTC)
RING = Keyring((b"k" * 32,))
URL = "https://hooks.example.com/in"


@pytest.fixture
def at(database_url: str) -> Scene:
    return scene(database_url, [])


def who(at: Scene) -> Actor:
    return Actor(at.user_id, uuid4())


async def create(db: Database, at: Scene, draft: Draft | None = None) -> Created:
    async with db.transaction() as tx:
        tx.act_in([at.user_id], at.user_id)
        return await webhook_endpoints.create(
            tx,
            who(at),
            at.user_id,
            draft or Draft(URL, ["*"]),
            ring=RING,
            sandbox_url=None,
            now=NOW,
        )


async def change(db: Database, at: Scene, endpoint_id: UUID, **changes: Any) -> None:
    async with db.transaction() as tx:
        tx.act_in([at.user_id], at.user_id)
        await webhook_endpoints.change(
            tx, who(at), endpoint_id, changes, ring=RING, sandbox_url=None, now=NOW
        )


async def test_its_secret_is_told_once_and_kept_sealed(app_db: Database, at: Scene) -> None:
    made = await create(app_db, at)
    assert made.secret.startswith("whsec_")
    secret = b64decode(made.secret.removeprefix("whsec_"))
    assert 24 <= len(secret) <= 64
    [stored] = at.rows("SELECT * FROM webhook_endpoints WHERE user_id = %s", at.user_id)
    assert secret not in bytes(stored["secret"])
    assert made.secret not in repr(made)
    async with app_db.transaction(read_only=True) as tx:
        tx.act_in([at.user_id], at.user_id)
        assert await webhook_endpoints.get(tx, who(at), made.endpoint.id, ring=RING) == (
            made.endpoint
        )
        found = await webhook_endpoints.page(
            tx, who(at), at.user_id, after=None, limit=10, ring=RING
        )
    assert found == [made.endpoint]


async def test_a_secret_signs_on_beside_its_successor_for_a_while(
    app_db: Database, at: Scene
) -> None:
    made = await create(app_db, at)
    async with app_db.transaction() as tx:
        tx.act_in([at.user_id], at.user_id)
        rotated = await webhook_endpoints.rotate(tx, who(at), made.endpoint.id, ring=RING, now=NOW)
    assert rotated.secret != made.secret
    assert rotated.endpoint.previous_secret_until == NOW + timedelta(hours=24)
    assert rotated.endpoint.public_key == made.endpoint.public_key
    async with app_db.transaction() as tx:
        tx.act_in([at.user_id], at.user_id)
        rotated = await webhook_endpoints.rotate(
            tx, who(at), made.endpoint.id, overlap=timedelta(0), ring=RING, now=NOW
        )
    assert rotated.endpoint.previous_secret_until is None


@pytest.mark.parametrize(
    ("draft", "pointer"),
    [
        (Draft("http://hooks.example.com/", ["*"]), "/url"),
        (Draft("https://127.0.0.1/", ["*"]), "/url"),
        (Draft("https://169.254.169.254/latest", ["*"]), "/url"),
        (Draft("https://user:pw@hooks.example.com/", ["*"]), "/url"),
        (Draft(URL, ["todo.created", "todo.invented"]), "/events/1"),
        (Draft(URL, ["*.created"]), "/events/0"),
        (Draft(URL, []), "/events"),
    ],
)
async def test_what_cannot_be_an_endpoint_is_refused(
    app_db: Database, at: Scene, draft: Draft, pointer: str
) -> None:
    with pytest.raises(Invalid) as refused:
        await create(app_db, at, draft)
    assert refused.value.pointer == pointer


async def test_a_workspace_has_twenty_at_most(app_db: Database, at: Scene) -> None:
    for _ in range(20):
        await create(app_db, at)
    with pytest.raises(Conflict, match="at most 20"):
        await create(app_db, at)


async def test_nobody_elses_is_found(app_db: Database, at: Scene, database_url: str) -> None:
    made = await create(app_db, at)
    stranger = scene(database_url, [])
    with pytest.raises(NotFound):
        await change(app_db, stranger, made.endpoint.id, url=URL)


async def test_disabled_it_gives_up_what_waits_and_takes_no_test(
    app_db: Database, at: Scene
) -> None:
    made = await create(app_db, at)
    async with app_db.transaction() as tx:
        tx.act_in([at.user_id], at.user_id)
        trial = await webhook_deliveries.test(tx, who(at), made.endpoint.id, now=NOW)
    assert (trial.status, trial.event_seq) == (WebhookStatus.PENDING, None)
    await change(app_db, at, made.endpoint.id, status="disabled")
    [endpoint] = at.rows("SELECT * FROM webhook_endpoints WHERE user_id = %s", at.user_id)
    assert (endpoint["disabled_reason"], endpoint["next_at"]) == (DisabledReason.BY_HAND, None)
    async with app_db.transaction() as tx:
        tx.act_in([at.user_id], at.user_id)
        left = await webhook_deliveries.get(tx, who(at), made.endpoint.id, trial.id)
        with pytest.raises(Conflict):
            await webhook_deliveries.test(tx, who(at), made.endpoint.id, now=NOW)
    assert left.delivery.status == WebhookStatus.FAILED
    await change(app_db, at, made.endpoint.id, status="active", events=["todo.*"])
    [endpoint] = at.rows("SELECT * FROM webhook_endpoints WHERE user_id = %s", at.user_id)
    assert (endpoint["status"], endpoint["disabled_reason"]) == ("active", None)
    assert endpoint["events"] == ["todo.*"]


async def test_what_was_sent_is_listed_and_sent_again(app_db: Database, at: Scene) -> None:
    made = await create(app_db, at)
    endpoint_id = made.endpoint.id
    async with app_db.transaction() as tx:
        tx.act_in([at.user_id], at.user_id)
        tests = [await webhook_deliveries.test(tx, who(at), endpoint_id, now=NOW) for _ in range(3)]
    tests.sort(key=lambda each: each.id)  # made within a millisecond
    at.run(
        "UPDATE webhook_deliveries SET status = 'failed', tries = 10, attempts = 10,"
        " next_at = NULL, event_seq = 1000 + attempts + extract(epoch FROM now())"
        " WHERE id = %s",
        tests[0].id,
    )
    async with app_db.transaction() as tx:
        tx.act_in([at.user_id], at.user_id)
        first = await webhook_deliveries.page(tx, who(at), endpoint_id, before=None, limit=2)
        rest = await webhook_deliveries.page(tx, who(at), endpoint_id, before=tests[1].id, limit=2)
        failed = await webhook_deliveries.page(
            tx, who(at), endpoint_id, status=WebhookStatus.FAILED, before=None, limit=2
        )
        again = await webhook_deliveries.redeliver_range(
            tx, who(at), endpoint_id, since=NOW, now=NOW
        )
        one = await webhook_deliveries.redeliver(tx, who(at), endpoint_id, tests[0].id, now=NOW)
    assert [each.id for each in first] == [each.id for each in reversed(tests)]
    assert [each.id for each in rest] == [tests[0].id]
    assert [each.id for each in failed] == [tests[0].id]
    assert again == 1
    assert (one.status, one.attempts, one.message_id) == (
        WebhookStatus.PENDING,
        10,
        tests[0].message_id,
    )
