"""From the button that Slack shows to somebody unknown, to the connection of that very member."""

from datetime import UTC, datetime, timedelta

import httpx2
import pytest

from core import clock, crypto
from core.rules import slack_links
from core.rules.slack_links import LIFETIME, Member
from tests.connecting import World
from tests.people import PASSWORD, Person
from tests.teams import sql

LINK = "/api/v1/integrations/slack/link"
TEAM = "T0SANDBOX"
ALICE, BOB = "U0000000002", "U0000000003"


def token(world: World, user: str = ALICE, *, now: datetime | None = None) -> str:
    key = crypto.derive(world.app.state.keys.encryption, slack_links.PURPOSE)
    return slack_links.token(key, Member(TEAM, user), now=now or clock.now())


async def sent(world: World, **fields: str) -> httpx2.Response:
    return await world.http.post(LINK, data=fields, headers={"Accept": "text/html"})


async def member(world: World, user: str) -> list[tuple[object, ...]]:
    return await sql(
        world.database_url, "SELECT user_id FROM slack_members WHERE slack_user_id = %s", user
    )


async def test_one_signs_in_allows_it_and_is_known(world: World, ann: Person) -> None:
    link = token(world)
    form = await world.http.get(LINK, params={"token": link})
    assert form.status_code == 200
    assert "form-action 'self' http://127.0.0.1:" in form.headers["content-security-policy"]
    assert f'value="{link}"' in form.text
    onward = await sent(world, token=link, email=str(ann.email), password=PASSWORD)
    assert onward.status_code == 303, onward.text
    back = world.consent(onward.headers["location"], approve="1", account=ALICE)
    done = await world.come_back(back)
    assert done.status_code == 200, done.text
    assert await member(world, ALICE) == [(ann.id,)]


async def test_another_member_cannot_finish_it(world: World, ann: Person) -> None:
    onward = await sent(world, token=token(world), email=str(ann.email), password=PASSWORD)
    back = world.consent(onward.headers["location"], approve="1", account=BOB)
    refused = await world.come_back(back)
    assert refused.status_code == 400
    assert "another account than the one this link was made for" in refused.text
    assert (ann.id,) not in await member(world, BOB)


async def test_a_wrong_password_shows_the_form_again(world: World, ann: Person) -> None:
    answer = await sent(world, token=token(world), email=str(ann.email), password="x" * 20)
    assert answer.status_code == 401
    assert "The e-mail address or the password is wrong.<" in answer.text
    assert '<input name="password"' in answer.text


async def test_the_tries_are_counted(world: World, ann: Person) -> None:
    statuses = [
        (await sent(world, token=token(world), email=str(ann.email), password="x" * 20)).status_code
        for _ in range(12)
    ]
    assert statuses == [401] * 10 + [429] * 2


@pytest.mark.parametrize("wrong", ["late", "changed", "nothing", "noise"])
async def test_another_link_asks_for_no_password(world: World, ann: Person, wrong: str) -> None:
    late = token(world, now=datetime.now(UTC) - LIFETIME - timedelta(seconds=1))
    link = {
        "late": late,
        "changed": token(world)[:-4] + "AAAA",
        "nothing": "",
        "noise": "%ff|§\N{SNOWMAN}",
    }[wrong]
    form = await world.http.get(LINK, params={"token": link})
    assert form.status_code == 404
    assert "password" not in form.text
    onward = await sent(world, token=link, email=str(ann.email), password=PASSWORD)
    assert onward.status_code == 404


async def test_what_is_no_form_is_no_link(world: World) -> None:
    for body in (b"", b"\xff\x00", b"&" * 100, b'{"token": 1}'):
        assert (await world.http.post(LINK, content=body)).status_code == 404
