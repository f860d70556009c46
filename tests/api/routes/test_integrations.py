"""Connecting Google Calendar and Slack, as browsers, scripts and attackers do it.

The ids in the names are those of the list of what must hold: OAuth connect is 10, tokens at rest
are 11.
"""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from shutil import copytree
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit
from uuid import UUID, uuid4

import pytest

from core import crypto
from core.crypto import Keyring
from core.db import Database
from core.epochs import Epochs, SubjectRing
from core.errors import KeysMissing
from core.ids import uuid7
from core.keys import Keys
from core.models.connections import Provider
from core.services import connections, reseals
from tests.connecting import World, connected_world
from tests.people import Person, register
from tests.sandboxes import sandbox
from tests.teams import sql, team
from tests.todos import make

PROVIDERS = ("google-calendar", "slack")


@pytest.fixture(scope="module")
async def world(
    database_url: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[World]:
    async with connected_world(database_url, tmp_path_factory.mktemp("connecting")) as world:
        yield world


@pytest.fixture
async def ann(world: World) -> Person:
    return await register(world.http, "ann")


@pytest.fixture
async def ben(world: World) -> Person:
    return await register(world.http, "ben")


def account(provider: str) -> str:
    """Of a fresh Google account; Slack's sandbox has one workspace."""
    return f"{uuid4().hex[:12]}@sandbox.test" if provider == "google-calendar" else ""


async def listed(person: Person) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await person.get("/integrations")).json()["data"]
    return found


def changed(location: str, **values: str | None) -> str:
    parts = urlsplit(location)
    query = {**dict(parse_qsl(parts.query)), **values}
    kept = {name: value for name, value in query.items() if value is not None}
    return urlunsplit(parts._replace(query=urlencode(kept)))


async def test_a_calendar_is_connected_in_a_browser(world: World, ann: Person) -> None:
    email = account("google-calendar")
    url = await world.begin(ann, "google-calendar")
    back = world.consent(url, approve="1", account=email)
    page = await world.come_back(back, headers={"accept": "text/html"})
    assert page.status_code == 200
    assert page.headers["content-type"].startswith("text/html")
    assert email in page.text
    assert ann.email is not None
    assert ann.email in page.text
    [found] = await listed(ann)
    assert found["provider"] == "google_calendar"
    assert found["name"] == email
    assert found["status"] == "active"
    assert found["workspace_id"] == str(ann.id)
    assert found["settings"] == {
        "calendar_id": "primary",
        "calendar_name": "",
        "events_become_todos": "tagged",
    }
    assert found["sync"]["state"] == "idle"
    assert (await ann.get(f"/integrations/{found['id']}")).json() == found


async def test_slack_is_connected_and_its_member_is_known(world: World, ann: Person) -> None:
    found = await world.connect(ann, "slack", "")
    assert found["provider"] == "slack"
    assert found["name"]
    assert found["settings"] == {"digest_channel": None}
    assert found["sync"] is None
    rows = await sql(
        world.database_url,
        "SELECT m.user_id, m.workspace_id FROM slack_members m JOIN connections c"
        " ON c.id = m.connection_id AND c.address = m.slack_user_id AND c.account_id = m.team_id"
        " WHERE c.id = %s",
        UUID(found["id"]),
    )
    assert rows == [(ann.id, ann.id)]


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
    first = world.consent(url, approve="1", account=account(provider))
    again = world.consent(url, approve="1", account=account(provider))  # another code
    assert (await world.come_back(first)).status_code == 200
    before = await listed(ann)
    for replayed in (first, again):
        assert (await world.come_back(replayed)).status_code == 400
    assert await listed(ann) == before


async def test_10_of_many_that_come_at_once_one_counts(world: World, ann: Person) -> None:
    url = await world.begin(ann, "google-calendar")
    codes = [world.consent(url, approve="1", account=account("google-calendar")) for _ in range(10)]
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
    assert await world.connect(ann, provider, account(provider))


