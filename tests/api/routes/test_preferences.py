"""How a person is told: defaults, replaced as a whole, and the digest that follows."""

from datetime import UTC, datetime
from typing import Any

import pytest

from core.rules.digests import Plan, jitter
from tests.people import Person
from tests.teams import sql
from tests.todos import refusal

PATH = "/me/notification-preferences"
DEFAULTS: dict[str, Any] = {
    "channels": {"reminder": None, "digest": None},
    "quiet_hours": None,
    "digest": {"frequency": "off", "at": "07:30", "weekday": "monday"},
    "muted_lists": [],
    "paused_until": None,
    "escalation": None,
}
ALL: dict[str, Any] = {
    "channels": {"reminder": ["push", "in_app"], "digest": ["email", "push"]},
    "quiet_hours": {"start": "22:00", "end": "07:00"},
    "digest": {"frequency": "weekly", "at": "08:15", "weekday": "friday"},
    "muted_lists": ["01890a5d-ac96-774b-bcce-b302099a8057"],
    "paused_until": "2031-01-01T00:00:00Z",
    "escalation": {"after": "PT10M", "to": "email"},
}


async def test_defaults_are_said_and_what_is_got_can_be_put(alice: Person) -> None:
    found = await alice.get(PATH)
    assert found.json() == DEFAULTS
    again = await alice.put(PATH, json=found.json(), headers={"If-Match": found.headers["etag"]})
    assert (again.status_code, again.json()) == (200, DEFAULTS)
    put = await alice.put(PATH, json=ALL)
    assert put.json() == ALL == (await alice.get(PATH)).json()
    assert (await alice.put(PATH, json={})).json() == DEFAULTS


async def test_put_replaces_ours_and_keeps_a_clients_own(alice: Person) -> None:
    await alice.patch("/me", json={"preferences": {"theme": "dark", "quiet_hours": QUIET}})
    await alice.put(PATH, json={"channels": {"reminder": ["email"]}})
    found = (await alice.get("/me")).json()["preferences"]
    assert found == {"theme": "dark", "channels": {"reminder": ["email"]}}
    await alice.patch("/me", json={"preferences": {"channels": {"digest": ["slack"]}}})
    channels = (await alice.get(PATH)).json()["channels"]
    assert channels == {"reminder": ["email"], "digest": ["slack"]}


QUIET = {"start": "22:00", "end": "07:00"}


async def test_an_older_version_is_refused_and_a_known_one_not_sent_again(alice: Person) -> None:
    etag = (await alice.get(PATH)).headers["etag"]
    assert (await alice.get(PATH, headers={"If-None-Match": etag})).status_code == 304
    assert (await alice.put(PATH, json=ALL, headers={"If-Match": etag})).status_code == 200
    assert (await alice.put(PATH, json={}, headers={"If-Match": etag})).status_code == 412


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"digest": {"frequency": "hourly"}}, "/digest/frequency"),
        ({"digest": {"at": "7:30"}}, "/digest/at"),
        ({"digest": {"weekday": "mon"}}, "/digest/weekday"),
        ({"channels": {"reminder": ["pigeon"]}}, "/channels/reminder/0"),
        ({"channels": {"gossip": []}}, "/channels/gossip"),
        ({"quiet_hours": {"start": "08:00", "end": "08:00"}}, "/quiet_hours"),
        ({"escalation": {"after": "PT30S"}}, "/escalation/after"),
        ({"escalation": {"after": "PT13H"}}, "/escalation/after"),
        ({"escalation": {"to": "slack"}}, "/escalation/to"),
        ({"muted_lists": ["x"]}, "/muted_lists/0"),
        ({"paused_until": "2031-01-01"}, "/paused_until"),
        ({"theme": "dark"}, "/theme"),
    ],
)
async def test_what_is_no_preference_is_refused(
    alice: Person, body: dict[str, Any], pointer: str
) -> None:
    assert refusal(await alice.put(PATH, json=body))[:2] == (422, pointer)
    if "theme" not in body:  # that is a client's own there
        wrapped = await alice.patch("/me", json={"preferences": body})
        assert refusal(wrapped)[:2] == (422, f"/preferences{pointer}")


async def test_the_digest_is_armed_with_the_plan_the_zone_and_not_without(
    alice: Person, database_url: str
) -> None:
    async def armed() -> list[tuple[Any, ...]]:
        return await sql(
            database_url,
            "SELECT next_at, period, armed_zone, arm_no FROM digests WHERE id = %s",
            alice.id,
        )

    async def expected(zone: str) -> datetime:
        slot = Plan.of({"frequency": "daily"}).next(datetime.now(UTC), zone, alice.id)
        assert slot is not None
        assert jitter(alice.id) <= slot.at - datetime(2020, 1, 1, tzinfo=UTC)
        return slot.at

    assert await armed() == []
    await alice.put(PATH, json={"digest": {"frequency": "daily"}})
    [(next_at, period, zone, arm_no)] = await armed()
    assert (next_at, zone, arm_no) == (await expected("UTC"), "UTC", 1)
    await alice.patch("/me", json={"preferences": {"theme": "dark"}})
    assert (await armed())[0] == (next_at, period, zone, 1)  # nothing new was said of it
    await alice.patch("/me", json={"timezone": "Asia/Kolkata"})
    [(next_at, _, zone, arm_no)] = await armed()
    assert (next_at, zone, arm_no) == (await expected("Asia/Kolkata"), "Asia/Kolkata", 2)
    await alice.patch("/me", json={"preferences": {"digest": None}})
    assert (await armed())[0][::3] == (None, 3)
