"""Who comes back from a provider, and what their state opens: once, soon, theirs.

The id in the names is that of the list of what must hold: OAuth connect is 10.
"""

import asyncio
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import pytest

from core import crypto
from tests.connecting import World, fresh_account, listed
from tests.people import Person
from tests.teams import sql

PROVIDERS = ("google-calendar", "slack")


def changed(location: str, **values: str | None) -> str:
    parts = urlsplit(location)
    query = {**dict(parse_qsl(parts.query)), **values}
    kept = {name: value for name, value in query.items() if value is not None}
    return urlunsplit(parts._replace(query=urlencode(kept)))


async def test_10_only_the_least_is_asked_for_with_a_challenge(world: World, ann: Person) -> None:
    scopes = {
        "google-calendar": {
            "https://www.googleapis.com/auth/calendar.events",
            "https://www.googleapis.com/auth/calendar.calendarlist.readonly",
        },
        "slack": {
            "channels:history",
            "chat:write",
            "commands",
            "groups:history",
            "im:history",
            "im:write",
        },
    }
    for provider in PROVIDERS:
        asked = dict(parse_qsl(urlsplit(await world.begin(ann, provider)).query))
        assert set(asked["scope"].replace(",", " ").split()) == scopes[provider]
        assert asked["code_challenge_method"] == "S256"
        assert len(asked["code_challenge"]) == 43
        assert len(asked["state"]) >= 43
        assert "code_verifier" not in asked


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_10_a_state_is_good_once(world: World, ann: Person, provider: str) -> None:
    url = await world.begin(ann, provider)
    first = world.consent(url, approve="1", account=fresh_account(provider))
    again = world.consent(url, approve="1", account=fresh_account(provider))  # another code
    assert (await world.come_back(first)).status_code == 200
    before = await listed(ann)
    for replayed in (first, again):
        assert (await world.come_back(replayed)).status_code == 400
    assert await listed(ann) == before


async def test_10_of_many_that_come_at_once_one_counts(world: World, ann: Person) -> None:
    url = await world.begin(ann, "google-calendar")
    codes = [world.consent(url, approve="1", account=fresh_account()) for _ in range(10)]
    answers = await asyncio.gather(*(world.come_back(code) for code in codes))
    assert sorted(answer.status_code for answer in answers) == [200, *[400] * 9]


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_10_without_a_state_of_ours_nothing_is_stored(
    world: World, ann: Person, provider: str
) -> None:
    since = world.latest()
    good = world.consent(await world.begin(ann, provider), approve="1")
    for state in (None, "", "x", "x" * 43, "x" * 5000, "\x00", "ä"):
        answer = await world.come_back(changed(good, state=state))
        assert answer.status_code in {400, 422}, state
    assert await listed(ann) == []
    assert world.ledger("google_calendar", since) == []
    assert "oauth.v2.access" not in world.ledger("slack", since)


async def test_10_a_state_is_its_providers(world: World, ann: Person) -> None:
    for provider, other in zip(PROVIDERS, reversed(PROVIDERS), strict=True):
        back = world.consent(await world.begin(ann, provider), approve="1")
        wrong = back.replace(f"/{provider}/", f"/{other}/")
        assert wrong != back
        assert (await world.come_back(wrong)).status_code == 400
        assert (await world.come_back(back)).status_code == 400, "it was shown, so it is used"
    assert await listed(ann) == []


async def test_10_a_state_is_its_sessions(world: World, ann: Person, ben: Person) -> None:
    back = world.consent(await world.begin(ann, "google-calendar"), approve="1")
    assert (await world.come_back(back, headers=ben.headers)).status_code == 400
    assert await listed(ann) == await listed(ben) == []
    back = world.consent(await world.begin(ann, "google-calendar"), approve="1")
    assert (await ann.post("/auth/logout")).is_success
    assert (await world.come_back(back)).status_code == 400
    assert await sql(
        world.database_url, "SELECT count(*) FROM connections WHERE user_id = %s", ann.id
    ) == [(0,)]


async def test_10_a_state_lasts_ten_minutes(world: World, ann: Person) -> None:
    answer = await ann.post("/integrations/google-calendar/connect")
    back = world.consent(answer.json()["authorize_url"], approve="1")
    [(seconds,)] = await sql(
        world.database_url,
        "SELECT extract(epoch FROM expires_at - created_at)::int FROM oauth_states"
        " WHERE user_id = %s",
        ann.id,
    )
    assert 590 <= seconds <= 600
    await sql(
        world.database_url,
        "UPDATE oauth_states SET expires_at = now() - interval '1 second' WHERE user_id = %s",
        ann.id,
    )
    assert (await world.come_back(back)).status_code == 400
    assert await listed(ann) == []


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_10_the_provider_checks_the_verifier(
    world: World, ann: Person, provider: str
) -> None:
    """A code that was let in with another challenge, put beside her state, gives nothing."""
    hers = world.consent(await world.begin(ann, provider), approve="1")
    foreign = changed(await world.begin(ann, provider), code_challenge="x" * 43)
    code = dict(parse_qsl(urlsplit(world.consent(foreign, approve="1")).query))["code"]
    answer = await world.come_back(changed(hers, code=code))
    assert answer.status_code == 502
    assert await listed(ann) == []


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_10_who_does_not_allow_it_connects_nothing(
    world: World, ann: Person, provider: str
) -> None:
    back = world.consent(await world.begin(ann, provider), deny="1")
    answer = await world.come_back(back, headers={"accept-language": "de"})
    assert answer.status_code == 400
    assert "nicht erlaubt" in answer.text
    assert await listed(ann) == []
    assert (await world.come_back(changed(back, error=None, code="4/x"))).status_code == 400


async def test_10_with_less_than_is_needed_nothing_is_stored(world: World, ann: Person) -> None:
    """A person may untick permissions at Google."""
    back = world.consent(
        await world.begin(ann, "google-calendar"),
        approve="1",
        granted="https://www.googleapis.com/auth/calendar.events",
    )
    answer = await world.come_back(back)
    assert answer.status_code == 400
    assert "Not all of the permissions" in answer.text
    assert await listed(ann) == []


async def test_10_the_verifier_is_sealed_and_the_state_hashed(world: World, ann: Person) -> None:
    url = await world.begin(ann, "google-calendar")
    state = dict(parse_qsl(urlsplit(url).query))["state"]
    [(hashed, sealed)] = await sql(
        world.database_url,
        "SELECT state_hash, verifier_sealed FROM oauth_states WHERE user_id = %s",
        ann.id,
    )
    assert bytes(hashed) == crypto.digest(state)
    assert len(bytes(sealed)) > 64
    assert not bytes(sealed).isascii()


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize(
    "fault",
    [
        {"status": 503},
        {"status": 429, "headers": {"Retry-After": "1"}},
        {"status": 200, "body": "garbage"},
        {"status": 200, "body": []},
        {"status": 200, "body": {"ok": True}},
        {"status": 302, "headers": {"Location": "http://127.0.0.1:1/"}},
        {"drop": "before"},
        {"drop": "after"},
    ],
    ids=str,
)
async def test_a_failing_provider_stores_nothing_and_can_be_tried_again(
    world: World, ann: Person, provider: str, fault: dict[str, Any]
) -> None:
    kind = "oauth.token" if provider == "google-calendar" else "oauth.v2.access"
    back = world.consent(await world.begin(ann, provider), approve="1")
    world.fault(provider.replace("-", "_"), kind=kind, **fault)
    answer = await world.come_back(back)
    assert answer.status_code == 502
    assert "Begin again" in answer.text
    assert await listed(ann) == []
    assert await world.connect(ann, provider)