async def test_connecting_again_renews_what_there_is(world: World, ann: Person) -> None:
    email = account("google-calendar")
    first = await world.connect(ann, "google-calendar", email)
    await sql(
        world.database_url,
        "UPDATE connections SET status = 'needs_reauth', problem = 'x' WHERE id = %s",
        UUID(first["id"]),
    )
    again = await world.connect(ann, "google-calendar", email)
    assert (again["id"], again["status"], again["problem"]) == (first["id"], "active", None)
    back = world.consent(
        await world.begin(ann, "google-calendar"),
        approve="1",
        account=account("google-calendar"),
    )
    other = await world.come_back(back)
    assert other.status_code == 400
    assert "disconnect it first" in other.text
    assert [each["name"] for each in await listed(ann)] == [email]


async def test_another_account_replaces_one_that_no_longer_works(world: World, ann: Person) -> None:
    first = await world.connect(ann, "google-calendar", account("google-calendar"))
    await sql(
        world.database_url,
        "UPDATE connections SET status = 'needs_reauth' WHERE id = %s",
        UUID(first["id"]),
    )
    email = account("google-calendar")
    other = await world.connect(ann, "google-calendar", email)
    assert other["id"] != first["id"]
    assert [each["name"] for each in await listed(ann)] == [email]


async def test_nobody_connects_where_they_may_not(world: World, ann: Person, ben: Person) -> None:
    shared = await team(world.database_url, owner=ann, viewer=ben)
    where = f"?workspace_id={shared}"
    for path, status in (
        (f"slack/connect{where}", 403),
        (f"slack/connect?workspace_id={ann.id}", 404),
    ):
        assert (await ben.post(f"/integrations/{path}")).status_code == status
    own_clock = await sandbox(ben)
    answer = await ben.post(f"/integrations/slack/connect?workspace_id={own_clock}")
    assert answer.status_code == 409
    hers = await world.connect(
        ann, "google-calendar", account("google-calendar"), workspace_id=str(shared)
    )
    assert hers["workspace_id"] == str(shared)
    assert await listed(ben) == [], "what one connects is nobody else's to see"
    for method, path in (
        ("GET", ""),
        ("PATCH", ""),
        ("DELETE", ""),
        ("GET", "/activity"),
    ):
        sent: dict[str, Any] = {"json": {}} if method == "PATCH" else {}
        answer = await ben.request(method, f"/integrations/{hers['id']}{path}", **sent)
        assert answer.status_code == 404, (method, path)


async def test_settings_are_those_of_the_provider(world: World, ann: Person) -> None:
    found = await world.connect(ann, "google-calendar", account("google-calendar"))
    path = f"/integrations/{found['id']}"
    answer = await ann.patch(path, json={"events_become_todos": "all", "calendar_id": "work"})
    assert answer.status_code == 200, answer.text
    settings = answer.json()["settings"]
    assert (settings["calendar_id"], settings["events_become_todos"]) == ("work", "all")
    assert (await ann.patch(path, json={})).json()["settings"] == settings
    for body, pointer in (
        ({"digest_channel": "C1"}, "/digest_channel"),
        ({"calendar_id": None}, "/calendar_id"),
        ({"events_become_todos": "some"}, "/events_become_todos"),
        ({"status": "active"}, "/status"),
    ):
        refused = await ann.patch(path, json=body)
        assert refused.status_code == 422
        assert refused.json()["errors"][0]["pointer"] == pointer


async def test_what_it_did_is_read_newest_first(world: World, ann: Person) -> None:
    found = await world.connect(ann, "google-calendar", account("google-calendar"))
    for nth in range(5):
        await sql(
            world.database_url,
            "INSERT INTO connection_activity"
            " (workspace_id, id, connection_id, at, direction, action, count)"
            " VALUES (%s, %s, %s, now(), 'wrote', 'event.created', %s)",
            ann.id,
            uuid7(),
            UUID(found["id"]),
            nth + 1,
        )
    path = f"/integrations/{found['id']}/activity"
    first = (await ann.get(path, params={"limit": 3})).json()
    assert [each["count"] for each in first["data"]] == [5, 4, 3]
    rest = (await ann.get(path, params={"limit": 3, "cursor": first["next_cursor"]})).json()
    assert [each["count"] for each in rest["data"]] == [2, 1]
    assert not rest["has_more"]
    assert set(first["data"][0]) == {
        "id", "at", "direction", "action", "todo_id", "remote_id", "reason", "count", "title",
    }  # fmt: skip


