"""Connections of Google Calendar and Slack: made, renewed, set, and what they did."""

from typing import Any
from uuid import UUID

from core.ids import uuid7
from tests.connecting import World, fresh_account, listed
from tests.people import Person
from tests.sandboxes import sandbox
from tests.teams import sql, team
from tests.todos import make


async def test_a_calendar_is_connected_in_a_browser(world: World, ann: Person) -> None:
    email = fresh_account()
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


async def test_connecting_again_renews_what_there_is(world: World, ann: Person) -> None:
    email = fresh_account()
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
        account=fresh_account(),
    )
    other = await world.come_back(back)
    assert other.status_code == 400
    assert "disconnect it first" in other.text
    assert [each["name"] for each in await listed(ann)] == [email]


async def test_another_account_replaces_one_that_no_longer_works(world: World, ann: Person) -> None:
    first = await world.connect(ann, "google-calendar")
    await sql(
        world.database_url,
        "UPDATE connections SET status = 'needs_reauth' WHERE id = %s",
        UUID(first["id"]),
    )
    email = fresh_account()
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
    hers = await world.connect(ann, "google-calendar", workspace_id=str(shared))
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
    found = await world.connect(ann, "google-calendar")
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
    found = await world.connect(ann, "google-calendar")
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
    found = await world.connect(ann, "google-calendar")
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
