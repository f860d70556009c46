"""What is kept of what Slack told, and for how long."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from core import clock
from core.db import Database
from core.models.slack_inbound import InboundKind
from core.services import slack_inbound
from core.services.slack_inbound import Ending, Told
from tests.forgetting import forget
from tests.teams import sql


def told(key: str = "1", **changes: str) -> Told:
    values = {"team_id": "T1", "slack_user_id": "U1", **changes}
    return Told(InboundKind.COMMAND, key, body={"text": "x"}, **values)


async def kept(app_db: Database, what: Told) -> bool:
    async with app_db.transaction() as tx:
        return await slack_inbound.take(tx, what, now=clock.now())


def test_an_id_is_of_a_kind_and_a_team() -> None:
    alike = [told(), told(slack_user_id="U2")]
    assert len({each.id for each in alike}) == 1
    others = [told("2"), told(team_id="T2"), Told(InboundKind.EVENT, "1", "T1", "U1", {})]
    assert len({each.id for each in (*alike, *others)}) == 4


async def test_what_is_told_again_is_not_taken_again(app_db: Database) -> None:
    what = told(uuid4().hex)
    assert [await kept(app_db, what), await kept(app_db, what)] == [True, False]


@pytest.mark.parametrize(
    ("age", "answer", "stays"),
    [
        ("6 days", None, True),
        ("8 days", None, False),
        ("25 hours", {"text": "x"}, False),  # nobody takes it any more
        ("23 hours", {"text": "x"}, True),
    ],
)
async def test_it_is_forgotten(
    app_db: Database,
    database_url: str,
    age: str,
    answer: dict[str, str] | None,
    *,
    stays: bool,
) -> None:
    what = told(uuid4().hex)
    await kept(app_db, what)
    async with app_db.transaction() as tx:
        inbound = await slack_inbound.lock(tx, what.id)
        assert inbound is not None
        slack_inbound.done(tx, inbound, Ending("x", answer=answer), now=clock.now())
    await aged(database_url, what.id, age)
    await forget(database_url, "slack_words", "slack")
    async with app_db.transaction() as tx:
        assert (await slack_inbound.get(tx, what.id) is not None) is stays


async def test_the_last_change_is_of_today_and_ones_own(
    app_db: Database, database_url: str
) -> None:
    user, other = uuid4(), uuid4()
    for key in (user, other):
        await sql(database_url, "INSERT INTO users (id) VALUES (%s)", key)
    sets = [uuid4() for _ in range(3)]
    whose = [(user, sets[0], timedelta(hours=2)), (user, sets[1], timedelta(hours=1))]
    for owner, change, ago in [*whose, (other, sets[2], timedelta(0))]:
        what = told(uuid4().hex)
        await kept(app_db, what)
        async with app_db.transaction() as tx:
            inbound = await slack_inbound.lock(tx, what.id)
            assert inbound is not None
            ending = Ending("add", user_id=owner, change_set_id=change)
            slack_inbound.done(tx, inbound, ending, now=clock.now() - ago)
    async with app_db.transaction() as tx:
        now = clock.now()
        assert await slack_inbound.last_change(tx, user, now=now) == sets[1]
        slack_inbound.forget_change(tx, user, sets[1])
        assert await slack_inbound.last_change(tx, user, now=now) == sets[0]
        assert await slack_inbound.last_change(tx, user, now=now + timedelta(days=1)) is None


async def aged(database_url: str, inbound_id: UUID, age: str) -> None:
    await sql(
        database_url,
        "UPDATE slack_inbound SET received_at = now() - %s::interval WHERE id = %s",
        age,
        inbound_id,
    )