async def test_what_it_did_is_told_in_words(world: World, ann: Person, ben: Person) -> None:
    found = await world.connect(ann, "google-calendar", account("google-calendar"))
    mine, other = await make(ann, "Water the plants"), await make(ben, "Ben's own")
    for todo, action in ((mine, "event.changed"), (mine, "event.not_tagged"), (other, "x")):
        await sql(
            world.database_url,
            "INSERT INTO connection_activity"
            " (workspace_id, id, connection_id, at, direction, action, todo_id)"
            " VALUES (%s, %s, %s, now(), 'skipped', %s, %s)",
            ann.id,
            uuid7(),
            UUID(found["id"]),
            action,
            UUID(todo["id"]),
        )
    path = f"/integrations/{found['id']}/activity"
    told = (await ann.get(path)).json()["data"]
    assert [(each["title"], each["reason"]) for each in told] == [
        (None, None),
        ("Water the plants", "neither its title nor its description says #todo"),
        ("Water the plants", None),
    ]


async def test_11_what_is_kept_is_sealed_and_told_to_nobody(world: World, ann: Person) -> None:
    found = await world.connect(ann, "google-calendar", account("google-calendar"))
    [(sealed, hashed)] = await sql(
        world.database_url,
        "SELECT secret, secret_hash FROM connections WHERE id = %s",
        UUID(found["id"]),
    )
    aad = crypto.place("connections", "secret", UUID(found["id"]), ann.id)
    token = world.ring_of(ann.id).unseal(bytes(sealed), aad=aad)
    assert token.startswith(b"1//")
    assert token not in bytes(sealed)
    assert crypto.digest(token.decode()) == bytes(hashed)
    everything = [
        (await ann.get(path)).text
        for path in ("/integrations", f"/integrations/{found['id']}", "/me", "/events")
    ]
    assert not any(token.decode() in each for each in everything)


async def test_11_a_ciphertext_that_was_moved_does_not_open(
    world: World, app_db: Database, ann: Person, ben: Person
) -> None:
    hers = await world.connect(ann, "google-calendar", account("google-calendar"))
    his = await world.connect(ben, "google-calendar", account("google-calendar"))
    await sql(
        world.database_url,
        "UPDATE connections SET secret = (SELECT secret FROM connections WHERE id = %s)"
        " WHERE id = %s",
        UUID(hers["id"]),
        UUID(his["id"]),
    )
    async with app_db.transaction(read_only=True) as tx:
        tx.act_in([ann.id, ben.id])
        provider = Provider.GOOGLE_CALENDAR
        assert await connections.find(tx, ann.id, ann.id, provider, ring=world.ring)
        assert await connections.find(tx, ben.id, ben.id, provider, ring=world.ring) is None


async def test_11_keys_change_while_it_is_used(
    world: World, app_db: Database, ann: Person, tmp_path: Path
) -> None:
    """The new key seals, the older one still opens; sealed anew, only the new one is needed."""
    found = await world.connect(ann, "google-calendar", account("google-calendar"))
    own_keys: Keys = world.app.state.keys
    older, newer = own_keys.ring.keys, (crypto.new_key(),)
    folder = Path(copytree(own_keys.ring.epochs.folder, tmp_path / "epochs"))

    def ring_with(*keys: bytes) -> SubjectRing:
        return SubjectRing(keys, Epochs(folder, Keyring(keys)))

    async def opened(*keys: bytes) -> str:
        async with app_db.transaction(read_only=True) as tx:
            tx.act_in([ann.id])
            ring = ring_with(*keys).of(connections.PURPOSE)
            one = await connections.by_id(tx, ann.id, UUID(found["id"]), ring=ring)
        assert one is not None
        return one.secret.get_secret_value()

    token = await opened(*older)
    assert await opened(*newer, *older) == token
    with pytest.raises(KeysMissing):
        await opened(*newer)
    both = ring_with(*newer, *older)
    try:
        told = {(each.table, each.column): each for each in reseals.run(world.database_url, both)}
        assert told["key_epochs", "files"].resealed >= 1
        assert await opened(*newer) == token
        with pytest.raises(KeysMissing):
            await opened(*older)
    finally:  # the files of the server that others use are the old ones
        by = own_keys.ring.epochs.sealed_by
        changed = "UPDATE key_epochs SET sealed_by = %s WHERE sealed_by = %s RETURNING epoch"
        assert await sql(world.database_url, changed, by, both.epochs.sealed_by)
